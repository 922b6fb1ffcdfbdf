FROM python:3.10-alpine AS Base
ENV PIP_NO_CACHE_DIR=1 PIP_EXTRA_INDEX_URL=https://packages.example.com/simple
ARG FLAVOUR=prod
WORKDIR /code
RUN pip install -U pip
COPY requirements/ requirements/

FROM base AS prod
RUN pip install -r requirements/$FLAVOUR.txt

FROM base AS dev
RUN pip install -r requirements/dev.txt

FROM prod
CMD ["python"]
