"""What a line says of why it is there: ``click==8.1.7  # via flask, rich``.

Such a line is part of a file's closure: nobody asked for the project, those that are named brought
it along. The names are those of projects, parted by commas, and end the comment or stand before
another one; ``# via -r base.in``, as pip-compile has it for what was asked for, is none.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.utils import NormalizedName, canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterable

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_VIA = re.compile(rf"#\s*via\s+({_NAME}(?:\s*,\s*{_NAME})*)(?=\s*$|\s+#)")


def read_via(comment: str) -> tuple[NormalizedName, ...]:
    """Return the projects that a comment says have brought a line along; often none."""
    found = _VIA.match(comment)
    return (
        tuple(canonicalize_name(name) for name in re.split(r"\s*,\s*", found[1])) if found else ()
    )


def write_via(parents: Iterable[str]) -> str:
    """Return what ``read_via`` reads."""
    return f"via {', '.join(parents)}"


def change_via(comment: str, parents: Iterable[str]) -> str:
    """Put other parents into a comment; without any, what is left of it, perhaps nothing."""
    names = ", ".join(parents)
    found = _VIA.match(comment)
    if found is None:
        return comment
    if names:
        return comment[: found.start(1)] + names + comment[found.end(1) :]
    return comment[found.end() :].lstrip()
