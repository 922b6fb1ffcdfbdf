# escape=^
FROM python:3.9
