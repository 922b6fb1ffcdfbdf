ARG EMPTY=
ARG SET=3.9
ARG LONG=python-3.10.1-final
FROM python:${EMPTY:-3.7}${EMPTY-x} AS colon-dash
FROM python:${SET:+3.6}${EMPTY:+x}${EMPTY+-slim} AS plus
FROM python:${SET:?unset}${UNSET:-} AS demanded
FROM ${LONG%%-*}:${LONG#*-} AS trimmed
FROM python:${SET/3./4.}-${LONG//[0-9]/n} AS replaced
FROM python:${NONE:-${SET:-3.5}} AS nested
FROM "python:3.9" AS quoted
