"""What a command reads: each file once, and what it writes once more right before it does."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import functional.counting
import pytest
from functional.temporary_project import COMPOSE_V2, ENGINE, TemporaryProject
from loopback_index import LoopbackIndex

if TYPE_CHECKING:
    from collections.abc import Mapping

DOCKERFILE = """\
ARG PYTHON=3.9
FROM python:${PYTHON}-slim
COPY requirements.txt base.txt constraints.txt pip.conf ./
ENV PIP_CONFIG_FILE=pip.conf
RUN pip install -r requirements.txt -c constraints.txt
"""


@pytest.fixture(autouse=True)
def _fill(project: TemporaryProject, index: LoopbackIndex) -> None:
    index.add("requests", "2.31.0")
    index.add("requests", "2.30.0")
    index.add("flask", "3.0.3")
    project.requirements = "-r base.txt\n"
    project.write("base.txt", "flask==3.0.3\n")
    project.write("constraints.txt", "requests<2.31\n")
    project.write("pip.conf", "[install]\nprefer-binary = yes\n")
    project.write("Dockerfile", DOCKERFILE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How often the project's own files were opened for reading, and Dockerfiles parsed."""

    opened: Mapping[str, int]
    parsed: Mapping[str, int]


def count(project: TemporaryProject, *words: str) -> Counts:
    """Run ``invoke``, which has to succeed, and count."""
    record = project.folder.parent / "record.json"
    counting = str(Path(functional.counting.__file__))
    done = project.invoke(*words, before=(sys.executable, counting, str(record)))
    assert done.status == 0, done.output
    counted = json.loads(record.read_text())
    ours = [*project.contents().keys() - {"tasks.py"}]
    opened = {name: times for name, times in counted["opened"].items() if name in ours}
    return Counts(opened=opened, parsed=counted["dockerfiles"])


def test_add_reads_each_file_once(project: TemporaryProject) -> None:
    """`add` reads what it may write to hold it, and then each file once.

    What it writes is read once more right before that. One Dockerfile is parsed once.
    """
    docker = project.stand_in("docker", ENGINE)

    counted = count(project, "deps.add", "requests")

    assert project.requirements == "-r base.txt\nrequests==2.30.0\n"
    assert len(docker.builds) == 1
    assert counted.opened == {
        "requirements.txt": 3,
        "base.txt": 2,
        "constraints.txt": 1,
        "pip.conf": 1,
        "Dockerfile": 1,
    }
    assert counted.parsed == {"Dockerfile": 1}


def test_services_share_what_is_read(project: TemporaryProject) -> None:
    """Of several services that build one Dockerfile, none reads or parses it again."""
    project.stand_in("docker", COMPOSE_V2)
    project.write("compose.yaml", "services:\n  a:\n    build: .\n  b:\n    build: .\n")
    project.write(".env", "PYTHON=3.10\n")

    counted = count(project, "deps.add", "requests")

    assert counted.opened == {
        "requirements.txt": 3,
        "base.txt": 2,
        "constraints.txt": 1,
        "pip.conf": 1,
        "Dockerfile": 1,
        "compose.yaml": 1,
        ".env": 1,
    }
    assert counted.parsed == {"Dockerfile": 1}


def test_check_reads_each_file_once(project: TemporaryProject) -> None:
    """`check`, which looks at more, reads nothing twice either."""
    project.write(".dockerignore", "*.md\n")

    counted = count(project, "deps.check")

    assert counted.opened == {
        "requirements.txt": 1,
        "base.txt": 1,
        "constraints.txt": 1,
        "pip.conf": 1,
        "Dockerfile": 1,
        ".dockerignore": 1,
    }
    assert counted.parsed == {"Dockerfile": 1}
