FROM python:3.12-slim
WORKDIR /app
COPY pip.conf /etc/pip.conf
COPY requirements.txt .
RUN pip install -r requirements.txt
