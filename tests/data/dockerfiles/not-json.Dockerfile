FROM python:3.9
COPY requirements.txt /
RUN [ -f /requirements.txt ] && pip install -r /requirements.txt
RUN ['pip', 'install']
