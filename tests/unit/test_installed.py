"""What a built image says that it has installed, asked of a program that stands in for docker."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pipflow_tasks.engine import ask_installed

IMAGE = {"Id": f"sha256:{'5e' * 32}", "Os": "linux", "Architecture": "amd64"}


def docker(folder: Path, printed: str, *, has: str = "shop") -> dict[str, str]:
    """Put a docker on the path that has one image, and prints something for each run of it."""
    program = folder / "docker"
    program.write_text(
        "#!/bin/sh\n"
        f'if [ "$1" = image ] && [ "$3" = {has} ]; then echo \'{json.dumps([IMAGE])}\'; exit; fi\n'
        'if [ "$1" = image ]; then echo "No such image: $3" >&2; exit 1; fi\n'
        f"cat <<'EOF'\n{printed}\nEOF\n"
    )
    program.chmod(0o755)
    return {"PATH": f"{folder}{os.pathsep}/usr/bin:/bin"}


def test_versions_of_the_first_image_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names are normalised, the first of two counts, and what is no version is passed over."""
    pairs = [["Tidy_Lib", "1.0"], ["tidy-lib", "2.0"], ["odd", "one"], ["-", "1"], [None, "1"]]
    environment = docker(tmp_path, f"welcome\n{json.dumps(pairs)}")
    monkeypatch.setenv("PATH", environment["PATH"])
    found = ask_installed("docker", ["other", "shop"], "", environment)
    assert (found.image, found.note) == ("shop", "")
    assert {name: str(version) for name, version in found.versions.items()} == {"tidy-lib": "1.0"}


@pytest.mark.parametrize(
    ("printed", "has", "note"),
    [
        ("[]", "another", "docker has no image shop"),
        ('{"python": null}', "shop", "docker could not say what the image shop has: it has no"),
        ("nonsense", "shop", "what its Python printed is not valid"),
    ],
)
def test_image_that_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, printed: str, has: str, note: str
) -> None:
    """The note says why nothing is known, and nothing fails."""
    environment = docker(tmp_path, printed, has=has)
    monkeypatch.setenv("PATH", environment["PATH"])
    found = ask_installed("docker", ["shop"], "/opt/venv/bin", environment)
    assert (dict(found.versions), note in found.note) == ({}, True), found.note
