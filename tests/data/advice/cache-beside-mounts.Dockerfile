FROM python:3.12-slim
WORKDIR /app
COPY requirements.txt dev.txt ./
RUN --mount=type=cache,target=/root/.cache/pip pip install -r requirements.txt
WORKDIR /srv
RUN pip install -r /app/dev.txt
