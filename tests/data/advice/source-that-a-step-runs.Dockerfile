FROM python:3.12-slim
WORKDIR /app
COPY prepare.py requirements.txt ./
RUN python prepare.py && pip install --no-cache-dir -r requirements.txt
