FROM python:3.8.0-alpine
COPY requirements.txt /
RUN pip install -r /requirements.txt
RUN pip install "pip>=21.2,<24" wheel
RUN pip install -r /requirements.txt
RUN pip install --upgrade pip && pip install -r /requirements.txt
RUN pip install pip
