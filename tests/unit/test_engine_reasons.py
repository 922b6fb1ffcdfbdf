"""Engine tests without their engine or image are skipped with the reason; in CI they fail."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TESTS = ("tests/engine/test_local_patch_level.py", "tests/engine/test_images_of_one_file.py")
LACKS = {
    "engine": ("echo no daemon >&2; exit 1", "no Docker engine: no daemon"),
    "image": (
        'case $1 in run) echo "No such image: $5" >&2; exit 125;; esac',
        "no python in a base image python:3.11-slim: No such image: python:3.11-slim",
    ),
    "python": (
        'case $1 in run) echo "$6: not found" >&2; exit 127;; esac',
        "no python in a base image python:3.11-slim: python: not found",
    ),
}


@pytest.mark.parametrize(
    ("lack", "variables"),
    [
        ("engine", {}),
        ("engine", {"PIPFLOW_REQUIRE_ENGINE": "1"}),
        ("image", {}),
        ("image", {"CI": "true"}),
        ("python", {}),
    ],
)
def test_missing_is_skipped_with_the_reason(
    tmp_path: Path, lack: str, variables: dict[str, str]
) -> None:
    """Without its engine, image or Python a test is skipped; where images are meant, it fails."""
    script, reason = LACKS[lack]
    docker = tmp_path / "docker"
    docker.write_text(f"#!/bin/sh\n{script}\n")
    docker.chmod(0o755)
    kept = {name: text for name, text in os.environ.items() if not re.match("CI$|PIPFLOW_", name)}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *TESTS],
        cwd=ROOT,
        env={**kept, **variables, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        check=False,
        capture_output=True,
        encoding="utf-8",
    )
    assert f"{reason} (try: .ci/engine start)" in done.stdout, done.stdout
    count = len(re.findall(r"^def test_", "".join(map(read, TESTS)), re.MULTILINE))
    expected = f"{count} errors" if variables else f"{count} skipped"
    assert (done.returncode, expected in done.stdout) == (int(bool(variables)), True), done.stdout


def read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")
