"""Which Python a stage has: that of its base image, of its distribution, or one that is made.

What the Dockerfile says of a Python is `dockerfile.Python`. A base image is known by its name,
else by what it says itself, where an engine has it.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace
from packaging.version import Version

from ..dockerfile import read_named_version
from ..errors import TargetError
from ..files import is_file, read_text
from ..target import (
    HINT,
    BaseImage,
    Distribution,
    ImageName,
    Target,
    find_distribution,
    name_tells_all,
    target_error,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..dockerfile import Python
    from ..dockerfile.pythons import Origin
    from ..engine import BaseImages
    from ..settings import Chosen
    from ..target.interpreter import Interpreter
    from .build import Build

_RELEASES = {"amzn": "amazonlinux", "ol": "oraclelinux", "rocky": "rockylinux"}
"""What ``/etc/os-release`` calls a distribution, where image names call it otherwise."""


class Asking(Struct, frozen=True, kw_only=True):
    """A build whose Pythons are looked up.

    Attributes:
        build: the build.
        bases: the images that an engine has.
        chosen: what the settings say of its environment.
        variables: those of this process, for ``DOCKER_DEFAULT_PLATFORM``.
    """

    build: Build
    bases: BaseImages
    chosen: Chosen
    variables: Mapping[str, str]


def find_target(python: Python, base: BaseImage, asking: Asking) -> tuple[Target, str]:
    """Return the target of a Python in a stage on this base, and the place that names it.

    The place is empty where that is the base image.

    Raises:
        TargetError: it is unknown which Python it is, or it can't be served.
    """
    if python.stage is not None and python.origin in {"image", "system", "package", "elsewhere"}:
        made_on = asking.build.dockerfile.base_of(python.stage)
        source = f"{made_on.path or asking.build.recipe.path}:{made_on.line}"
        if made_on.base != base.reference:
            there = replace(base, reference=made_on.base, source=source)
            made, _ = find_target(replace(python, stage=None), there, asking)
            place = _place(python, asking) or source
            return _target_of_version(made.python, base, asking), place
    finder = {
        "copied": _find_copied,
        "elsewhere": _find_elsewhere,
        "file": _find_named_by_file,
        "package": _find_package,
        "system": _find_system,
        "version": _find_named,
    }.get(python.origin)
    if finder is not None:
        return finder(python, base, asking)
    if python.origin == "unknown":
        raise _unknown(python, base, asking)
    return target_of_base(base, asking.bases), ""


def target_of_base(base: BaseImage, bases: BaseImages) -> Target:
    """Return what the name tells, else what the image says of itself, where it is here.

    Raises:
        TargetError: neither tells the Python, or it can't be served.
    """
    if name_tells_all(base.reference, source=base.source, with_patch=bases.for_patch):
        return Target.from_image(base)
    image = ImageName.parse(base.reference, source=base.source)
    answer = bases.ask(base.reference)
    has_none = answer.interpreter is None or answer.interpreter.python is None
    if image.is_bare and has_none:  # to pull it would not help
        what = f"the base image {image.shown} has no Python of its own"
        what = f"{what}, and no instruction before the install step installs one that is known"
        raise target_error(what, source=base.source, hint=HINT)
    if answer.interpreter is not None:
        return _target_of_interpreter(answer.interpreter, base)
    obstacle = remedy = ""
    if answer.failure:
        obstacle = f"{bases.engine} has the image and could not run it: {answer.failure}"
        base = replace(base, notes=(*base.notes, f"{base.reference}: {obstacle}"))
    if answer.is_absent:
        remedy = _pull(base, bases)
    return Target.from_image(base, obstacle=obstacle, remedy=remedy)


def _target_of_interpreter(interpreter: Interpreter, base: BaseImage) -> Target:
    if base.notes:  # the platform was assumed, and the image says its own
        base = replace(base, platforms=(interpreter.platform,), notes=())
    return Target.from_interpreter(interpreter, base)


def _pull(base: BaseImage, bases: BaseImages) -> str:
    pull = f"{bases.engine} pull {base.reference}"
    return f"`{pull}` (or build it) first, so that its Python is known"


def _distribution_of(release: str) -> Distribution | None:
    """Return the release that an image's own account names, ``debian:12``."""
    name, _, number = release.partition(":")
    return find_distribution(_RELEASES.get(name, name), number)


def _place(python: Python, asking: Asking) -> str:
    return f"{python.path or asking.build.recipe.path}:{python.line}" if python.line else ""


def _unknown(python: Python, base: BaseImage, asking: Asking) -> TargetError:
    source = _place(python, asking) or base.source
    return target_error(f"it is unknown which Python `{python.word}` is", source=source, hint=HINT)


def _target_of_version(version: str, base: BaseImage, asking: Asking) -> Target:
    """Return the target of another Python than the base image's own, whose pip is its own, too.

    The C library is the image's, which is asked where its name does not say it.
    """
    if base.pip is None:
        base = replace(base, pip_upgraded=True)
    target = Target.from_image(base, python=version)
    told = asking.bases.ask(base.reference).interpreter if target.libc_is_assumed else None
    if told is None or not (told.libc or told.release):
        return target
    found = base.distribution or _distribution_of(told.release)
    return Target.from_image(replace(base, distribution=found, libc=told.libc), python=version)


