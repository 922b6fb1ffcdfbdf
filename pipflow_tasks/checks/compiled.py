"""Checks of files that another tool has compiled: whether they are for the image's Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..plan import Finding
from ..planning.compiling import python_of, say_run
from ..requirements import is_later

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..manifest.documents import Manifest
    from ..requirements import Generator
    from ..target import Target


def check_compiled(manifest: Manifest, target: Target) -> Iterator[Finding]:
    """Find files that were compiled for another Python than the image's."""
    python = python_of(target)
    for path, file in manifest.requirements.items():
        generator = file.generator
        if generator is None or not generator.python or _suits(generator, python):
            continue
        yield Finding(
            code="compiled-for-other-python",
            file=path,
            line=None,
            severity="warning",
            message=f"it was compiled for Python {generator.python}, and the image has {python}",
            fix=_way(generator, target),
        )


def _suits(generator: Generator, python: str) -> bool:
    """Return whether a file is for a Python; a universal one is for all later ones, too."""
    command = generator.compiling
    if command is not None and command.is_universal:
        return not is_later(generator.python, python)
    return generator.python == python


def _way(generator: Generator, target: Target) -> str:
    if generator.compiling is not None:
        return say_run(generator.compiling, target)
    return f"run `{generator.command or generator.tool}` with Python {python_of(target)}"
