"""Answers of an index that are spoiled: the right result, or a failure that changes nothing.

Each way to spoil an answer meets some requests of some commands. With PIPFLOW_NIGHTLY=1, every
request of each: alone, and all from it on.
"""

from __future__ import annotations

import itertools
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from faults import limited
from faults.counts import Counts
from faults.spoiling import SPOILS, spoiling
from functional.temporary_project import TemporaryProject
from loopback_index import LoopbackIndex

if TYPE_CHECKING:
    from collections.abc import Iterator

    from functional.temporary_project import Finished
    from loopback_index import Face

LIMITED = Path(limited.__file__)
DEADLINE_SECONDS = 2.0
TIMEOUT_SECONDS = 0.5
MOST_SECONDS = 30.0

COMMANDS: tuple[tuple[str, ...], ...] = (
    ("deps.upgrade-all", "--no-rebuild"),
    ("deps.add", "more", "--no-rebuild"),
    ("deps.lock", "--no-rebuild"),
    ("deps.outdated",),
)
FACES: tuple[Face, ...] = ("json", "html")
REQUIREMENTS = "bare==1.0\ndep==1.0\nlib==1.0\nplain==1.0\n"

STATEMENTS = {"404", "round and round"}
"""Ways that an index says that it does not have something: another result may be right, too.

A page of another project's files is the answer of an index that serves one list for all.
"""

