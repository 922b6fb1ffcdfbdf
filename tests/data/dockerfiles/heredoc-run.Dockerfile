# syntax=docker/dockerfile:1
FROM python:3.11
COPY requirements.txt /tmp/
RUN <<EOF
set -ex
apt-get update
FROM=python:2.7
pip install --no-cache-dir -r /tmp/requirements.txt
EOF
WORKDIR /app
