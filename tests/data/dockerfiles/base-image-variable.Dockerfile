FROM apache/airflow:2.9.1-python3.11
USER airflow
COPY --chown=airflow:0 requirements.txt ${AIRFLOW_HOME}/requirements.txt
COPY extra.txt ~/
RUN pip install -r $AIRFLOW_HOME/requirements.txt -r ~/extra.txt
