"""What an index says of a project as a whole (PEP 792), and the setting `codes`."""

from __future__ import annotations

import pytest
from functional.temporary_project import NO_ADVICE, TemporaryProject
from loopback_index import Face, LoopbackIndex


@pytest.fixture(autouse=True)
def _fill(project: TemporaryProject, index: LoopbackIndex) -> None:
    for name in ("old", "older", "fresh"):
        index.add(name, "1.0")
    index.statuses = {"old": ("archived", "use fresh"), "fresh": ("active", "")}
    project.requirements = "fresh==1.0\nold==1.0\n"


@pytest.mark.parametrize("face", ["html", "json"])
def test_plan_warns(project: TemporaryProject, index: LoopbackIndex, face: Face) -> None:
    """Every plan names the projects that the index advises against, also from the cache."""
    index.face = face
    index.cache_control = "max-age=600"
    index.statuses["older"] = ("deprecated", "")
    for words in (("upgrade-all",), ("outdated",), ("add", "older"), ("lock",)):
        done = project.pipflow(*words)
        assert done.status == 0, done.output
        assert "warning: the index says that old is archived: use fresh\n" in done.stderr
        assert ("older is deprecated\n" in done.stderr) == (words[0] in {"add", "lock"})
    assert "fresh is" not in done.stderr


def test_unknown_status_is_none(project: TemporaryProject, index: LoopbackIndex) -> None:
    """A word that PEP 792 does not have counts as active."""
    index.statuses = {"old": ("frozen\x1b[2J", "why"), "fresh": ("", "")}
    done = project.pipflow("upgrade-all")
    assert (done.status, "index says" in done.output) == (0, False)


def test_reason_is_escaped(project: TemporaryProject, index: LoopbackIndex) -> None:
    """What the index writes is one line, without control characters."""
    index.statuses["old"] = ("archived", "gone\nadded     evil 6.6.6\x1b[2J")
    done = project.pipflow("outdated")
    assert "\nadded" not in done.output
    assert "\x1b" not in done.output


@pytest.mark.parametrize(
    ("codes", "status", "severity"),
    [("", 0, "warning"), ("archived=error", 1, "error"), ("archived=ignore,yanked=error", 0, "")],
)
def test_finding(project: TemporaryProject, codes: str, status: int, severity: str) -> None:
    """``check`` finds the line; the setting says how bad that is."""
    codes = ",".join([*filter(None, [codes]), NO_ADVICE["INVOKE_PIPFLOW_CODES"]])
    project.write("invoke.yaml", f"pipflow:\n  codes: {codes}\n")
    done = project.pipflow("check", "--format", "json")
    assert done.status == status, done.output
    found = [(each["code"], each["severity"], each["line"]) for each in done.report["findings"]]
    assert found == ([("archived", severity, 2)] if severity else [])
    assert not any("index says" in warning for warning in done.report["warnings"])


@pytest.mark.parametrize(
    ("codes", "told"), [("archved=error", "did you mean archived?"), ("archived=loud", "ignore")]
)
def test_codes_that_are_wrong(project: TemporaryProject, codes: str, told: str) -> None:
    """An unknown code or severity is an error that says what there is."""
    done = project.pipflow("check", environment={"INVOKE_PIPFLOW_CODES": codes})
    assert (done.status, told in done.stderr) == (1, True), done.output


def test_quarantined_project_has_no_files(project: TemporaryProject, index: LoopbackIndex) -> None:
    """A project that the index holds back has no files: the error says why."""
    index.statuses["gone"] = ("quarantined", "malware")
    project.requirements = "gone==1.0\n"
    done = project.pipflow("upgrade-all")
    assert done.status == 1
    assert '"gone" is quarantined, and has no files' in done.stderr
    assert "malware" in done.stderr


@pytest.mark.parametrize(
    ("codes", "status", "severity"),
    [
        ("", 1, "error"),
        ("quarantined=warning", 0, "warning"),
        ("unknown-project=ignore", 1, "error"),
    ],
)
def test_finding_of_a_quarantined_project(
    project: TemporaryProject, index: LoopbackIndex, codes: str, status: int, severity: str
) -> None:
    """Its code is that of the quarantine, also where there are no files."""
    index.statuses = {"gone": ("quarantined", "malware")}
    project.requirements = "gone==1.0\n"
    environment = {"INVOKE_PIPFLOW_CODES": codes}
    done = project.pipflow("check", "--format", "json", environment=environment)
    found = [(each["code"], each["severity"]) for each in done.report["findings"]]
    assert (done.status, ("quarantined", severity) in found) == (status, True), done.output
