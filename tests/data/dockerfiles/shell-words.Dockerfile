FROM python:3.9
COPY api/requirements.txt /srv/api/
COPY web/requirements.txt /srv/web/
RUN (cd /srv/api; pip install -r requirements.txt) || exit 1; cd /srv && cd web && sudo -H -E pip3 install -r 'requirements.txt' # -r no.txt
RUN echo "pip install -r /srv/api/requirements.txt" && echo pip install -r x | cat
RUN bash -c "cd /srv/api && pip install -r requirements.txt 2>&1 | tee /tmp/log"
RUN FILE=/srv/web/requirements.txt; set -eux; pip install -r "$FILE"
RUN time nice -n 10 pip install -r /srv/web/requirements.txt >/dev/null
