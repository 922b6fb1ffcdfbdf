"""Output that can't be written: closed, full, or a pipe whose reader has gone."""

from __future__ import annotations

import os
import shlex
import stat
import subprocess
from pathlib import Path

import pytest
from functional.temporary_project import ENGINE, Finished, TemporaryProject
from loopback_index import LoopbackIndex

OLD, NEW = "lib==1.0\n", "lib==2.0\n"


@pytest.fixture(autouse=True)
def _fill(project: TemporaryProject, index: LoopbackIndex) -> None:
    index.add("lib", "1.0")
    index.add("lib", "2.0")
    project.requirements = OLD


def full_device(project: TemporaryProject) -> Path:
    """Make a device like /dev/full beside the project; never is the machine's used."""
    path = project.folder.parent / "full"
    try:
        if not path.exists():
            os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 7))
        path.open("wb").close()
    except OSError as error:
        pytest.skip(f"no device can be made: {error}")
    return path


def run(project: TemporaryProject, redirection: str, *words: str) -> Finished:
    """Run a task of Invoke with a shell's redirection, and keep what is left of its output.

    FULL stands for a device of our own that is always full.
    """
    if "FULL" in redirection:
        redirection = redirection.replace("FULL", shlex.quote(str(full_device(project))))
    shell = ["/bin/sh", "-c", f'exec "$@" {redirection}', "sh"]
    return project.run_words([*shell, project.python, "-m", "invoke", *words])


@pytest.mark.parametrize("redirection", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_builder_prints_into_no_file(project: TemporaryProject, redirection: str) -> None:
    """What a builder prints is not written into the requirements file where streams are closed."""
    docker = project.stand_in("docker", ENGINE)
    done = run(project, redirection, "deps.upgrade-all")
    assert (done.status, project.requirements, len(docker.built)) == (0, NEW, 1)


REDIRECTIONS = [">&-", ">FULL", "2>&-", "2>FULL", "<&- >&- 2>&-", ">FULL 2>&1"]


@pytest.mark.parametrize("redirection", REDIRECTIONS)
def test_change_whose_report_is_lost(project: TemporaryProject, redirection: str) -> None:
    """A change that was made is status 0, and the file holds it and nothing else."""
    done = run(project, redirection, "deps.upgrade-all", "--no-rebuild")
    assert (done.status, project.requirements) == (0, NEW)
    assert "Traceback" not in done.output
    assert {*project.contents()} == {"Dockerfile", "requirements.txt", "tasks.py"}
    if "2>" not in redirection:
        assert "the report can't be written" in done.stderr


@pytest.mark.parametrize("redirection", [">&-", ">FULL", "<&- >&- 2>&-", ">FULL 2>&1"])
@pytest.mark.parametrize("words", [("deps.outdated",), ("deps.upgrade-all", "--dry-run")])
def test_report_that_is_lost(
    project: TemporaryProject, redirection: str, words: tuple[str, ...]
) -> None:
    """Where the report is all that was asked for, losing it is status 1."""
    done = run(project, redirection, *words)
    assert (done.status, project.requirements) == (1, OLD)
    assert "Traceback" not in done.output
    if "2>" not in redirection:
        assert "nothing was changed" in done.stderr


@pytest.mark.parametrize("redirection", ["2>&-", "2>FULL"])
def test_failed_build_whose_error_is_lost(project: TemporaryProject, redirection: str) -> None:
    """A failed build is status 3 with the file as it was, also if nobody can be told."""
    project.stand_in("docker", {"version": 0, "build": 1})
    done = run(project, redirection, "deps.upgrade-all")
    assert (done.status, project.requirements) == (3, OLD)
    assert "as they were" in done.stdout


@pytest.mark.parametrize(("words", "text"), [(("deps.upgrade-all",), NEW), (("deps",), OLD)])
def test_pipe_that_ended(project: TemporaryProject, words: tuple[str, ...], text: str) -> None:
    """A reader that has gone is no reason for a message; the status says whether files changed."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as output:
        done = subprocess.run(
            [project.python, "-m", "invoke", *words],
            cwd=project.folder,
            env=project.environment,
            stdout=output,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            check=False,
            timeout=60,
        )
    assert (done.returncode, done.stderr) == (0 if text == NEW else 1, "")
    assert project.requirements == text


def test_chain_goes_on(project: TemporaryProject) -> None:
    """A lost report of a change does not stop the tasks that follow."""
    project.stand_in("docker", ENGINE)
    done = run(project, ">FULL", "deps.upgrade-all", "deps.rebuild")
    assert (done.status, project.requirements) == (0, NEW)
