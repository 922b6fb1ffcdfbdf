ARG PYTHON_VERSION=3.8
ARG VARIANT=slim-bullseye
FROM python:${PYTHON_VERSION}-${VARIANT}
ARG VARIANT
COPY requirements/${VARIANT}.txt /tmp/seen.txt
COPY requirements/${PYTHON_VERSION}.txt /tmp/unseen.txt
RUN pip install -r /tmp/seen.txt -r /tmp/unseen.txt
