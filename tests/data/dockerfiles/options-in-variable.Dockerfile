FROM python:3.9
ENV PIP_OPTS="--no-cache-dir --pre" NOTHING=""
COPY requirements.txt /
RUN pip install $PIP_OPTS $NOTHING -r /requirements.txt
