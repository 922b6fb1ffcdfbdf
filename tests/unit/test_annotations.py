"""The comments of compiled files that say why a line is there, as tools write them."""

import pytest
from packaging.utils import NormalizedName, canonicalize_name

from pipflow_tasks.requirements import Annotation, read_annotation


def named(*names: str) -> tuple[NormalizedName, ...]:
    """Return names as they are compared."""
    return tuple(map(canonicalize_name, names))


READ = {
    "one parent below the line": (["# via flask"], Annotation(parents=named("flask"))),
    "a block of files and projects": (
        ["# via", "#   -r requirements.in", "#   Flask_Login", "#   celery[redis]"],
        Annotation(parents=named("flask-login", "celery"), files=("requirements.in",), length=4),
    ),
    "several behind the line": (
        ["# via black, -r dev.in, flask"],
        Annotation(parents=named("black", "flask"), files=("dev.in",)),
    ),
    "a layer that only limits": (
        ["# via", "#   -c base.txt", "#   pytest"],
        Annotation(parents=named("pytest"), constraints=("base.txt",), length=3),
    ),
    "the line of the source, as old releases write it": (
        ["# via -r requirements.in (line 3)"],
        Annotation(files=("requirements.in",)),
    ),
    "a project's own file": (
        ["# via shop (pyproject.toml)"],
        Annotation(files=("pyproject.toml",)),
    ),
    "a group of a project's own file": (
        ["# via", "#   shop (pyproject.toml:dev)"],
        Annotation(files=("pyproject.toml:dev",), length=2),
    ),
    "a file whose name has a space": (
        ["# via", "#   -r my requirements.in"],
        Annotation(files=("my requirements.in",), length=2),
    ),
    "what follows the block is the user's": (
        ["# via", "#   flask", "# keep until spring"],
        Annotation(parents=named("flask"), length=2),
    ),
}


@pytest.mark.parametrize(("comments", "expected"), READ.values(), ids=READ)
def test_annotation_is_read(comments: list[str], expected: Annotation) -> None:
    """Each form says which projects and files a line is there for."""
    assert read_annotation(comments) == expected


@pytest.mark.parametrize(
    "comments", [[], ["# why"], ["# via the proxy, as in 2019"], ["# viaduct"]], ids=repr
)
def test_other_comments_are_none(comments: list[str]) -> None:
    """A comment that is no annotation stays the user's."""
    assert read_annotation(comments) is None
