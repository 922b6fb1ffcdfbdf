"""What an ignore file hides, as a real builder sees it."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from engine.images import require_image
from unit.test_dockerignore import IGNORED

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize(("text", "expected"), IGNORED, ids=[text for text, _ in IGNORED])
def test_builder_agrees(
    text: str,
    expected: dict[str, int | None],
    tmp_path: Path,
    image_name: str,
    run_in_image: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    """The builder copies just the files that are said not to be hidden."""
    for path in expected:
        (tmp_path / "context" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "context" / path).touch()
    (tmp_path / "context" / ".dockerignore").write_text(text)
    base = require_image("python:3.11-slim")
    (tmp_path / "Dockerfile").write_text(f"FROM {base}\nCOPY . /context\n")
    words = ["docker", "build", "--tag", image_name, "--file", "Dockerfile", "context"]
    done = subprocess.run(words, cwd=tmp_path, check=False, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    told = run_in_image(image_name, "find", "/context", "-type", "f").stdout.split()
    there = {path.removeprefix("/context/") for path in told} - {".dockerignore"}
    assert there == {path for path, line in expected.items() if line is None}
