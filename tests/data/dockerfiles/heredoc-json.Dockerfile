FROM python:3.12
COPY ["requirements.txt", "/r/<<EOF/"]
RUN ["pip", "install", "-r", "/r/<<EOF/requirements.txt"]
