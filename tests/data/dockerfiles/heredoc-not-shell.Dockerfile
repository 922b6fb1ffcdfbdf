FROM python:3.12
COPY requirements.txt .
RUN python3 <<EOF
pip install -r requirements.txt
EOF
RUN <<EOF
#!/usr/bin/env python3
pip install -r requirements.txt
EOF
RUN <<EOF
#!/bin/bash
pip install -r requirements.txt
EOF
