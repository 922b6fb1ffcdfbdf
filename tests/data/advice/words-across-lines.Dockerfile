FROM python:3.12-slim
COPY requirements.txt .
RUN bash -c "echo one && \
    echo two" && \
    # all of them
    pip inst\
all -r requirements.txt
