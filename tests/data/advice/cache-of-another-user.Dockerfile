FROM python:3.12-slim
WORKDIR /app
USER nobody
COPY requirements.txt .
RUN pip install -r requirements.txt
