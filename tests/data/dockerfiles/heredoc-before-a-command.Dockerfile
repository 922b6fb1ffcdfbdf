FROM python:3.11
RUN <<SCRIPT
cat <<NOTES > /notes && pip install -r /tmp/requirements.txt
pip install -r /never.txt
NOTES
SCRIPT
