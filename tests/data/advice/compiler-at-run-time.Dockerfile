FROM python:3.12-slim
WORKDIR /app
RUN apt-get update && apt-get install -y g++
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
