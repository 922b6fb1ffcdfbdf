ARG PYTHON_VERSION=3.8
FROM python:${PYTHON_VERSION}
ARG ENVIRONMENT=dev
COPY requirements /requirements
RUN pip install -r /requirements/$ENVIRONMENT.txt
