"""The base image, by a ladder: the settings, its name, the image itself, what the name suggests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ..errors import TargetError
from ..target import Target, name_tells_all

if TYPE_CHECKING:
    from packaging.version import Version

    from ..engine import BaseImages


class BaseImage(Struct, frozen=True, kw_only=True):
    """A base image, and what a Dockerfile makes of it.

    Attributes:
        reference: as in `FROM`.
        source: where the reference stands, ``Dockerfile:1``.
        platforms: Docker's names, at least one.
        pip_upgraded: the Dockerfile upgrades pip, so that the image's own sets no limit.
        pip: the one that the Dockerfile installs before the step, where that is known.
        notes: what was assumed of the platforms, which an image that is here tells for sure.
    """

    reference: str
    source: str
    platforms: tuple[str, ...]
    pip_upgraded: bool
    pip: Version | None
    notes: tuple[str, ...]


def find_base_target(
    base: BaseImage,
    bases: BaseImages,
    *,
    python: str | None,
    named: str = "",
    named_note: str = "",
) -> Target:
    """Return the target of a base image; the image is asked where its name leaves something open.

    Args:
        base: the image.
        bases: the images that an engine has here.
        python: the setting, with which nothing is left open.
        named: the Python that the install command names; without the setting it counts as that
            where the base image tells another one, or none.
        named_note: what to say then.

    Raises:
        TargetError: the Python is unknown, or the image can't be served.
    """
    if python is not None:
        return _from_name(base, python=python)
    if not named:
        return _find_target(base, bases)
    try:
        target = _find_target(base, bases)
    except TargetError:
        target = None
    if target is not None and f"{target.python}.".startswith(f"{named}."):
        return target
    return _from_name(replace(base, notes=(*base.notes, named_note)), python=named)


def _find_target(base: BaseImage, bases: BaseImages) -> Target:
    """Return what the name tells, else what the image says of itself, where it is here."""
    if name_tells_all(base.reference, source=base.source):
        return _from_name(base)
    answer = bases.ask(base.reference)
    if answer.interpreter is not None:
        return Target.from_interpreter(
            answer.interpreter,
            platforms=(answer.interpreter.platform,) if base.notes else base.platforms,
            source=base.source,
            pip_upgraded=base.pip_upgraded,
            pip=base.pip,
        )
    obstacle = remedy = ""
    if answer.failure:
        obstacle = f"{bases.engine} has the image and could not run it: {answer.failure}"
        base = replace(base, notes=(*base.notes, f"{base.reference}: {obstacle}"))
    if answer.is_absent:
        pull = f"{bases.engine} pull {base.reference}"
        remedy = f"`{pull}` (or build it) first, so that its Python is known"
    return _from_name(base, obstacle=obstacle, remedy=remedy)


def _from_name(
    base: BaseImage, *, python: str | None = None, obstacle: str = "", remedy: str = ""
) -> Target:
    return Target.from_image(
        base.reference,
        platforms=base.platforms,
        source=base.source,
        python=python,
        pip_upgraded=base.pip_upgraded,
        pip=base.pip,
        notes=base.notes,
        obstacle=obstacle,
        remedy=remedy,
    )
