"""Whatever a locked project's tasks are, its file stays complete, and unlock leaves the user's."""

from __future__ import annotations

import itertools
import os
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from loopback_index import LoopbackIndex
from packaging.requirements import Requirement
from packaging.version import Version

from pipflow_tasks import Project, RequirementsFile
from pipflow_tasks.errors import PipflowError
from pipflow_tasks.settings import Settings

LETTERS = "abcde"
VERSIONS = ("1", "2", "3")
NEEDS = st.sampled_from(["", ">=2", "<3", "<2", "==2", "!=3"])
RELEASES = st.dictionaries(
    st.tuples(st.sampled_from(LETTERS), st.sampled_from(VERSIONS)),
    st.dictionaries(st.sampled_from(LETTERS), NEEDS, max_size=2),
    max_size=10,
)
"""By project and version, what it needs; those not named need nothing."""

STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["add", "remove", "upgrade"]), st.sampled_from(LETTERS)),
        st.tuples(st.sampled_from(["upgrade_all", "lock"]), st.just("")),
    ),
    min_size=1,
    max_size=5,
)


class World:
    """A project over an index of a few projects; each has names of its own."""

    _numbers = itertools.count()

    def __init__(self, index: LoopbackIndex, releases: dict[tuple[str, str], dict[str, str]]):
        self.index = index
        self.mark = f"x{next(self._numbers)}"
        self.needs = {
            (self.name(letter), version): [
                Requirement(f"{self.name(other)}{specifier}")
                for other, specifier in releases.get((letter, version), {}).items()
                if other != letter
            ]
            for letter in LETTERS
            for version in VERSIONS
        }
        for (name, version), needs in self.needs.items():
            index.add(name, version, requires_dist=[str(need) for need in needs])

    def name(self, letter: str) -> str:
        """Return a project's name on the index, in the order of letters."""
        return f"{letter}-{self.mark}"

    def run(self, folder: Path, command: str, letter: str) -> bool:
        """Carry a command out; return whether it was."""
        environment = {"PIP_INDEX_URL": self.index.url, "PIP_CONFIG_FILE": os.devnull, "PATH": ""}
        before = (folder / "requirements.txt").read_bytes()
        chosen = Settings(python="3.11", platform="linux/amd64")
        with Project.open(folder, chosen, environment) as project:
            try:
                words = [self.name(letter)] if letter else []
                project.apply(getattr(project, f"plan_{command}")(*words))
            except PipflowError:
                assert (folder / "requirements.txt").read_bytes() == before
                return False
        return True

    def require_complete(self, file: RequirementsFile, asked: set[str]) -> None:
        """Check that the file has what its lines need, in versions that they allow, and no more."""
        lines = {str(line.name): line for line in file.requirements}
        assert len(lines) == len(file.requirements)
        parents: dict[str, set[str]] = {}
        for name, line in lines.items():
            for need in self.needs[name, str(line.pin)]:
                assert need.name in lines, f"{name} needs {need}"
                pin = lines[need.name].pin
                assert pin is not None
                assert need.specifier.contains(pin), f"{name} needs {need}, and not {pin}"
                parents.setdefault(need.name, set()).add(name)
        for name, line in lines.items():
            wanted = set() if name in asked else parents.get(name, set())
            assert {str(parent) for parent in line.via} == wanted
        reached = list(asked)
        for name in reached:
            needed = [need.name for need in self.needs[name, str(lines[name].pin)]]
            reached.extend(each for each in needed if each not in reached)
        assert set(reached) == set(lines)


def read(folder: Path) -> RequirementsFile:
    """Read the project's file."""
    return RequirementsFile.from_bytes((folder / "requirements.txt").read_bytes())


def own(file: RequirementsFile) -> list[str]:
    """Return the lines that are not the closure's."""
    return [line.text for line in file.lines if not line.via]


@given(RELEASES, st.lists(st.sampled_from(LETTERS), min_size=1, max_size=2, unique=True), STEPS)
@settings(max_examples=60)
def test_locked_file_stays_complete(
    releases: dict[tuple[str, str], dict[str, str]], first: list[str], steps: list[tuple[str, str]]
) -> None:
    """After each task the lines need one another and nothing else; a refusal changes nothing."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "requirements.txt").write_text("# mine\n")
        world = World(INDEX, releases)
        for letter in first:
            world.run(folder, "add", letter)
        if not world.run(folder, "lock", ""):
            return
        for command, letter in steps:
            before = read(folder)
            is_locked = any(line.via for line in before.lines)
            asked = {str(line.name) for line in before.requirements if not line.via}
            done = world.run(folder, command, letter)
            after = read(folder)
            if done and command == "add":
                asked.add(world.name(letter))
            if done and command == "remove":
                asked.discard(world.name(letter))
            assert {str(line.name) for line in after.requirements if not line.via} == asked
            if is_locked or (done and command == "lock"):
                world.require_complete(after, asked)
            if command == "upgrade_all" and done:
                fell = [
                    line
                    for line in before.requirements
                    if not line.via and line.pin and line.pin > _pin(after, str(line.name))
                ]
                assert not fell
        locked = read(folder)
        assert world.run(folder, "unlock", "")
        assert [line.text for line in read(folder).lines] == own(locked)


def _pin(file: RequirementsFile, name: str) -> Version:
    (line,) = file.find(name)
    assert line.pin is not None
    return line.pin


INDEX = LoopbackIndex()


def setup_module() -> None:
    """Start the index."""
    INDEX.__enter__()


def teardown_module() -> None:
    """Stop it."""
    INDEX.__exit__(None, None, None)
