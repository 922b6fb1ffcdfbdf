"""What an install step demands of wheels instead of what its image accepts.

pip's ``--platform``, ``--python-version``, ``--implementation`` and ``--abi`` replace parts of its
tags and the version that Requires-Python is compared with; markers stay those of the Python that
runs pip. uv's ``--python-platform`` replaces the platform in tags and markers alike.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace
from packaging.tags import Tag, compatible_tags, cpython_tags, generic_tags
from packaging.version import Version

from ..values import Pattern
from . import image_facts as facts
from .names import target_error
from .tags import list_platforms, list_tags
from .target import Platform

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .target import Target

_UV_PLATFORM = Pattern(
    r"(\w+?)-(?:manylinux_2_(\d+)|(manylinux2014)|unknown-linux(?:-(gnu|musl))?)"
)
_FIRST_PIP_FOR_OTHERS = Version("24.2")
"""Older ones compare Requires-Python with their own Python, too, when they install."""
_UV_GLIBC = 28
"""The minor version of the glibc that uv means by `linux` and `…-linux-gnu`."""


class Restriction(Struct, frozen=True, kw_only=True):
    """The flags of a step that replace what its image accepts.

    Attributes:
        place: the step, ``Dockerfile:4``.
        platforms: the values of ``--platform``.
        python_version: that of ``--python-version``.
        implementation: that of ``--implementation``.
        abis: the values of ``--abi``.
        python_platform: that of uv's ``--python-platform``.
        ignores_python: ``--ignore-requires-python``.
        downloads: nothing is installed.
    """

    place: str
    platforms: tuple[str, ...] = ()
    python_version: str = ""
    implementation: str = ""
    abis: tuple[str, ...] = ()
    python_platform: str = ""
    ignores_python: bool = False
    downloads: bool = False


def restrict(target: Target, restriction: Restriction) -> Target:
    """Return a target as the flags of its step restrict it.

    Raises:
        TargetError: a flag has a value that can't be served.
    """
    values = (*restriction.platforms, *restriction.abis, restriction.python_version)
    for value in (*values, restriction.implementation, restriction.python_platform):
        if set("$`") & set(value):
            raise target_error(
                f"a flag has the value {value}, which is known only in the image",
                source=restriction.place,
                hint="give its variable a value: `ARG NAME=<value>`",
            )
    if restriction.ignores_python:
        target = replace(target, ignores_requires_python=True)
    if target.installer == "uv":
        return _restrict_uv(target, restriction) if restriction.python_platform else target
    if not any(
        (
            restriction.platforms,
            restriction.python_version,
            restriction.implementation,
            restriction.abis,
        )
    ):
        return target
    return _restrict_pip(target, restriction)


def _restrict_pip(target: Target, restriction: Restriction) -> Target:
    version = _read_version(restriction)
    known = version or (target.python_version.major, target.python_version.minor)
    wheels_for = [*restriction.platforms, *restriction.abis]
    wheels_for += [restriction.implementation] if restriction.implementation else []
    shown = restriction.python_version
    restricted = replace(
        target,
        platforms=tuple(
            replace(platform, tags=_pip_tags(target, platform, known, restriction))
            for platform in target.platforms
        ),
        wheels_for=tuple(wheels_for),
        libc=_newest_libc(restriction.platforms) or target.libc,
    )
    if not version:
        return restricted
    is_old = target.pip is not None and target.pip < _FIRST_PIP_FOR_OTHERS
    is_compared = is_old and not restriction.downloads
    return replace(
        restricted,
        python=shown if "." in shown else _dotted(version),
        python_version=Version(_dotted((*version, 0, 0)[:3])),
        pip_python=target.python_version if is_compared else None,
        python_source=restriction.place,
    )


def _read_version(restriction: Restriction) -> tuple[int, ...]:
    """Read ``--python-version`` as pip does: ``3``, ``312`` and ``3.12.1`` are versions."""
    text = restriction.python_version
    if not text:
        return ()
    parts = text.split(".")
    if len(parts) == 1 and len(text) > 1:
        parts = [text[0], text[1:]]
    if len(parts) > 3 or not all(part.isdecimal() for part in parts) or parts[0] != "3":
        raise target_error(
            f"--python-version {text} is no version of Python 3", source=restriction.place
        )
    return tuple(int(part) for part in parts)


def _dotted(version: Iterable[int]) -> str:
    return ".".join(map(str, version))


def _pip_tags(
    target: Target, platform: Platform, version: tuple[int, ...], restriction: Restriction
) -> tuple[Tag, ...]:
    """Return the tags that pip computes for flags, in its order."""
    machine = platform.markers.get("platform_machine", "")
    platforms = _expand(restriction.platforms) or list_platforms(machine, target.libc, target.pip)
    short = version[:2]
    implementation = restriction.implementation or "cp"
    interpreter = implementation + "".join(map(str, short))
    abis: Sequence[str] = restriction.abis
    own: Iterable[Tag]
    if implementation == "cp":
        suffix = "m" if short[1:] and short[1] < 8 else ""
        own = cpython_tags(short, abis or [f"{interpreter}{suffix}"], platforms)
    else:
        own = generic_tags(interpreter, abis or ["none"], platforms)
    return tuple(dict.fromkeys((*own, *compatible_tags(short, interpreter, platforms))))


def _newest_libc(platforms: Iterable[str]) -> str:
    """Return the newest C library that platform tags name, or an empty string."""
    aliases = {"manylinux1": 5, "manylinux2010": 12, "manylinux2014": 17}
    found: list[tuple[int, str]] = []
    for platform in platforms:
        named = re.match(r"(?:manylinux_2|(musl)linux_1)_(\d+)_", platform)
        if named is not None:
            kind = "musl 1" if named[1] else "glibc 2"
            found.append((int(named[2]), f"{kind}.{named[2]}"))
        elif minor := aliases.get(platform.partition("_")[0]):
            found.append((minor, f"glibc 2.{minor}"))
    return max(found, default=(0, ""))[1]


def _expand(platforms: Iterable[str]) -> list[str]:
    """Return platforms with the older ones that pip adds to two of them."""
    found: dict[str, None] = {}
    for platform in platforms:
        found[platform] = None
        name, _, machine = platform.partition("_")
        older = {"manylinux2014": ("manylinux2010", "manylinux1"), "manylinux2010": ("manylinux1",)}
        if machine in {"i686", "x86_64"}:
            found.update((f"{each}_{machine}", None) for each in older.get(name, ()))
    return [*found]


def _restrict_uv(target: Target, restriction: Restriction) -> Target:
    """Return a target for one of uv's platforms.

    Raises:
        TargetError: it is not Linux, or unknown.
    """
    text = restriction.python_platform
    named = _UV_PLATFORM.fullmatch("x86_64-unknown-linux-gnu" if text == "linux" else text)
    name = facts.MACHINE_NAMES.get(named[1].lower()) if named is not None else None
    if named is None or name is None:
        raise target_error(
            f"--python-platform {text} can't be served",
            source=restriction.place,
            hint="use `linux` or one like `x86_64-manylinux_2_28`",
        )
    machine = facts.MACHINES[name]
    libc = f"glibc 2.{17 if named[3] else named[2] or _UV_GLIBC}"
    libc = "musl 1.2" if named[4] == "musl" else libc
    tags = list_tags(target.python_version.minor, machine, libc, None)
    markers = {**target.platforms[0].markers, "platform_machine": machine}
    platform = Platform(name=name, tags=tags, markers=markers)
    return replace(target, platforms=(platform,), libc=libc, libc_is_assumed=False)
