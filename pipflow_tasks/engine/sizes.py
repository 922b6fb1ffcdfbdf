"""Ask an engine which images it has, and how large: with all layers, as the engine counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from ..processes import output_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..plan import PlannedBuild

_ANSWER_SECONDS = 5


class KnownImage(Struct, frozen=True, kw_only=True):
    """An image that an engine has; empty: it has none, or can't say."""

    name: str = ""
    size_bytes: int | None = None
    id: str = ""


def ask_images(build: PlannedBuild, added: Mapping[str, str]) -> tuple[KnownImage, ...]:
    """Return what the engine knows of each image of a build.

    ``added`` are variables besides those of this process.
    """
    return tuple(_ask(build.engine, names, added) for names in build.images)


def _ask(engine: str, names: Iterable[str], added: Mapping[str, str]) -> KnownImage:
    """Return the first of these images that the engine has."""
    for name in names:
        words = [engine, "image", "inspect", "--format", "{{.Size}} {{.Id}}", name]
        printed = output_of(words, timeout_seconds=_ANSWER_SECONDS, added=added, own_session=True)
        size, _, id_ = (printed or "").strip().partition(" ")
        if size.isascii() and size.isdigit():
            return KnownImage(name=name, size_bytes=int(size), id=id_)
    return KnownImage()
