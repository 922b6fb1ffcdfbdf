"""A floating tag is its last patch release or an older one: what turns on it is asked, or said.

The stand-in docker has one image; `tests/engine/test_local_patch_level.py` asks a real one.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from functional.engine_stand_in import TOLD, Engine
from functional.temporary_project import Finished, TemporaryProject, dockerfile
from loopback_index import LoopbackIndex

OLD = {
    **TOLD,
    "python": "3.11.2",
    "markers": {
        **TOLD["markers"],
        "implementation_version": "3.11.2",
        "python_full_version": "3.11.2",
        "python_version": "3.11",
    },
    "libc": "glibc 2.36",
    "abis": ["cp311"],
    "tags": ["cp311-cp311-linux_x86_64", "py3-none-any"],
}
LATEST = r"3\.11\.[0-9]+"


@pytest.fixture
def files(project: TemporaryProject, index: LoopbackIndex) -> None:
    """Build on a floating tag; a pin needs another project before Python 3.11.3 alone."""
    project.write("Dockerfile", dockerfile("3.11"))
    project.write("requirements.txt", "keeper==5.0\n")
    index.add("waiter", "4.0")
    index.add("keeper", "5.0", requires_dist=['waiter>=4; python_full_version < "3.11.3"'])


def old_image(project: TemporaryProject, **changes: Any) -> Engine:
    """Give the project a docker whose image has Python 3.11.2."""
    engine = Engine(project)
    engine.tells({**OLD, **changes})
    return engine


def warnings_of(done: Finished) -> list[str]:
    """Give the warnings about the patch level."""
    return [each for each in done.report["warnings"] if "is taken as" in each]


@pytest.mark.usefixtures("files")
def test_lock_says_what_turns_on_the_patch_level(project: TemporaryProject) -> None:
    """Without an engine the last release is assumed, in one warning that is ready to act on."""
    done = project.invoke("deps.lock", "--dry-run", "--format", "json")
    assert (done.status, done.report["changes"]) == (0, [])
    (warning,) = warnings_of(done)
    assert re.fullmatch(
        rf"Python 3\.11 \(Dockerfile:1\) is taken as ({LATEST}); with another patch level this may "
        rf'differ: keeper 5\.0 needs waiter>=4; python_full_version < "3\.11\.3"; if the image has '
        rf'another, set `python`, e\.g\. `python: "\1"`',
        warning,
    )


@pytest.mark.usefixtures("files")
def test_lock_asks_the_image_that_is_here(project: TemporaryProject) -> None:
    """An old image of a floating tag gets what it needs, and nothing is said of an assumption."""
    engine = old_image(project)
    done = project.invoke("deps.lock", "--no-rebuild")
    assert (done.status, project.requirements) == (0, "keeper==5.0\nwaiter==4.0  # via keeper\n")
    assert done.stdout.startswith("for       python 3.11.2, glibc 2.36 x86_64")
    assert "Dockerfile:1, asked of the image" in done.stdout
    assert "is taken as" not in done.output
    assert engine.commands == ["image", "run"]


@pytest.mark.usefixtures("files")
def test_image_that_is_not_here_is_not_pulled(project: TemporaryProject) -> None:
    """An engine without the image: the assumption is stated, and nothing is pulled."""
    engine = old_image(project)
    engine.answers("image inspect", 1, "[]", "Error: No such image: python:3.11-slim")
    done = project.invoke("deps.lock", "--dry-run", "--format", "json")
    assert (len(warnings_of(done)), engine.commands) == (1, ["image"])


@pytest.mark.usefixtures("files")
def test_setting_answers(project: TemporaryProject) -> None:
    """With the version written in full there is nothing to assume, and nothing to ask."""
    engine = old_image(project)
    words = ("deps.lock", "--dry-run", "--format", "json")
    done = project.invoke(*words, environment={"INVOKE_PIPFLOW_PYTHON": "3.11.2"})
    assert [change["project"] for change in done.report["changes"]] == ["waiter"]
    assert (warnings_of(done), engine.commands) == ([], [])
    (warning,) = warnings_of(project.invoke(*words, environment={"INVOKE_PIPFLOW_PYTHON": "3.11"}))
    assert warning.startswith("Python 3.11 (the setting python) is taken as 3.11.")


@pytest.mark.usefixtures("files")
def test_exact_tag_needs_neither(project: TemporaryProject) -> None:
    """A tag that names the patch level is not asked about."""
    engine = old_image(project)
    project.write("Dockerfile", dockerfile("3.11.4"))
    done = project.invoke("deps.lock", "--dry-run", "--format", "json")
    assert (done.report["changes"], warnings_of(done), engine.commands) == ([], [], [])


@pytest.mark.usefixtures("files")
def test_python_that_is_copied(project: TemporaryProject) -> None:
    """The image that a Python is copied from is asked, too."""
    copied = dockerfile("3.11").replace(
        "FROM python:3.11-slim\n",
        "FROM debian:bookworm\nCOPY --from=python:3.11-slim-bookworm /usr/local /usr/local\n",
    )
    project.write("Dockerfile", copied)
    old_image(project)
    done = project.invoke("deps.lock", "--no-rebuild")
    assert (done.status, project.requirements) == (0, "keeper==5.0\nwaiter==4.0  # via keeper\n")


REQUIRED = [
    ("3.9", ">=3.9.2", True),
    ("3.9", "!=3.9.7", True),
    ("3.8", ">=3.8.1", True),
    ("3.8", ">3.8", True),
    ("3.9", ">=3.8.1", False),
    ("3.9", ">=3.9", False),
    ("3.9", ">=3.6,<4,!=3.7.*", False),
    ("3.9.1", ">=3.9.1", False),
    # the first images on bookworm had 3.8.17, and Alpine 3.12 was never built with 3.8.11
    ("3.8-slim-bookworm", ">=3.8.1", False),
    ("3.8-alpine3.12", "!=3.8.11", False),
    ("3.8-alpine3.12", "!=3.8.7", True),
]


@pytest.mark.parametrize(("tag", "required", "turns"), REQUIRED)
def test_requires_python_that_turns_on_the_patch_level(
    project: TemporaryProject, index: LoopbackIndex, tag: str, required: str, turns: bool
) -> None:
    """It is said where what a floating tag can be decides, and nowhere else."""
    index.add("lib", "1.0", requires_python=required)
    suffix = "" if "-" in tag else "-slim"
    project.write("Dockerfile", dockerfile("3.9").replace("3.9-slim", f"{tag}{suffix}"))
    for words in (["deps.add", "lib"], ["deps.add", "lib", "--no-resolve"]):
        done = project.invoke(*words, "--dry-run", "--format", "json")
        said = [each for each in warnings_of(done) if f"lib 1.0 needs Python {required}" in each]
        assert (len(said), len(warnings_of(done))) == (turns, turns), done.report["warnings"]


def test_everything_that_turns_is_one_warning(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """Lines, also of constraints, and what is needed of Python are named together."""
    index.add("first", "1.0", requires_python=">=3.9.2")
    index.add("second", "1.0")
    project.write("Dockerfile", dockerfile("3.9"))
    project.write(
        "requirements.txt",
        "-c limits.txt\nfirst==1.0\nsecond==1.0 ; python_full_version > '3.9.3'\n",
    )
    project.write("limits.txt", "third<2 ; implementation_version < '3.9.20'\n")
    project.write("requirements-dev.txt", "")
    for words in (["deps.outdated"], ["deps.check"], ["deps.upgrade-all", "--dry-run"]):
        (warning,) = warnings_of(project.invoke(*words, "--format", "json"))
        for named in (
            "second==1.0 ; python_full_version > '3.9.3' (requirements.txt:3)",
            "third<2 ; implementation_version < '3.9.20' (limits.txt:1)",
            "first 1.0 needs Python >=3.9.2",
        ):
            assert named in warning


def test_version_that_a_newer_image_can_have(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """An image that is newer than these tables is asked where the newest version wants that."""
    index.add("lib", "1.0")
    index.add("lib", "2.0", requires_python=">=3.11.20")
    project.write("Dockerfile", dockerfile("3.11"))
    assert "lib 1.0 " in project.invoke("deps.add", "lib", "--dry-run").stdout
    markers = {**OLD["markers"], "python_full_version": "3.11.21"}
    old_image(project, python="3.11.21", markers=markers)
    assert "lib 2.0 " in project.invoke("deps.add", "lib", "--dry-run").stdout
    assert project.invoke("deps.add", "lib>=2", "--dry-run").status == 0


def test_check_asks_the_image(project: TemporaryProject, index: LoopbackIndex) -> None:
    """A pin that the old image refuses is found, and the assumption is not stated."""
    index.add("lib", "1.0", requires_python=">=3.11.4")
    project.write("Dockerfile", dockerfile("3.11"))
    project.write("requirements.txt", "lib==1.0\n")
    assert project.invoke("deps.check").status == 0
    old_image(project)
    done = project.invoke("deps.check")
    assert done.status == 1
    assert "lib 1.0 needs Python >=3.11.4, the image has 3.11.2 (Dockerfile:1)" in done.stdout
    assert "is taken as" not in done.output


def test_remove_in_a_locked_file(project: TemporaryProject, index: LoopbackIndex) -> None:
    """The image that is here says what is still needed."""
    index.add("waiter", "4.0")
    index.add("other", "1.0")
    index.add("keeper", "5.0", requires_dist=['waiter>=4; python_full_version < "3.11.3"'])
    project.write("Dockerfile", dockerfile("3.11"))
    locked = "keeper==5.0\nother==1.0\nwaiter==4.0  # via keeper\n"
    project.write("requirements.txt", locked)
    old_image(project)
    done = project.invoke("deps.remove", "other", "--no-rebuild")
    assert (done.status, project.requirements) == (0, locked.replace("other==1.0\n", ""))


@pytest.mark.usefixtures("files")
def test_isolated_asks_no_image(project: TemporaryProject) -> None:
    """`--isolated` starts no program: the assumption is stated."""
    project.remove("tasks.py")
    engine = old_image(project)
    done = project.pipflow("--isolated", "outdated", "--format", "json")
    assert (len(warnings_of(done)), engine.commands) == (1, [])
