FROM python:3.9-slim
ONBUILD RUN <<EOF
pip install -r requirements.txt
EOF
RUN true
