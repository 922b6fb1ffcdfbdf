FROM --platform=$BUILDPLATFORM python:3.12 AS build
COPY requirements.txt .
RUN pip download -r requirements.txt -d /wheels

FROM --platform=linux/amd64 python:3.12 AS fixed
FROM python:3.12-slim AS base-arm64
FROM python:3.12 AS base-amd64
FROM base-${TARGETARCH} AS final
ARG TARGETARCH
ARG TARGETVARIANT
COPY requirements-${TARGETARCH}${TARGETVARIANT}.txt requirements.txt
RUN pip install -r requirements.txt
