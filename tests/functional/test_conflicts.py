"""Conflicts that people met: each is explained in at most three lines, and ends with what to do.

The table is ``tests/data/conflicts/conflicts.json``; the README beside it lists the keys.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from functional.test_cases import Case, ask, carry_out, lines_for_oracle, write_files
from loopback_index import LoopbackIndex
from tools.recorded_index import load, serve

from pipflow_tasks.errors import PipflowError

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).parents[1] / "data" / "conflicts"
CONFLICTS = {row["name"]: row for row in json.loads((FOLDER / "conflicts.json").read_text())}

_MOST_LINES = 3


@pytest.fixture
def index(case: Case) -> Iterator[LoopbackIndex]:
    """Serve what was recorded."""
    with LoopbackIndex() as index:
        index.with_hashes = False
        serve(index, load(FOLDER / "index", [case["name"]]))
        yield index


def say(case: Case, folder: Path, index_url: str) -> list[str]:
    """Return what is said of a conflict, line by line."""
    write_files(case, folder)
    try:
        plan = carry_out(case, folder, index_url)
    except PipflowError as error:
        return str(error).splitlines()
    moved = [f"{c.project} {c.after}; {c.reason}" for c in plan.changes if c.reason]
    held = [f"held {each.project} at {each.version}: {each.reason}" for each in plan.held]
    return [*moved, *held, *(f"warning: {each}" for each in plan.warnings)]


@pytest.mark.parametrize("case", CONFLICTS.values(), ids=CONFLICTS)
def test_conflict_is_explained(case: Case, tmp_path: Path, index: LoopbackIndex) -> None:
    """The explanation is as expected, and short."""
    said = say(case, tmp_path, index.url)
    assert said == case["expected"]
    assert len([line for line in said[1:] if not line.startswith("hint: ")]) <= _MOST_LINES


@pytest.mark.parametrize("case", CONFLICTS.values(), ids=CONFLICTS)
def test_another_tool_finds_the_conflict(case: Case, tmp_path: Path, index: LoopbackIndex) -> None:
    """What is refused has no solution for uv either."""
    if "no_oracle" in case:
        pytest.skip(case["no_oracle"])
    answer = ask({"oracle": "uv", **case}, lines_for_oracle(case), tmp_path, index.url)
    assert answer is None, answer
