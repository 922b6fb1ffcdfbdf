"""Real images from a loopback index: what was added is in them, or the file is as it was."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import time
import urllib.request
from pathlib import Path
from urllib.parse import urljoin

import pytest
from engine.images import (
    PIP,
    RunInImage,
    containers_that_run,
    from_loopback,
    image_id,
    version_in,
)
from functional.temporary_project import TemporaryProject
from loopback_index import LoopbackIndex


def test_compose_image_has_what_was_added(
    project: TemporaryProject, image_name: str, run_in_image: RunInImage
) -> None:
    """`add`, `upgrade` and `remove` each leave an image that has what the file says."""
    done = project.invoke("deps.add", "tidy-lib==1.0", "test")
    assert done.status == 0, done.stderr
    assert project.requirements == "tidy-lib==1.0\n"
    assert version_in(image_name, "tidy_lib", run_in_image) == "1.0"
    assert done.stdout.splitlines()[-1] == "the tests ran"
    assert project.invoke("deps.upgrade-all").status == 0
    assert version_in(image_name, "tidy_lib", run_in_image) == "2.0"
    assert project.invoke("deps.remove", "tidy-lib").status == 0
    assert version_in(image_name, "tidy_lib", run_in_image) == ""


def test_second_run_builds_nothing(project: TemporaryProject, image_name: str) -> None:
    """Where nothing moves, no builder is started and the image stays the same one."""
    project.requirements = "Tidy-Lib==1.0\n"
    first = project.invoke("deps.upgrade-all", "--format", "json")
    built = image_id(image_name)
    assert (first.report["image"]["status"], bool(built)) == ("built", True)
    second = project.invoke("deps.upgrade-all", "--format", "json")
    assert (second.status, second.report["image"]["status"]) == (0, "unchanged")
    assert (second.stderr, image_id(image_name)) == ("", built)


def test_rebuild_without_cache_is_a_new_image(project: TemporaryProject, image_name: str) -> None:
    """`rebuild` takes the layers that are there; with `--no-cache` they are built anew."""
    project.requirements = "Tidy-Lib==1.0\n"
    assert project.invoke("deps.rebuild").status == 0
    first = image_id(image_name)
    assert project.invoke("deps.rebuild").status == 0
    assert image_id(image_name) == first != ""
    assert project.invoke("deps.rebuild", "--no-cache").status == 0
    assert image_id(image_name) != first


def test_image_grows_by_what_was_added(
    project: TemporaryProject, index: LoopbackIndex, image_name: str
) -> None:
    """A report has the size of the image before and after, as the engine itself says it."""
    size = 3_000_000
    index.add("large", "1.0", padding_bytes=size)
    first = project.invoke("deps.add", "tidy-lib", "--format", "json")
    (build,) = first.report["image"]["builds"][0]["images"]
    assert build["size_before_bytes"] is None
    done = project.invoke("deps.add", "large", "--format", "json")
    (grown,) = done.report["image"]["builds"][0]["images"]
    assert grown["size_before_bytes"] == build["size_after_bytes"]
    assert size <= grown["size_after_bytes"] - grown["size_before_bytes"] < 2 * size


def test_build_goes_by_the_same_rules(
    project: TemporaryProject, index: LoopbackIndex, image_name: str, run_in_image: RunInImage
) -> None:
    """What the step says of indexes, wheels and constraints is in the image as it was planned."""
    with LoopbackIndex() as private:
        private.credentials = ("ci", "s3cret")
        private.add("tidy-lib", "3.0", requires_dist=["part"])
        private.add("tidy-lib", "4.0", requires_dist=["part>=2"])
        private.add("tidy-lib", "5.0", wheel=False, sdist=True)
        for version in ("1.0", "1.5", "2.0"):
            private.add("part", version)
        address = private.url.replace("://", "://ci:${INDEX_TOKEN}@")
        project.write(
            "Dockerfile",
            "FROM python:3.11-slim\nCOPY requirements.txt limits.txt ./\nARG INDEX_TOKEN\n"
            f"ENV PIP_INDEX_URL={index.url} PIP_ONLY_BINARY=:all: PIP_CONSTRAINT=/limits.txt\n"
            f"{PIP} --extra-index-url {address} -r requirements.txt\n",
        )
        project.write("limits.txt", "part<1.5\n")
        compose = project.read("compose.yaml")
        project.write("compose.yaml", f"{compose}      args: [INDEX_TOKEN]\n")
        done = project.invoke("deps.add", "tidy-lib", environment={"INDEX_TOKEN": "s3cret"})
    assert (done.status, project.requirements) == (0, "tidy-lib==3.0\n"), done.output
    assert version_in(image_name, "tidy_lib", run_in_image) == "3.0"
    assert version_in(image_name, "part", run_in_image) == "1.0"


@pytest.mark.parametrize("python", ["3.8", "3.11", "3.13"])
def test_what_is_chosen_installs(
    project: TemporaryProject,
    index: LoopbackIndex,
    image_name: str,
    run_in_image: RunInImage,
    python: str,
) -> None:
    """The wheel that was foreseen for a Python is one that the pip in its image takes."""
    for minor in range(8, 15):
        tag = f"cp3{minor}-cp3{minor}-manylinux2014_x86_64.manylinux_2_17_x86_64"
        index.add("fast", f"1.{minor}", tags=[tag], requires_python=f">=3.{minor}")
    project.write("Dockerfile", from_loopback(python, index))
    project.write("invoke.yaml", "pipflow:\n  platform: linux/amd64\n")
    done = project.invoke("deps.add", "fast")
    assert done.status == 0, done.stderr
    version = python.replace("3.", "1.")
    assert project.requirements == f"fast=={version}\n"
    assert version_in(image_name, "fast", run_in_image) == version


def test_plain_image_has_what_was_added(
    project: TemporaryProject, index: LoopbackIndex, image_name: str, run_in_image: RunInImage
) -> None:
    """`docker build` tags an image that has what was added, here from wheels in the project."""
    page = urllib.request.Request(
        urljoin(index.url, "tidy-lib/"),
        headers={"Accept": "application/vnd.pypi.simple.v1+json"},
    )
    with urllib.request.urlopen(page, timeout=10) as answer:
        files = json.load(answer)["files"]
    (project.folder / "wheels").mkdir()
    for file in files:
        with urllib.request.urlopen(urljoin(page.full_url, file["url"]), timeout=10) as answer:
            (project.folder / "wheels" / file["filename"]).write_bytes(answer.read())
    project.remove("compose.yaml")
    project.write(
        "Dockerfile",
        "FROM python:3.11-slim\n"
        "COPY wheels wheels\n"
        "COPY requirements.txt ./\n"
        f"{PIP} --no-index --find-links wheels -r requirements.txt\n",
    )
    project.write("invoke.yaml", f"pipflow:\n  image: {image_name}\n")
    done = project.pipflow("add", "tidy_lib")
    assert done.status == 0, done.stderr
    assert project.requirements == "tidy_lib==2.0\n"
    assert version_in(image_name, "tidy_lib", run_in_image) == "2.0"


def test_package_that_can_not_be_installed(
    project: TemporaryProject, index: LoopbackIndex, image_name: str
) -> None:
    """A package whose build fails in the image: status 3, the file back byte for byte, no image."""
    index.add("bad", "1.0", wheel=False, sdist="broken")
    project.requirements = "\ufeff# kept\r\nTidy-Lib == 2.0   # why"
    before = project.contents()
    done = project.invoke("deps.add", "bad", "test")
    assert (done.status, project.contents()) == (3, before)
    assert "this distribution is made not to build" in done.output
    assert "warning: bad 1.0 has no wheel" in done.stderr
    assert "the tests ran" not in done.stdout
    assert image_id(image_name) == ""


def test_failed_build_leaves_the_old_image(
    project: TemporaryProject, index: LoopbackIndex, image_name: str, run_in_image: RunInImage
) -> None:
    """After a failed build file and image are those of before."""
    assert project.invoke("deps.add", "tidy-lib").status == 0
    built = image_id(image_name)
    index.add("Tidy-Lib", "3.0", wheel=False, sdist="broken")
    assert project.invoke("deps.upgrade", "tidy-lib").status == 3
    assert project.requirements == "tidy-lib==2.0\n"
    assert image_id(image_name) == built
    assert version_in(image_name, "tidy_lib", run_in_image) == "2.0"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_interrupted_build(
    project: TemporaryProject, index: LoopbackIndex, image_name: str, number: signal.Signals
) -> None:
    """A signal to the tool alone while RUN sleeps: status 3, file back, no image."""
    # The sleeper tells the index that it is there, and ends when the index does.
    sleeper = (
        f"import time, urllib.request as r\nwhile True: r.urlopen('{index.url}'); time.sleep(.1)"
    )
    words = json.dumps(["python", "-c", sleeper])
    project.write("Dockerfile", from_loopback("3.11", index) + f"RUN {words}\n")
    project.requirements = "Tidy-Lib==1.0\r\n"
    before = project.contents()
    with project.started("deps.upgrade-all", "test") as running:
        while not any(request.path == "/simple/" for request in index.requests):
            assert not running.has_ended, running.finish().output
            time.sleep(0.05)
        assert project.requirements == "Tidy-Lib==2.0\r\n"
        running.send(number)
        done = running.finish()
    assert (done.status, project.contents()) == (3, before)
    assert f"interrupted by {number.name}" in done.stderr
    assert "Traceback" not in done.stderr
    assert image_id(image_name) == ""


@pytest.mark.parametrize("is_busy", [False, True])
@pytest.mark.parametrize("is_composed", [True, False])
def test_interrupted_verify(
    project: TemporaryProject,
    tmp_path: Path,
    image_name: str,
    is_composed: bool,
    is_busy: bool,
) -> None:
    """A signal while the new image is tried leaves no container behind, and the old file.

    Nor where the engine is busy and refuses at first to remove it.
    """
    verify = f"sh -c 'sleep 600' {image_name}"
    project.write("invoke.yaml", f'pipflow: {{verify: "{verify}", image: {image_name}}}\n')
    if not is_composed:
        project.remove("compose.yaml")
        project.write("Dockerfile", "FROM python:3.11-slim\nCOPY requirements.txt ./\n")
        project.environment["INVOKE_PIPFLOW_PYTHON"] = "3.11"  # nothing is installed
    if is_busy:
        refuse_removals(project, tmp_path / "busy", times=2)
    project.requirements = "Tidy-Lib==1.0\n"
    with project.started("deps.upgrade-all") as running:
        while not containers_that_run(image_name):
            assert not running.has_ended, running.finish().output
            time.sleep(0.05)
        running.send(signal.SIGTERM)
        done = running.finish()
    assert (done.status, project.requirements) == (3, "Tidy-Lib==1.0\n")
    assert containers_that_run(image_name) == []
    if is_busy:
        assert project.read("removals").count("refused") == 2


def refuse_removals(project: TemporaryProject, folder: Path, *, times: int) -> None:
    """Put a program before Docker's that fails the first times that it is to remove a container."""
    folder.mkdir()
    record = shlex.quote(str(project.write("removals", "")))
    program = folder / "docker"
    program.write_text(
        "#!/bin/sh\n"
        f'if [ "$1" = rm ] && [ "$(wc -l <{record})" -lt {times} ]; then\n'
        f"  echo refused >>{record}\n"
        "  exit 1\n"
        "fi\n"
        f'exec {shlex.quote(shutil.which("docker") or "docker")} "$@"\n'
    )
    program.chmod(0o755)
    project.environment["PATH"] = f"{folder}{os.pathsep}{project.environment['PATH']}"
