FROM python:3.11
RUN <<SCRIPT
cat > /etc/pip.conf <<-CONF
	[global]
	index-url = https://index.example/simple/
	CONF
bash -e <<'INNER'
pip install -r /tmp/requirements.txt
INNER
SCRIPT
