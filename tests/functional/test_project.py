"""The library under the tasks: several plans on one project, and what a plan's end tells."""

from __future__ import annotations

import os

import pytest
from functional.temporary_project import ENGINE, NO_ADVICE, TemporaryProject
from loopback_index import LoopbackIndex

from pipflow_tasks import BuildError, Project
from pipflow_tasks.errors import FileError
from pipflow_tasks.report import FORMATS, write_report
from pipflow_tasks.settings import Settings

FAILING = {"version": 0, "build": 1}


def opened(project: TemporaryProject, index: LoopbackIndex, **settings: str) -> Project:
    """Open the project as a library, with only the project's own programs on the path."""
    environment = {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": index.url}
    return Project.open(project.folder, Settings(**settings), environment=environment)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _fill(project: TemporaryProject, index: LoopbackIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    index.add("lib", "1.0")
    index.add("lib", "2.0")
    monkeypatch.setenv("PATH", str(project.programs))


@pytest.mark.parametrize("before", [None, "other==1.0\n"], ids=["new file", "file"])
@pytest.mark.parametrize("rebuild", ["never", "auto"])
def test_loser_of_a_race_leaves_the_winners_line(
    before: str | None, rebuild: str, project: TemporaryProject, index: LoopbackIndex
) -> None:
    """Of two equal commands the later one is refused, and takes nothing of the first one back."""
    index.add("other", "1.0")
    project.stand_in("docker", ENGINE)
    if before is not None:
        project.requirements = before
    with opened(project, index) as winner, opened(project, index) as loser:
        plans = [each.plan_add("lib") for each in (winner, loser)]
        winner.apply(plans[0], rebuild=rebuild)
        with pytest.raises(FileError, match="another program has changed it in the meantime"):
            loser.apply(plans[1], rebuild=rebuild)

    assert project.requirements == f"lib==2.0\n{before or ''}"


def test_second_plan_asks_the_index_that_the_file_names_now(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """A project that stays open asks the index of each plan, not that of its first."""
    with LoopbackIndex() as other, opened(project, index) as here:
        other.add("lib", "3.0")
        project.requirements = "lib==1.0\n"
        first = here.plan_upgrade_all()
        project.requirements = f"--index-url {other.url}\nlib==1.0\n"
        second = here.plan_upgrade_all()

    assert [str(change.after) for change in first.changes] == ["2.0"]
    assert [str(change.after) for change in second.changes] == ["3.0"]


def test_warnings_are_those_of_one_plan(project: TemporaryProject, index: LoopbackIndex) -> None:
    """What was to be said of one plan is not said of the next."""
    project.requirements = "--trusted-host 127.0.0.1\nlib==1.0\n-c ftp://example.com/c.txt\n"
    with opened(project, index) as here:
        first = here.plan_upgrade_all()
        project.requirements = "lib==1.0\n"
        second = here.plan_upgrade_all()

    assert [bool(first.warnings), list(second.warnings)] == [True, []]


def test_dockerfile_of_now_counts(project: TemporaryProject, index: LoopbackIndex) -> None:
    """A project that stays open reads the Dockerfile for each plan."""
    project.requirements = "lib==1.0\n"
    with opened(project, index) as here:
        plans = [here.plan_upgrade_all()]
        project.write("Dockerfile", project.read("Dockerfile").replace("3.9", "3.12"))
        plans.append(here.plan_upgrade_all())

    pythons = [each.target.python for plan in plans for each in plan.environments]
    assert pythons == ["3.9", "3.12"]


def test_failed_build_is_an_error(project: TemporaryProject, index: LoopbackIndex) -> None:
    """A task of one's own that applies a plan stops where the image was not built."""
    project.stand_in("docker", FAILING)
    project.requirements = "lib==1.0\n"
    with opened(project, index) as here, pytest.raises(BuildError) as caught:
        here.apply(here.plan_upgrade_all())

    assert (caught.value.outcome.status, caught.value.outcome.undone) == (
        "failed",
        ("requirements.txt",),
    )
    assert project.requirements == "lib==1.0\n"


def test_dry_run_of_rebuild_says_that_it_builds(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """`rebuild` builds whatever the setting of that name says, and its dry run says so."""
    docker = project.stand_in("docker", ENGINE)
    words = ("deps.rebuild", "--dry-run")
    done = project.invoke(*words, environment={"INVOKE_PIPFLOW_REBUILD": "never"})

    assert (done.status, docker.built) == (0, [])
    assert "image     would be built: docker build" in done.stdout


def test_library_does_what_the_tasks_do(project: TemporaryProject, index: LoopbackIndex) -> None:
    """Each command as a function of the library: what it leaves in the file, and what it says."""
    index.add("lib", "2.1", requires_dist=["base>=1"])
    for version in ("1.0", "1.1", "2.0"):
        index.add("base", version)
    index.add("top", "1.0", requires_dist=["base<2"])
    project.write("Dockerfile", "FROM python:3.12-slim\nCOPY *.txt .\nRUN pip install -r dev.txt\n")
    project.write("dev.txt", "-r requirements.txt\ntop\n")
    project.requirements = "lib>=1  # ours\n"
    steps: list[tuple[str, dict[str, str], str]] = [
        ("pin", {}, "lib==2.1  # ours\n"),
        ("check", {}, "lib==2.1  # ours\n"),
        ("lock", {}, "base==1.1  # via lib, top\nlib==2.1  # ours\n"),
        ("check", {}, "base==1.1  # via lib, top\nlib==2.1  # ours\n"),
        ("upgrade", {"requirements": "lib==2.0"}, "base==1.1  # via top\nlib==2.0  # ours\n"),
        ("outdated", {}, "base==1.1  # via top\nlib==2.0  # ours\n"),
        ("upgrade_all", {}, "base==1.1  # via lib, top\nlib==2.1  # ours\n"),
        ("why", {"requirements": "base"}, "base==1.1  # via lib, top\nlib==2.1  # ours\n"),
        ("why_not", {"requirements": "base==2.0"}, "base==1.1  # via lib, top\nlib==2.1  # ours\n"),
        ("unlock", {}, "lib==2.1  # ours\n"),
        ("remove", {"requirements": "lib"}, ""),
    ]
    said: dict[str, str] = {}
    codes, files = NO_ADVICE["INVOKE_PIPFLOW_CODES"], "requirements.txt,dev.txt"
    with opened(project, index, file=files, platform="linux/amd64", codes=codes) as here:
        for name, options, expected in steps:
            plan = getattr(here, f"plan_{name}")(**options)
            outcome = here.apply(plan, rebuild="never")
            said[name] = "\n".join(write_report(plan, outcome, form=form) for form in FORMATS)
            assert (project.requirements, not plan.findings) == (expected, True), name
    assert project.read("dev.txt") == "-r requirements.txt\ntop==1.0\n"
    assert "top 1.0 needs base<2" in said["upgrade_all"]
    assert "change or remove top (dev.txt:2)" in said["why_not"]
