"""The tags computed from a Dockerfile's text are those that the pip in the image reports."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from engine.images import RunInImage, require_image
from functional.real_index import is_reachable

from pipflow_tasks import Project
from pipflow_tasks.settings import Settings
from pipflow_tasks.target import Target

PIP_19_ALONE = r"py3\d+-none-(?!any).*|cp3-none-any"
"""What pip 19 differs in, and `target` does not foresee: tags that hardly a wheel has."""

SETTINGS = Settings(platform="linux/amd64")


def target_of(base: str, folder: Path) -> Target:
    """Return what a Dockerfile FROM an image is taken to be."""
    install = "COPY requirements.txt .\nRUN pip install -r requirements.txt\n"
    (folder / "Dockerfile").write_text(f"FROM {base}\n{install}")
    with Project.open(folder, SETTINGS, environment={}) as project:
        return project.target


def tags_of(target: Target) -> list[str]:
    """Return the tags of the one platform, most preferred first."""
    (platform,) = target.platforms
    return [str(tag) for tag in platform.tags]


def reported_tags(told: str) -> list[str]:
    """Return the tags that `pip debug --verbose` lists."""
    count, _, rest = told.partition("Compatible tags: ")[2].partition("\n")
    tags = [line.strip() for line in rest.splitlines() if re.match(r"  [a-z0-9_]+-\S+$", line)]
    assert len(tags) == int(count), told
    return tags


@pytest.mark.parametrize("python", ["3.8", "3.9", "3.10", "3.11", "3.12", "3.13"])
def test_tags_are_those_of_the_images_pip(
    tmp_path: Path, run_in_image: RunInImage, python: str
) -> None:
    """Every tag that pip takes is foreseen, in pip's order, and no other."""
    image = require_image(f"python:{python}-slim")
    told = run_in_image(image, "python", "-m", "pip", "debug", "--verbose")
    assert told.returncode == 0, told.stderr
    release = re.search(r"sys\.version: (\S+)", told.stdout)
    assert release is not None
    # What `.ci/engine` makes is bookworm's, which its short name does not say.
    target = target_of(f"python:{release[1]}-slim-bookworm", tmp_path)
    assert target.python.startswith(python)
    assert tags_of(target) == reported_tags(told.stdout)


@pytest.mark.online
@pytest.mark.parametrize("patch", [0, 4, 7, 12])
def test_tags_of_old_pips(tmp_path: Path, run_in_image: RunInImage, patch: int) -> None:
    """An old patch release's pip, which knows fewer tags, is foreseen with just these."""
    if not is_reachable():
        pytest.skip("the default index can't be reached")
    target = target_of(f"python:3.8.{patch}-slim-bookworm", tmp_path)
    install = f"python -m pip install --quiet pip=={target.pip}"
    base = require_image("python:3.8-slim")
    told = run_in_image(base, "sh", "-ec", f"{install}; python -m pip debug --verbose")
    assert told.returncode == 0, told.stderr
    assert target.pip is not None
    assert f"pip version: pip {target.pip} " in told.stdout
    passed_over = re.compile(PIP_19_ALONE if target.pip.major < 20 else "(?!)")
    expected, found = (
        [tag for tag in tags if not passed_over.fullmatch(tag)]
        for tags in (reported_tags(told.stdout), tags_of(target))
    )
    assert found == expected
