FROM registry.example.com/base/python-3.12-web:7
COPY requirements.txt .
RUN pip install -r requirements.txt
