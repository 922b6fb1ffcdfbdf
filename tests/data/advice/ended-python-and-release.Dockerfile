FROM --platform=linux/amd64 docker.io/library/python:3.7.9-slim-buster AS app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
