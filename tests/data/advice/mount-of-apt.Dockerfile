FROM python:3.12-slim
COPY requirements.txt .
RUN --mount=type=cache,target=/var/cache/apt \
    apt-get update && apt-get install -y libpq5 \
    && pip install --no-cache-dir -r requirements.txt
