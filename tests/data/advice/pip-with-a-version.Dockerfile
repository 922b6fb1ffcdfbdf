FROM python:3.12-slim
WORKDIR /app
RUN pip install --no-cache-dir --upgrade pip==25.0
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
