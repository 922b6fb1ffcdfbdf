FROM python:3.9
COPY requirements.txt .
RUN python -Im pip install -r requirements.txt
RUN python -u -W ignore -X utf8 -mpip install -r requirements.txt
RUN python -c "-m pip install -r requirements.txt"
RUN python -m
