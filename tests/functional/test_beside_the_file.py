"""What the image installs beside the requirements files limits their versions."""

from __future__ import annotations

import pytest
from functional.temporary_project import TemporaryProject
from loopback_index import LoopbackIndex

OLD = ["dep<2"]


@pytest.fixture(autouse=True)
def releases(index: LoopbackIndex) -> None:
    """Serve ``tool``, whose 1.0 needs an old ``dep``."""
    index.add("tool", "1.0", requires_dist=OLD)
    index.add("tool", "2.0", requires_dist=["dep"])
    for version in ("1.0", "1.5", "2.0"):
        index.add("dep", version)


def upgrade(project: TemporaryProject, dockerfile: str) -> str:
    """Return what `upgrade-all` prints for a Dockerfile and an old pin of ``dep``."""
    project.write("Dockerfile", dockerfile)
    project.requirements = "dep==1.0\n"
    done = project.invoke("deps.upgrade-all")
    assert done.status == 0, done.output
    return done.output


@pytest.mark.parametrize(
    "command",
    [
        'pip install "tool==1.0" -r requirements.txt',
        "pip install -r requirements.txt tool==1.0",
        "pip install 'tool<2' && pip install -r requirements.txt",
        "pip install -r requirements.txt && pip install tool==1.0",
        "python -m pip install tool==$VERSION -r requirements.txt",
        "uv pip install --system tool==1.0 -r requirements.txt",
    ],
)
def test_requirement_on_a_command_line(project: TemporaryProject, command: str) -> None:
    """A requirement on the same command, or on another one, limits what the file may pin."""
    dockerfile = f"FROM python:3.9-slim\nARG VERSION=1.0\nCOPY . .\nRUN {command}\n"
    output = upgrade(project, dockerfile)
    assert project.requirements == "dep==1.5\n", output
    assert "(Dockerfile:4) needs dep<2" in output


@pytest.mark.parametrize(
    "dockerfile",
    [
        "FROM python:3.9-slim AS base\nRUN pip install tool==1.0\nFROM base\nCOPY . .\n"
        "RUN pip install -r requirements.txt\n",
        "FROM python:3.9-slim AS base\nCOPY . .\nRUN pip install -r requirements.txt\n"
        "FROM base\nRUN pip install tool==1.0\n",
    ],
)
def test_requirement_of_a_related_stage(project: TemporaryProject, dockerfile: str) -> None:
    """The stages that a stage is built on count, and those that are built on it."""
    upgrade(project, dockerfile)
    assert project.requirements == "dep==1.5\n"


@pytest.mark.parametrize(
    "dockerfile",
    [
        "FROM python:3.9-slim\nCOPY . .\nRUN pip install --target /layer tool==1.0\n"
        "RUN pip install -r requirements.txt\n",
        "FROM python:3.9-slim\nCOPY . .\nRUN /opt/tool/bin/pip install tool==1.0\n"
        "RUN pip install -r requirements.txt\n",
        "FROM python:3.9-slim\nCOPY . .\nRUN pip install tool==1.0\n"
        "ENV PATH=/venv/bin:$PATH\nRUN pip install -r requirements.txt\n",
        "FROM python:3.9-slim\nCOPY . .\nRUN pip install --dry-run tool==1.0\n"
        "RUN pip install -r requirements.txt\n",
        "FROM python:3.9-slim AS base\nCOPY . .\nRUN pip install -r requirements.txt\n"
        "FROM base AS test\nRUN pip install tool==1.0\nFROM base\n",
        "FROM python:3.9-slim AS lint\nRUN pip install tool==1.0\n"
        "FROM python:3.9-slim\nCOPY . .\nRUN pip install -r requirements.txt\n",
    ],
)
def test_requirement_of_another_place(project: TemporaryProject, dockerfile: str) -> None:
    """What goes into another folder, another Python or another stage does not count."""
    upgrade(project, dockerfile)
    assert project.requirements == "dep==2.0\n"


def test_requirement_that_contradicts_a_pin(project: TemporaryProject) -> None:
    """A pin that contradicts a command line is reported, and other pins still move."""
    project.write(
        "Dockerfile",
        "FROM python:3.9-slim\nCOPY . .\nRUN pip install tool==1.0 && pip install "
        "-r requirements.txt\n",
    )
    project.requirements = "dep==2.0\n"
    done = project.invoke("deps.check")
    assert done.status == 1
    assert "error     requirements.txt:1: the requirements conflict" in done.output
    assert "tool 1.0 (Dockerfile:3) needs dep<2" in done.output
    assert "else change Dockerfile:3" in done.output


def test_why_names_the_command_line(project: TemporaryProject) -> None:
    """`why` follows a path from a requirement on a command line."""
    project.write(
        "Dockerfile",
        "FROM python:3.9-slim\nCOPY . .\nRUN pip install -r requirements.txt other tool==1.0\n",
    )
    project.requirements = "dep==1.0\n"
    done = project.invoke("deps.why", "dep")
    assert done.status == 0, done.output
    assert "tool==1.0 (Dockerfile:3)" in done.output


def test_lock_leaves_out_what_only_the_command_line_needs(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """`lock` writes the dependencies of the file, at versions that suit the command line."""
    index.add("app", "1.0", requires_dist=["dep"])
    project.write(
        "Dockerfile",
        "FROM python:3.9-slim\nCOPY . .\nRUN pip install tool==1.0 -r requirements.txt\n",
    )
    project.requirements = "app==1.0\n"
    done = project.invoke("deps.lock")
    assert done.status == 0, done.output
    assert project.requirements == "app==1.0\ndep==1.5  # via app\n"
