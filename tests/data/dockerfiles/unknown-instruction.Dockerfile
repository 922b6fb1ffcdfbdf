FROM python:3.12
RUN apt-get update
    && pip install -r requirements.txt
