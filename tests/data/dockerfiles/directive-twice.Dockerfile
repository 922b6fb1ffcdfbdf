# syntax=docker/dockerfile:1
# syntax=docker/dockerfile:1.4
FROM python:3.9
