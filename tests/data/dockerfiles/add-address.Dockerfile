FROM python:3.9
ADD https://files.example.com/requirements.txt /tmp/
RUN pip install -r /tmp/requirements.txt
