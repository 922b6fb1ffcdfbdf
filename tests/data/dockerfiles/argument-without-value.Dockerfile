ARG LATER
FROM python:3.11
ARG EXTRA
ARG SUFFIX
ARG LATER
ENV PIP_EXTRA_INDEX_URL=$EXTRA
COPY requirements.txt /
RUN pip install ${LATER} -r /requirements${SUFFIX}.txt
