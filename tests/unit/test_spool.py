"""Answers that are kept until the cache is written."""

from __future__ import annotations

import sys
import tempfile
from typing import TYPE_CHECKING

import pytest

from pipflow_tasks.index.spool import Spool

if TYPE_CHECKING:
    from pathlib import Path

ANSWERS = [bytes([number]) * (1 + number) for number in range(40)]


@pytest.mark.parametrize("most_bytes", [0, 100, 1 << 20])
def test_answers_are_given_again(most_bytes: int) -> None:
    """Each answer is given again as it was kept, in any order, from memory or from the file."""
    spool = Spool(most_bytes)
    kept = [spool.keep(answer) for answer in ANSWERS]
    assert [again() for again in reversed(kept)] == [*reversed(ANSWERS)]
    assert kept[3]() == ANSWERS[3]
    spool.close()


def test_no_room_for_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where no file can be written, answers stay in memory."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    kept = [Spool(0).keep(answer) for answer in ANSWERS]
    assert [again() for again in kept] == ANSWERS


def test_answer_that_is_late() -> None:
    """An answer that comes once the spool is closed is kept in memory."""
    spool = Spool(0)
    spool.keep(b"first")
    spool.close()
    assert spool.keep(b"late")() == b"late"


def test_what_is_in_the_file_is_not_in_memory() -> None:
    """Nothing refers to an answer any more that was written into the file."""
    spool, answer = Spool(0), bytes(1000)
    before = sys.getrefcount(answer)
    again = spool.keep(answer)
    assert (sys.getrefcount(answer), again()) == (before, answer)
    spool.close()
