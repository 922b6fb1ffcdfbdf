ARG REGISTRY=docker.io
ARG PYTHON=3.11.4
ARG BASE=${REGISTRY}/library/python:${PYTHON%.*}-slim
FROM $BASE AS app
COPY requirements.txt /
RUN pip install -r /requirements.txt
