FROM python:3.9-slim
ONBUILD ONBUILD RUN true
