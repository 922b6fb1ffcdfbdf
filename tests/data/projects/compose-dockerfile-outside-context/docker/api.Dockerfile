FROM python:3.10-slim-bookworm
COPY requirements.txt .
RUN pip install -r requirements.txt
COPY views.pyz .
