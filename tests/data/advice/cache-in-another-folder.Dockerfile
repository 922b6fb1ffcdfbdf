FROM python:3.12-slim
WORKDIR /app
COPY requirements.txt .
RUN --mount=type=cache,target=/pip pip install --cache-dir /pip -r requirements.txt
