"""What a release lacks that the one before it had: provenance (PEP 740), a wheel."""

from __future__ import annotations

import json
from typing import Any

import pytest
from functional.temporary_project import NO_ADVICE, TemporaryProject, dockerfile
from loopback_index import JSON_V1, Face, Fault, LoopbackIndex

PROVENANCE = "flask 1.2 has no provenance, which 1.1 had"
WHEELS = "flask 1.2 has only a source distribution; 1.1 had a wheel"


def fill(index: LoopbackIndex) -> None:
    """Add a project whose newest release has no provenance; the releases before it have."""
    for version in ("1.0", "1.1"):
        index.add("flask", version, provenance=True)
    index.add("flask", "1.2")


def findings(project: TemporaryProject, codes: str = "") -> list[tuple[Any, ...]]:
    every = ",".join([*filter(None, [codes]), *NO_ADVICE.values()])
    environment = {"INVOKE_PIPFLOW_CODES": every}
    report = project.pipflow("check", "--format", "json", environment=environment).report
    return [(each["code"], each["severity"], each["line"]) for each in report["findings"]]


@pytest.mark.parametrize("face", ["html", "json"])
def test_plan_warns_of_lost_provenance(
    project: TemporaryProject, index: LoopbackIndex, face: Face
) -> None:
    """Every command that takes the release says what it lacks, also with pages of the cache."""
    index.face = face
    index.cache_control = "max-age=600"
    fill(index)
    project.requirements = "flask==1.0\n"
    for words in (("outdated",), ("upgrade", "flask"), ("remove", "flask"), ("add", "flask")):
        done = project.pipflow(*words)
        assert done.status == 0, done.output
        told = f"warning: {PROVENANCE}; check that it is the project's own\n"
        assert (told in done.stderr) == (words[0] != "remove"), done.output


def test_nothing_is_asked_for_besides(project: TemporaryProject, index: LoopbackIndex) -> None:
    """Nothing is asked for that a plan without the comparison would not ask for."""
    fill(index)
    assert project.pipflow("add", "flask").status == 0
    paths = [request.path for request in index.requests]
    assert [path for path in paths if path.endswith(".metadata")] == [
        "/files/flask-1.2-py3-none-any.whl.metadata"
    ]
    assert [path for path in paths if not path.endswith(".metadata")] == ["/simple/flask/"]


@pytest.mark.parametrize(
    ("codes", "severity"),
    [("", "warning"), ("lost-provenance=error", "error"), ("lost-provenance=ignore", "")],
)
def test_finding_of_lost_provenance(
    project: TemporaryProject, index: LoopbackIndex, codes: str, severity: str
) -> None:
    """``check`` finds the pin; the setting says how bad that is, and what is ignored is silent."""
    fill(index)
    project.requirements = "# ours\nflask==1.2\n"
    found = findings(project, codes)
    assert found == ([("lost-provenance", severity, 2)] if severity else [])
    project.requirements = "flask==1.1\n"
    assert findings(project) == []
    done = project.pipflow("upgrade", "flask", environment={"INVOKE_PIPFLOW_CODES": codes})
    assert (done.status, PROVENANCE in done.stderr) == (0, bool(severity))


def test_only_alike_releases_are_compared(project: TemporaryProject, index: LoopbackIndex) -> None:
    """Another major version, a yanked release, a pre-release, one of another Python don't count."""
    index.add("major", "1.0", provenance=True)
    index.add("major", "2.0")
    index.add("again", "1.0")
    index.add("again", "1.1", provenance=True, yanked="broken")
    index.add("again", "1.2rc1", provenance=True)
    index.add("again", "1.3", provenance=True, requires_python=">=3.99")
    index.add("again", "1.4")
    done = project.pipflow("add", "major", "again")
    assert (done.status, "provenance" in done.output) == (0, False), done.output


def test_the_file_that_the_image_takes_is_compared(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """Files for other images do not count: each environment is compared by its own."""
    for version in ("1.0", "1.1"):
        index.add("flask", version, tags=["cp39-cp39-manylinux_2_17_x86_64"], provenance=True)
        index.add("flask", version, tags=["py3-none-any"], provenance=version == "1.0")
    assert PROVENANCE not in project.pipflow("add", "flask", "--dry-run").output
    project.write("Dockerfile", dockerfile("3.11"))
    done = project.pipflow("add", "flask", "--dry-run")
    assert "flask 1.1 has no provenance, which 1.0 had;" in done.stderr


def test_malformed_provenance_is_none(project: TemporaryProject, index: LoopbackIndex) -> None:
    """What is no address counts as none, and the page can be used."""
    index.add("flask", "1.0")
    files = [
        {"filename": f"flask-{version}-py3-none-any.whl", "url": version, "hashes": {}}
        | {"provenance": told}
        for version, told in (("1.0", [1]), ("1.1", None))
    ]
    page = json.dumps({"meta": {"api-version": "1.3"}, "files": files}).encode()
    index.break_project("flask", Fault(body=page, content_type=JSON_V1))
    done = project.pipflow("add", "flask", "--no-resolve")
    assert (done.status, "provenance" in done.output) == (0, False), done.output


def test_lost_wheels(project: TemporaryProject, index: LoopbackIndex) -> None:
    """A release that has a source distribution alone is named where the one before had a wheel."""
    index.add("flask", "1.1", sdist=True)
    index.add("flask", "1.2", wheel=False, sdist=True)
    project.requirements = "flask==1.2\n"
    assert ("lost-wheels", "warning", 1) in findings(project)
    found = findings(project, "lost-wheels=error")
    assert ("lost-wheels", "error", 1) in found
    project.requirements = "flask==1.1\n"
    assert findings(project) == []
    done = project.pipflow("upgrade", "flask")
    assert f"warning: {WHEELS};" in done.stderr
    assert project.requirements == "flask==1.2\n"


def test_yanked_pin_is_told_of_in_every_plan(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """A pin that stays at a yanked version is named by each command that looks at it."""
    index.add("Old", "1.0", yanked="broken")
    index.add("new", "1.0")
    project.requirements = "Old==1.0\n"
    for words in (("outdated",), ("upgrade-all",), ("add", "new"), ("lock",)):
        done = project.pipflow(*words)
        assert "old 1.0 was yanked: broken\n" in done.stderr, done.output
