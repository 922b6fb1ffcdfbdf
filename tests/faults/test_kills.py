"""Runs that are killed: files and image are both old or both new after the next command.

Each scenario is killed at steps of its own, spread over the whole run, and at random times. With
PIPFLOW_NIGHTLY=1 at every step, and 100 times at random.
"""

from __future__ import annotations

import os
import random
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from faults import killing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from faults.counts import Counts
    from functional.temporary_project import Finished, TemporaryProject
    from loopback_index import LoopbackIndex

KILLING = Path(killing.__file__)

ENGINE = """\
#!/bin/sh
[ "$1" = build ] || exit 0
/bin/grep -q '{fails}' requirements.txt more.txt && exit 1
/bin/cat requirements.txt more.txt > {record}/image.$$
/bin/mv {record}/image.$$ {record}/image
"""
"""An engine whose image is what the two files say; with some text in them, it can't be built."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A command that is killed, in a project of two files.

    Attributes:
        words: the command.
        fails: a text in the files with which no image can be built.
        linked: one file has two names, so that it is written in place.
        is_missing: there is no requirements.txt before.
    """

    words: tuple[str, ...]
    fails: str = "no such text"
    linked: bool = False
    is_missing: bool = False


SCENARIOS = {
    "two files": Scenario(words=("deps.upgrade-all",)),
    "a build that fails": Scenario(words=("deps.upgrade-all",), fails="lib==2.0"),
    "in place": Scenario(words=("deps.upgrade-all",), linked=True),
    "in place, a build that fails": Scenario(
        words=("deps.upgrade-all",), linked=True, fails="new==1"
    ),
    "a new line": Scenario(words=("deps.add", "other")),
    "a new file": Scenario(words=("deps.add", "other"), is_missing=True),
    "a new file, a build that fails": Scenario(
        words=("deps.add", "other"), is_missing=True, fails="other"
    ),
    "without a build": Scenario(words=("deps.upgrade-all", "--no-rebuild")),
    "kept": Scenario(words=("deps.upgrade-all", "--keep"), fails="lib==2.0"),
}


