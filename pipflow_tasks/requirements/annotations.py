"""The comments by which pip-compile and uv say why a compiled file has a line.

As they write them, below a line or behind it::

    block  = "# via" [entry {"," entry}] {newline indent "#   " entry}
    entry  = ("-r" | "-c") file [" (line " number ")"]     the line is direct, or only limited
           | name [extras]                                  a project that needs it
           | name " (" file ")"                             a project whose own file asks for it
           | name [extras] " (" name ")"                    in a workspace of uv

Old releases of pip-compile write the block behind the hashes, on a line of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from packaging.utils import NormalizedName, canonicalize_name

from ..values import Pattern

if TYPE_CHECKING:
    from collections.abc import Sequence

_START = Pattern(r"#\s*via\b\s*(.*)")
_FURTHER = Pattern(r"#\s{2,}(\S.*)")
_FILE = Pattern(
    r"(?P<option>-r|-c|--requirement|--constraint)[ =](?P<file>\S.*?)(?: \(line \d+\))?"
)
_PROJECT = Pattern(
    r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)(?:\[[^\]]*\])?(?: \((?P<file>[^()]+)\))?"
)


class Annotation(Struct, frozen=True, kw_only=True):
    """Why a compiled file has a line.

    Attributes:
        parents: the projects that need it.
        files: those that ask for it, so that it is a direct requirement.
        constraints: the files that limit it.
        length: how many of the comments belong to it.
    """

    parents: tuple[NormalizedName, ...] = ()
    files: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    length: int = 1


def read_annotation(comments: Sequence[str]) -> Annotation | None:
    """Return what the comments of a line begin with, if it is an annotation.

    ``comments`` are those behind the line and below it, with the ``#``; what follows the annotation
    is the user's.
    """
    start = _START.fullmatch(comments[0].rstrip()) if comments else None
    if start is None:
        return None
    entries = [entry.strip() for entry in start[1].split(",") if entry.strip()]
    if not all(map(_read, entries)):
        return None
    length = 1
    for comment in comments[1:]:
        further = _FURTHER.fullmatch(comment.rstrip())
        if further is None or _read(further[1]) is None:
            break
        entries.append(further[1])
        length += 1
    found = [read for read in map(_read, entries) if read is not None]
    return Annotation(
        parents=tuple(canonicalize_name(name) for kind, name in found if kind == "name"),
        files=tuple(name for kind, name in found if kind == "file"),
        constraints=tuple(name for kind, name in found if kind == "constraint"),
        length=length,
    )


def _read(entry: str) -> tuple[str, str] | None:
    """Return the kind of an entry and what it names; None where it is none."""
    if found := _FILE.fullmatch(entry):
        return "constraint" if found["option"] in {"-c", "--constraint"} else "file", found["file"]
    if found := _PROJECT.fullmatch(entry):
        return ("file", found["file"]) if found["file"] else ("name", found["name"])
    return None
