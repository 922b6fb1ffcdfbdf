FROM python:${TAG:?names-a-release}
