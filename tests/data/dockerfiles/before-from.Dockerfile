# the base
ARG VERSION=3
RUN true
FROM python:$VERSION
