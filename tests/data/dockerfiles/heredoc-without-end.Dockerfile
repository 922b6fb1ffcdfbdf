FROM python:3.12
RUN <<EOF
pip install -r requirements.txt
