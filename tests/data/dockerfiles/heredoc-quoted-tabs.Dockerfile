FROM python:3.11
COPY requirements.txt /app/
RUN <<-"END" bash -e
	cd /app
	pip install \
	  -r requirements.txt
	END
RUN pip list
