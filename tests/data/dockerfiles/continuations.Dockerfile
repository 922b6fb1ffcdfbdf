FROM python:3.9
RUN apt-get update && \

    # the compiler
    apt-get install -y gcc && \
  # and what it needs
    \
    pip install -r requirements.txt   \   
    --pre
COPY . .
run echo '\\' \\
RUN echo done
