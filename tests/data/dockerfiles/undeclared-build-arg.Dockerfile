FROM python:${TAG}
