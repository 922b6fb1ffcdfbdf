"""Ask an engine how large images are: each with all its layers, as the engine counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..processes import output_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..plan import PlannedBuild

_ANSWER_SECONDS = 5


def ask_sizes(build: PlannedBuild, added: Mapping[str, str]) -> tuple[int | None, ...]:
    """Return how large each image of a build is; None where the engine can't say.

    ``added`` are variables besides those of this process.
    """
    return tuple(_ask(build.engine, names, added) for names in build.images)


def _ask(engine: str, names: Iterable[str], added: Mapping[str, str]) -> int | None:
    """Return the size of the first of these images that the engine has."""
    for name in names:
        words = [engine, "image", "inspect", "--format", "{{.Size}}", name]
        printed = output_of(words, timeout_seconds=_ANSWER_SECONDS, added=added, own_session=True)
        text = (printed or "").strip()
        if text.isascii() and text.isdigit():
            return int(text)
    return None
