FROM python:3.12-slim AS wheels
WORKDIR /made
COPY requirements.txt .
RUN pip wheel --no-cache-dir -w . -r requirements.txt

FROM python:3.12-slim
COPY requirements.txt .
COPY --from=wheels /made /wheels
RUN pip install --no-cache-dir -r requirements.txt
