"""An image of a floating tag that a machine has kept is older than the tag is now."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from engine.images import RunInImage, from_loopback, require_image, run
from functional.temporary_project import TemporaryProject
from loopback_index import LoopbackIndex


@pytest.fixture
def stale(engine: None) -> Iterator[str]:
    """Name an older Python as the official image's mirror does: `…/library/python:3.11-slim`."""
    name = f"{uuid.uuid4().hex}.example/library/python:3.11-slim"
    run("docker", "tag", require_image("python:3.11-slim"), name)
    yield name
    run("docker", "image", "rm", name)


def test_stale_image_gets_what_its_patch_level_needs(
    project: TemporaryProject,
    index: LoopbackIndex,
    stale: str,
    image_name: str,
    run_in_image: RunInImage,
) -> None:
    """Debian 12's 3.11.2 needs what 3.11.3 does not: it is locked, and it is in the image."""
    index.add("waiter", "4.0")
    index.add("keeper", "5.0", requires_dist=['waiter>=4; python_full_version < "3.11.3"'])
    text = from_loopback("3.11", index).replace("python:3.11-slim", stale)
    project.write("Dockerfile", text)
    project.write("requirements.txt", "keeper==5.0\n")
    done = project.invoke("deps.lock")
    assert done.status == 0, done.stderr
    assert project.requirements == "keeper==5.0\nwaiter==4.0  # via keeper\n"
    assert "is taken as" not in done.output
    assert run_in_image(image_name, "python", "-c", "import waiter").returncode == 0
