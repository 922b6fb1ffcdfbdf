FROM python:3.9-slim@sha256:8f64a67710f3d981cf3008d6f9f1dbe61accd7927f165f4e37ea3f8b883ccc3f
ADD requirements.txt /opt/
RUN python3 -m pip install -r /opt/requirements.txt
