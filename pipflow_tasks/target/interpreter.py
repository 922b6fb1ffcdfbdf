"""What a Python in an image said of itself: read from the JSON that it printed, and checked.

``engine.probe`` asks it, `Target.from_interpreter` makes a target of it. Text in, values out.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct, field
from packaging.tags import Tag
from packaging.version import Version

from ..errors import TargetError
from ..values import hash_without, repr_without

if TYPE_CHECKING:
    from collections.abc import Mapping

_LIBC = re.compile(r"((?:glibc 2|musl 1)\.[0-9]{1,3})(?![0-9]).*")
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
        environment: the ``PIP_*`` and ``UV_*`` variables that the image sets, sorted by name.
        configuration: pip's, by file and by variable, as ``pip config list`` names it
            (``global.index-url``, ``install.constraint``, ``:env:.index-url``).
        constraints: the files that every install is given by the two above, with their text.
    """

    image: str
    platform: str
    python: str | None
    implementation: str = ""
    markers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    abis: tuple[str, ...] = ()
    libc: str = ""
    machine: str = ""
    pip: Version | None = None
    tags: tuple[Tag, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()  # may hold passwords
    configuration: tuple[tuple[str, str], ...] = ()
    constraints: tuple[tuple[str, str], ...] = ()

    __repr__ = repr_without("tags", "environment", "configuration", "constraints")
    __hash__ = hash_without("markers")

    @classmethod
    def from_json(cls, text: str, *, image: str, platform: str) -> Interpreter:
        """Read what the image printed, of which the last line counts.

        Raises:
            TargetError: it is not what was asked for.
        """
        lines = text.strip().splitlines()
        try:
            told = msgspec.json.decode(lines[-1] if lines else "", type=_Told)
            tags = tuple(_read_tag(tag) for tag in told.tags)
            pip = None if told.pip is None else Version(told.pip)
        except (msgspec.MsgspecError, UnicodeError, RecursionError, ValueError) as error:
            raise TargetError(f"the answer of the image {image} can't be read: {error}") from error
        if told.python is not None and not told.markers.keys() >= _MARKERS:
            lacking = ", ".join(sorted(_MARKERS - told.markers.keys()))
            raise TargetError(f"the answer of the image {image} lacks {lacking}")
        libc = _LIBC.fullmatch(told.libc)
        return cls(
            image=image,
            platform=platform,
            python=told.python,
            implementation=told.implementation,
            markers=MappingProxyType({name: told.markers.get(name, "") for name in _MARKERS}),
            abis=told.abis,
            libc=libc[1] if libc else "",
            machine=told.machine,
            pip=pip,
            tags=tags,
            environment=tuple(sorted(told.environment.items())),
            configuration=told.configuration,
            constraints=tuple(told.constraints.items()),
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
            for name, value in self.environment
            if name.startswith("PIP_") and value
        }
        return tuple(sorted(found.items()))


class _Told(msgspec.Struct):
    python: str | None
    implementation: str = ""
    markers: dict[str, str] = msgspec.field(default_factory=dict)
    abis: tuple[str, ...] = ()
    libc: str = ""
    machine: str = ""
    pip: str | None = None
    tags: tuple[str, ...] = ()
    environment: dict[str, str] = msgspec.field(default_factory=dict)
    configuration: tuple[tuple[str, str], ...] = ()
    constraints: dict[str, str] = msgspec.field(default_factory=dict)


def _read_tag(text: str) -> Tag:
    parts = text.split("-")
    if len(parts) != 3 or not all(parts):
        raise ValueError(f"`{text}` is no tag")
    return Tag(*parts)
