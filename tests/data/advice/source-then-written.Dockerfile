FROM python:3.12-slim
COPY . /app/
WORKDIR /app
RUN echo "[pytest]" > pytest.ini && pip install --no-cache-dir -r requirements.txt
