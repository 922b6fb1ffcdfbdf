FROM python:3.9-slim AS parent
WORKDIR /app
ONBUILD COPY requirements.txt /app/
ONBUILD RUN pip install -r requirements.txt
ONBUILD ENV READY=1

FROM parent AS child
RUN echo $READY