NEEDS = (("lib==2.0", "dep==2.0"), ("bare==2.0", "plain==3.0"), ("more==1.0", "dep==1.5"))
"""Pins of which at most one is right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """What a run comes to with an index that works, and how many requests it takes."""

    done: Finished
    contents: dict[str, bytes]
    count: int


RIGHTS: dict[tuple[tuple[str, ...], Face], Right] = {}


class Bench:
    """A project whose index works, or does not."""

    def __init__(
        self,
        project: TemporaryProject,
        index: LoopbackIndex,
        counts: Counts,
        *,
        deadline_seconds: float = DEADLINE_SECONDS,
        timeout_seconds: float = TIMEOUT_SECONDS,
        most_seconds: float = MOST_SECONDS,
    ) -> None:
        self._project = project
        self._index = index
        self._counts = counts
        self._limits = {
            "DEADLINE": str(deadline_seconds),
            "INVOKE_PIPFLOW_TIMEOUT_SECONDS": str(timeout_seconds),
        }
        self._most_seconds = most_seconds
        project.requirements = REQUIREMENTS
        self._before = project.contents()

    def _run(self, words: tuple[str, ...], url: str) -> Finished:
        for folder in (self._project.home / ".cache", self._project.state):
            shutil.rmtree(folder, ignore_errors=True)
        self._project.requirements = REQUIREMENTS
        environment = {"PIP_INDEX_URL": url, **self._limits}
        return self._project.run_file(LIMITED, *words, environment=environment)

    def right(self, words: tuple[str, ...], face: Face) -> Right:
        """Return what a command comes to, by one run that nothing spoils, once a test process."""
        if (words, face) not in RIGHTS:
            self._index.face = face
            with spoiling(self._index, lambda answer: answer, at=0) as proxy:
                done = self._run(words, proxy.url)
            assert done.status == 0, done.output
            RIGHTS[words, face] = Right(
                done=done, contents=self._project.contents(), count=proxy.count
            )
        return RIGHTS[words, face]

    def spoil(
        self, name: str, words: tuple[str, ...], face: Face, at: int, times: int | None
    ) -> None:
        """Spoil answers to a command, and count what is wrong with its result."""
        right = self.right(words, face)
        self._index.face = face
        where = f"{' '.join(words)}, {face}, {name} at {at}{'' if times else ' and on'}"
        started = time.monotonic()
        with spoiling(self._index, SPOILS[name], at=at, times=times) as proxy:
            done = self._run(words, proxy.url)
        seconds = time.monotonic() - started
        require, now = self._counts.require, self._project.contents()
        self._counts.did("network faults")
        self._counts.require_no_traceback(done, where)
        require(seconds < self._most_seconds, "over the deadline", f"{where}: {seconds:.1f} s")
        if done.status == 0:
            is_same = now == right.contents and done.stdout == right.done.stdout
            is_false = "nothing to change" in done.stdout and not is_same
            said = f"{where}: {done.output}"
            require(not is_false, "nothing to change on a failed look-up", said)
            lines = self._project.requirements.splitlines()
            may_differ = name in STATEMENTS and not any(set(pins) <= set(lines) for pins in NEEDS)
            require(is_same or is_false or may_differ, "wrong pins", said)
        else:
            is_plain = done.status == 1 and bool(done.stderr.strip()) and not done.stdout
            require(is_plain, "lost", f"{where}: status {done.status}\n{done.output}")
            require(now == self._before, "lost", f"{where}: {now}")


@pytest.fixture
def bench(project: TemporaryProject, index: LoopbackIndex, counts: Counts) -> Bench:
    """Put up a project and its index."""
    fill(index)
    return Bench(project, index, counts)


def fill(index: LoopbackIndex) -> None:
    """Add wheels whose metadata is beside them or within them, and sdists."""
    index.add("lib", "1.0")
    index.add("lib", "2.0", requires_dist=["dep<2", "under>=1"])
    index.add("dep", "1.0")
    index.add("dep", "1.5")
    index.add("dep", "2.0")
    index.add("under", "1.0")
    index.add("under", "2.0", requires_python=">=3.12")
    index.add("bare", "1.0", metadata=False)
    index.add("bare", "2.0", metadata=False, requires_dist=["plain<3"], padding_bytes=60_000)
    for version in ("1.0", "2.0", "3.0"):
        index.add("plain", version, wheel=False, sdist=True)
    index.add("more", "1.0", requires_dist=["dep<1.5"])
    index.add("more", "0.9")


def cases(bench: Bench, number: int | None) -> Iterator[tuple[tuple[str, ...], Face, int, bool]]:
    """Yield commands, faces, requests, and whether one alone is spoiled; some, or all."""
    if number is None:
        for words, face in itertools.product(COMMANDS, FACES):
            for at in range(1, bench.right(words, face).count + 1):
                yield words, face, at, True
                yield words, face, at, False
        return
    for at in range(number):
        words, face = COMMANDS[at % len(COMMANDS)], FACES[at % len(FACES)]
        count = bench.right(words, face).count
        yield words, face, 1 + at * (count - 1) // max(number - 1, 1), bool(at % 3)


@pytest.mark.parametrize("name", SPOILS)
def test_spoiled_answers(name: str, bench: Bench, counts: Counts, is_nightly: bool) -> None:
    """Whatever an index answers: the right result, or status 1 with a message and no change."""
    for words, face, at, is_alone in cases(bench, None if is_nightly else 4):
        bench.spoil(name, words, face, at, 1 if is_alone else None)
    assert counts.details == []


SLOW = ("silence", "a drip", "no end of 100", "round and round")
REAL_DEADLINE_SECONDS, REAL_TIMEOUT_SECONDS = 30.0, 15.0
REST_SECONDS = 25.0
"""What a command may take besides, while as many others run."""


@pytest.mark.parametrize("face", FACES)
def test_real_deadline(face: Face, tmp_path: Path, counts: Counts, is_nightly: bool) -> None:
    """Fifty look-ups that do not end by themselves end after 30 seconds; they wait together."""
    if not is_nightly:
        pytest.skip("takes minutes; set PIPFLOW_NIGHTLY=1")
    with LoopbackIndex() as index:
        fill(index)

        def make(name: str) -> tuple[Bench, Counts]:
            folder = tmp_path / name
            folder.mkdir()
            own = Counts()
            limits = {
                "deadline_seconds": REAL_DEADLINE_SECONDS,
                "timeout_seconds": REAL_TIMEOUT_SECONDS,
                "most_seconds": REAL_DEADLINE_SECONDS + REST_SECONDS,
            }
            project = TemporaryProject(folder, index_url=index.url)
            return Bench(project, index, own, **limits), own

        first, _ = make("first")
        rights = [first.right(words, face).count for words in COMMANDS]
        requests = [(words, at) for words, n in zip(COMMANDS, rights, strict=True) for at in (1, n)]

        def spoil(number: int) -> Counts:
            bench, own = make(f"fault-{number}")
            words, at = requests[number // len(SLOW) % len(requests)]
            times = None if number >= len(SLOW) * len(requests) else 1
            bench.spoil(SLOW[number % len(SLOW)], words, face, at, times)
            return own

        with ThreadPoolExecutor(25) as pool:
            for own in pool.map(spoil, range(50)):
                counts.details.extend(own.details)
                for name, number in own.values.items():
                    counts.values[name] = counts.values.get(name, 0) + number
    assert counts.details == []
