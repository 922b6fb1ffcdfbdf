# nothing but
ARG VERSION=3
