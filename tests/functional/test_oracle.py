"""Another tool as an oracle: on the real index, uv picks for a Python what `add` picks."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from functional.real_index import is_reachable
from functional.temporary_project import TemporaryProject, dockerfile

from pipflow_tasks.target import BaseImage, Target

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.online

PYTHONS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13")
PROJECTS = ("numpy", "pandas", "lxml", "cryptography")

UV_GLIBC_MINORS = (17, 28, *range(31, 41))
"""The glibc 2.x whose wheels uv can be told to take."""


@pytest.fixture(autouse=True, scope="module")
def _online() -> None:
    if not is_reachable():
        pytest.skip("the default index can't be reached")


@functools.cache
def ask_uv(python: str, cache: Path) -> dict[str, str]:
    """Return what uv pins of each project for the image of a Python."""
    target = Target.from_image(
        BaseImage(reference=f"python:{python}-slim", platforms=("linux/amd64",), source="here")
    )
    glibc = int(target.libc.removeprefix("glibc 2."))
    minor = max(minor for minor in UV_GLIBC_MINORS if minor <= glibc)
    words = [
        "pip", "compile", "-", "--no-deps", "--no-header", "--no-annotate", "--quiet",
        "--no-config", "--no-python-downloads", "--python", sys.executable,
        "--python-version", str(target.python_version),
        "--python-platform", f"x86_64-manylinux_2_{minor}",
    ]  # fmt: skip
    kept = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-m", "uv", *words],
        env={**kept, "UV_CACHE_DIR": str(cache), "UV_SYSTEM_CERTS": "1"},
        input="\n".join(PROJECTS),
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return dict(line.split("==") for line in done.stdout.split())


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give uv a cache of its own, so that nothing old answers."""
    return tmp_path_factory.mktemp("uv")


@pytest.mark.parametrize("name", PROJECTS)
@pytest.mark.parametrize("python", PYTHONS)
def test_pins_what_uv_pins(project: TemporaryProject, cache: Path, python: str, name: str) -> None:
    """For each Python in FROM, `add` pins the version that uv picks from the same index."""
    del project.environment["PIP_INDEX_URL"]
    project.write("Dockerfile", dockerfile(python))
    project.write("invoke.yaml", "pipflow:\n  platform: linux/amd64\n")
    done = project.invoke("deps.add", name)
    assert done.status == 0, done.stderr
    assert project.requirements == f"{name}=={ask_uv(python, cache)[name]}\n"
