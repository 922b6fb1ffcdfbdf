"""Bake files: which target installs the file, with which arguments, and how it is built."""

from __future__ import annotations

import json

import pytest
from functional.temporary_project import Answer, TemporaryProject, dockerfile
from loopback_index import LoopbackIndex

OLD, NEW = "lib==1.0\n", "lib==2.0\n"
STEP = "COPY requirements.txt .\nRUN pip install -r requirements.txt\n"
BAKE = """\
{"variable": {"PY": {"default": "3.9"}},
 "target": {"app": {"dockerfile": "images/app", "args": {"PY": "${PY}"}}}}
"""
PRINTED = """\
{"group": {"default": {"targets": ["app"]}},
 "target": {"app": {"context": ".", "dockerfile": "images/app", "args": {"PY": "3.9"}}}}
"""
BUILDX: dict[str, Answer] = {"version": 0, "buildx bake --print": PRINTED, "buildx bake --load": 0}
PLAIN = {"version": 0, "build": 0}
PRINT = "buildx bake --print --file docker-bake.json"


@pytest.fixture(autouse=True)
def _fill(project: TemporaryProject, index: LoopbackIndex) -> None:
    index.add("lib", "1.0")
    index.add("lib", "2.0")
    index.add("lib", "3.0", requires_python=">=3.12")
    project.requirements = OLD
    project.remove("Dockerfile")
    project.write("images/app", f"ARG PY=3.12\nFROM python:$PY-slim\n{STEP}")
    project.write("docker-bake.json", BAKE)


def test_target_is_built_by_bake(project: TemporaryProject) -> None:
    """The arguments of the target count, and buildx builds it and loads the image."""
    docker = project.stand_in("docker", BUILDX)
    done = project.invoke("deps.upgrade-all")
    assert (done.status, project.requirements) == (0, NEW), done.stderr
    words = "buildx bake --load --file docker-bake.json --set app.tags=shop app"
    assert [words] == [b for b in map(" ".join, (c.arguments for c in docker.calls)) if "load" in b]
    assert "for       python 3.9" in done.stdout


def test_target_is_built_without_buildx(project: TemporaryProject) -> None:
    """Without buildx, the file is read all the same, and docker builds the Dockerfile alike."""
    docker = project.stand_in("docker", PLAIN)
    done = project.invoke("deps.upgrade-all")
    assert (done.status, project.requirements) == (0, NEW), done.stderr
    assert docker.built == ["build --tag shop --build-arg PY=3.9 --file images/app ."]


def test_variable_of_the_environment(project: TemporaryProject) -> None:
    """A variable of the file has the value of the environment, also where there is no engine."""
    done = project.invoke("deps.upgrade-all", environment={"PY": "3.12"})
    assert (done.status, project.requirements) == (0, "lib==3.0\n"), done.stderr


def test_tags_and_platforms(project: TemporaryProject) -> None:
    """A tag of the file stays, and of several platforms one is loaded: all count for versions."""
    printed = json.loads(PRINTED)
    printed["target"]["app"] |= {
        "tags": ["acme/app:1"],
        "platforms": ["linux/arm64", "linux/s390x"],
    }
    docker = project.stand_in("docker", {**BUILDX, "buildx bake --print": json.dumps(printed)})
    done = project.invoke("deps.rebuild")
    assert done.status == 0, done.stderr
    (call,) = (each for each in docker.calls if "--load" in each.arguments)
    assert call.arguments[5:] == (
        *("--set", "app.platform=linux/arm64"),
        "app",
    )
    assert "docker run --rm acme/app:1" in done.output


def test_only_targets_that_install_the_file(project: TemporaryProject) -> None:
    """Other targets are not built; of several that install it, each has a tag and is verified."""
    printed = json.loads(PRINTED)
    printed["group"]["default"]["targets"] = ["app", "proxy", "jobs"]
    printed["target"] |= {
        "proxy": {"dockerfile": "images/proxy"},
        "jobs": {**printed["target"]["app"], "tags": ["jobs:1"]},
    }
    project.write("images/proxy", "FROM nginx\n")
    docker = project.stand_in(
        "docker", {**BUILDX, "buildx bake --print": json.dumps(printed), "run": 0}
    )
    environment = {"INVOKE_PIPFLOW_VERIFY": "pip check"}
    done = project.invoke("deps.upgrade-all", environment=environment)
    assert (done.status, project.requirements) == (0, NEW), done.stderr
    calls = [call.arguments for call in docker.calls]
    assert [call[-2:] for call in calls if "--load" in call] == [("app", "jobs")]
    assert [call[-2] for call in calls if call[0] == "run"] == ["shop", "jobs:1"]


