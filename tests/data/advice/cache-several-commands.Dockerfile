FROM python:3.12-slim
WORKDIR /app
COPY requirements.txt .
RUN set -eux; \
    # the tools
    python3 -m pip install build==1.2; \
    pip3 install --no-cache-dir wheel==0.45.1; \
    pip3 install \
        -r requirements.txt
