"""The base image, by a ladder: the settings, its name, the image itself, what the name suggests."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ..errors import TargetError
from ..target import Target, name_tells_all

if TYPE_CHECKING:
    from collections.abc import Sequence

    from packaging.version import Version

    from ..engine import BaseImages


def find_base_target(
    reference: str,
    bases: BaseImages,
    *,
    platforms: Sequence[str],
    source: str,
    python: str | None,
    named: str = "",
    named_note: str = "",
    pip_upgraded: bool,
    pip: Version | None = None,
    notes: Sequence[str],
) -> Target:
    """Return the target of a base image; the image is asked where its name leaves something open.

    Args:
        reference: as in `FROM`.
        bases: the images that an engine has here.
        platforms: Docker's names, at least one.
        source: where the reference stands, ``Dockerfile:1``.
        python: the setting, with which nothing is left open.
        named: the Python that the install command names; without the setting it counts as that
            where the base image tells another one, or none.
        named_note: what to say then.
        pip_upgraded: the Dockerfile upgrades pip, so that the image's own sets no limit.
        pip: the one that the Dockerfile installs before the step, where that is known.
        notes: what was assumed of the platforms, which an image that is here tells for sure.

    Raises:
        TargetError: the Python can't be known, or the image can't be served.
    """
    if python is None and named:
        find = partial(
            find_base_target,
            reference,
            bases,
            platforms=platforms,
            source=source,
            pip_upgraded=pip_upgraded,
            pip=pip,
        )
        try:
            target = find(python=None, notes=notes)
        except TargetError:
            return find(python=named, notes=(*notes, named_note))
        is_same = f"{target.python}.".startswith(f"{named}.")
        return target if is_same else find(python=named, notes=(*notes, named_note))
    obstacle = remedy = ""
    if python is None and not name_tells_all(reference, source=source):
        answer = bases.ask(reference)
        if answer.interpreter is not None:
            return Target.from_interpreter(
                answer.interpreter,
                platforms=(answer.interpreter.platform,) if notes else platforms,
                source=source,
                pip_upgraded=pip_upgraded,
                pip=pip,
            )
        if answer.failure:
            obstacle = f"{bases.engine} has the image and could not ask it: {answer.failure}"
            notes = (*notes, f"{reference}: {obstacle}")
        if answer.is_absent:
            remedy = (
                f"`{bases.engine} pull {reference}` (or build it) first, so that it can be asked"
            )
    return Target.from_image(
        reference,
        platforms=platforms,
        source=source,
        python=python,
        pip_upgraded=pip_upgraded,
        pip=pip,
        notes=notes,
        obstacle=obstacle,
        remedy=remedy,
    )
