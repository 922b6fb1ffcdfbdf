ARG PY_VER
FROM python:${PY_VER}-slim-bookworm
COPY requirements.txt .
RUN pip install -r requirements.txt
