FROM python:3.11
RUN cat <<ONE > /tmp/a && sh <<'TWO'
pip install -r /never.txt
ONE
pip install -r /tmp/requirements.txt
TWO
COPY <<req.txt <<more.txt /tmp/
requests==2.31.0
req.txt
flask
more.txt
RUN pip install -r /tmp/req.txt
