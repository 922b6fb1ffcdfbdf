FROM python:3.9
COPY requirements /tmp/requirements
RUN mkdir -p /app && cp -f /tmp/requirements/base.txt /app/requirements.txt
RUN mv /tmp/requirements/dev.txt /tmp/requirements/test.txt /app/
RUN cp /run/more.txt /app && cp
WORKDIR /app
RUN pip install -r requirements.txt -r dev.txt -r test.txt -r more.txt
