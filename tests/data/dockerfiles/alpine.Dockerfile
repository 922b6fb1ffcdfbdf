FROM python:3.8.0-alpine
RUN apk add --no-cache --virtual .build-deps gcc musl-dev libffi-dev
ADD requirements.txt requirements-dev.txt /
RUN pip install -r /requirements.txt \
    && apk del .build-deps
RUN if [ "$DEV" = "1" ]; then pip install -r /requirements-dev.txt; fi
