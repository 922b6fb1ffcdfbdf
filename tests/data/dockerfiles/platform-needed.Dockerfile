FROM python:3.12 AS base-amd64
FROM base-${TARGETARCH}
