"""What is left of our policies when a bot has edited the file; see the README of the data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from functional.temporary_project import TemporaryProject

from pipflow_tasks.requirements import RequirementsFile

if TYPE_CHECKING:
    from loopback_index import LoopbackIndex

FOLDER = Path(__file__).parents[1] / "data" / "bots"
CASES: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text("utf-8")) for path in sorted(FOLDER.glob("*.json"))
}


@pytest.fixture
def edited(project: TemporaryProject, index: LoopbackIndex) -> TemporaryProject:
    """Serve each project of the cases in versions within and beyond the policies."""
    for name in ("lib", "other", "under"):
        for version in ("1.0", "1.5", "1.9", "2.0", "3.0"):
            index.add(name, version)
    for version in ("1.0", "1.5", "2.0"):
        index.add("top", version, requires_dist=["under"])
    return project


def text_of(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_policies_after_an_edit(case: dict[str, Any]) -> None:
    """The policies are read from what the bot has written."""
    after = RequirementsFile.from_bytes(text_of(case["after"]).encode())
    found = {line.name: line.policy.text for line in after.requirements if line.policy}
    assert found == case["policies"]
    assert not [line.problem for line in after.lines if line.problem]


PLAIN = {name: case for name, case in CASES.items() if "--hash" not in str(case)}


@pytest.mark.parametrize("case", PLAIN.values(), ids=PLAIN)
def test_policies_count_after_an_edit(case: dict[str, Any], edited: TemporaryProject) -> None:
    """The next upgrade keeps to the policies, and `check` finds what the bot moved beyond them."""
    edited.requirements = text_of(case["after"])
    found = edited.pipflow("check", "--format", "json").report["findings"]
    beyond = [each["line"] for each in found if each["code"] == "outside-policy"]
    assert len(beyond) == len(case.get("beyond", ()))
    done = edited.pipflow("upgrade-all", "--no-rebuild")
    assert done.status == 0, done.output
    lines = RequirementsFile.from_bytes(edited.requirements.encode()).requirements
    pins = {line.name: str(line.pin) for line in lines}
    expected = {
        "lib": "2.0" if beyond else "1.9",
        "other": "1.9",
        "top": "1.5",
        "under": "1.9",
    }
    assert pins == {name: expected[str(name)] for name in pins}
    assert {line.name: line.policy.text for line in lines if line.policy} == case["policies"]


@pytest.mark.parametrize("word", ["renovate: ignore", "pyup: ignore"])
def test_word_for_a_bot_stays_in_front(edited: TemporaryProject, word: str) -> None:
    """A policy comes behind a comment that a bot reads only at the beginning."""
    edited.requirements = f"lib==1.0  # {word}\n"
    done = edited.pipflow("upgrade", "lib<2", "--no-rebuild")
    assert (done.status, edited.requirements) == (0, f"lib==1.9  # {word}  # pipflow: <2\n")
