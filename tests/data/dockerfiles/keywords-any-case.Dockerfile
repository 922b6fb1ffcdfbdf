from python:3.9 as app
workdir /app
Copy requirements.txt .
rUn pip install -r requirements.txt