class Bench:
    """A project that is put up anew for each kill, and its engine."""

    def __init__(self, project: TemporaryProject, scenario: Scenario, counts: Counts) -> None:
        self.project = project
        self._scenario = scenario
        self._counts = counts
        self._record = project.folder.parent / "engine"
        self._record.mkdir()
        engine = project.programs / "docker"
        engine.write_text(ENGINE.format(fails=scenario.fails, record=self._record))
        engine.chmod(0o755)
        self.put_up()
        self._old = self.contents()
        started = time.monotonic()
        done = self.run()
        self.seconds = time.monotonic() - started
        assert done.status == (0 if "no such" in scenario.fails else 3), done.output
        self.steps = int(self._steps_file.read_text())
        self._new = self.contents()
        self._words = " ".join(scenario.words)

    @property
    def _steps_file(self) -> Path:
        return self._record / "steps"

    @property
    def _image_file(self) -> Path:
        return self._record / "image"

    def put_up(self) -> None:
        """Make everything as it was before the run."""
        for folder in (self.project.state, self.project.folder):
            shutil.rmtree(folder, ignore_errors=True)
        self.project.folder.mkdir()
        self.project.write(
            "tasks.py",
            "import pipflow_tasks\nfrom invoke import Collection\n"
            "namespace = Collection(deps=pipflow_tasks.namespace)\n",
        )
        self.project.write(
            "Dockerfile",
            "FROM python:3.9-slim\nCOPY *.txt ./\nRUN pip install -r requirements.txt\n",
        )
        more = self.project.write("more.txt", "new==0\nstays==1\n")
        if not self._scenario.is_missing:
            self.project.requirements = "# ours\nlib==1.0\n-r more.txt\n"
        if self._scenario.linked:
            os.link(more, self._record.parent / "linked.txt")
        self._image_file.write_bytes(self._files())

    def _files(self) -> bytes:
        names = ("requirements.txt", "more.txt")
        paths = [self.project.folder / name for name in names]
        return b"".join(path.read_bytes() for path in paths if path.exists())

    def contents(self) -> dict[str, bytes]:
        """Return all files of the project."""
        return self.project.contents()

    def run(self, *, at: int = 0, after: float = 0) -> Finished:
        """Run the command, and kill it at a step or after seconds."""
        (self._record.parent / "linked.txt").unlink(missing_ok=True)
        self.put_up()
        return self.project.run_file(
            KILLING,
            *self._scenario.words,
            environment={
                "KILL_AT": str(at),
                "KILL_AFTER": str(after) if after else "0",
                "KILL_RECORD": "" if at or after else str(self._steps_file),
            },
        )

    def kill(self, *, at: int = 0, after: float = 0) -> None:
        """Kill a run, and count what is wrong after it, and after the command that follows."""
        where = f"{self._words}, killed at {at or f'{after:.3f} s'}"
        self._counts.did("kills")
        self._counts.require_no_traceback(self.run(at=at, after=after), where)
        left = self.contents()
        seen = self.project.invoke("deps.outdated")
        self._counts.require_no_traceback(seen, where)
        self._counts.require(self.contents() == left, "lost", f"{where}: a reader wrote")
        is_missing = self._scenario.is_missing and not self.project.exists()
        expected = "there is no such file" if is_missing else "`rebuild` puts them back"
        self._counts.require(
            seen.status == 0 or expected in seen.stderr,
            "wrong pins",
            f"{where}: outdated says\n{seen.output}",
        )
        self._recover(where)

    def _recover(self, where: str) -> None:
        done = self.project.invoke("deps.rebuild")
        self._counts.require_no_traceback(done, where)
        if done.status == 3:  # what was owed can't be built, and was put back
            done = self.project.invoke("deps.rebuild")
        if not self._may_fail:
            self._counts.require(done.status == 0, "lost", f"{where}: rebuild says\n{done.output}")
        now = self.contents()
        self._counts.require(now in self._allowed, "lost", f"{where}: {now}")
        if not self._may_fail:
            built = self._image_file.read_bytes()
            self._counts.require(built == self._files(), "wrong pins", f"{where}: image {built!r}")
        journals = [*self.project.state.glob("journals/*.json")]
        self._counts.require(not journals, "lost", f"{where}: {journals}")

    @property
    def _may_fail(self) -> bool:
        """Whether the new files are kept although no image can be built from them."""
        return "--keep" in self._scenario.words

    @property
    def _allowed(self) -> Sequence[dict[str, bytes]]:
        return (self._old, self._new)


@pytest.fixture(params=SCENARIOS)
def bench(
    request: pytest.FixtureRequest, project: TemporaryProject, index: LoopbackIndex, counts: Counts
) -> Bench:
    """Put up a scenario."""
    for name, version in (("lib", "2.0"), ("lib", "1.0"), ("new", "1"), ("new", "0")):
        index.add(name, version)
    index.add("stays", "1")
    index.add("other", "1")
    return Bench(project, SCENARIOS[request.param], counts)


def spread(number: int, steps: int) -> Iterator[int]:
    """Yield so many steps out of all, the first and the last among them."""
    yield from sorted({1 + round(at * (steps - 1) / (number - 1)) for at in range(number)})


def test_kill_at_steps(bench: Bench, counts: Counts, is_nightly: bool) -> None:
    """Wherever a command is killed, the next one finishes it or undoes it; nothing is left over."""
    for step in range(1, bench.steps + 1) if is_nightly else spread(4, bench.steps):
        bench.kill(at=step)
    assert counts.details == []


def test_kill_at_random(bench: Bench, counts: Counts, is_nightly: bool) -> None:
    """The same, killed from outside at any time."""
    chance = random.Random(15)
    for _ in range(100 if is_nightly else 1):
        bench.kill(after=chance.uniform(0.01, bench.seconds))
    assert counts.details == []
