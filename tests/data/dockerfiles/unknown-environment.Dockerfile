FROM python:3.11
LABEL kind=web
WORKDIR /app
COPY requirements/ /app/requirements/
RUN pip install -r requirements/${ENVIRONMENT}.txt
RUN pip install -r requirements/${ENVIRONMENT:-local}.txt
