FROM scratch AS files
COPY config/requirements.txt /req/

FROM python:3.12
RUN --mount=type=bind,from=files,src=/req,dst=/mnt pip install -r /mnt/requirements.txt
