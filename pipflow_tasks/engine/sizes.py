"""Ask an engine how large images are: each with all its layers, as the engine counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..processes import ProgramError, run_program

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ..plan import PlannedBuild

_ANSWER_SECONDS = 5


def ask_size(build: PlannedBuild, added: Mapping[str, str]) -> int | None:
    """Return how large the images of a build are together; None where the engine can't say.

    ``added`` are variables besides those of this process.
    """
    sizes = [_ask(build.engine, names, added) for names in build.images]
    known = [size for size in sizes if size is not None]
    return sum(known) if known and len(known) == len(sizes) else None


def _ask(engine: str, names: Iterable[str], added: Mapping[str, str]) -> int | None:
    """Return the size of the first of these images that the engine has."""
    for name in names:
        text = _inspect([engine, "image", "inspect", "--format", "{{.Size}}", name], added)
        if text.isascii() and text.isdigit():
            return int(text)
    return None


def _inspect(command: Sequence[str], added: Mapping[str, str]) -> str:
    try:
        done = run_program(command, timeout_seconds=_ANSWER_SECONDS, added=added, own_session=True)
    except ProgramError:
        return ""
    return done.text.strip() if done.status == 0 else ""
