ARG PY=3.9
FROM python:${PY}-slim-bookworm
COPY requirements.txt .
RUN pip install -r requirements.txt
COPY app app
