FROM python:3.12-slim
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY dev.txt .
RUN pip install --no-cache-dir -r dev.txt
