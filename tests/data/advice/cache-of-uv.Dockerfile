FROM python:3.12-slim
COPY --from=ghcr.io/astral-sh/uv:0.8 /uv /bin/
COPY requirements.txt .
RUN uv pip install --system -r requirements.txt
