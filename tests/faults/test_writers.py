"""Commands that change one file at once: each plans on what those before have written."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from faults.counts import Counts
    from functional.temporary_project import Finished, TemporaryProject
    from loopback_index import LoopbackIndex

WRITERS = 20


@pytest.mark.parametrize("linked", [False, True], ids=["one name", "by two folders"])
def test_writers_at_once(
    project: TemporaryProject, index: LoopbackIndex, counts: Counts, linked: bool
) -> None:
    """Twenty packages that are added at once are twenty lines; no command fails."""
    names = [f"one-{at:02}" for at in range(WRITERS)]
    for name in names:
        index.add(name, "1.0")
    project.requirements = "# ours\n"
    if linked:
        (project.folder / "other").mkdir()
        project.write("other/tasks.py", project.read("tasks.py"))
        project.write("other/requirements.txt", "-r ../requirements.txt\n")

    def add(name: str) -> Finished:
        counts.did("writers")
        if linked and int(name[-1]) % 2:
            words = ("deps.add", name, "--no-rebuild", "--file", "../requirements.txt")
            return project.invoke(*words, within="other")
        return project.invoke("deps.add", name, "--no-rebuild")

    with ThreadPoolExecutor(WRITERS) as pool:
        for name, done in zip(names, pool.map(add, names), strict=True):
            counts.require_no_traceback(done, name)
            counts.require(done.status == 0, "lost", f"{name}: {done.output}")
    lines = project.requirements.splitlines()
    for name in names:
        counts.require(lines.count(f"{name}==1.0") == 1, "lost", f"{name}: {lines}")
    counts.require(lines[0] == "# ours", "lost", f"{lines}")
    assert counts.details == []
