# syntax = registry.example.com/frontend:2
FROM python:3.12
INCLUDE common.dockerfile
COPY requirements.txt /
RUN pip install -r /requirements.txt
