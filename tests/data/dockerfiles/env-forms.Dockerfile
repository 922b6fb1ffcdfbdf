FROM python:3.9
ENV A=1 B="two words" C=$A D=a\ b
ENV OLD an old form with blanks
ENV A=2 REQ=/r/$A
COPY requirements.txt /r/1
WORKDIR $REQ
COPY other.txt .
RUN pip install -r /r/$C/other.txt
ARG A=9
RUN pip install -r /$A/x.txt
