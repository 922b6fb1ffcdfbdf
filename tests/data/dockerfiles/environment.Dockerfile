FROM python:3.9
ENV PIP_INDEX_URL=https://a.example.com/simple OTHER=1
ENV PIP_TIMEOUT 60
ARG PIP_PRE=1
COPY requirements.txt constraints.txt /
RUN export PIP_NO_DEPS=1; PIP_CONSTRAINT=/constraints.txt PIP_INDEX_URL="https://b.example.com/simple" pip install -r /requirements.txt
RUN env PIP_ONLY_BINARY=:all: pip install -r /requirements.txt
