"""Kills during real builds: the next command finishes them, and image and file agree."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

from engine.images import RunInImage, version_in
from faults import killing
from functional.temporary_project import TemporaryProject

KILLING = Path(killing.__file__)
KILLS = 20 if os.environ.get("PIPFLOW_NIGHTLY") == "1" else 2


def test_kills_during_real_builds(
    project: TemporaryProject, image_name: str, run_in_image: RunInImage
) -> None:
    """Killed at any time; `rebuild` goes on, and the image has what the file says."""
    project.requirements = "tidy-lib==1.0\n"
    started = time.monotonic()
    assert project.invoke("deps.upgrade-all").status == 0
    seconds = time.monotonic() - started
    chance = random.Random(15)
    for _ in range(KILLS):
        project.requirements = "tidy-lib==1.0\n"
        assert project.invoke("deps.rebuild").status == 0
        before = project.contents()
        killed = project.run_file(
            KILLING,
            "deps.upgrade-all",
            environment={"KILL_AFTER": str(chance.uniform(0.05, seconds))},
        )
        assert "Traceback" not in killed.output
        done = project.invoke("deps.rebuild")
        assert (done.status, "Traceback" in done.output) == (0, False), done.output
        assert project.requirements in {"tidy-lib==1.0\n", "tidy-lib==2.0\n"}
        assert project.contents().keys() == before.keys()
        version = project.requirements.strip().partition("==")[2]
        assert version_in(image_name, "tidy_lib", run_in_image) == version
        assert not [*project.state.glob("journals/*.json")]
