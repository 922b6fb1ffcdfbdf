FROM python:3.12-slim
WORKDIR /app
COPY requirements.txt dev.txt ./
RUN pip install --no-cache-dir -r requirements.txt
# for the tests
RUN pip install --no-cache-dir \
    -r dev.txt
RUN pip install --no-cache-dir gunicorn==23.0.0
