FROM localhost:5000/tools/python:3.11
ADD ./requirements.txt requirements.txt
RUN python3.11 -m pip install -rrequirements.txt
