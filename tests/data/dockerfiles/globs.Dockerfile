FROM python:3.11
COPY requirements*.txt setup.p[y] /tmp/
COPY */requirements.txt /all/
RUN pip install -r /tmp/requirements-dev.txt
RUN pip install -r /tmp/other.txt
RUN pip install -r /all/requirements.txt
