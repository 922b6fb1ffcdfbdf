ARG TAG
FROM python:${TAG}
RUN pip install -r requirements.txt
