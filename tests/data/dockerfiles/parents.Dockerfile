# syntax=docker/dockerfile:1.20
FROM python:3.12
COPY --parents services/api/requirements.txt libs/./core/requirements /src/
RUN pip install -r /src/services/api/requirements.txt -r /src/core/requirements/base.txt
