FROM python:3.12-slim
WORKDIR /app
COPY . .
RUN chmod +x app.py
RUN pip install --no-cache-dir -r requirements.txt
