"""Several indexes: one that forbids access, a project that is on several, and ``index_for``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from functional.temporary_project import TemporaryProject
from loopback_index import Fault, LoopbackIndex


@pytest.fixture
def extra(index: LoopbackIndex, project: TemporaryProject) -> Iterator[LoopbackIndex]:
    """Serve a second index, which the requirements file names; both have ``both``."""
    with LoopbackIndex() as extra:
        index.add("both", "1.0")
        index.add("lib", "1.0")
        index.add("lib", "1.1")
        extra.add("both", "2.0")
        extra.add("torch", "2.8.0+cpu")
        extra.add("torch", "2.9.1+cpu", requires_dist=["lib"])
        project.requirements = f"--extra-index-url {extra.url}\n"
        yield extra


def test_extra_index_that_forbids_access(
    project: TemporaryProject, index: LoopbackIndex, extra: LoopbackIndex
) -> None:
    """An index that answers 403 does not have a project that another one has."""
    for name in ("lib", "both"):
        extra.break_project(name, Fault(status=403))
    index.break_project("torch", Fault(status=403))
    project.requirements += "torch==2.8.0+cpu\nlib==1.0\n"
    done = project.invoke("deps.upgrade-all")
    assert done.status == 0, done.output
    assert project.requirements.endswith("torch==2.9.1+cpu\nlib==1.1\n")


def test_index_of_an_argument_without_value(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """An ARG without a value is empty: there is no further index, and the build needs none."""
    index.add("lib", "1.0")
    project.write(
        "Dockerfile",
        "FROM python:3.9-slim\nARG EXTRA\nENV PIP_EXTRA_INDEX_URL=$EXTRA\n"
        "COPY requirements.txt .\nRUN pip install -r requirements.txt\n",
    )
    project.requirements = ""
    done = project.invoke("deps.add", "lib", "--no-rebuild")
    assert (done.status, project.requirements) == (0, "lib==1.0\n"), done.output


def test_project_that_no_index_has(
    project: TemporaryProject, index: LoopbackIndex, extra: LoopbackIndex
) -> None:
    """The error names all the indexes that were asked."""
    done = project.invoke("deps.add", "other")
    assert done.status == 1
    named = f"{index.url} and {extra.url}"
    assert f'the indexes have no project "other" ({named})' in done.stderr


def test_project_that_every_index_forbids(
    project: TemporaryProject, index: LoopbackIndex, extra: LoopbackIndex
) -> None:
    """Where no index has a project and one forbids access, that is an error, not its absence."""
    extra.break_project("private", Fault(status=403))
    project.requirements += "private==1.0\n"
    done = project.invoke("deps.upgrade-all")
    assert done.status == 1
    assert f"{extra.url}private/ refuses access (HTTP 403)" in done.output


def test_only_index_that_forbids_access(project: TemporaryProject, index: LoopbackIndex) -> None:
    """The only index has to allow access."""
    index.break_project("*", Fault(status=403))
    project.requirements = "lib==1.0\n"
    done = project.invoke("deps.upgrade-all")
    assert done.status == 1
    assert "refuses access (HTTP 403)" in done.output


@pytest.mark.parametrize("command", [("upgrade-all",), ("add", "both"), ("check",)])
def test_project_on_several_indexes(
    project: TemporaryProject, index: LoopbackIndex, extra: LoopbackIndex, command: tuple[str, ...]
) -> None:
    """A project that several indexes have is reported, with the setting that decides."""
    if command[0] != "add":
        project.requirements += "both==1.0\n"
    done = project.invoke(f"deps.{command[0]}", *command[1:])
    assert f"several indexes have both ({index.url} and {extra.url})" in done.output
    assert "index_for" in done.output


@pytest.mark.parametrize("name", ["both", "Bo*"])
@pytest.mark.parametrize("way", ["file", "variable"])
def test_index_for(
    project: TemporaryProject, index: LoopbackIndex, extra: LoopbackIndex, name: str, way: str
) -> None:
    """``index_for`` names the only index that is asked for a project, in each kind of setting."""
    environment = {}
    if way == "file":
        project.write("invoke.yaml", f'pipflow:\n  index_for:\n    "{name}": {index.url}\n')
    else:
        environment = {"INVOKE_PIPFLOW_INDEX_FOR": f"torch={extra.url}, {name}={index.url}"}
    done = project.invoke("deps.add", "both,lib", environment=environment)
    assert done.status == 0, done.output
    assert "both==1.0\n" in project.requirements
    assert "several indexes" not in done.output
    assert not [each for each in extra.requests if "both" in each.path]


def test_index_for_of_another_index(project: TemporaryProject, index: LoopbackIndex) -> None:
    """An index that ``index_for`` names need not be one of the others."""
    index.add("lib", "1.0")
    with LoopbackIndex() as other:
        other.add("torch", "2.0")
        other.add("lib", "9.0")
        settings = {"INVOKE_PIPFLOW_INDEX_FOR": f"torch={other.url}"}
        done = project.invoke("deps.add", "torch,lib", environment=settings)
    assert done.status == 0, done.output
    assert project.requirements == "lib==1.0\ntorch==2.0\n"


@pytest.mark.parametrize("value", ["torch", "torch=", "=x", "torch=/srv/wheels"])
def test_index_for_that_is_not_valid(project: TemporaryProject, value: str) -> None:
    """A value without an address is an error that shows a valid one."""
    settings = {"INVOKE_PIPFLOW_INDEX_FOR": value}
    done = project.invoke("deps.add", "torch", environment=settings)
    assert done.status == 1
    assert "index_for" in done.output
    assert "https://host/simple/" in done.output
