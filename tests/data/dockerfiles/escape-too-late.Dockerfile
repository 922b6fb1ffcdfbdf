# my image
# escape=`
FROM python:3.9
RUN echo a \
 && pip install -r requirements.txt
