"""The target that is read from a Dockerfile's text is what the image that it builds reports."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from engine.images import RunInImage, require_image, run
from uv import find_uv_bin

import pipflow_tasks
from pipflow_tasks import Project, Target
from pipflow_tasks.settings import Settings
from pipflow_tasks.target import docker_platform
from pipflow_tasks.target.interpreter import Interpreter
from pipflow_tasks.target.tags import KERNEL

INSIDE = Path(pipflow_tasks.__file__).parent / "engine" / "inside.py"
SETTINGS = Settings(platform="linux/amd64")
APT = (  # the same for each way, so that the engine has its layer
    "RUN apt-get update && apt-get install -y --no-install-recommends"
    " python3 python3-pip python3-venv\n"
)
COPY = "COPY requirements.txt ./\n"

WAYS = {
    "apt": (
        f"{APT}{COPY}ENV PIP_BREAK_SYSTEM_PACKAGES=1\nRUN pip3 install -r requirements.txt\n",
        "python3",
    ),
    "venv": (
        f"{APT}{COPY}"
        "RUN python3 -m venv /opt/venv && /opt/venv/bin/pip install -r requirements.txt\n",
        "/opt/venv/bin/python",
    ),
    "venv that is copied": (
        f"{APT}RUN python3 -m venv /opt/venv\n"
        f"FROM {{base}}\n{APT}COPY --from=0 /opt/venv /opt/venv\n"
        f"ENV PATH=/opt/venv/bin:$PATH\n{COPY}RUN pip install -r requirements.txt\n",
        "/opt/venv/bin/python",
    ),
    "uv venv": (
        f"{APT}COPY --from={{uv}} /uv /bin/\n{COPY}"
        "RUN uv venv /opt/venv\nRUN uv pip install --python /opt/venv -r requirements.txt\n",
        "/opt/venv/bin/python",
    ),
    "link": (
        f"{APT}RUN ln -s $(command -v python3) /usr/local/bin/snake\n{COPY}"
        "ENV PIP_BREAK_SYSTEM_PACKAGES=1\nRUN snake -m pip install -r requirements.txt\n",
        "snake",
    ),
}
"""Each way to get a Python on Debian: the instructions after `FROM`, and that Python."""

ON_PYTHON = {
    "own": (f"{COPY}RUN pip install -r requirements.txt\n", "python"),
    "venv": (
        f"{COPY}RUN python -m venv /opt/venv\nRUN /opt/venv/bin/pip install -r requirements.txt\n",
        "/opt/venv/bin/python",
    ),
    "uv": (
        f"COPY --from={{uv}} /uv /bin/\n{COPY}RUN uv pip install --system -r requirements.txt\n",
        "python",
    ),
}
"""The same for an image that has a Python of its own."""


@pytest.fixture(scope="session")
def uv(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Name an image that has uv alone, as uv's own is made."""
    name = f"{uuid.uuid4().hex}.example/astral-sh/uv:latest"
    folder = tmp_path_factory.mktemp("uv")
    (folder / "uv").write_bytes(Path(find_uv_bin()).read_bytes())
    (folder / "uv").chmod(0o755)
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY uv /\n")
    _build(name, folder)
    yield name
    subprocess.run(["docker", "image", "rm", name], check=False, capture_output=True)


@pytest.mark.parametrize("way", WAYS)
def test_python_of_debian(
    tmp_path: Path, image_name: str, uv: str, run_in_image: RunInImage, way: str
) -> None:
    """Debian 12 with its own Python, by each way to get at it."""
    base = require_image("debian:bookworm-slim", "bash")
    _require_agreement(base, WAYS[way], tmp_path, image_name, uv, run_in_image)


@pytest.mark.nightly
@pytest.mark.parametrize("release", ["bullseye", "trixie"])
def test_python_of_other_debians(
    tmp_path: Path, image_name: str, uv: str, run_in_image: RunInImage, release: str
) -> None:
    """The other releases that can be had; each is made first, which takes a minute."""
    run(str(Path(__file__).parents[2] / ".ci" / "engine"), "debian", release)
    base = f"debian:{release}-slim"
    for way in WAYS.values():
        _require_agreement(base, way, tmp_path, image_name, uv, run_in_image)


@pytest.mark.parametrize("way", ON_PYTHON)
@pytest.mark.parametrize("python", ["3.8", "3.12"])
def test_python_of_an_image(
    tmp_path: Path, image_name: str, uv: str, run_in_image: RunInImage, python: str, way: str
) -> None:
    """A tag that says all: the patch level, and the Debian that `.ci/engine` makes it from."""
    image = require_image(f"python:{python}-slim")
    told = run_in_image(image, "python", "-c", "import sys; print(sys.version)")
    base = f"{uuid.uuid4().hex}.example/library/python:{told.stdout.split()[0]}-slim-bookworm"
    run("docker", "tag", image, base)
    try:
        _require_agreement(base, ON_PYTHON[way], tmp_path, image_name, uv, run_in_image)
    finally:
        run("docker", "image", "rm", base)


def _require_agreement(
    base: str,
    way: tuple[str, str],
    folder: Path,
    image: str,
    uv: str,
    run_in_image: RunInImage,
) -> None:
    """Build a Dockerfile, and compare what its text says with what its Python says."""
    text, python = (each.replace("{base}", base).replace("{uv}", uv) for each in way)
    (folder / "Dockerfile").write_text(f"FROM {base}\n{text}")
    (folder / "requirements.txt").write_text("")
    _build(image, folder)
    done = run_in_image(image, python, "-c", INSIDE.read_text("utf-8"))
    assert done.returncode == 0, done.stderr
    interpreter = Interpreter.from_json(done.stdout, image=image, platform="linux/amd64")
    with Project.open(folder, SETTINGS, environment={}) as project:  # no engine on its path
        found = project.target
    _compare(found, interpreter)


def _compare(target: Target, interpreter: Interpreter) -> None:
    (platform,) = target.platforms
    assert target.interpreter is None
    assert (target.python, target.patches) == (interpreter.python, ())
    assert target.libc == interpreter.libc
    assert platform.name == docker_platform(interpreter.machine)
    assert platform.markers == {**interpreter.markers, **KERNEL}
    if target.installer == "pip":
        assert interpreter.pip is not None
        assert target.pip in {None, interpreter.pip}
        if target.pip is not None:
            assert set(platform.tags) == set(interpreter.tags)


def _build(image: str, folder: Path) -> None:
    """Build an image of a folder, on this host's network."""
    run("docker", "build", "--quiet", "--network", "host", "--tag", image, str(folder))
