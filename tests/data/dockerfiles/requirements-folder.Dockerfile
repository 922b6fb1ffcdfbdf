FROM python:3.11
WORKDIR /srv
COPY requirements ./requirements/
COPY constraints.txt .
RUN pip install -c constraints.txt -r requirements/base.txt --requirement=requirements/prod.txt
