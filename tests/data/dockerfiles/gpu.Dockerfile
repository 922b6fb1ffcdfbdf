ARG CUDA=12.4.1
FROM nvidia/cuda:${CUDA}-runtime-ubuntu22.04
ENV DEBIAN_FRONTEND=noninteractive
RUN apt-get update && apt-get install -y python3-pip
COPY ./requirements.txt /workspace/requirements.txt
RUN pip3 install --no-cache-dir --extra-index-url https://wheels.example.com/cu124 -r /workspace/requirements.txt
HEALTHCHECK --interval=5m --timeout=3s CMD curl -f http://localhost/ || exit 1
ENTRYPOINT ["python3"]
