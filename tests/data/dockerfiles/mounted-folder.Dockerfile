FROM python:3.12
RUN --mount=type=bind,source=deploy/requirements,target=/reqs,ro \
    --mount=type=secret,id=pip,target=/etc/pip.conf \
    pip install -r /reqs/base.txt -r /reqs/web.txt
RUN pip install -r /reqs/gone.txt
