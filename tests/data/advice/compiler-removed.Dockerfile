FROM python:3.12-alpine
COPY requirements.txt .
RUN apk add --no-cache --virtual .build gcc musl-dev \
    && pip install --no-cache-dir -r requirements.txt \
    && apk del .build
