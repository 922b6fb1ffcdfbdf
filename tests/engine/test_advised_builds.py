"""Dockerfiles with the lines of their advice, built by a real engine: the packages are in them.

This engine's builder knows no mounts, as many do: what is advised must build there, too.
"""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from engine.images import RunInImage, remove_containers, require_image
from functional.test_advice import DATA, check, make, paste

if TYPE_CHECKING:
    from pathlib import Path

    from loopback_index import LoopbackIndex

BUILT = [
    "cache",
    "pip-upgrade-first",
    "source-file-first",
    "source-first",
    "split",
    "wheels-and-index",
]


@pytest.mark.parametrize("name", BUILT)
def test_fixed_file_builds(
    tmp_path: Path,
    name: str,
    index: LoopbackIndex,
    image_name: str,
    run_in_image: RunInImage,
) -> None:
    """With all its fixes pasted, the file builds an image that has what it installs."""
    for project, version in (
        ("flask", "3.0.0"),
        ("click", "8.1.7"),
        ("gunicorn", "23.0.0"),
        ("pytest", "8.3.4"),
    ):
        index.add(project, version)
    dockerfile = make(tmp_path, name)
    lines = dockerfile.read_text("utf-8").splitlines()
    for base in {line.split()[1] for line in lines if line.startswith("FROM ")}:
        require_image(base)
    while replacements := [each.replacement for each in check(tmp_path) if each.replacement]:
        paste(dockerfile, replacements[0])
    text = dockerfile.read_text("utf-8")
    assert text == (DATA / f"{name}.fixed").read_text("utf-8")
    settings = f"ENV PIP_INDEX_URL={index.url} PIP_DISABLE_PIP_VERSION_CHECK=1"
    text = "".join(
        f"{line}\n{settings}\n" if line.startswith("FROM ") else f"{line}\n"
        for line in text.splitlines()
    )
    dockerfile.write_text(text, "utf-8")
    words = ["docker", "build", "--network=host", "--tag", image_name, "."]
    done = subprocess.run(words, cwd=tmp_path, check=False, capture_output=True, encoding="utf-8")
    remove_containers(index.url)
    assert done.returncode == 0, done.stderr
    assert run_in_image(image_name, "python", "-c", "import flask").returncode == 0
    left = run_in_image(image_name, "sh", "-c", "ls -A /root/.cache/pip 2>/dev/null").stdout
    assert left == ""
