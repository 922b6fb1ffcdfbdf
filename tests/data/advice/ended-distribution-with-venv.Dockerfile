FROM ubuntu:20.04
RUN apt-get update && apt-get install -y python3-venv && python3 -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
