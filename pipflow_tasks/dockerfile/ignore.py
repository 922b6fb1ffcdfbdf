"""``.dockerignore``: which files of the build context are hidden from the builder.

Follows the "Dockerfile reference": one pattern a line, ``#`` comments, ``*`` and ``?`` within a
name, ``**`` for any number of folders, ``!`` for exceptions. The last pattern that matches a path
or a folder above it decides.
"""

from __future__ import annotations

import posixpath
import re
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_PIECE = re.compile(r"\*\*/?|\*|\?|\\.|.", re.DOTALL)


MOST_PATH = 4096
"""The length of a path; no system has a longer one."""


def hidden_by(text: str, path: str) -> int | None:
    """Return the 1-based line of the pattern in an ignore file that hides a path, or None.

    ``path`` is relative to the context, with slashes.
    """
    if len(path) > MOST_PATH:
        return None
    parts = _Path(posixpath.normpath(path))
    hidden: int | None = None
    for number, pattern, is_exception in _patterns(text):
        try:
            matches = parts.matches(pattern)
        except re.error:  # no valid class: the builder refuses it
            continue
        if matches:
            hidden = None if is_exception else number
    return hidden


def _patterns(text: str) -> Iterator[tuple[int, str, bool]]:
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        if line.startswith("#") or not line.strip():
            continue
        pattern = line.strip()
        is_exception = pattern.startswith("!")
        pattern = posixpath.normpath(pattern.removeprefix("!").strip()).lstrip("/")
        if pattern not in {"", "."}:
            yield number, pattern, is_exception


class _Path:
    """A path that is compared with patterns, one piece after the other and never back.

    A set of places in it is a number: each bit is a place, up to which the pieces so far match.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._known: dict[str, int] = {}
        self._all = (2 << len(path)) - 1
        self._ends = self._places("/") | 1 << len(path)

    def matches(self, pattern: str) -> bool:
        """Return whether a pattern matches the path or a folder above it.

        Raises:
            re.error: a class of characters is not valid.
        """
        here, behind_slashes = 1, self._places("/") << 1
        for piece in _pieces(pattern):
            lowest = here & -here
            if piece == "**":
                here = self._all & -lowest
            elif piece == "**/":
                here |= behind_slashes & -(lowest << 1)
            elif piece == "*":  # the carry of an addition goes through each name
                here |= ((here & self._inside) + self._inside) ^ self._inside
            elif piece == "?":
                here = (here & self._inside) << 1
            else:
                here = (here & self._places(piece)) << 1
            if not here:
                return False
        return bool(here & self._ends)

    @cached_property
    def _inside(self) -> int:
        """The places before a character of a name."""
        return (self._all >> 1) & ~self._places("/")

    def _places(self, piece: str) -> int:
        """Return the places before a character, or before one of a class."""
        if piece not in self._known:
            self._known[piece] = self._find(piece)
        return self._known[piece]

    def _find(self, piece: str) -> int:
        if piece.startswith("[") and len(piece) > 1:
            within = re.sub(r"([\[&~|]|(?<=-)-)", r"\\\1", piece[1:])  # no set operations
            expression = re.compile(f"[{within}", re.DOTALL)
            chars = {char for char in set(self._path) if expression.match(char)}
        else:
            chars = {piece[-1]}
        return sum(1 << place for place, char in enumerate(self._path) if char in chars)


def _pieces(pattern: str) -> Iterator[str]:
    position, may_close = 0, True
    while position < len(pattern):
        found = _CLASS.match(pattern, position) if may_close else None
        if pattern[position] == "[" and found is None:
            may_close = False  # nor is one closed that begins behind it
        found = found or _PIECE.match(pattern, position)
        assert found is not None
        yield found[0]
        position = found.end()
