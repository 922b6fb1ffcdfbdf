FROM python:3.12
RUN --mount=type=bind,target=/src,rw --mount=target=/tmp/stage,from=0 cd /src/api && pip install -r requirements.txt
