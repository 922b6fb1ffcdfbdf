FROM python:3.12-slim
COPY --chown=0:0 . /srv/app
ENV LANG=C.UTF-8
WORKDIR /srv/app
# the packages
RUN pip install --no-cache-dir -r reqs/main.txt
CMD ["python", "app.py"]
