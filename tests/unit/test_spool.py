"""Answers that are kept until the cache is written."""

from __future__ import annotations

import errno
import io
import sys
import tempfile
from typing import TYPE_CHECKING, Any

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


def test_full_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What does not fit on the disk stays in memory; what is there is read, and closing works."""
    first = b"a" * 1000

    class Full(io.FileIO):
        """A file on a disk with room for a little more than one answer."""

        def write(self, data: Any) -> int:
            room = 1500 - self.seek(0, io.SEEK_END)
            if room <= 0:
                raise OSError(errno.ENOSPC, "no space left on device")
            return super().write(bytes(data)[:room])

    def make(**_: object) -> Full:
        return Full(tmp_path / "file", "w+")

    monkeypatch.setattr(tempfile, "TemporaryFile", make)
    spool = Spool(0)
    answers = [(text, spool.keep(text)) for text in (first, b"b" * 1000, b"c" * 10)]
    assert [read() for _, read in answers] == [text for text, _ in answers]
    spool.close()
