FROM python:3.12-slim
ENV PIP_NO_CACHE_DIR=off
COPY requirements.txt .
RUN --mount=type=cache,target=/root/.cache/pip pip install -r requirements.txt
