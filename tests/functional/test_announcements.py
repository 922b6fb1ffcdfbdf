"""What is about to change is shown before the minutes of a build, on standard error."""

from __future__ import annotations

import pytest
from functional.temporary_project import BUILD_OUTPUT, COMPOSE_V2, ENGINE, TemporaryProject
from loopback_index import LoopbackIndex


@pytest.fixture(autouse=True)
def _fill(project: TemporaryProject, index: LoopbackIndex) -> None:
    for version in ("1.0", "2.0"):
        index.add("lib", version)
        index.add("tool", version, requires_dist=["lib<2"] if version == "2.0" else [])
    project.requirements = "lib==1.0\ntool==1.0\n"


def test_changes_and_images(project: TemporaryProject, index: LoopbackIndex) -> None:
    """The changes are in the words of a dry run, with the images; in Invoke as well.

    Why no more changes is in the report alone.
    """
    project.stand_in("docker", ENGINE)
    index.add("tool", "3.0", requires_python=">=3.10")
    built = ["building  shop", BUILD_OUTPUT]
    done = project.invoke("deps.upgrade", "tool")
    moved = "tool 1.0 to 2.0 (requirements.txt:2)"
    assert "3.0 needs Python >=3.10" in done.stdout
    assert (done.status, done.stderr.splitlines()) == (0, [f"to move   {moved}", *built])
    assert f"moved     {moved}" in done.stdout.splitlines()
    done = project.invoke("deps.remove", "tool")
    assert done.stderr.splitlines() == ["to remove tool 2.0 (requirements.txt:2)", *built]
    assert project.pipflow("rebuild").stderr.splitlines() == built


def test_services(project: TemporaryProject) -> None:
    """Of a compose project, the services that are built are named."""
    project.stand_in("docker", COMPOSE_V2)
    project.write("compose.yaml", "services: {web: {build: .}, jobs: {build: .}, db: {image: a}}\n")
    done = project.pipflow("upgrade", "lib")
    assert "building  web and jobs\n" in done.stderr


@pytest.mark.parametrize("hide", ["both", "out"])
def test_hidden_output(project: TemporaryProject, hide: str) -> None:
    """Where nothing of the build is shown, the changes are printed once, in the report."""
    project.stand_in("docker", ENGINE)
    project.write("invoke.yaml", f"run: {{hide: {hide}}}\n")
    for done in (project.invoke("deps.upgrade", "tool"), project.pipflow("remove", "tool")):
        assert done.status == 0
        assert "tool" in done.stdout
        assert ("tool" in done.stderr) is (hide == "out")
        assert done.stderr.endswith("building  shop\n")


def test_failed_build(project: TemporaryProject) -> None:
    """It was said what was tried, whatever becomes of it."""
    project.stand_in("docker", {"version": 0, "build": 1})
    done = project.pipflow("upgrade", "lib")
    assert done.status == 3
    assert done.stderr.startswith("to move   lib 1.0 to 2.0 (requirements.txt:1)\nbuilding  shop\n")
    assert "undone    lib 1.0 to 2.0" in done.stdout


@pytest.mark.parametrize(
    "words",
    [
        ("upgrade", "lib", "--no-rebuild"),
        ("upgrade", "lib", "--dry-run"),
        ("upgrade", "lib", "--format", "json"),
        ("upgrade", "lib", "--format", "markdown"),
        ("add", "lib"),
        ("outdated",),
    ],
    ids=str,
)
def test_nothing_where_nothing_is_built(project: TemporaryProject, words: tuple[str, ...]) -> None:
    """Without a build the report comes at once; and other formats are for programs."""
    project.stand_in("docker", ENGINE)
    done = project.pipflow(*words)
    assert done.status == 0
    assert "building" not in done.stderr
    assert "to move" not in done.stderr


def test_no_engine(project: TemporaryProject) -> None:
    """Where no engine answers, nothing is announced."""
    done = project.pipflow("upgrade", "lib")
    assert (done.status, done.stderr) == (0, "")
    assert "image     not built: " in done.stdout
