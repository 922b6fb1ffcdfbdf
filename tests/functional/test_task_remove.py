"""`remove`: lines go with the comments that belong to them."""

from __future__ import annotations

import pytest
from functional.temporary_project import ENGINE, TemporaryProject
from loopback_index import Fault, LoopbackIndex

TEXT = """\
# The web.
# requests is pinned low on purpose
requests==2.30.0
# what flask is for
Flask_SQLAlchemy==2.5.0
    # via reports
zope==1  # a remark

# Tests.
pytest==8.0
"""


@pytest.mark.parametrize(
    ("word", "gone"),
    [
        (
            "flask-sqlalchemy",
            "# what flask is for\nFlask_SQLAlchemy==2.5.0\n    # via reports\n",
        ),
        ("requests", "requests==2.30.0\n"),
        ("ZOPE", "zope==1  # a remark\n"),
        ("pytest", "pytest==8.0\n"),
    ],
)
def test_line_goes_with_its_comments(project: TemporaryProject, word: str, gone: str) -> None:
    """A line goes with its comments; the heading of a block stays, as do all other bytes."""
    project.requirements = TEXT
    done = project.invoke("deps.remove", word)
    assert (done.status, done.stderr) == (0, "")
    assert project.requirements == TEXT.replace(gone, "")
    assert done.stdout.startswith("removed   ")


def test_removes_several(project: TemporaryProject) -> None:
    """Several packages in one word go at once."""
    project.requirements = TEXT
    assert project.invoke("deps.remove", "pytest, requests zope").status == 0
    assert project.requirements == (
        "# The web.\n# requests is pinned low on purpose\n"
        "# what flask is for\nFlask_SQLAlchemy==2.5.0\n    # via reports\n"
        "\n# Tests.\n"
    )


@pytest.mark.parametrize("word", ["nonsuch", "requests, nonsuch", "reqests"])
def test_what_is_not_there_is_refused(project: TemporaryProject, word: str) -> None:
    """A name that is not there: status 1, and nothing is removed."""
    docker = project.stand_in("docker", ENGINE)
    project.requirements = TEXT
    done = project.invoke("deps.remove", word)
    assert (done.status, done.stdout, project.requirements) == (1, "", TEXT)
    assert done.stderr.count("hint: ") == 1
    assert docker.built == []


@pytest.mark.parametrize("word", ["requests==2.30.0", "requests[socks]"])
def test_takes_names_alone(project: TemporaryProject, word: str) -> None:
    """More than a name is refused rather than half understood."""
    project.requirements = TEXT
    assert project.invoke("deps.remove", word).status == 1
    assert project.requirements == TEXT


def test_missing_file_is_refused(project: TemporaryProject) -> None:
    """Without a requirements file there is nothing to remove from: status 1, none is made."""
    done = project.invoke("deps.remove", "requests")
    assert (done.status, project.exists()) == (1, False)
    assert "requirements.txt: " in done.stderr


@pytest.mark.parametrize("base", ["scratch", "python:3.9-slim"])
def test_needs_neither_target_nor_index(
    project: TemporaryProject, index: LoopbackIndex, base: str
) -> None:
    """Lines go also where the image's Python is unknown, or the index fails."""
    index.break_project("*", Fault(status=403))
    project.requirements = TEXT
    project.write("Dockerfile", f"FROM {base}\nCOPY requirements.txt .\n")
    assert project.invoke("deps.remove", "zope").status == 0
    assert project.requirements == TEXT.replace("zope==1  # a remark\n", "")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a==1\r\nb==1\r\n", "a==1\r\n"),
        ("a==1\nb==1", "a==1"),
        ("b==1\n", ""),
        ("\ufeffb==1\na==1\n", "\ufeffa==1\n"),
        ("a==1\nb>=1 \\\n  ,<2\n", "a==1\n"),
        ("b @ http://127.0.0.1/b.whl\na==1\n", "a==1\n"),
        ('b==1; python_version<"3.9"\na==1\nb==2; python_version>="3.9"\n', "a==1\n"),
    ],
)
def test_every_kind_of_line_goes(project: TemporaryProject, before: str, after: str) -> None:
    """Pins, ranges, addresses and every one of several lines go; line endings stay."""
    project.requirements = before
    assert project.invoke("deps.remove", "b").status == 0
    assert project.requirements == after
