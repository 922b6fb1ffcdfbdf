FROM python:3.11-slim-bookworm
COPY requirements.txt /req/
RUN pip install -r /req/requirements.txt
COPY app /app
