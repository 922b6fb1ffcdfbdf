"""What the tests that build real images share: Dockerfiles, and a look at what was built."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from typing import TypeAlias

import pytest
from loopback_index import LoopbackIndex

RunInImage: TypeAlias = Callable[..., subprocess.CompletedProcess[str]]

PIP = "RUN python -m pip install --disable-pip-version-check --no-cache-dir"


def skip_or_fail(reason: str) -> None:
    """Skip a test for want of an engine, or of what it needs.

    In CI (`CI=true`) and with `PIPFLOW_REQUIRE_ENGINE=1` it fails instead: a run that is meant
    to build images must not pass without having built any.
    """
    if os.environ.get("CI") == "true" or os.environ.get("PIPFLOW_REQUIRE_ENGINE") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def require_program(name: str) -> None:
    """Skip a test, or in CI fail it, where a program is not installed."""
    if shutil.which(name) is None:
        skip_or_fail(f"there is no {name} (try: .ci/engine start)")


def require_image(image: str, program: str = "python") -> str:
    """Skip a test, or in CI fail it, where Docker has no such image, or it has no such program.

    Nothing is pulled. Returns the name.
    """
    lack = _why_not_run(image, program)
    if lack is not None:
        skip_or_fail(f"no {program} in a base image {image}: {lack} (try: .ci/engine start)")
    return image


@functools.cache
def _why_not_run(image: str, program: str) -> str | None:
    words = ["docker", "run", "--rm", "--pull=never", "--network=none", image, program, "--version"]
    done = subprocess.run(words, check=False, capture_output=True, encoding="utf-8")
    return None if done.returncode == 0 else " ".join(done.stderr.split())


def run(*words: str, text: str = "") -> str:
    """Run a program that must not fail, and return what it writes; where it fails, tell why."""
    done = subprocess.run(words, input=text, check=False, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, f"{' '.join(words)}: {done.stderr or done.stdout}"
    return done.stdout


def containers_that_run(text: str) -> list[str]:
    """Return the ids of the containers, running or not, whose command has a text in it."""
    told = run("docker", "ps", "--all", "--no-trunc", "--format", "{{.ID}} {{.Command}}")
    return [line.split()[0] for line in told.splitlines() if text in line]


def remove_containers(url: str) -> None:
    """Remove what a build that failed or was interrupted has left: steps that ask this index."""
    for _ in range(20):
        left = containers_that_run(url)
        if not left:
            return
        # it fails where the engine is about to remove one of them itself
        subprocess.run(["docker", "rm", "--force", *left], check=False, capture_output=True)
        time.sleep(0.5)
    raise AssertionError(f"the engine does not remove {left}")


def from_loopback(python: str, index: LoopbackIndex) -> str:
    """Return a Dockerfile that installs from the loopback index."""
    return (
        f"FROM {require_image(f'python:{python}-slim')}\n"
        "COPY requirements.txt ./\n"
        f"{PIP} --index-url {index.url} -r requirements.txt\n"
    )


def image_id(image: str) -> str:
    """Return the id of an image, or nothing where there is none of that name."""
    words = ["docker", "image", "inspect", "--format", "{{.Id}}", image]
    return subprocess.run(words, check=False, capture_output=True, encoding="utf-8").stdout.strip()


def version_in(image: str, module: str, run_in_image: RunInImage) -> str:
    """Return the version of a module that an image has, or nothing."""
    done = run_in_image(image, "python", "-c", f"print(__import__({module!r}).__version__)")
    return done.stdout.strip()
