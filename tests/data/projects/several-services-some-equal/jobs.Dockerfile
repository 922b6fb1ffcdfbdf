FROM python:3.12-slim-bookworm
COPY requirements*.txt ./
RUN pip install -r requirements.txt -r requirements-jobs.txt
