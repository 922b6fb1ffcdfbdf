# escape=`
# syntax=docker/dockerfile:1.7

FROM python:3.9
ENV GREETING="a `"quoted`" word"
COPY requirements.txt `
     C:/app/
RUN pip install `
    # a comment between
    -r C:/app/requirements.txt
