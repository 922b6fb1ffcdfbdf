FROM python:3.12
COPY requirements.txt .
COPY <<notes.txt <<"pip.conf" /etc/
hello
notes.txt
[global]
index-url = https://index.example/simple
pip.conf
RUN pip install -r requirements.txt
