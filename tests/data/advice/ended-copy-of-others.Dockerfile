FROM registry.access.redhat.com/ubi9/python-39:1-117
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
