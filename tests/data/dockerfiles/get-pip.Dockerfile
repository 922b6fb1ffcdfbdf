FROM python:3.8-slim
ADD get-pip.py requirements.txt /tmp/
RUN python /tmp/get-pip.py "pip==23.3.2" && pip install -r /tmp/requirements.txt
