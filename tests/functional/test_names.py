"""Names that are typed with `add`: what is near a wrong one, and what is said of a new one."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from functional.temporary_project import Finished, TemporaryProject
    from loopback_index import LoopbackIndex

CHECK = "check that it is the project that you mean"


def days_ago(days: float) -> str:
    """Return a time of upload."""
    then = datetime.now(timezone.utc) - timedelta(days=days)
    return then.strftime("%Y-%m-%dT%H:%M:%SZ")


def warnings(done: Finished) -> list[str]:
    """Return the warnings of a command that worked."""
    assert done.status == 0
    lines = done.stderr.splitlines()
    return [line.removeprefix("warning: ") for line in lines if line.startswith("warning: ")]


def test_name_of_a_dependency(project: TemporaryProject, index: LoopbackIndex) -> None:
    """A misspelt project is compared with what the listed ones need, and theirs in turn."""
    index.add("top", "1.0", requires_dist=["middle>=1"])
    index.add("middle", "1.0", requires_dist=["urllib3"])
    index.add("urllib3", "2.0")
    project.requirements = text = "top==1.0\n"
    done = project.pipflow("add", "urlib3")
    assert (done.status, done.stdout, project.requirements) == (1, "", text)
    assert "hint: did you mean urllib3, which middle 1.0 needs?" in done.stderr
    assert "urllib3" not in project.pipflow("add", "urlib3", "--no-resolve").stderr


def test_listed_name_comes_first(project: TemporaryProject, index: LoopbackIndex) -> None:
    """A listed project with a similar name is offered before one that is needed."""
    index.add("requests", "1.0", requires_dist=["request-it"])
    index.add("request-it", "1.0")
    project.requirements = "requests==1.0\n"
    done = project.pipflow("add", "request")
    assert "did you mean requests, which is listed (requirements.txt:1)?" in done.stderr


def test_failed_look_up_hides_no_error(project: TemporaryProject, index: LoopbackIndex) -> None:
    """Where what the listed ones need can't be looked up, the error is about the name alone."""
    project.requirements = "gone==1.0\n"
    done = project.pipflow("add", "nonsuch")
    assert (done.status, done.stderr.count("error: "), "gone" in done.stderr) == (1, 1, False)
    assert "nonsuch" in done.stderr


@pytest.mark.parametrize("words", [("add",), ("add", "--dry-run")], ids=" ".join)
def test_first_release_is_days_old(
    project: TemporaryProject, index: LoopbackIndex, words: tuple[str, ...]
) -> None:
    """A project whose first release is days old is reported before it is added."""
    index.add("fresh", "1.0", upload_time=days_ago(5.1))
    index.add("fresh", "1.1", upload_time=days_ago(2.1))
    done = project.pipflow(*words, "fresh", "--no-rebuild")
    assert warnings(done) == [f"the first release of fresh was uploaded 5 days ago; {CHECK}"]
    report = project.pipflow("add", "fresh", "--dry-run", "--format=json").report
    said = [each for each in report["warnings"] if CHECK in each]
    assert len(said) == (1 if "--dry-run" in words else 0)


def test_only_release(project: TemporaryProject, index: LoopbackIndex) -> None:
    """A project with one release alone is reported, with its age if that is days."""
    index.add("young", "1.0", upload_time=days_ago(1.1))
    index.add("old", "1.0")
    index.add("unknown", "0.1", upload_time=None)
    done = project.pipflow("add", "young", "old", "unknown")
    assert warnings(done) == [
        f"young has only one release, 1.0, uploaded 1 day ago; {CHECK}",
        f"old has only one release, 1.0; {CHECK}",
        f"unknown has only one release, 0.1; {CHECK}",
    ]


@pytest.mark.parametrize("oldest", ["2020-01-01T00:00:00Z", None], ids=["old", "unknown"])
def test_project_that_is_not_new(
    project: TemporaryProject, index: LoopbackIndex, oldest: str | None
) -> None:
    """One old release, or one of unknown age, says that nothing is known to be new."""
    index.add("lib", "1.0", upload_time=oldest)
    index.add("lib", "1.1", upload_time=days_ago(2))
    assert warnings(project.pipflow("add", "lib")) == []


def test_listed_projects_are_known(project: TemporaryProject, index: LoopbackIndex) -> None:
    """What is listed or locked already, and what moves, is not reported."""
    index.add("top", "1.0", requires_dist=["needed"])
    index.add("top", "2.0", requires_dist=["needed"])
    index.add("needed", "1.0")
    project.requirements = "needed==1.0  # via top\ntop==1.0\n"
    assert warnings(project.pipflow("add", "needed")) == []
    assert warnings(project.pipflow("upgrade-all")) == []


def test_name_in_a_source(project: TemporaryProject, index: LoopbackIndex) -> None:
    """Where the file is compiled, what is written into its source is reported, too."""
    index.add("top", "1.0")
    index.add("fresh", "1.0", upload_time=days_ago(3.1))
    project.write("requirements.in", "top\n")
    header = "#\n# This file is autogenerated by pip-compile with Python 3.9\n"
    header += "# by the following command:\n#\n#    pip-compile requirements.in\n#\n"
    project.requirements = f"{header}top==1.0\n    # via -r requirements.in\n"
    done = project.pipflow("add", "fresh")
    assert project.read("requirements.in") == "fresh\ntop\n"
    assert warnings(done)[-1] == f"fresh has only one release, 1.0, uploaded 3 days ago; {CHECK}"
