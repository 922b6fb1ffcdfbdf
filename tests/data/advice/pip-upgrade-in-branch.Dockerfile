FROM python:3.12-slim
WORKDIR /app
COPY requirements.txt .
RUN set -e; (pip install --no-cache-dir -U pip); pip install --no-cache-dir -r requirements.txt
