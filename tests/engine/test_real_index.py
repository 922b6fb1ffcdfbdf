"""The real thing: pip's default index, and a plain `docker build`."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from engine.images import require_image
from functional.real_index import is_reachable
from functional.temporary_project import TemporaryProject, dockerfile

pytestmark = pytest.mark.online


@pytest.fixture
def project(tmp_path: Path, image_name: str) -> Iterator[TemporaryProject]:
    """Make a project that asks the default index, on this host and in the image."""
    if not is_reachable():
        pytest.skip("the default index can't be reached")
    project = TemporaryProject(tmp_path, index_url="")
    docker = {name: value for name, value in os.environ.items() if name.startswith("DOCKER_")}
    project.environment |= {
        "DOCKER_CONFIG": str(Path.home() / ".docker"),
        **docker,
        "PATH": os.environ["PATH"],
    }
    del project.environment["PIP_INDEX_URL"]
    require_image("python:3.11-slim")
    project.write("Dockerfile", dockerfile("3.11"))
    project.write("invoke.yaml", f"pipflow:\n  image: {image_name}\n")
    yield project
    project.close()


def test_package_of_the_real_index_is_in_the_image(
    project: TemporaryProject,
    image_name: str,
    run_in_image: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    """`invoke deps.add iniconfig` pins its newest release, and the image imports that release."""
    done = project.invoke("deps.add", "iniconfig")
    assert done.status == 0, done.stderr
    name, _, version = project.requirements.strip().partition("==")
    assert (name, bool(version)) == ("iniconfig", True)
    tell = "import iniconfig; from importlib.metadata import version; print(version('iniconfig'))"
    assert run_in_image(image_name, "python", "-c", tell).stdout.strip() == version
    again = project.invoke("deps.upgrade-all", "--format", "json")
    assert (again.status, again.report["image"]["status"]) == (0, "unchanged")
