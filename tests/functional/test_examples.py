"""The shipped examples do what they say."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from functional.temporary_project import COMPOSE_V2, ENGINE, NO_ADVICE, TemporaryProject
from loopback_index import LoopbackIndex

EXAMPLES = Path(__file__).parents[2] / "examples"
NIGHTLY = str(EXAMPLES / "ci" / "nightly.sh")


@pytest.fixture
def monorepo(project: TemporaryProject, index: LoopbackIndex) -> TemporaryProject:
    """The example with two services, and an index that has what they need."""
    shutil.copytree(EXAMPLES / "monorepo", project.folder, dirs_exist_ok=True)
    project.remove("Dockerfile")
    for name, version in (
        *(("idna", v) for v in ("3.4", "3.6")),
        *(("requests", v) for v in ("2.31.0", "2.32.0")),
        *(("urllib3", v) for v in ("1.26.18", "1.26.20", "2.0")),
        *(("flask", v) for v in ("2.3.3", "3.0")),
        *(("werkzeug", v) for v in ("2.3.8", "3.0")),
        *(("pytest", v) for v in ("7.4.4", "8.0")),
    ):
        index.add(name, version)
    return project


def test_monorepo_upgrades_both_services(monorepo: TemporaryProject) -> None:
    """``nightly`` moves the pins of both services and builds an image for each."""
    docker = monorepo.stand_in("docker", ENGINE)
    done = monorepo.invoke("nightly")
    assert done.status == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "Both services are new."
    assert monorepo.read("services/api/requirements.txt") == (
        "idna==3.6\nrequests==2.32.0\nurllib3==1.26.20  # pipflow: <2  the proxy needs it\n"
    )
    assert monorepo.read("services/web/requirements.txt") == "Flask==3.0\nWerkzeug==3.0\n"
    assert (
        monorepo.read("services/web/requirements-dev.txt") == "-r requirements.txt\npytest==8.0\n"
    )
    assert docker.built == [
        "build --tag shop-api --file Dockerfile .",
        "build --tag shop-web --file Dockerfile .",
    ]


def test_examples_have_nothing_to_mend(monorepo: TemporaryProject) -> None:
    """``check --offline`` is content with each service."""
    for name in ("api", "web"):
        done = monorepo.invoke(f"{name}.check", "--offline", environment=NO_ADVICE)
        assert (done.status, done.stdout.splitlines()[-1]) == (0, "no problems found")


def example(project: TemporaryProject, name: str) -> None:
    """Make the project a copy of an example."""
    shutil.copytree(EXAMPLES / name, project.folder, dirs_exist_ok=True)


def test_compose_example(project: TemporaryProject, index: LoopbackIndex) -> None:
    """Web and tests are built with one version of what both install; the worker has web's image."""
    for name, versions in {
        "click": ("8.1.7", "8.2.0"),
        "requests": ("2.32.3",),
        "pytest": ("8.3.4", "8.4.0"),
    }.items():
        for version in versions:
            index.add(name, version)
    example(project, "compose")
    docker = project.stand_in("docker", {**COMPOSE_V2, "compose --profile": 0})
    done = project.invoke("deps.upgrade-all")
    assert done.status == 0, done.stderr
    assert project.requirements == "click==8.2.0\nrequests==2.32.3\n"
    assert project.read("requirements-dev.txt") == "-r requirements.txt\npytest==8.4.0\n"
    assert docker.built == ["compose --profile tests build web tests"]
    project.write("requirements-dev.txt", "-r requirements.txt\npytest==8.3.4\n")
    assert project.invoke("deps.upgrade-all").status == 0
    assert docker.built[1:] == ["compose --profile tests build tests"]
    assert project.invoke("deps.check", "--offline").status == 0


