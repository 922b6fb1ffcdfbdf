"""Whatever the ranges are: after `pin`, `upgrade-all` never leaves the range of a line."""

from __future__ import annotations

import itertools
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st
from loopback_index import LoopbackIndex
from packaging.specifiers import SpecifierSet

from pipflow_tasks import Project, RequirementsFile
from pipflow_tasks.errors import PipflowError
from pipflow_tasks.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

LETTERS = "abcd"
VERSIONS = ("1.0", "1.4", "2.0", "2.1rc1", "2.2", "3.0")
CLAUSES = st.builds(
    "{}{}".format,
    st.sampled_from([">=", ">", "<", "<=", "!=", "~="]),
    st.sampled_from(["1.0", "1.4", "2.0", "2.1rc1", "2.2", "3.0", "2.5"]),
) | st.sampled_from(["==2.*", "==1.*", "!=2.*", "==2.2.*"])
RANGES = st.lists(CLAUSES, max_size=2)
COMMENTS = st.sampled_from(["", "  # why", " # pipflow: <3", "  # pipflow: !=2.2  why"])
LINES = st.dictionaries(st.sampled_from(LETTERS), st.tuples(RANGES, COMMENTS), min_size=1)
NEEDS = st.dictionaries(
    st.tuples(st.sampled_from(LETTERS), st.sampled_from(VERSIONS)),
    st.tuples(st.sampled_from(LETTERS), st.sampled_from(["", ">=2", "<3", "<2", "!=2.0"])),
    max_size=6,
)
"""By project and version, what it needs; those not named need nothing."""
STEPS = st.lists(st.sampled_from(["pin", "upgrade_all"]), min_size=1, max_size=3)

_numbers = itertools.count()


@given(LINES, NEEDS, st.sampled_from([",", ", "]), STEPS, st.booleans())
@settings(max_examples=80)
def test_no_version_leaves_the_range_that_was_there(
    lines: dict[str, tuple[list[str], str]],
    needs: dict[tuple[str, str], tuple[str, str]],
    comma: str,
    steps: list[str],
    resolve: bool,
) -> None:
    """`pin` and `upgrade-all`, once or more: each pin is within range and policy, none moves down.

    The index gets a newer version of everything between `pin` and the rest.
    """
    mark = f"x{next(_numbers)}"
    add_releases(mark, VERSIONS, needs)
    ranges = {f"{letter}-{mark}": asked for letter, (asked, _) in lines.items()}
    text = "".join(
        f"{letter}-{mark}{comma.join(asked)}{comment}\n"
        for letter, (asked, comment) in lines.items()
    )
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "requirements.txt"
        file.write_text(text)
        if not run(Path(name), "pin", resolve=resolve):
            assert file.read_text() == text
            return
        policies = [line.policy for line in RequirementsFile.from_bytes(text.encode()).lines]
        limits = dict(zip(ranges, policies, strict=True))
        add_releases(mark, ("2.3", "2.9", "4.0"), {})
        pins: dict[str, object] = {}
        for step in ("", *steps):
            assert not step or run(Path(name), step, resolve=resolve)
            for line in RequirementsFile.from_bytes(file.read_bytes()).requirements:
                project = str(line.name)
                assert line.pin is not None
                asked = SpecifierSet(",".join(ranges[project]))
                assert asked.contains(line.pin, prereleases=True), f"{text}{step}: {line.text}"
                policy = limits[project]
                assert policy is None or policy.specifier.contains(line.pin, prereleases=True)
                assert pins.setdefault(project, line.pin) <= line.pin  # type: ignore[operator]
                pins[project] = line.pin


def add_releases(
    mark: str, versions: Sequence[str], needs: dict[tuple[str, str], tuple[str, str]]
) -> None:
    """Add versions of each project to the index."""
    for letter, version in itertools.product(LETTERS, versions):
        other, specifier = needs.get((letter, version), (letter, ""))
        requires = [f"{other}-{mark}{specifier}"] if other != letter else []
        INDEX.add(f"{letter}-{mark}", version, requires_dist=requires)


def run(folder: Path, command: str, *, resolve: bool) -> bool:
    """Carry a command out; return whether it was."""
    environment = {"PIP_INDEX_URL": INDEX.url, "PIP_CONFIG_FILE": os.devnull, "PATH": ""}
    chosen = Settings(python="3.11", platform="linux/amd64")
    with Project.open(folder, chosen, environment) as project:
        try:
            project.apply(getattr(project, f"plan_{command}")(resolve=resolve))
        except PipflowError:
            return False
    return True


INDEX = LoopbackIndex()


def setup_module() -> None:
    """Start the index."""
    INDEX.__enter__()


def teardown_module() -> None:
    """Stop it."""
    INDEX.__exit__(None, None, None)
