FROM alpine AS one
COPY requirements.txt /a/
FROM alpine AS two
COPY --from=one /a /b
FROM python:3.12
COPY --from=1 /b/requirements.txt /c/requirements.txt
COPY --from=registry.example.com/base:1 /requirements.txt /d/
RUN pip install -r /c/requirements.txt
RUN pip install -r /d/requirements.txt