def _find_named(python: Python, base: BaseImage, asking: Asking) -> tuple[Target, str]:
    """Return the target of a Python that is named by its version.

    It counts as the setting would where the base image has another one, or tells none.
    """
    place = _place(python, asking) or base.source
    try:
        target = target_of_base(base, asking.bases)
    except TargetError:
        pass
    else:
        if f"{target.python}.".startswith(f"{python.version}."):
            return target, ""
    distribution = ImageName.parse(base.reference, source=base.source).distribution
    if distribution is not None and f"{distribution.python}.".startswith(f"{python.version}."):
        return _target_of_distribution(distribution, base, asking), place
    note = (
        f"{place} names Python {python.version} ({python.word}), "
        "which counts as the setting `python` would"
    )
    base = replace(base, notes=(*base.notes, note))
    return _target_of_version(python.version, base, asking), place


def _find_named_by_file(python: Python, base: BaseImage, asking: Asking) -> tuple[Target, str]:
    """Return the target of a Python that a file of the build context names."""
    for file in python.files:
        path = asking.build.recipe.context / file
        text = read_text(path, shown=file) if is_file(path) else None
        if text is None:
            continue
        version = read_named_version(file, text)
        origin: Origin = "version" if version else "unknown"
        named = replace(python, origin=origin, version=version, word=file)
        return find_target(named, base, asking)
    if python.otherwise is None:
        raise _unknown(python, base, asking)
    return find_target(python.otherwise, base, asking)


def _find_copied(python: Python, base: BaseImage, asking: Asking) -> tuple[Target, str]:
    """Return the target of a Python that was copied from a stage or an image."""
    reference = python.image
    if python.stage is not None:
        reference = asking.build.dockerfile.base_of(python.stage).base
    image = ImageName.parse(reference, source=_place(python, asking))
    if image.python is not None and image.has_official_pip:
        known = asking.bases.ask(reference).interpreter if asking.bases.for_patch else None
        version = (known and known.python) or image.python
        return _target_of_version(version, base, asking), _place(python, asking)
    if python.otherwise is None:
        raise _unknown(python, base, asking)
    return find_target(python.otherwise, base, asking)


def _find_elsewhere(python: Python, base: BaseImage, asking: Asking) -> tuple[Target, str]:
    """Return the target of a Python at a path that no instruction makes.

    The image is asked for it. Without an answer it counts as the base image's own, unless it is
    known that this one has none there.
    """
    image = ImageName.parse(base.reference, source=base.source)
    is_official = image.family is not None and image.has_official_pip and not image.family.note
    own, is_there = python.otherwise, not image.is_bare and not is_official
    if is_there and python.word.startswith("/"):
        answer = asking.bases.ask(base.reference, folder=posixpath.dirname(python.word))
        if answer.interpreter is not None and answer.interpreter.python is not None:
            return _target_of_interpreter(answer.interpreter, base), ""
        is_there = answer.interpreter is None
    if not is_there or own is None or own.origin != "image":
        what = f"it is unknown which Python `{python.word}` is: no known instruction makes it"
        raise target_error(what, source=_place(python, asking), hint=HINT)
    target, place = find_target(own, base, asking)
    note = f"`{python.word}` ({_place(python, asking)}) is taken for the Python of {image.shown}"
    return replace(target, notes=(*target.notes, note)), place


def _find_system(python: Python, base: BaseImage, asking: Asking) -> tuple[Target, str]:
    """Return the target of the first Python on the path: the image's own, or its distribution's."""
    image = ImageName.parse(base.reference, source=base.source)
    if image.family is not None:
        return target_of_base(base, asking.bases), ""
    if python.version:
        return _find_named(replace(python, origin="version"), base, asking)
    return _find_package(python, base, asking)


def _find_package(python: Python, base: BaseImage, asking: Asking) -> tuple[Target, str]:
    """Return the target of the distribution's Python."""
    image = ImageName.parse(base.reference, source=base.source)
    place = _place(python, asking)
    distribution, remedy = image.distribution, ""
    if distribution is None or not image.is_bare:
        answer = asking.bases.ask(base.reference)
        told = answer.interpreter
        if told is not None and told.python is not None and python.origin == "system":
            return target_of_base(base, asking.bases), ""
        if told is not None and distribution is None:
            distribution = _distribution_of(told.release)
            base = replace(base, distribution=distribution)
        if answer.is_absent:
            remedy = _pull(base, asking.bases)
    if distribution is None or not distribution.python:
        what = f"it is unknown which Python the base image {image.shown} has: its name says no"
        what = f"{what} release of a distribution whose Python is known"
        hint = f"name the release in the tag, or {HINT}"
        raise target_error(
            what, source=base.source, hint=f"{hint}; or {remedy}" if remedy else hint
        )
    if python.alternative and distribution.has_alternatives:
        return _target_of_version(python.alternative, base, asking), place
    return _target_of_distribution(distribution, base, asking), place


def _target_of_distribution(distribution: Distribution, base: BaseImage, asking: Asking) -> Target:
    """Return the target of a distribution's Python, with its pip if no other was installed."""
    if base.pip is None and not base.pip_upgraded and distribution.pip:
        base = replace(base, pip=Version(distribution.pip))
    return _target_of_version(distribution.python, base, asking)
