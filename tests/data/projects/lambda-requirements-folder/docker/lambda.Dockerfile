FROM public.ecr.aws/lambda/python:3.12
COPY requirements/ /tmp/requirements/
RUN pip install --no-cache-dir -r /tmp/requirements/lambda.txt
COPY core/ ${LAMBDA_TASK_ROOT}/core/
