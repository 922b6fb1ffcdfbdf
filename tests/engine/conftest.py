"""What the tests that build real images share: the engine, a name for an image, a look inside.

`.ci/engine start` provides the engine and its base images.
"""

from __future__ import annotations

import os
import subprocess
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from engine.images import from_loopback, remove_containers, skip_or_fail
from functional.temporary_project import TemporaryProject
from loopback_index import LoopbackIndex

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_ANSWER_TIMEOUT_SECONDS = 20
_RUN_TIMEOUT_SECONDS = 120


@pytest.hookimpl(tryfirst=True)  # behind it, xdist no longer looks at the marks
def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Mark every test of this folder as an engine test, and none of another folder."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.engine)
            item.add_marker(pytest.mark.xdist_group("engine"))  # one engine, one cache of layers
            if item.get_closest_marker("nightly") and os.environ.get("PIPFLOW_NIGHTLY") != "1":
                item.add_marker(pytest.mark.skip(reason="takes minutes; set PIPFLOW_NIGHTLY=1"))


@pytest.fixture(scope="session", autouse=True)
def engine() -> None:
    """Skip the tests of this folder, or in CI fail them, where no Docker engine answers."""
    reason = _why_no_engine()
    if reason is not None:
        skip_or_fail(f"no Docker engine: {reason} (try: .ci/engine start)")


@pytest.fixture
def image_name(engine: None) -> Iterator[str]:
    """Name an image that no other test uses; whatever was built under the name is removed."""
    name = f"pipflow-test-{uuid.uuid4().hex}"
    yield name
    subprocess.run(
        ["docker", "image", "rm", "--force", name, f"{name}-strict", f"{name}-new"],
        check=False,
        capture_output=True,
        timeout=_RUN_TIMEOUT_SECONDS,
    )


@pytest.fixture
def index() -> Iterator[LoopbackIndex]:
    """Serve an index with one project of two versions."""
    with LoopbackIndex() as index:
        index.add("Tidy-Lib", "1.0")
        index.add("Tidy-Lib", "2.0")
        yield index


@pytest.fixture
def project(tmp_path: Path, index: LoopbackIndex, image_name: str) -> Iterator[TemporaryProject]:
    """Make a compose project that builds, on the host's network, from the loopback index."""
    project = TemporaryProject(tmp_path, index_url=index.url)
    docker = {name: value for name, value in os.environ.items() if name.startswith("DOCKER_")}
    project.environment |= {
        "DOCKER_CONFIG": str(Path.home() / ".docker"),
        **docker,
        "PATH": os.environ["PATH"],
    }
    project.write(
        "compose.yaml",
        "services:\n"
        "  app:\n"
        f"    image: {image_name}\n"
        "    build:\n"
        "      context: .\n"
        "      network: host\n",
    )
    project.write("Dockerfile", from_loopback("3.11", index))
    yield project
    project.close()
    remove_containers(index.url)


@pytest.fixture
def run_in_image(engine: None) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return the function `run_in_image(image, *command)`."""
    return _run_in_image


def _run_in_image(image: str, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a new container of an image, and remove the container.

    The exit status is the command's, or 125 to 127 where Docker could not run it.

    Raises subprocess.TimeoutExpired: when it takes longer than two minutes.
    """
    return subprocess.run(
        ["docker", "run", "--rm", image, *command],
        check=False,
        capture_output=True,
        encoding="utf-8",
        timeout=_RUN_TIMEOUT_SECONDS,
    )


def _why_no_engine() -> str | None:
    """Ask the engine for its version; return the reason if none answers, else None."""
    try:
        subprocess.run(
            ["docker", "info", "--format", "{{.ServerVersion}}"],
            check=True,
            capture_output=True,
            encoding="utf-8",
            timeout=_ANSWER_TIMEOUT_SECONDS,
        )
    except subprocess.CalledProcessError as error:
        return str(error.stderr).strip() or f"`docker info` ended with {error.returncode}"
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return None
