FROM python:3.11
WORKDIR /app
COPY requirements-prod.txt /app/requirements.txt
COPY requirements-dev.txt /app
RUN pip install -r requirements.txt
RUN pip install -r requirements-dev.txt
