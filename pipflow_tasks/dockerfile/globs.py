"""Patterns of a shell's expansions, ``${name##*/}``: ``*`` is any text, ``?`` any character.

A match is found without going back. The text between two stars is looked for behind the one before
it, and where it is not found, no later start would help.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def trimmed(value: str, operator: str, pattern: str) -> str:
    """Cut off a match: ``#`` at the front, ``%`` at the end; doubled: the longest one."""
    longest = len(operator) == 2
    pieces = pattern.split("*")
    if operator.startswith("#"):
        end = _match(value, pieces, longest=longest)
        return value if end is None else value[end:]
    end = _match(value[::-1], [piece[::-1] for piece in reversed(pieces)], longest=longest)
    return value if end is None else value[: len(value) - end]


def replaced(value: str, operator: str, pattern: str, new: str) -> str:
    """Replace the first match, or with ``//`` each; of those that begin there, the longest."""
    if not pattern:
        return value
    pieces = pattern.split("*")
    done: list[str] = []
    position = 0
    while position < len(value) or not done:
        start = _find(value, pieces[0], position)
        end = None if start < 0 else _match(value, pieces, start, longest=True)
        if end is None:
            break
        done += (value[position:start], new)
        position = end
        if operator == "/":
            break
    return "".join(done) + value[position:]


def _match(text: str, pieces: Sequence[str], start: int = 0, *, longest: bool) -> int | None:
    """Return where a match ends that begins at ``start``, given the texts between stars."""
    first, *others = pieces
    if not _is_at(text, first, start):
        return None
    position = start + len(first)
    for piece, below in pairwise([*others, None]):
        assert piece is not None
        if below is None and longest:
            last = _find(text[position:][::-1], piece[::-1], 0)
            return None if last < 0 else len(text) - last
        found = _find(text, piece, position)
        if found < 0:
            return None
        position = found + len(piece)
    return position


def _is_at(text: str, piece: str, start: int) -> bool:
    if "?" not in piece:
        return text.startswith(piece, start)
    there = text[start : start + len(piece)]
    alike = (char in {"?", other} for char, other in zip(piece, there, strict=False))
    return len(there) == len(piece) and all(alike)


def _find(text: str, piece: str, start: int) -> int:
    """Return where a text without stars is next, or -1.

    With ``?``, the bits of a number are the beginnings of the text that end at a character.
    """
    if "?" not in piece:
        return text.find(piece, start)
    anything, places = 0, dict[str, int]()
    for place, char in enumerate(piece):
        if char == "?":
            anything |= 1 << place
        else:
            places[char] = places.get(char, 0) | 1 << place
    begun, whole = 0, 1 << (len(piece) - 1)
    for position in range(start, len(text)):
        begun = (begun << 1 | 1) & (places.get(text[position], 0) | anything)
        if begun & whole:
            return position + 1 - len(piece)
    return -1
