FROM ghcr.io/astral-sh/uv:python3.13-alpine
COPY requirements.txt constraints.txt ./
RUN uv --quiet pip sync --system --default-index https://packages.example.com/simple -c constraints.txt requirements.txt
