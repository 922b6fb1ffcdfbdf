"""Take a change of a text back, by lines, where somebody has changed other lines since."""

from __future__ import annotations

from difflib import SequenceMatcher
from itertools import product
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST_SHOWN = 100
"""How much of an overlap is shown: letters."""


class Overlap(Exception):  # noqa: N818
    """Both have changed the same lines.

    Attributes:
        former: these lines before both.
        written: as they were written.
        now: as they are now.
    """

    def __init__(self, former: bytes, written: bytes, now: bytes) -> None:
        super().__init__("both have changed the same lines")
        self.former, self.written, self.now = map(_shown, (former, written, now))


class _Hunk(Struct, frozen=True, kw_only=True):
    """Lines from ``start`` to ``stop`` of what was written, and what they are in another text."""

    start: int
    stop: int
    lines: tuple[bytes, ...]

    def touches(self, other: _Hunk) -> bool:
        """Return whether it is unclear which of the two comes first, or what of them stays."""
        if self.start == self.stop or other.start == other.stop:
            return self.start <= other.stop and other.start <= self.stop
        return self.start < other.stop and other.start < self.stop


def take_back(former: bytes, written: bytes, now: bytes) -> bytes:
    """Return what a text is now, without the change from its former state to what was written.

    Raises:
        Overlap: somebody has changed lines that this would change.
    """
    base = written.splitlines(keepends=True)
    ours = _hunks(base, former.splitlines(keepends=True))
    theirs = _hunks(base, now.splitlines(keepends=True))
    for our, their in product(ours, theirs):
        if our != their and our.touches(their):
            raise Overlap(
                b"".join(our.lines), b"".join(base[our.start : our.stop]), b"".join(their.lines)
            )
    for hunk in sorted({*ours, *theirs}, key=lambda hunk: hunk.start, reverse=True):
        base[hunk.start : hunk.stop] = hunk.lines
    return b"".join(base)


def _hunks(base: Sequence[bytes], other: Sequence[bytes]) -> tuple[_Hunk, ...]:
    """Return what differs; as many lines that replace others are one hunk each."""
    hunks: list[_Hunk] = []
    for word, start, stop, first, last in SequenceMatcher(None, base, other).get_opcodes():
        lines = other[first:last]
        if word == "replace" and len(lines) == stop - start:
            hunks += [
                _Hunk(start=at, stop=at + 1, lines=(line,)) for at, line in enumerate(lines, start)
            ]
        elif word != "equal":
            hunks.append(_Hunk(start=start, stop=stop, lines=tuple(lines)))
    return tuple(hunks)


def _shown(lines: bytes) -> str:
    text = lines.decode("utf-8", "replace").strip().replace("\n", " and ")
    return f"`{text[:_MOST_SHOWN]}`" if text else "nothing"
