"""The pictures of the documents: their script runs, and they ask no other host."""

from __future__ import annotations

import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

DOCS = Path(__file__).parents[2] / "docs"
SCREENS = sorted((DOCS / "screens").glob("*.svg"))
NAMESPACE = "http://www.w3.org/2000/svg"


def text_of(picture: str) -> str:
    """Return the words of a picture, a line each for its pieces."""
    pieces = ElementTree.fromstring(picture).iter(f"{{{NAMESPACE}}}text")
    return "\n".join("".join(piece.itertext()).replace("\xa0", " ") for piece in pieces)


def test_script_makes_a_screen(tmp_path: Path) -> None:
    """What a terminal shows becomes a picture for light and dark pages."""
    if shutil.which("git") is None:
        pytest.skip("there is no git")
    words = [sys.executable, str(DOCS / "screens.py"), "--to", str(tmp_path), "unknown-option"]
    subprocess.run(words, check=True, capture_output=True)
    (made,) = tmp_path.glob("*.svg")
    picture = made.read_text("utf-8")
    assert "did you mean `--dry-run`?" in text_of(picture)
    assert "@media (prefers-color-scheme: dark)" in picture
    assert len(set(re.findall(r"\.page \{ fill: (#\w+) \}", picture))) == 2


def test_lines_that_are_left() -> None:
    """What was written over is gone, and every other line stays, with its colours."""
    settle = runpy.run_path(str(DOCS / "screens.py"))["settle"]
    looking = "\r\x1b[2K\x1b[36m-\x1b[0m looking up\r\x1b[2K"
    printed = (
        f"{looking}\x1b[1mimage\x1b[0m 217 MB\r\nOK\r\ngone\r\n\x1b[1A\x1b[2K\x1b[?25hlast\r\n"
    )
    assert [*settle(printed)] == ["\x1b[1mimage\x1b[0m 217 MB", "OK", "last"]


@pytest.mark.parametrize("path", SCREENS, ids=lambda path: path.stem)
def test_screens_name_nothing_outside(path: Path) -> None:
    """A picture has no address, no path of the machine that it was made on, and a page shows it."""
    picture = path.read_text("utf-8").replace(f'xmlns="{NAMESPACE}"', "")
    assert not re.findall(r"https?:|//\w|url\(|@import|href", picture)
    assert not re.findall(r"/tmp|/home|/Users|127\.0\.0\.1", picture)
    assert path.stat().st_size < 10_000
    assert f"screens/{path.name}" in (DOCS / "screens.md").read_text("utf-8")


def test_screens_are_found() -> None:
    """There is at least one of each kind."""
    names = {path.stem.rpartition("-")[0] for path in SCREENS}
    assert names >= {"add", "upgrade-all", "conflict", "check", "failed-build", "help"}
