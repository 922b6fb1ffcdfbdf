FROM python:3.10
COPY Pipfile Pipfile.lock ./
RUN pip install pipenv && pipenv requirements > requirements.txt && pip install -r requirements.txt
