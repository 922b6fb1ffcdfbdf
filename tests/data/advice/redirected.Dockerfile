FROM python:3.12-slim
COPY . /app/
WORKDIR /app
RUN pip install --no-cache-dir --upgrade pip > /dev/null 2>&1 \
    && pip install --no-cache-dir -r requirements.txt > /dev/null
