FROM python:3.11-slim-bookworm
COPY requirements.txt .
RUN pip install -r requirements.txt
COPY api api
