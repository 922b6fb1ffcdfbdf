"""Which requirements files include which others, as far as they are there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ..files import read
from ..requirements import RequirementsFile, expand_variables

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


def find_included(
    files: Iterable[Path],
    environment: Mapping[str, str],
    options: Sequence[str] = ("--requirement",),
) -> frozenset[Path]:
    """Return requirements files, there or not, with all that they include.

    Args:
        files: absolute paths.
        environment: for ``${VARIABLES}`` in the names of included files.
        options: the long names of those that include a file.

    Raises:
        FileError: a file can't be read.
    """
    found: set[Path] = set()
    waiting = [*files]
    while waiting:
        file = Path(os.path.normpath(waiting.pop()))
        if file in found:
            continue
        found.add(file)
        data = read(file, shown=str(file)) if file.is_file() else None
        waiting.extend(
            file.parent / expand_variables(name, environment)
            for line in RequirementsFile.from_bytes(data or b"").lines
            for option in options
            for name in line.option_values(option)
        )
    return frozenset(found)
