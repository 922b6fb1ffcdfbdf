"""Files outside of the repository: read as pip reads them, and never written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from functional.temporary_project import Answer, TemporaryProject
from loopback_index import LoopbackIndex


@pytest.fixture(autouse=True)
def _fill(project: TemporaryProject, index: LoopbackIndex) -> None:
    for name in ("lib", "theirs", "deep"):
        index.add(name, "1.0")
        index.add(name, "2.0")
    (project.folder / ".git").mkdir()
    project.requirements = "-r ../outside.txt\nlib==1.0\n"
    outside(project).write_text("theirs==1.0\n-r deep.txt\n")
    outside(project).with_name("deep.txt").write_text("deep==1.0\n")


def outside(project: TemporaryProject) -> Path:
    return project.folder.parent / "outside.txt"


def test_included_file_is_left_alone(project: TemporaryProject, index: LoopbackIndex) -> None:
    """What it pins counts for the choice; it is named, and not changed."""
    index.add("lib", "1.5", requires_dist=["theirs<2"])
    index.add("lib", "2.0", requires_dist=["theirs>=2"])
    done = project.invoke("deps.upgrade-all", "--no-rebuild")
    assert (done.status, project.requirements) == (0, "-r ../outside.txt\nlib==1.5\n"), done.output
    assert outside(project).read_text() == "theirs==1.0\n-r deep.txt\n"
    assert outside(project).with_name("deep.txt").read_text() == "deep==1.0\n"
    sentence = (
        "-r ../outside.txt (requirements.txt:1): files outside of the repository are not edited"
    )
    assert f"left      {sentence}" in done.stdout


def test_link_out_of_the_repository(project: TemporaryProject) -> None:
    """A name in the repository whose link leads out of it is an error before it is written."""
    project.remove("requirements.txt")
    target = outside(project)
    target.write_text("lib==1.0\n")
    (project.folder / "requirements.txt").symlink_to("../outside.txt")
    assert project.invoke("deps.outdated").status == 0
    done = project.invoke("deps.upgrade-all", "--no-rebuild")
    assert (done.status, target.read_text()) == (1, "lib==1.0\n")
    assert "requirements.txt: it leads out of the repository" in done.stderr
    named = project.invoke("deps.upgrade-all", "--no-rebuild", "--file", "../outside.txt")
    assert (named.status, target.read_text()) == (0, "lib==2.0\n")


def test_no_repository(project: TemporaryProject) -> None:
    """Where there is no repository, an included file is edited wherever it is."""
    (project.folder / ".git").rmdir()
    assert project.invoke("deps.upgrade-all", "--no-rebuild").status == 0
    assert outside(project).read_text() == "theirs==2.0\n-r deep.txt\n"


@pytest.mark.parametrize("isolated", [(), ("--isolated",)])
def test_name_of_a_service_that_is_an_option(
    project: TemporaryProject, isolated: tuple[str, ...]
) -> None:
    """A service whose name begins with `-` is refused; docker never gets it as an option."""
    docker = project.stand_in("docker", {"version": 0, "compose version": 0, "compose build": 0})
    project.requirements = "lib==1.0\n"
    project.write("compose.yaml", "services: {--push: {build: .}}\n")
    done = project.pipflow(*isolated, "upgrade-all")
    assert (done.status, docker.built) == (1, []), done.output
    assert project.requirements == "lib==1.0\n"
    assert "--push" in done.stderr


BAKE = {"target": {"--push": {"tags": ["shop:1"]}}, "group": {"default": {"targets": ["--push"]}}}
BUILDX = {"version": 0, "buildx bake --print": json.dumps(BAKE), "buildx bake --load": 0}


@pytest.mark.parametrize("answers", [BUILDX, {"version": 0, "build": 0}], ids=["buildx", "plain"])
@pytest.mark.parametrize("name", ["--push", "--set=*.output=type=registry", "-f"])
def test_name_of_a_target_that_is_an_option(
    project: TemporaryProject, name: str, answers: dict[str, Answer]
) -> None:
    """A bake target whose name begins with `-` is never an argument of docker's."""
    told = {
        key: answer.replace("--push", name) if isinstance(answer, str) else answer
        for key, answer in answers.items()
    }
    docker = project.stand_in("docker", told)
    project.requirements = "lib==1.0\n"
    project.write("images/app", project.read("Dockerfile"))
    project.remove("Dockerfile")
    target = {"dockerfile": "images/app"}
    project.write("docker-bake.json", json.dumps({"target": {name: target, "default": target}}))
    done = project.pipflow("upgrade-all")
    assert all(name not in call.arguments for call in docker.calls), docker.calls
    assert "Traceback" not in done.output
    project.write("docker-bake.json", json.dumps({"target": {name: target}}))
    project.write("invoke.yaml", f"pipflow: {{service: '{name}'}}\n")
    done = project.invoke("deps.upgrade-all")
    assert all(name not in call.arguments for call in docker.calls), docker.calls
    assert (done.status, project.requirements[:4]) == (1, "lib="), done.output
