"""Which requirements files include which others, as far as they are there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ..files import read
from ..requirements import RequirementsFile, expand_variables

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def find_included(files: Iterable[Path], environment: Mapping[str, str]) -> frozenset[Path]:
    """Return requirements files, there or not, with all that they include by ``-r``.

    Args:
        files: absolute paths.
        environment: for ``${VARIABLES}`` in the names of included files.

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
            for name in line.option_values("--requirement")
        )
    return frozenset(found)
