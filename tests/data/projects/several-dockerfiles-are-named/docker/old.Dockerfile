FROM python:3.9-slim-bookworm
COPY requirements.txt .
RUN pip install -r requirements.txt