def test_dockerfile_of_the_folder_with_its_arguments(project: TemporaryProject) -> None:
    """Where the bake file builds the Dockerfile of the project's folder, its arguments count."""
    project.write("Dockerfile", f"ARG PY=3.12\nFROM python:$PY-slim\n{STEP}")
    project.write("docker-bake.json", BAKE.replace("images/app", "Dockerfile"))
    done = project.invoke("deps.upgrade-all")
    assert (done.status, project.requirements) == (0, NEW), done.stderr


def test_other_dockerfile_counts_before_bake(project: TemporaryProject) -> None:
    """A Dockerfile of the usual name that installs the file counts before another of bake's."""
    project.write("Dockerfile", dockerfile("3.12"))
    done = project.invoke("deps.upgrade-all")
    assert (done.status, project.requirements) == (0, "lib==3.0\n"), done.stderr


def test_hcl_is_read_by_buildx(project: TemporaryProject) -> None:
    """A file in HCL is read by buildx."""
    project.remove("docker-bake.json")
    project.write("docker-bake.hcl", 'target "app" {}\n')
    project.stand_in("docker", BUILDX)
    done = project.invoke("deps.upgrade-all")
    assert (done.status, project.requirements) == (0, NEW), done.stderr


def test_hcl_without_buildx_is_named(project: TemporaryProject) -> None:
    """Without buildx, a note names the file where a Dockerfile is found, else an error does."""
    project.remove("docker-bake.json")
    project.write("docker-bake.hcl", 'target "app" {}\n')
    asked = project.invoke("deps.upgrade-all")
    project.write("Dockerfile", dockerfile("3.9"))
    done = project.invoke("deps.upgrade-all")
    assert (asked.status, done.status, project.requirements) == (1, 0, NEW), done.stderr
    assert "docker-bake.hcl is read by `docker buildx bake --print` alone" in asked.stderr
    assert "docker-bake.hcl is read by `docker buildx bake --print` alone" in done.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "docker-bake.json: the file is no JSON"),
        ('{"target": {"app": {"args": {"PY": "${f(1)}"}}}}', "has the expression ${"),
        ('{"target": {"app": {"dockerfile": "gone"}}}', "the target app (docker-bake.json) has no"),
    ],
    ids=["json", "expression", "no-dockerfile"],
)
def test_what_is_not_read_is_named(project: TemporaryProject, text: str, said: str) -> None:
    """A bake file, or a target, that can't be read is named where nothing else is found."""
    project.write("docker-bake.json", text)
    done = project.invoke("deps.upgrade-all")
    assert (done.status, project.requirements) == (1, OLD)
    assert said in done.stderr


def test_isolated_runs_no_program(project: TemporaryProject) -> None:
    """With `--isolated`, JSON is read by ourselves, and a variable that is set is an error."""
    project.remove("tasks.py")
    (project.folder / ".git").mkdir()
    docker = project.stand_in("docker", BUILDX)
    asked = project.pipflow("--isolated", "upgrade-all", environment={"PY": "3.12"})
    done = project.pipflow("--isolated", "upgrade-all")
    assert (asked.status, done.status, project.requirements) == (1, 0, NEW), done.stderr
    assert "the project uses the variable PY" in asked.stderr
    assert docker.calls == ()


def test_build_command_with_bake(project: TemporaryProject) -> None:
    """A command of one's own builds the targets, and their tag is the image that is tried."""
    project.write("docker-bake.json", BAKE.replace('"args"', '"tags": ["acme:1"], "args"'))
    docker = project.stand_in("docker", {"buildx bake app": 0, "run": 0})
    environment = {
        "INVOKE_PIPFLOW_BUILD_COMMAND": "docker buildx bake app",
        "INVOKE_PIPFLOW_VERIFY": "pip check",
    }
    done = project.invoke("deps.upgrade-all", environment=environment)
    assert (done.status, project.requirements) == (0, NEW), done.stderr
    assert docker.calls[-2].arguments == ("buildx", "bake", "app")
    assert docker.calls[-1].arguments[-2:] == ("acme:1", "check")


def test_explain_names_the_target(project: TemporaryProject) -> None:
    """`check --explain` says which target of which file has the Dockerfile."""
    done = project.invoke("deps.check", "--explain")
    assert "the target app in docker-bake.json" in done.stdout
