"""``.dockerignore``: which files of the build context are hidden from the builder.

Follows the "Dockerfile reference": one pattern a line, ``#`` comments, ``*`` and ``?`` within a
name, ``**`` for any number of folders, ``!`` for exceptions. The last pattern that matches a path
or a folder above it decides.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_PIECE = re.compile(r"\*\*/?|\*|\?|\[\^?\]?[^\]]*\]|\\.|.", re.DOTALL)


def hidden_by(text: str, path: str) -> int | None:
    """Return the 1-based line of the pattern in an ignore file that hides a path, or None.

    ``path`` is relative to the context, with slashes.
    """
    parts = posixpath.normpath(path).split("/")
    tops = ["/".join(parts[: count + 1]) for count in range(len(parts))]
    hidden: int | None = None
    for number, pattern, is_exception in _patterns(text):
        try:
            matches = any(re.fullmatch(pattern, top) for top in tops)
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
            yield number, _expression(pattern), is_exception


def _expression(pattern: str) -> str:
    """Write a pattern as a regular expression for whole paths."""
    written: list[str] = []
    for piece in _PIECE.findall(pattern):
        if piece == "**":
            written.append(".*")
        elif piece == "**/":
            written.append("(?:.*/)?")
        elif piece == "*":
            written.append("[^/]*")
        elif piece == "?":
            written.append("[^/]")
        elif piece.startswith("[") and len(piece) > 1:
            within = re.sub(r"([\[&~|]|(?<=-)-)", r"\\\1", piece[1:])  # no set operations
            written.append(f"[{within}")
        else:
            written.append(re.escape(piece.removeprefix("\\") or piece))
    return "".join(written)
