FROM debian:12
RUN <<SCRIPT
curl -sS https://bootstrap.pypa.io/get-pip.py |
  python3 -
python3 -m pip install -r /tmp/requirements.txt
SCRIPT
