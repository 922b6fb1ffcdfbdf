FROM python:3.11-slim AS builder
COPY requirements.txt .
RUN pip install -r requirements.txt

FROM python:3.12-slim AS app
COPY --from=builder /usr/local/lib/python3.11/site-packages /usr/local/lib/python3.11/site-packages