def test_cpu_gpu_example(project: TemporaryProject, index: LoopbackIndex) -> None:
    """Each image keeps its label, from its own index; what both install has one version."""
    index.add("numpy", "2.1.3")
    index.add("numpy", "2.2.0")
    example(project, "cpu-gpu")
    docker = project.stand_in("docker", COMPOSE_V2)
    with LoopbackIndex() as cpu, LoopbackIndex() as gpu:
        for version in ("2.6.0", "2.7.0"):
            cpu.add("torch", f"{version}+cpu", requires_dist=["numpy"])
            gpu.add("torch", f"{version}+cu126", requires_dist=["numpy<2.2"])
        project.environment |= {"TORCH_CPU_INDEX": cpu.url, "TORCH_GPU_INDEX": gpu.url}
        done = project.pipflow("upgrade-all")
    assert done.status == 0, done.stderr
    assert project.read("cpu.txt").splitlines()[1] == "torch==2.7.0+cpu"
    assert project.read("gpu.txt").splitlines()[1] == "torch==2.7.0+cu126"
    assert project.requirements == "numpy==2.1.3\n"
    assert docker.built == ["compose build cpu gpu"]


Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(project: TemporaryProject, index: LoopbackIndex) -> Run:
    """Make the project a git repository whose one pin can move; return what runs programs in it."""
    for version in ("1.0", "2.0"):
        index.add("lib", version)
    project.requirements = "lib==1.0\n"
    (project.programs / "invoke").write_text(f'#!/bin/sh\nexec {sys.executable} -m invoke "$@"\n')
    (project.programs / "invoke").chmod(0o755)
    who = {
        f"GIT_{role}_{key}": value
        for role in ("AUTHOR", "COMMITTER")
        for key, value in (("NAME", "Tests"), ("EMAIL", "tests@example.com"))
    }
    environment = {
        **project.environment,
        **who,
        "FORCE_COLOR": "1",
        "PATH": f"{project.programs}:{os.environ['PATH']}",
        "GIT_CONFIG_GLOBAL": os.devnull,
    }

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words,
            cwd=project.folder,
            env=environment,
            check=False,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
        )

    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "Begin"]):
        assert run("git", *words).returncode == 0
    return run


def test_nightly_job_commits_what_passed(project: TemporaryProject, run: Run) -> None:
    """``nightly.sh`` commits new pins once image and tests are good; a second run does nothing."""
    project.stand_in("docker", ENGINE)
    done = run(NIGHTLY)
    assert done.returncode == 0, done.stderr
    assert project.requirements == "lib==2.0\n"
    message = run("git", "log", "-1", "--format=%B").stdout
    assert message.startswith("Upgrade pins\n\n")
    assert "| lib | 1.0 | 2.0 |" in message
    assert all(each.isprintable() for each in message.splitlines())
    assert not re.search(r"^(next|undo|image) ", message, re.MULTILINE)  # for a terminal
    assert run("git", "status", "--short", "--", "requirements.txt").stdout == ""
    assert run(NIGHTLY).stdout == "Nothing could move.\n"


def test_nightly_job_leaves_changes_alone(project: TemporaryProject, run: Run) -> None:
    """Where somebody has changed the requirements, nothing is done, and nothing is lost."""
    docker = project.stand_in("docker", ENGINE)
    project.requirements = "lib==1.0  # mine\n"
    for _ in range(2):
        done = run(NIGHTLY)
        assert (done.returncode, done.stdout) == (1, "")
        assert "Commit or stash" in done.stderr
        run("git", "add", ".")
    assert (project.requirements, docker.calls) == ("lib==1.0  # mine\n", ())


def test_nightly_job_commits_files_of_any_name(project: TemporaryProject, run: Run) -> None:
    """A file that is not called after requirements is committed, too, and nothing of the tests."""
    project.stand_in("docker", ENGINE)
    project.remove("requirements.txt")
    project.write("pins.txt", "lib==1.0\n")
    project.write("Dockerfile", project.read("Dockerfile").replace("requirements", "pins"))
    project.write(
        "tasks.py", project.read("tasks.py").replace('print("the', 'open("a", "w").write("the')
    )
    project.write("a", "")
    run("git", "add", ".")
    run("git", "commit", "-qm", "Name the file")
    done = run(NIGHTLY)
    assert done.returncode == 0, done.stderr
    assert project.read("pins.txt") == "lib==2.0\n"
    assert run("git", "show", "--format=", "--name-only").stdout == "pins.txt\n"
    assert run("git", "diff", "--name-only").stdout == "a\n"


def test_nightly_job_ends_with_a_failed_build(project: TemporaryProject, run: Run) -> None:
    """Where the image can't be built, nothing is committed and the file is as it was."""
    project.stand_in("docker", {**ENGINE, "build": 1})
    assert run(NIGHTLY).returncode == 3
    assert project.requirements == "lib==1.0\n"
    assert run("git", "log", "-1", "--format=%s").stdout == "Begin\n"


def test_nightly_job_ends_with_failed_tests(project: TemporaryProject, run: Run) -> None:
    """Where the tests fail, nothing is committed, and file and image are put back."""
    docker = project.stand_in("docker", ENGINE)
    failing = project.read("tasks.py").replace('print("the tests ran")', "raise SystemExit(1)")
    project.write("tasks.py", failing)
    run("git", "commit", "-qam", "Fail")
    assert run(NIGHTLY).returncode == 1
    assert project.requirements == "lib==1.0\n"
    assert [each.requirements for each in docker.builds] == ["lib==2.0\n", "lib==1.0\n"]
    assert run("git", "log", "-1", "--format=%s").stdout == "Fail\n"
