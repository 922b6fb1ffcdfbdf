"""What a builder prints: shown as it comes, kept in bounds, and never waited for in vain."""

from __future__ import annotations

import resource
import sys
import time

import pytest
from functional.temporary_project import ENGINE, TemporaryProject
from loopback_index import LoopbackIndex

MEGABYTE = 1024 * 1024


@pytest.fixture(autouse=True)
def _fill(project: TemporaryProject, index: LoopbackIndex) -> None:
    index.add("lib", "1.0")
    project.requirements = "lib==1.0\n"


def program(project: TemporaryProject, name: str, body: str) -> None:
    """Put a program in Python on the path, whose calls but for builds succeed at once."""
    script = project.folder.parent / f"{name}.py"
    script.write_text(f"import os, sys, time\nif 'build' not in sys.argv: sys.exit()\n{body}")
    path = project.programs / name
    path.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S {script} "$@"\n')
    path.chmod(0o755)


def test_child_that_holds_the_pipe(project: TemporaryProject) -> None:
    """Once podman-compose has ended, a child that it left behind is not waited for."""
    project.stand_in("podman", {"info": 0})
    program(
        project,
        "podman-compose",
        "print('built', flush=True)\nif not os.fork(): time.sleep(20); os._exit(0)\n",
    )
    project.write("compose.yaml", "services: {app: {build: .}}\n")
    started = time.monotonic()
    done = project.invoke("deps.rebuild")
    assert (done.status, "built" in done.stderr) == (0, True), done.output
    assert time.monotonic() - started < 15


@pytest.mark.parametrize("cut", [0, 3, 12])
def test_failed_step_of_podman_compose(project: TemporaryProject, cut: int) -> None:
    """A line that says a step failed is seen wherever the pipe cuts it, and at its start alone."""
    project.stand_in("podman", {"info": 0})
    line = "exit code: 1\n"
    program(
        project,
        "podman-compose",
        "print('a step with exit code: 1', flush=True)\n"
        f"print({line[:cut]!r}, end='', flush=True)\ntime.sleep(0.3)\n"
        f"print({line[cut:]!r}, end='', flush=True)\n",
    )
    project.write("compose.yaml", "services: {app: {build: .}}\n")
    done = project.invoke("deps.rebuild")
    assert (done.status, "reported a failed step" in done.stderr) == (3, True)
    assert done.stderr.count("exit code: 1") == 2


@pytest.mark.parametrize("hides", [False, True])
def test_line_of_300_megabytes(project: TemporaryProject, hides: bool) -> None:
    """Output without a line break does not become memory; hidden, its end is shown on failure."""
    program(
        project,
        "docker",
        f"for _ in range(300): os.write(1, b'x' * {MEGABYTE})\n"
        "os.write(1, b'the end'); sys.exit(1)\n",
    )
    if hides:
        project.write("invoke.yaml", "run: {hide: both}\n")
    limit = (sys.executable, "-c", (
        "import os, resource, sys; "
        f"resource.setrlimit(resource.RLIMIT_DATA, ({200 * MEGABYTE},) * 2); "
        "os.execv(sys.argv[1], sys.argv[1:])"
    ))  # fmt: skip
    done = project.invoke("deps.rebuild", before=limit)
    assert (done.status, "Traceback" in done.output) == (3, False)
    assert "the end" in done.stderr
    assert (len(done.stderr) < 10 * MEGABYTE) is hides
    assert resource.getrlimit(resource.RLIMIT_DATA)[0] != 200 * MEGABYTE


@pytest.mark.parametrize(
    ("words", "reasons"),
    [
        (("add", "web"), ["dep 1.0 is built from source: dep-1.0.tar.gz"]),
        (("add", "Own", "web"), [
            "Own 1.0 has no wheel for python 3.9, glibc 2.41 x86_64, pip 23.0: "
            "it is built from source",
            "dep 1.0 is built from source: dep-1.0.tar.gz",
        ]),
        (("add", "pure"), []),
    ],
    ids=str,
)  # fmt: skip
def test_missing_wheel_is_named_beside_the_failed_build(
    project: TemporaryProject, index: LoopbackIndex, words: tuple[str, ...], reasons: list[str]
) -> None:
    """What a build that failed was to build from source is named once more, next to the error."""
    index.add("Own", "1.0", wheel=False, sdist=True)
    index.add("dep", "1.0", wheel=False, sdist=True)
    index.add("web", "1.0", requires_dist=["dep"])
    index.add("pure", "1.0", sdist=True)
    project.stand_in("docker", {**ENGINE, "build": 1})
    project.write("invoke.yaml", "pipflow:\n  platform: linux/amd64\n")
    done = project.pipflow(*words)
    _, error = done.stderr.split("\nerror: ")
    assert (done.status, error.splitlines()[1:-1]) == (3, [f"  {each}" for each in reasons])
    report = project.pipflow(*words, "--format", "json").report
    assert report["error"]["reasons"] == reasons


def test_missing_wheel_is_not_why_verify_fails(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """Where the image was built, nothing is said of that."""
    index.add("own", "1.0", wheel=False, sdist=True)
    project.stand_in("docker", {**ENGINE, "run": 1})
    done = project.pipflow("add", "own", environment={"INVOKE_PIPFLOW_VERIFY": "true"})
    assert (done.status, "is built from source" in done.stderr) == (3, False)
    assert "fails `verify`" in done.stderr
