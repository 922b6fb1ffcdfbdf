FROM python:3.12
COPY . /app
RUN pip install /app && pip install --no-cache-dir gunicorn==21.2.0
RUN cat requirements.txt | grep pip
