FROM python:3.12
COPY . /srv/app
WORKDIR /srv/app
RUN pip3 install -r requirements.txt && \
    python manage.py collectstatic --noinput
EXPOSE 8000
CMD gunicorn app.wsgi
