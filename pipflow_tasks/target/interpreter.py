"""What a Python in an image said of itself: read from the JSON that it printed, and checked.

``engine.probe`` asks it, `Target.from_interpreter` makes a target of it. Text in, values out.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - msgspec reads the annotations
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from packaging.tags import Tag
from packaging.version import Version

from ..errors import TargetError
from ..values import Pattern, hash_without, repr_without

_LIBC = Pattern(r"((?:glibc 2|musl 1)\.[0-9]{1,3})(?![0-9]).*")
_MARKERS = frozenset({
    "implementation_name", "implementation_version", "os_name", "platform_machine",
    "platform_python_implementation", "platform_release", "platform_system", "platform_version",
    "python_full_version", "python_version", "sys_platform",
})  # fmt: skip


class Interpreter(Struct, frozen=True, kw_only=True):
    """A Python in an image, and the settings of its installers there.

    Attributes:
        image: the name by which the image was asked.
        platform: Docker's name of the image's platform.
        python: its version, ``3.11.4``; None where the image has no Python.
        implementation: ``CPython``, ``PyPy``.
        markers: the eleven variables of PEP 508.
        abis: those of its extension modules as wheels name them, its own first.
        libc: ``glibc 2.36``, ``musl 1.2``, or empty where it can't tell.
        machine: as in tags, which may differ from the kernel's: ``x86_64``.
        pip: None where it has no pip.
        tags: what its pip installs, most preferred first; empty where pip can't tell.
        environment: the ``PIP_*`` and ``UV_*`` variables that the image sets.
        configuration: pip's, by file and by variable, as ``pip config list`` names it
            (``global.index-url``, ``install.constraint``, ``:env:.index-url``).
        release: where it has no Python, the distribution by its own words: ``ubuntu:20.04``.
        constraints: the files that every install is given by the two above, with their text.
        installed: the distributions that it has: names, versions, and what each needs.
    """

    image: str
    platform: str
    python: str | None
    implementation: str = ""
    markers: Mapping[str, str] = MappingProxyType({})
    abis: tuple[str, ...] = ()
    libc: str = ""
    machine: str = ""
    pip: Version | None = None
    tags: tuple[Tag, ...] = ()
    environment: Mapping[str, str] = MappingProxyType({})  # may hold passwords
    configuration: tuple[tuple[str, str], ...] = ()
    constraints: Mapping[str, str] = MappingProxyType({})
    release: str = ""
    installed: tuple[tuple[str, str, tuple[str, ...]], ...] = ()

    __repr__ = repr_without("tags", "environment", "configuration", "constraints", "installed")
    __hash__ = hash_without("markers", "environment", "constraints")

    @classmethod
    def from_json(cls, text: str, *, image: str, platform: str) -> Interpreter:
        """Read what the image printed, of which the last line counts.

        Raises:
            TargetError: it is not what was asked for.
        """
        lines = text.strip().splitlines()
        try:
            told = msgspec.json.decode(lines[-1] if lines else "", type=dict[str, Any])
            told |= {"image": image, "platform": platform}
            found = msgspec.convert(told, cls, dec_hook=_read)
        except (msgspec.MsgspecError, UnicodeError, RecursionError, ValueError) as error:
            raise TargetError(f"the answer of the image {image} can't be read: {error}") from error
        if found.python is not None and not found.markers.keys() >= _MARKERS:
            lacking = ", ".join(sorted(_MARKERS - found.markers.keys()))
            raise TargetError(f"the answer of the image {image} lacks {lacking}")
        libc = _LIBC.fullmatch(found.libc)
        return replace(
            found,
            libc=libc[1] if libc else "",
            markers=MappingProxyType({name: found.markers.get(name, "") for name in _MARKERS}),
            environment=MappingProxyType(found.environment),
            constraints=MappingProxyType(found.constraints),
        )

    @property
    def pip_configuration(self) -> tuple[tuple[str, str], ...]:
        """The options that ``pip install`` has without a command line: ``index-url``, ...

        As in pip, a variable counts before the section of the command, and that before the
        section ``global``; the variables alone where pip could not be asked.
        """
        found: dict[str, str] = {}
        for section in ("global", "install", ":env:"):
            found |= {
                name.removeprefix(f"{section}."): value
                for name, value in self.configuration
                if name.startswith(f"{section}.")
            }
        found |= {
            name.removeprefix("PIP_").lower().replace("_", "-"): value
            for name, value in self.environment.items()
            if name.startswith("PIP_") and value
        }
        return tuple(sorted(found.items()))


def _read(kind: type, text: object) -> Version | Tag:
    """Read a field that JSON has no type for."""
    if not isinstance(text, str):
        raise ValueError(f"`{text}` is no text")
    if kind is Version:
        return Version(text)
    parts = text.split("-")
    if len(parts) != 3 or not all(parts):
        raise ValueError(f"`{text}` is no tag")
    return Tag(*parts)
