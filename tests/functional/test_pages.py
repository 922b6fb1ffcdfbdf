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
    for language, text in BLOCK.findall(START):
        name, _, content = text.partition("\n")
        if language == "console":
            for line in text.splitlines():
                prompt, program, *words = shlex.split(line)
                assert (prompt, program) == ("$", "pipflow")
                done = project.pipflow(*words)
                assert done.status == 0, done.output
        else:
            project.write(name.removeprefix("# "), content)
    assert project.requirements == (
        "django==4.2  # pipflow: <5\nidna==3.0  # via requests\nrequests==2.0\n"
    )
    assert len(docker.built) == 3  # by add twice, and by lock


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
