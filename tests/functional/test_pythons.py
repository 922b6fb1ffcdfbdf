"""Which Python the install step has: followed through the instructions as a shell would."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipflow_tasks import PipflowError, Project, Settings

ENVIRONMENT = {"PATH": "", "HOME": "", "PIP_CONFIG_FILE": os.devnull}
PIP = "COPY requirements.txt .\nRUN pip install -r requirements.txt\n"
PIP3 = "COPY requirements.txt .\nRUN pip3 install -r requirements.txt\n"


def find(folder: Path, text: str, **files: str) -> str:
    """Return the target of a project with this Dockerfile, or the error."""
    (folder / ".git").mkdir()
    for name, content in {"Dockerfile": text, "requirements.txt": "six==1.16.0\n", **files}.items():
        (folder / name).write_text(content)
    try:
        with Project.open(folder, Settings(platform="linux/amd64"), ENVIRONMENT) as project:
            return str(project.target)
    except PipflowError as error:
        return str(error)


FOUND = {
    "link to the distribution's pip": (
        "FROM debian:12\nRUN apt-get install -y python3-pip && ln -s /usr/bin/pip3 /bin/pip\n"
        + PIP,
        "python 3.11.2, glibc 2.36 x86_64, pip 23.0",
    ),
    "pip of the distribution follows the link of python3": (
        "FROM ubuntu:22.04\nRUN apt-get install -y python3-pip python3.11 \\\n"
        " && ln -sf python3.11 /usr/bin/python3\n" + PIP3,
        "python 3.11, glibc 2.35 x86_64",
    ),
    "alternative that is set": (
        "FROM ubuntu:20.04\nRUN apt-get install -y python3-pip python3.9\n"
        "RUN update-alternatives --install /usr/bin/python3 python3 /usr/bin/python3.8 1 \\\n"
        " && update-alternatives --install /usr/bin/python3 python3 /usr/bin/python3.9 2 \\\n"
        " && update-alternatives --set python3 /usr/bin/python3.9\n" + PIP3,
        "python 3.9, glibc 2.31 x86_64",
    ),
    "get-pip through a pipe": (
        "FROM ubuntu:20.04\nRUN apt-get install -y python3.9 python3-distutils curl \\\n"
        " && curl -sS https://packages.example.com/get-pip.py | python3.9\n" + PIP,
        "python 3.9, glibc 2.31 x86_64",
    ),
    "ensurepip": (
        "FROM debian:11\nRUN apt-get install -y python3.10 && python3.10 -m ensurepip\n" + PIP3,
        "python 3.10, glibc 2.31 x86_64",
    ),
    "only Python of Red Hat 8": (
        "FROM rockylinux:8\nRUN dnf install -y python39-pip\n" + PIP3,
        "python 3.9, glibc 2.28 x86_64",
    ),
    "second Python of Red Hat 9": (
        "FROM rockylinux:9\nRUN dnf install -y python3.11 python3-pip\n" + PIP3,
        "python 3.9, glibc 2.34 x86_64, pip 21.2",
    ),
    "pip of an old Alpine takes no musllinux": (
        "FROM alpine:3.15\nRUN apk add python3 py3-pip\n" + PIP3,
        "python 3.9, musl 1.2 x86_64, pip 20.3",
    ),
    "upgraded pip of the distribution": (
        "FROM alpine:3.15\nRUN apk add python3 py3-pip && pip3 install -U pip\n" + PIP3,
        "python 3.9, musl 1.2 x86_64",
    ),
    "upgrade of another Python's pip": (
        "FROM python:3.8.0-slim\nRUN pip install -U pip && python -m venv /v\n"
        "ENV PATH=/v/bin:$PATH\n" + PIP,
        "python 3.8.0, glibc 2.28 x86_64, pip 19.3",
    ),
    "activated venv": (
        "FROM ubuntu:20.04\nRUN python3.9 -m venv /v\nCOPY requirements.txt .\n"
        "RUN . /v/bin/activate && pip install -r requirements.txt\n",
        "python 3.9, glibc 2.31 x86_64",
    ),
    "activation ends with its command": (
        "FROM ubuntu:20.04\nRUN apt-get install -y python3-pip && python3.9 -m venv /v\n"
        "RUN . /v/bin/activate && pip install wheel\n" + PIP,
        "python 3.8.10, glibc 2.31 x86_64, pip 20.0",
    ),
    "venv that is copied and installed into": (
        "FROM python:3.12-bookworm AS build\nRUN python -m venv /opt/venv\n"
        "FROM debian:12-slim\nCOPY --from=build /opt /srv\n"
        "COPY requirements.txt .\nRUN /srv/venv/bin/pip install -r requirements.txt\n",
        "python 3.12, glibc 2.36 x86_64",
    ),
    "prefix that is copied from an image": (
        "FROM debian:12-slim\nCOPY --from=python:3.13-slim-bookworm /usr/local /usr/local\n" + PIP,
        "python 3.13, glibc 2.36 x86_64",
    ),
    "prefix that is copied from a stage without a Python": (
        "FROM golang:1.22-bookworm AS tools\nFROM python:3.11-slim-bookworm\n"
        "COPY --from=tools /usr/local /usr/local\n" + PIP,
        "python 3.11, glibc 2.36 x86_64",
    ),
    "conda activate": (
        "FROM continuumio/miniconda3\nRUN conda create -n web python=3.9 -y\n"
        "COPY requirements.txt .\nRUN . /opt/conda/etc/profile.d/conda.sh \\\n"
        " && conda activate web && pip install -r requirements.txt\n",
        "python 3.9, glibc 2.36 x86_64",
    ),
    "login shell that activates": (
        "FROM continuumio/miniconda3\nRUN conda create -n web python=3.9 -y\n"
        'RUN echo "conda activate web" >> ~/.bashrc\nSHELL ["/bin/bash", "--login", "-c"]\n' + PIP,
        "python 3.9, glibc 2.36 x86_64",
    ),
    "conda run with a prefix": (
        "FROM continuumio/miniconda3\nRUN conda create -y --prefix /env python=3.10.4\n"
        "COPY requirements.txt .\nRUN conda run -p /env pip install -r requirements.txt\n",
        "python 3.10.4, glibc 2.36 x86_64",
    ),
    "pyenv by its variable": (
        "FROM debian:12\nENV PYENV_VERSION=3.10.4\nRUN pyenv install 3.10.4\n" + PIP,
        "python 3.10.4, glibc 2.36 x86_64",
    ),
    "folder of a version": (
        "FROM debian:12\nCOPY requirements.txt .\n"
        "RUN /opt/pyenv/versions/3.10.4/bin/pip install -r requirements.txt\n",
        "python 3.10.4, glibc 2.36 x86_64",
    ),
    "built from source": (
        "FROM debian:12\nWORKDIR /src/Python-3.10.4\nRUN ./configure && make install\n"
        "WORKDIR /\n" + PIP3,
        "python 3.10.4, glibc 2.36 x86_64",
    ),
    "pin of uv": (
        "FROM debian:12\nWORKDIR /app\nRUN uv python pin 3.10 && uv venv\nCOPY requirements.txt .\n"
        "RUN uv pip install -r requirements.txt\n",
        "python 3.10, glibc 2.36 x86_64, uv",
    ),
    "with sudo": (
        "FROM debian:12\nRUN sudo apt-get install -y python3-pip\nCOPY requirements.txt .\n"
        "RUN sudo -H pip3 install -r requirements.txt\n",
        "python 3.11.2, glibc 2.36 x86_64, pip 23.0",
    ),
    "manylinux image": (
        "FROM quay.io/pypa/manylinux_2_28_x86_64\nCOPY requirements.txt .\n"
        "RUN /opt/python/cp310-cp310/bin/pip install -r requirements.txt\n",
        "python 3.10, glibc 2.28 x86_64",
    ),
    "manylinux2014 image of another machine": (
        "FROM quay.io/pypa/manylinux2014_aarch64:latest\nCOPY requirements.txt .\n"
        "RUN /opt/python/cp310-cp310/bin/pip install -r requirements.txt\n",
        "python 3.10, glibc 2.17 aarch64",
    ),
    "venv of a variable that is on the path before it is made": (
        "FROM ubuntu:22.04\nENV VIRTUAL_ENV=/opt/web\nENV PATH=$VIRTUAL_ENV/bin:$PATH\n"
        "RUN apt-get install -y python3-venv && python3 -m venv $VIRTUAL_ENV\n" + PIP,
        "python 3.10.12, glibc 2.35 x86_64, pip 22.0",
    ),
    "venv of uv sync": (
        "FROM python:3.12-slim-bookworm\nWORKDIR /app\nCOPY . .\nRUN uv sync\n"
        "RUN uv pip install -r requirements.txt\n",
        "python 3.12, glibc 2.36 x86_64, uv",
    ),
    "venv of Poetry": (
        "FROM python:3.12-slim-bookworm\nWORKDIR /app\nENV PATH=/app/.venv/bin:$PATH\n"
        "RUN poetry install\n" + PIP,
        "python 3.12, glibc 2.36 x86_64",
    ),
    "variable that names the system's Python": (
        "FROM python:3.12-slim-bookworm\nENV VIRTUAL_ENV=/usr/local\nCOPY . .\n"
        "RUN uv pip install -r requirements.txt\n",
        "python 3.12, glibc 2.36 x86_64, uv",
    ),
    "folders on the path that hold no Python": (
        "FROM python:3.12-slim-bookworm\n"
        "ENV PATH=/app/bin:/root/.cargo/bin:/root/.local/bin:$PATH\n" + PIP,
        "python 3.12, glibc 2.36 x86_64",
    ),
    "programs of the user": (
        "FROM python:3.12-slim-bookworm\nCOPY requirements.txt .\n"
        "RUN /root/.local/bin/pip install -r requirements.txt\n",
        "python 3.12, glibc 2.36 x86_64",
    ),
    "musllinux image": (
        "FROM quay.io/pypa/musllinux_1_2_x86_64:2024.11\nCOPY requirements.txt .\n"
        "RUN /opt/python/cp310-cp310/bin/pip install -r requirements.txt\n",
        "python 3.10, musl 1.2 x86_64",
    ),
}


@pytest.mark.parametrize("name", FOUND)
def test_python_is_followed(name: str, tmp_path: Path) -> None:
    """What an instruction makes counts for what a later one runs, as in a shell."""
    text, expected = FOUND[name]
    found = find(tmp_path, text)
    assert expected == found


ASKED = {
    "range of conda": (
        "FROM continuumio/miniconda3\nRUN conda create -n web -y 'python>=3.9'\n"
        "COPY requirements.txt .\nRUN conda run -n web pip install -r requirements.txt\n",
        "Dockerfile:2: it is unknown which Python `conda create -n web -y python>=3.9` is",
    ),
    "environment that nothing makes": (
        "FROM continuumio/miniconda3\nCOPY requirements.txt .\n"
        "RUN conda run -n web pip install -r requirements.txt\n",
        "Dockerfile:3: it is unknown which Python `the conda environment web` is",
    ),
    "installer of the newest conda": (
        "FROM debian:12\n"
        "RUN wget https://packages.example.com/Miniconda3-latest-Linux-x86_64.sh \\\n"
        " && bash Miniconda3-latest-Linux-x86_64.sh -b -p /opt/conda\n"
        "ENV PATH=/opt/conda/bin:$PATH\n" + PIP,
        "Dockerfile:2: it is unknown which Python `Miniconda3-latest-Linux-x86_64.sh` is",
    ),
    "image without Python": (
        "FROM debian:12\n" + PIP,
        "Dockerfile:1: the base image debian:12 has no Python of its own",
    ),
    "distribution without a release": (
        "FROM debian\nRUN apt-get install -y python3-pip\n" + PIP3,
        "Dockerfile:1: it is unknown which Python the base image debian has",
    ),
    "venv on the path that nothing known makes": (
        "FROM python:3.9\nRUN make venv\nENV PATH=/opt/venv/bin:$PATH\n" + PIP,
        "Dockerfile:5: it is unknown which Python `/opt/venv/bin/pip` is: no known instruction",
    ),
    "folder of VIRTUAL_ENV that nothing known makes": (
        "FROM python:3.9\nRUN ./setup.sh\nENV VIRTUAL_ENV=/opt/web PATH=/opt/web/bin:$PATH\n"
        "COPY . .\nRUN python -m pip install -r requirements.txt\n",
        "Dockerfile:5: it is unknown which Python `/opt/web/bin/python` is",
    ),
    "path that nothing known makes": (
        "FROM debian:12\nRUN apt-get install -y python3\nCOPY requirements.txt .\n"
        "RUN /opt/tools/bin/pip3 install -r requirements.txt\n",
        "Dockerfile:4: it is unknown which Python `/opt/tools/bin/pip3` is",
    ),
    "activated folder that nothing known makes": (
        "FROM python:3.9\nCOPY . .\n"
        "RUN ./setup.sh && . env/bin/activate && pip install -r requirements.txt\n",
        "Dockerfile:3: it is unknown which Python `/env/bin/pip` is",
    ),
    "folder of an option that nothing known makes": (
        "FROM python:3.9\nCOPY . .\nRUN uv pip install --python /opt/web -r requirements.txt\n",
        "Dockerfile:3: it is unknown which Python `/opt/web/bin/python3` is",
    ),
    "venv of a stage that nothing known makes": (
        "FROM python:3.9 AS build\nRUN make venv\nFROM python:3.9-slim\n"
        "COPY --from=build /opt/venv /opt/venv\nCOPY requirements.txt .\n"
        "RUN /opt/venv/bin/pip install -r requirements.txt\n",
        "Dockerfile:6: it is unknown which Python `/opt/venv/bin/pip` is",
    ),
    "venv of an image": (
        "FROM python:3.12\nCOPY --from=acme/venv /venv /venv\nCOPY requirements.txt .\n"
        "RUN /venv/bin/pip install -r requirements.txt\n",
        "Dockerfile:2: it is unknown which Python `COPY --from=acme/venv` is",
    ),
}


@pytest.mark.parametrize("name", ASKED)
def test_python_is_asked_for(name: str, tmp_path: Path) -> None:
    """Where nothing says the Python, the error names what was found and the setting."""
    text, expected = ASKED[name]
    error = find(tmp_path, text)
    assert (error[: len(expected)], "set `python`" in error) == (expected, True), error


@pytest.mark.parametrize("version", ["3.11", "3.11.4\n", "# ours\ncpython-3.11.4-linux\n"])
def test_version_file_is_read(version: str, tmp_path: Path) -> None:
    """The `.python-version` of the context names what `uv venv` takes."""
    text = (
        "FROM debian:12\nWORKDIR /app\nCOPY . .\n"
        "RUN uv venv && uv pip install -r requirements.txt\n"
    )
    assert find(tmp_path, text, **{".python-version": version}).startswith("python 3.11")


def test_file_of_conda_is_read(tmp_path: Path) -> None:
    """The `environment.yml` of the context names the Python of the environment that it makes."""
    text = (
        "FROM continuumio/miniconda3\nCOPY environment.yml .\n"
        "RUN conda env create -f environment.yml\n"
        'SHELL ["conda", "run", "-n", "web", "/bin/bash", "-c"]\n' + PIP
    )
    file = "name: web\ndependencies:\n  - conda-forge::python=3.9.*\n  - pip:\n    - flask\n"
    assert find(tmp_path, text, **{"environment.yml": file}).startswith("python 3.9, ")


def test_path_that_the_base_image_may_have(tmp_path: Path) -> None:
    """An image whose contents are unknown may have its Python at such a path: a note says so."""
    text = (
        "FROM acme/web:1-python3.9\nCOPY requirements.txt .\n"
        "RUN /opt/app/bin/pip install -r requirements.txt\n"
    )
    assert find(tmp_path, text).startswith("python 3.9, ")
    with Project.open(tmp_path, Settings(platform="linux/amd64"), ENVIRONMENT) as project:
        told = "`/opt/app/bin/pip` (Dockerfile:3) is taken for the Python of acme/web:1-python3.9"
        assert told in project.target.notes


def test_setting_where_the_base_is_unknown(tmp_path: Path) -> None:
    """With the setting `python`, `apk` means musl although FROM has no value."""
    (tmp_path / "Dockerfile").write_text(f"ARG BASE\nFROM $BASE\nRUN apk add --no-cache gcc\n{PIP}")
    (tmp_path / "requirements.txt").write_text("six==1.16.0\n")
    settings = Settings(platform="linux/amd64", python="3.11")
    with Project.open(tmp_path, settings, ENVIRONMENT) as project:
        assert str(project.target) == "python 3.11, musl 1.2 x86_64"


def test_headline_names_the_line_that_decides(tmp_path: Path) -> None:
    """What names the Python is named, where that is not the base image."""
    find(tmp_path, "FROM ubuntu:22.04\nRUN python3.9 -m venv /v\nENV PATH=/v/bin:$PATH\n" + PIP)
    with Project.open(tmp_path, Settings(platform="linux/amd64"), ENVIRONMENT) as project:
        assert project.target.deciding_source == "Dockerfile:2"


def test_platform_of_a_flag_needs_no_assumption(tmp_path: Path) -> None:
    """Where the step names the platform of the wheels, this machine's does not count."""
    step = PIP.replace("install", "install --platform manylinux2014_x86_64 --only-binary :all:")
    find(tmp_path, f"FROM python:3.12-slim-bookworm\n{step}")
    with Project.open(tmp_path, Settings(), ENVIRONMENT) as project:
        assert not [note for note in project.target.notes if "is assumed" in note]
