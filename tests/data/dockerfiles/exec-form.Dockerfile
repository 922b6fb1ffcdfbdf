FROM python:3.9
ENV FILE=requirements.txt
COPY ["requirements.txt", "requirements dev.txt", "/app/"]
WORKDIR /app
RUN ["python", "-m", "pip", "install", "-r", "requirements.txt"]
RUN ["/bin/bash", "-lc", "pip install -r \"requirements dev.txt\""]
RUN ["pip", "install", "-r", "$FILE"]
