"""The setting `cooldown_days`: a release has to be that old, but for those who name it exactly."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from functional.temporary_project import TemporaryProject
from loopback_index import LoopbackIndex


def uploaded(*, days: float) -> str:
    """Return the time that many days ago, as an index writes it."""
    time = datetime.now(timezone.utc) - timedelta(days=days)
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture(autouse=True)
def _fill(project: TemporaryProject, index: LoopbackIndex) -> None:
    index.add("lib", "1.0")
    index.add("lib", "2.0", upload_time=uploaded(days=7.1))
    index.add("lib", "3.0", upload_time=uploaded(days=2.1))
    index.add("lib", "4.0", upload_time=uploaded(days=0.01))
    project.write("invoke.yaml", "pipflow:\n  cooldown_days: 7\n")


def test_young_release_is_passed_over(project: TemporaryProject) -> None:
    """The newest release that is old enough is taken, and the report says what was too young."""
    done = project.invoke("deps.add", "lib")
    assert (done.status, project.requirements) == (0, "lib==2.0\n")
    said = "4.0 was released less than an hour ago, the setting cooldown_days is 7"
    assert f"added     lib 2.0 (requirements.txt:1)\n          {said}" in done.stdout


@pytest.mark.parametrize(
    ("days", "version"), [("0", "4.0"), ("0.005", "4.0"), ("1", "3.0"), ("8", "1.0")]
)
def test_days_are_counted(project: TemporaryProject, days: str, version: str) -> None:
    """Any number of days counts, also a part of one; 0 is none."""
    project.write("invoke.yaml", f"pipflow:\n  cooldown_days: {days}\n")
    assert project.invoke("deps.add", "lib").status == 0
    assert project.requirements == f"lib=={version}\n"


@pytest.mark.parametrize("value", ["soon", "-1", "nan", "99999"])
def test_days_that_make_no_sense(project: TemporaryProject, value: str) -> None:
    """A setting that is no number of days: status 1, and it is named."""
    project.write("invoke.yaml", f"pipflow:\n  cooldown_days: {value}\n")
    done = project.invoke("deps.add", "lib")
    assert (done.status, done.stdout) == (1, "")
    assert "cooldown_days" in done.stderr


@pytest.mark.parametrize("resolve", [(), ("--no-resolve",)])
def test_exact_request_is_consent(project: TemporaryProject, resolve: tuple[str, ...]) -> None:
    """Who types the version gets it, whatever its age; a range is no such word."""
    assert project.invoke("deps.add", "lib==4.0", *resolve).status == 0
    assert project.requirements == "lib==4.0\n"
    project.requirements = ""
    done = project.invoke("deps.add", "lib>=3", *resolve)
    assert (done.status, project.requirements) == (1, "")
    assert "3.0 was released 2 days ago, the setting cooldown_days is 7" in done.stderr


@pytest.mark.parametrize("task", ["upgrade-all", "upgrade", "outdated"])
def test_standing_pin_never_falls(
    project: TemporaryProject, index: LoopbackIndex, task: str
) -> None:
    """A pin that is too young itself stays, counts for the others, and moves again in time."""
    index.add("top", "1.0")
    index.add("top", "2.0", requires_dist=["lib>=4"])
    project.requirements = "lib==3.0\ntop==1.0\n"
    words = (f"deps.{task}", "lib") if task == "upgrade" else (f"deps.{task}",)
    done = project.invoke(*words)
    assert (done.status, project.requirements) == (0, "lib==3.0\ntop==1.0\n")
    assert "lib at 3.0: 4.0 was released less than an hour ago" in done.stdout
    assert "is left as it is" not in done.stderr
    if task == "upgrade-all":
        assert "top at 1.0: " in done.stdout
        environment = {"INVOKE_PIPFLOW_COOLDOWN_DAYS": "0"}
        assert project.invoke(*words, environment=environment).status == 0
        assert project.requirements == "lib==4.0\ntop==2.0\n"


def test_dependency_has_to_be_old_enough(project: TemporaryProject, index: LoopbackIndex) -> None:
    """A version that needs a young release is passed over, and the reason names that."""
    index.add("top", "1.0", requires_dist=["lib"])
    index.add("top", "2.0", requires_dist=["lib>=3"])
    done = project.invoke("deps.add", "top")
    assert (done.status, project.requirements) == (0, "top==1.0\n")
    assert "top 2.0 needs lib>=3, and lib 4.0 was released less than" in done.stdout


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("top==2.0", "young 1.0 was released 2 days ago, the setting cooldown_days is 7, and no"),
        ("young", "young (requirements.txt:2) is left as it is: young 1.0 was released 2 days ago"),
    ],
)
def test_what_stands_may_need_a_young_release(
    project: TemporaryProject, index: LoopbackIndex, line: str, said: str
) -> None:
    """What the image gets in any case counts with its needs, however young."""
    index.add("base", "1.0")
    index.add("base", "2.0")
    index.add("top", "2.0", requires_dist=["young"])
    index.add("young", "1.0", requires_dist=["base<2"], upload_time=uploaded(days=2.1))
    project.requirements = f"base==1.0\n{line}\n"
    done = project.invoke("deps.upgrade-all")
    assert (done.status, project.requirements) == (0, f"base==1.0\n{line}\n")
    assert "young 1.0 needs base<2" in done.stdout
    assert said in done.stderr


def test_young_release_stands_for_an_older_one_that_is_broken(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """A pin that only goes with a young release stays, and what can move beside it moves."""
    index.add("top", "1.0", requires_dist=["low"])
    index.add("low", "1.0", requires_dist=["no-such-project"])
    index.add("low", "2.0", upload_time=uploaded(days=2))
    index.add("other", "1.0")
    index.add("other", "2.0")
    project.requirements = "other==1.0\ntop==1.0\n"
    done = project.invoke("deps.upgrade-all")
    assert (done.status, project.requirements) == (0, "other==2.0\ntop==1.0\n"), done.stderr
    assert "low 2.0 was released 2 days ago" in done.stderr


def test_locked_file_holds_what_is_needed(project: TemporaryProject, index: LoopbackIndex) -> None:
    """`lock` writes a young release where no older one will do, and says so."""
    index.add("top", "2.0", requires_dist=["lib>=3"])
    project.requirements = "top==2.0\n"
    done = project.invoke("deps.lock")
    assert (done.status, project.requirements) == (0, "lib==3.0  # via top\ntop==2.0\n")
    assert "lib 3.0 was released 2 days ago" in done.stderr
    assert project.invoke("deps.check").status == 0


def test_constraint_that_names_a_version_is_consent(project: TemporaryProject) -> None:
    """A version that a constraint names exactly is taken whatever its age."""
    project.write("constraints.txt", "lib==3.0\n")
    project.requirements = "-c constraints.txt\n"
    assert project.invoke("deps.add", "lib").status == 0
    assert project.requirements == "-c constraints.txt\nlib==3.0\n"


def test_wheel_that_came_later_counts(project: TemporaryProject, index: LoopbackIndex) -> None:
    """The file that an installer would take has to be old enough, not just the release."""
    index.add("late", "1.0")
    index.add("late", "2.0", sdist=True, wheel=False)
    index.add("late", "2.0", upload_time=uploaded(days=1.5))
    done = project.invoke("deps.add", "late")
    assert (done.status, project.requirements) == (0, "late==1.0\n")
    assert "2.0 was released 1 day ago" in done.stdout


@pytest.mark.parametrize("face", ["html", "json"])
def test_index_that_tells_no_times(
    project: TemporaryProject, index: LoopbackIndex, face: str
) -> None:
    """Where the index does not say when a release was uploaded, nothing is taken."""
    index.face = "html" if face == "html" else "json"
    for version in ("1.0", "2.0"):
        index.add("undated", version, upload_time=None)
        index.add("other", version, upload_time=None)
    project.requirements = ""
    done = project.invoke("deps.add", "undated other")
    assert (done.status, done.stdout, project.requirements) == (1, "", "")
    assert "does not say when undated 2.0 and other 2.0 were uploaded" in done.stderr
    assert 'hint: the setting `cooldown_exempt: "undated, other"` exempts them' in done.stderr
    assert project.invoke("deps.add", "undated==2.0").status == 0  # the version is named
    project.requirements = "undated==1.0\n"
    for task in ("upgrade-all", "outdated"):
        assert project.invoke(f"deps.{task}").status == 1
    environment = {"INVOKE_PIPFLOW_COOLDOWN_DAYS": "0"}
    done = project.invoke("deps.upgrade-all", environment=environment)
    assert (done.status, project.requirements) == (0, "undated==2.0\n")


@pytest.mark.parametrize("exempt", ["undated, lib", "UN*, l?b", "{url}", "other, {url}"])
def test_exempt(project: TemporaryProject, index: LoopbackIndex, exempt: str) -> None:
    """Names, patterns and indexes are exempt."""
    index.add("undated", "2.0", upload_time=None)
    environment = {"INVOKE_PIPFLOW_COOLDOWN_EXEMPT": exempt.format(url=index.url)}
    done = project.invoke("deps.add", "undated lib", environment=environment)
    assert (done.status, project.requirements) == (0, "lib==4.0\nundated==2.0\n"), done.output


def test_exempt_project_leaves_the_others(project: TemporaryProject, index: LoopbackIndex) -> None:
    """What is not named has to be old enough."""
    index.add("other", "1.0")
    index.add("other", "2.0", upload_time=uploaded(days=1))
    project.write("invoke.yaml", "pipflow:\n  cooldown_days: 7\n  cooldown_exempt: [lib]\n")
    assert project.invoke("deps.add", "lib other").status == 0
    assert project.requirements == "lib==4.0\nother==1.0\n"


def test_until_when_a_release_waits(project: TemporaryProject, index: LoopbackIndex) -> None:
    """The reason says until when; the time is in UTC, rounded up to a minute."""
    time = datetime.now(timezone.utc).replace(microsecond=0) - timedelta(days=3)
    index.add("late", "1.0")
    index.add("late", "2.0", upload_time=f"{time:%Y-%m-%dT%H:%M:%SZ}")
    report = project.invoke("deps.add", "late", "--format", "json").report
    until = time + timedelta(days=7, seconds=59)
    assert report["changes"][0]["reason"] == (
        "2.0 was released 3 days ago, the setting cooldown_days is 7 "
        f"(until {until:%Y-%m-%d %H:%M} UTC)"
    )


def test_exempt_index_with_credentials(project: TemporaryProject, index: LoopbackIndex) -> None:
    """An index is exempt by its address, with or without user and password."""
    index.credentials = ("ann", "secret")
    index.add("undated", "2.0", upload_time=None)
    project.environment["PIP_INDEX_URL"] = index.url.replace("://", "://ann:secret@")
    project.requirements = ""
    done = project.invoke("deps.add", "undated")
    assert (done.status, "secret" in done.output) == (1, False)
    assert f'`cooldown_exempt: "{index.url.rstrip("/")}"` all of the index' in done.stderr
    environment = {"INVOKE_PIPFLOW_COOLDOWN_EXEMPT": index.url}
    done = project.invoke("deps.add", "undated lib", environment=environment)
    assert (done.status, project.requirements) == (0, "lib==4.0\nundated==2.0\n"), done.output
