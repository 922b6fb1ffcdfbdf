"""What an installer takes, by tags and markers: PEP 425, 600 (manylinux), 656 (musllinux), 508."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.version import Version

from . import image_facts as facts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

KERNEL: Mapping[str, str] = {"platform_release": "", "platform_version": ""}
"""The markers that the engine's host decides."""


@lru_cache(maxsize=256)  # many images have the same
def list_tags(
    minor: int, machine: str, libc: str, pip: Version | None, abis: tuple[str, ...] = ()
) -> tuple[Tag, ...]:
    """Return the tags that CPython 3.``minor`` installs on Linux, most preferred first.

    The machine is ``x86_64``, the libc ``glibc 2.36``; a pip that is None is the newest. ``abis``
    are those of its extension modules, where the image has told them.
    """
    # Explicit everywhere: what is left out, packaging asks the host for.
    platforms = list_platforms(machine, libc, pip)
    name = f"cp3{minor}"
    own = cpython_tags((3, minor), abis or [f"{name}{'m' if minor < 8 else ''}"], platforms)
    others = [*compatible_tags((3, minor), name, platforms)]
    if pip is not None and pip < Version(facts.PACKAGING_TAGS_PIP):
        others = [tag for tag in others if tag.platform == "any" or tag.interpreter == "py3"]
        others.insert(len(platforms) + 1, Tag("cp3", "none", "any"))
    return (*own, *others)


def list_markers(release: facts.Release, machine: str) -> dict[str, str]:
    """Return the eleven variables of PEP 508 for CPython on Linux."""
    full = f"{release.version}{release.pre}"
    return {
        "implementation_name": "cpython",
        "implementation_version": full,
        "os_name": "posix",
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "platform_system": "Linux",
        **KERNEL,
        "python_full_version": full,
        "python_version": f"3.{release.minor}",
        "sys_platform": "linux",
    }


def list_platforms(machine: str, libc: str, pip: Version | None) -> list[str]:
    """Return the platform tags that this pip takes on a machine, in its order."""
    linux = f"linux_{machine}"
    kind, _, number = libc.rpartition(".")
    wheels: list[str] = []
    if kind == "musl 1" and _takes(pip, facts.MUSLLINUX_PIP):
        wheels = [f"musllinux_1_{minor}_{machine}" for minor in range(int(number), -1, -1)]
    elif kind == "glibc 2":
        wheels = [*_list_manylinux(machine, int(number), pip)]
    return [linux, *wheels] if _takes(pip, facts.LINUX_FIRST_PIP) else [*wheels, linux]


def _list_manylinux(machine: str, newest: int, pip: Version | None) -> Iterator[str]:
    oldest = facts.MANYLINUX_OLDEST.get(machine)
    if oldest is None or not _takes(pip, facts.MANYLINUX_PIP.get(machine, "8.1")):
        return
    for minor in range(newest, oldest - 1, -1):
        if _takes(pip, facts.PEP_600_PIP):
            yield f"manylinux_2_{minor}_{machine}"
        alias, since = facts.MANYLINUX_ALIASES.get(minor, ("", ""))
        if alias and _takes(pip, since):
            yield f"{alias}_{machine}"


def _takes(pip: Version | None, since: str) -> bool:
    return pip is None or pip >= Version(since)
