ARG VERSION=3.9
FROM python:${VERSION}-slim-bookworm
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
