"""The ``# via`` comment of a locked pin: ``click==8.1.7  # via flask, rich``.

Nobody asked for the project of such a line: it is a transitive dependency, and the named projects
need it. The names are separated by commas, and end the comment or precede another one. A comment
``# via -r base.in``, which pip-compile writes for a direct requirement, does not count.
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
    """Return the projects that a ``# via`` comment names; none for another comment."""
    found = _VIA.match(comment)
    return (
        tuple(canonicalize_name(name) for name in re.split(r"\s*,\s*", found[1])) if found else ()
    )


def write_via(parents: Iterable[str]) -> str:
    """Return the text of a ``# via`` comment, without the ``#``."""
    return f"via {', '.join(parents)}"


def change_via(comment: str, parents: Iterable[str]) -> str:
    """Replace the parents in a comment; without parents return the rest of it, perhaps nothing."""
    names = ", ".join(parents)
    found = _VIA.match(comment)
    if found is None:
        return comment
    if names:
        return comment[: found.start(1)] + names + comment[found.end(1) :]
    return comment[found.end() :].lstrip()
