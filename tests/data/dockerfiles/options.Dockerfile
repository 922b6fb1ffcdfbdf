FROM python:3.9
COPY requirements.txt constraints.txt /
ARG TOKEN
ARG PIP_TRUSTED_HOST=packages.example.com
RUN pip --disable-pip-version-check install -qU --pre --no-deps --require-hashes \
    --index-url=https://user:${TOKEN}@packages.example.com/simple \
    --extra-index-url https://a.example.com/simple --extra-index-url "https://b.example.com/simple" \
    --only-binary numpy,pandas --only-binary=scipy --no-binary :none: --prefer-binary \
    --trusted-host a.example.com -f /wheels --target /opt/lib \
    -c /constraints.txt -r /requirements.txt
