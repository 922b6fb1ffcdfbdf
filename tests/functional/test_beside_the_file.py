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


COMPOSE = """\
services:
  base:
    image: acme/base
    build: base
  app:
    build: .
"""


@pytest.mark.parametrize(
    ("command", "place"),
    [
        ("pip install tool==1.0", "base/Dockerfile:3"),
        ("pip install -r tools.txt", "base/tools.txt:1"),
        ("pip install ./tool", "base/Dockerfile:3"),
    ],
)
def test_requirement_of_a_base_image_that_is_built_here(
    project: TemporaryProject, command: str, place: str
) -> None:
    """What the Dockerfile of the base image installs counts, and is named by its own place."""
    project.write("compose.yaml", COMPOSE)
    project.write("base/Dockerfile", f"FROM python:3.9-slim\nCOPY . .\nRUN {command}\n")
    project.write("base/tools.txt", "tool==1.0\n")
    project.write(
        "base/tool/pyproject.toml",
        '[project]\nname = "own"\nversion = "1"\ndependencies = ["tool==1.0"]\n',
    )
    step = "COPY requirements.txt .\nRUN pip install -r requirements.txt\n"
    output = upgrade(project, f"FROM acme/base\n{step}")
    assert project.requirements == "dep==1.5\n", output
    assert f"({place}) needs dep<2" in output


@pytest.mark.parametrize(
    "dockerfile",
    [
        "FROM python:3.9-slim\nCOPY . .\nRUN pip install --target /layer tool==1.0\n"
        "RUN pip install -r requirements.txt\n",
        "FROM python:3.9-slim\nCOPY . .\nRUN /opt/tool/bin/pip install tool==1.0\n"
        "RUN pip install -r requirements.txt\n",
        "FROM python:3.9-slim\nCOPY . .\nRUN pip install tool==1.0 && python -m venv /venv\n"
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


HIDDEN = {
    "of the base image": (
        'FROM acme/python:3.9\nCOPY . .\nRUN pip install "tool==${TOOL}" -r requirements.txt\n',
        "Dockerfile:3 installs tool==${TOOL}, and ${TOOL} is unknown here: "
        "what tool needs does not limit other versions",
    ),
    "argument without a value": (
        "FROM python:3.9-slim\nARG V\nCOPY . .\nRUN pip install tool==${V} -r requirements.txt\n",
        "Dockerfile:4 installs tool==${V}, and ${V} is unknown here",
    ),
    "of another command, in lower case": (
        "FROM acme/python:3.9\nCOPY . .\nRUN pip install tool==$v && "
        "pip install -r requirements.txt\n",
        "Dockerfile:3 installs tool==${v}, and ${v} is unknown here",
    ),
    "whole specifier": (
        "FROM acme/python:3.9\nCOPY . .\nRUN pip install tool${SPEC} -r requirements.txt\n",
        "Dockerfile:3 installs tool${SPEC}, and ${SPEC} is unknown here",
    ),
    "command substitution": (
        "FROM python:3.9\nCOPY . .\nRUN pip install tool==$(cat v) -r requirements.txt\n",
        "Dockerfile:3 installs tool==$(cat v), and its value is unknown here",
    ),
}


@pytest.mark.parametrize("name", HIDDEN)
def test_requirement_whose_version_is_hidden(project: TemporaryProject, name: str) -> None:
    """Where a variable hides the version, each command warns, and none is invented."""
    dockerfile, told = HIDDEN[name]
    project.write("Dockerfile", dockerfile)
    project.requirements = "dep==1.0\n"
    for command in (["outdated"], ["check"]):
        done = project.invoke(f"deps.{command[0]}")
        assert done.status == 0, done.output
        assert told in done.output
    why = project.invoke("deps.why", "tool")
    assert "==0" not in why.output
    assert told in why.output or name == "whole specifier"  # which may be of another project


def test_empty_argument_that_hides_nothing(project: TemporaryProject) -> None:
    """An argument without a value is empty: what is a requirement without it counts as it is."""
    dockerfile = "FROM python:3.9-slim\nARG EXTRA\nCOPY . .\nRUN pip install tool==1.0$EXTRA -r "
    output = upgrade(project, f"{dockerfile}requirements.txt\n")
    assert project.requirements == "dep==1.5\n"
    assert "is unknown here" not in output


@pytest.mark.parametrize("tag", ["2.9.1-python3.11", "slim-2.9.1-python3.11"])
@pytest.mark.parametrize("how", ["tool", "constraint"])
def test_variable_that_the_name_of_an_image_says(
    project: TemporaryProject, index: LoopbackIndex, tag: str, how: str
) -> None:
    """Airflow's images set AIRFLOW_VERSION to the version in their tag."""
    index.add("apache-airflow", "2.9.1", requires_dist=OLD)
    project.write("limits-2.9.1.txt", "dep<2\n")
    word = {
        "tool": '"apache-airflow==${AIRFLOW_VERSION}"',
        "constraint": "-c limits-${AIRFLOW_VERSION}.txt",
    }[how]
    output = upgrade(
        project,
        f"FROM apache/airflow:{tag}\nCOPY . .\nRUN pip install {word} -r requirements.txt\n",
    )
    assert project.requirements == "dep==1.5\n", output
    assert "is unknown here" not in output
    if how == "tool":
        assert "apache-airflow==2.9.1" in project.invoke("deps.why", "apache-airflow").output


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
    assert "or change Dockerfile:3" in done.output


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
