"""The pages for users: their commands run as they stand, and the site is made without a warning."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from functional.temporary_project import COMPOSE_V2, TemporaryProject
from loopback_index import LoopbackIndex

ROOT = Path(__file__).parents[2]
START = (ROOT / "docs" / "index.md").read_text("utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def follow(project: TemporaryProject, page: str) -> None:
    """Write the files of a page, run its commands, and compare what files become."""
    for language, text in BLOCK.findall(page):
        name, _, content = text.partition("\n")
        if language == "console":
            for line in text.splitlines():
                prompt, program, *words = shlex.split(line)
                assert (prompt, program) == ("$", "pipflow")
                done = project.pipflow(*words)
                assert done.status == 0, done.output
        elif name.endswith(" becomes"):
            assert project.read(name.removeprefix("# ").removesuffix(" becomes")) == content
        else:
            project.write(name.removeprefix("# "), content)


@pytest.fixture
def _index(index: LoopbackIndex) -> None:
    for name, versions in {
        "requests": ("1.0", "2.0"),
        "flask": ("2.0", "3.0"),
        "django": ("4.2", "5.2"),
        "idna": ("3.0",),
    }.items():
        for version in versions:
            needs = ["idna"] if name == "requests" else []
            index.add(name, version, requires_dist=needs)


@pytest.mark.usefixtures("_index")
def test_getting_started(project: TemporaryProject) -> None:
    """The files of the page and its commands, one after another, give what the page says."""
    docker = project.stand_in("docker", COMPOSE_V2)
    project.remove("tasks.py")
    follow(project, START)
    assert project.requirements == (
        "django==4.2  # pipflow: <5\nidna==3.0  # via requests\nrequests==2.0\n"
    )
    assert len(docker.built) == 3  # by add twice, and by lock


RECIPES = (ROOT / "docs" / "recipes.md").read_text("utf-8")
FIRST, *SECTIONS = re.split(r"^## ", RECIPES, flags=re.MULTILINE)
TRIED = [section for section in SECTIONS if "```console" in section]


def title_of(section: str) -> str:
    """Return the heading of a section."""
    return section.partition("\n")[0]


@pytest.mark.parametrize("section", TRIED, ids=title_of)
def test_recipe(project: TemporaryProject, index: LoopbackIndex, section: str) -> None:
    """The commands of a recipe make the files that it shows of those that it begins with."""
    for name, version, needs in (
        ("flask", "3.0", ["click"]),
        ("click", "8.1.7", []),
        ("requests", "2.31.0", []),
        ("requests", "2.32.0", []),
        ("requests", "3.0", []),
        ("pytest", "7.4.4", []),
        ("pytest", "8.0", []),
    ):
        if not (version == "3.0" and name == "requests" and "<3" not in section):
            index.add(name, version, requires_dist=needs)
    project.stand_in("docker", {"version": 0, "build": 0})
    project.remove("tasks.py")
    project.environment["INDEX"] = index.url
    project.requirements = ""
    follow(project, FIRST + section)


def test_recipes_are_found() -> None:
    """The sections are read as they are meant."""
    assert len(TRIED) >= 6


def test_site(tmp_path: Path) -> None:
    """The documents are made into a site, without a warning."""
    done = subprocess.run(
        [
            *(sys.executable, "-W", "ignore", "-m", "mkdocs", "build", "--strict"),
            *("--config-file", str(ROOT / ".ci" / "mkdocs.yml"), "--site-dir", str(tmp_path)),
        ],
        check=False,
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},  # about the theme's own future
    )
    assert (done.returncode, "WARNING" in done.stderr) == (0, False), done.stderr
    assert (tmp_path / "settings" / "index.html").exists()
