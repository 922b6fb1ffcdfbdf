FROM python:3.12-slim
WORKDIR /app
COPY requirements.txt .
RUN apt-get update \
    && python -m pip install --upgrade pip
RUN pip install --no-cache-dir -r requirements.txt
