# escape=`
FROM python:3.9
RUN true `
 && pip install -r requirements.txt
