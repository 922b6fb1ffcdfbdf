FROM python:3.11
WORKDIR /app
COPY docker/requirements.txt .
COPY . .
RUN pip install -r requirements.txt
