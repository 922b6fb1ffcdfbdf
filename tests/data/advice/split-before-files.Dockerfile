FROM python:3.12-slim
WORKDIR /app
RUN pip install --no-cache-dir gunicorn==23.0.0
RUN pip install --no-cache-dir uvicorn==0.32.0
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
