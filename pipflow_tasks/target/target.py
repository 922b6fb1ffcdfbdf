"""What an image accepts, as a value, and how it is made of what is known.

Known is the name of a base image, what the Python in it said, or a setting.
"""

from __future__ import annotations

import re
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import force_setattr, replace
from packaging.markers import UndefinedComparison, UndefinedEnvironmentName
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from ..values import hash_without
from . import image_facts as facts
from .names import HINT, ImageName, docker_platform, read_release, target_error
from .tags import KERNEL, list_markers, list_tags

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set

    from packaging.markers import Marker
    from packaging.specifiers import Specifier
    from packaging.tags import Tag

    from ..errors import TargetError
    from .distributions import Distribution
    from .interpreter import Interpreter

_LIBC = re.compile(r"(?:glibc 2|musl 1)\.[0-9]{1,3}")
ASSUMED_PLATFORM = "the platform is assumed to be this machine's"
"""How the note begins that nothing says the platform."""

_FIRST_STRICT_PIP = Version("24.1")
_STRICT_PIP_NEEDS = Version("3.8")
_PATCH_MARKERS = ("python_full_version", "implementation_version")
"""The markers that a patch level decides."""


class Platform(Struct, frozen=True, kw_only=True, dict=True):  # of a cached property
    """One platform of the image.

    Attributes:
        name: as Docker says it, ``linux/amd64``.
        tags: what pip in the image installs there, most preferred first.
        markers: the eleven variables of PEP 508, all of them set.
    """

    name: str
    tags: tuple[Tag, ...]
    markers: Mapping[str, str]

    __hash__ = hash_without("markers")

    def __post_init__(self) -> None:
        force_setattr(self, "markers", MappingProxyType(dict(self.markers)))

    @cached_property
    def _ranks(self) -> Mapping[Tag, int]:
        ranks: dict[Tag, int] = {}
        for rank, tag in enumerate(self.tags):
            ranks.setdefault(tag, rank)
        return ranks

    def tag_rank(self, tags: Iterable[Tag]) -> int | None:
        """Return how well a wheel with these tags suits: 0 is best, None is not at all."""
        return min((self._ranks[tag] for tag in tags if tag in self._ranks), default=None)


class BaseImage(Struct, frozen=True, kw_only=True):
    """A base image, and what a Dockerfile makes of it.

    Attributes:
        reference: as in `FROM`, with registry, tag and digest where they are given.
        source: where the reference stands, ``Dockerfile:1``.
        platforms: Docker's names, at least one.
        pip_upgraded: the Dockerfile upgrades pip, so that the image's own sets no limit.
        pip: the one that the Dockerfile installs before the step, where that is known.
        distribution: the release that the image says it is; None where only its name may say so.
        libc: the C library that the image says it has; empty where only its name may say so.
        manager: the package manager that the Dockerfile uses, or empty.
        manager_source: where it does, ``Dockerfile:3``.
        notes: what was assumed of the platforms; kept in front.
    """

    reference: str
    source: str
    platforms: tuple[str, ...]
    pip_upgraded: bool = False
    pip: Version | None = None
    distribution: Distribution | None = None
    libc: str = ""
    manager: str = ""
    manager_source: str = ""
    notes: tuple[str, ...] = ()


class Target(Struct, frozen=True, kw_only=True, dict=True):  # of a cached property
    """What the image accepts.

    Attributes:
        python: as it is known, ``3.9`` (a floating tag) or ``3.9.25``.
        python_version: what Requires-Python is compared with, three numbers; a floating tag is its
            last patch release, a pre-release counts as its release (as in pip).
        platforms: at least one; a candidate has to suit them all.
        libc: ``glibc 2.36``, ``musl 1.2``, or empty for a host that is not Linux.
        libc_is_assumed: nothing says the libc.
        pip: the one that the image carries, None where it is unknown or sets no limit.
        source: where this was read, ``Dockerfile:1``.
        python_source: who names the Python, where that is another.
        libc_source: where the libc was read, where that is another place.
        notes: what was assumed, to be told to the user.
        interpreter: the image's own account, with the settings of its installers; None where the
            image was not asked.
        installer: whose rules count, ``pip`` or ``uv``.
        wheels_for: the platforms, ABIs and implementation that the step names for wheels, instead
            of its image's.
        ignores_requires_python: the step ignores Requires-Python.
        pip_python: another version that Requires-Python is compared with: that of pip's own Python.
        patches: the versions that its Python may have, oldest first, where only the series is
            known; else none.
    """

    python: str
    python_version: Version
    platforms: tuple[Platform, ...]
    libc: str
    pip: Version | None
    source: str
    libc_is_assumed: bool = False
    python_source: str = ""
    libc_source: str = ""
    notes: tuple[str, ...] = ()
    interpreter: Interpreter | None = None
    installer: str = "pip"
    wheels_for: tuple[str, ...] = ()
    ignores_requires_python: bool = False
    pip_python: Version | None = None
    patches: tuple[Version, ...] = ()

    @classmethod
    def from_image(
        cls, base: BaseImage, *, python: str | None = None, obstacle: str = "", remedy: str = ""
    ) -> Target:
        """Read a base image's name; a name that tells its machine overrules the platforms.

        ``python`` is the setting, which overrules the version in the name or supplies it. Where
        the Python is unknown, ``obstacle`` says why the image itself does not tell it, if that was
        tried, and ``remedy`` what else than the setting would help.

        Raises:
            TargetError: the name does not tell the Python, or the image can't be served.
        """
        source = base.source
        image = ImageName.parse(base.reference, source=source)
        if python is None and image.python is None:
            raise _unknown_python(image, obstacle, remedy, source=source)
        release = read_release(python or image.python or "", source=source)
        # The setting says what to choose for; libc and pip stay those of the image.
        own = facts.Release.find(image.python or release.text) or release
        system = image.find_system(own, base.distribution, base.manager)
        if base.libc:
            system = replace(system, libc=base.libc, is_assumed=False, by_manager=False, notes=())
        if image.has_official_pip:
            own = replace(own, until=system.dropped, since=system.begun)
        if python is None:
            release = own
        has_own_pip = image.has_official_pip and not base.pip_upgraded
        target = cls.from_python(
            f"{release.version}{release.pre}",
            platforms=[image.platform] if image.platform else base.platforms,
            source=source,
            libc=system.libc,
            pip=base.pip or (own.pip if has_own_pip else None),
            notes=[
                *_without_assumed(base.notes, image),
                *system.notes,
                *_note_name(image, own if python is None else None, base),
            ],
        )
        return replace(
            target,
            python=release.text,
            libc_is_assumed=system.is_assumed,
            libc_source=base.manager_source if system.by_manager else "",
            patches=release.patches,
        )

    @classmethod
    def from_interpreter(cls, interpreter: Interpreter, base: BaseImage) -> Target:
        """Take what the Python in a base image said of itself.

        On the platform that it runs on, its own pip's tags count as they are; for other platforms,
        and for another pip, they are computed for the same Python, ABIs and C library.

        Raises:
            TargetError: the image has no CPython that can be served, or a platform is unknown.
        """
        source = base.source
        version = _require_cpython(interpreter, source=source)
        assert interpreter.python is not None
        has_own_pip = base.pip is None and not base.pip_upgraded
        pip = interpreter.pip if has_own_pip else base.pip
        names = [*dict.fromkeys(docker_platform(name, source=source) for name in base.platforms)]
        own_tags = {interpreter.platform} if has_own_pip and interpreter.tags else set()
        return cls(
            python=interpreter.python,
            python_version=version,
            platforms=tuple(
                _platform_beside(
                    interpreter, name, version.minor, pip, has_own_tags=name in own_tags
                )
                for name in names
            ),
            libc=interpreter.libc,
            pip=pip,
            source=source,
            notes=tuple(dict.fromkeys([*base.notes, *_note_assumed(interpreter, names, own_tags)])),
            interpreter=interpreter,
        )

    @classmethod
    def from_python(
        cls,
        python: str,
        *,
        platforms: Sequence[str],
        source: str,
        libc: str = facts.ASSUMED_LIBC,
        pip: Version | None = None,
        notes: Iterable[str] = (),
    ) -> Target:
        """Describe CPython on Linux, from 3.6 on: ``3.9``, ``3.9.25``, ``3.14.0rc1``.

        Raises:
            TargetError: the Python, a platform or the libc is not one that is known.
        """
        release = read_release(python, source=source)
        names = dict.fromkeys(docker_platform(name, source=source) for name in platforms)
        if not names:
            raise target_error("no platform to choose for", source=source)
        if not _LIBC.fullmatch(libc):
            hint = "write it like `glibc 2.36` or `musl 1.2`"
            raise target_error(f"`{libc}` is no C library", source=source, hint=hint)
        if not release.is_known:
            notes = [*notes, f"python {release.text} is newer than this version of pipflow"]
        return cls(
            python=release.text,
            python_version=release.version,
            platforms=tuple(
                Platform(
                    name=name,
                    tags=list_tags(release.minor, facts.MACHINES[name], libc, pip),
                    markers=list_markers(release, facts.MACHINES[name]),
                )
                for name in names
            ),
            libc=libc,
            pip=pip,
            source=source,
            notes=tuple(notes),
            patches=release.patches,
        )

    @classmethod
    def from_host(
        cls,
        *,
        python: str,
        tags: Iterable[Tag],
        markers: Mapping[str, str],
        notes: Iterable[str] = (),
    ) -> Target:
        """Describe this host's interpreter by what it said of itself.

        The tags come most preferred first, the markers are the eleven of PEP 508.

        Raises:
            TargetError: the version is none.
        """
        try:
            version = Version(python.strip().removesuffix("+"))
        except ValueError:
            raise target_error(f"`{python}` is no Python version", source="this host") from None
        system, machine = markers.get("sys_platform", ""), markers.get("platform_machine", "")
        name = facts.MACHINE_NAMES.get(machine.lower()) if system == "linux" else None
        return cls(
            python=python,
            python_version=_three_numbers(version),
            platforms=(
                Platform(name=name or f"{system}/{machine}", tags=tuple(tags), markers=markers),
            ),
            libc="",
            pip=None,
            source="this host",
            notes=tuple(notes),
        )

    def supports_python(self, specifier: SpecifierSet) -> bool:
        """Return whether this Python satisfies a Requires-Python, or need not."""
        versions = filter(None, (self.python_version, self.pip_python))
        return self.ignores_requires_python or all(
            specifier.contains(version, prereleases=True) for version in versions
        )

    def applies(self, marker: Marker, extras: Collection[str] = ("",)) -> bool:
        """Return whether a marker holds on any platform with any of the extras.

        One that can't be evaluated counts as holding: better a requirement too many than one short.
        """
        return any(
            _holds(marker, platform, extra)
            for platform in self.platforms
            for extra in extras or ("",)
        )

    def turns_on_patch(
        self, question: SpecifierSet | Marker, extras: Collection[str] = ("",)
    ) -> bool:
        """Return whether a Requires-Python or a marker has another answer for another patch level.

        No where the patch level is known.
        """
        if isinstance(question, SpecifierSet):
            series = f"3.{self.python_version.minor}"
            is_near = any(_divides(clause, series) for clause in question)
            answers = {each.supports_python(question) for each in self._readings if is_near}
        else:
            is_near = any(name in str(question) for name in _PATCH_MARKERS)
            answers = {each.applies(question, extras) for each in self._readings if is_near}
        return len(answers) > 1

    @cached_property
    def _readings(self) -> tuple[Target, ...]:
        """The same with each patch level that its Python may have."""
        return tuple(self._with_patch(version) for version in self.patches)

    def _with_patch(self, version: Version) -> Target:
        there = {Version(self.full_version): version}  # a step may have set one of the two apart
        changed = dict.fromkeys(_PATCH_MARKERS, str(version))
        return replace(
            self,
            python_version=there.get(self.python_version, self.python_version),
            pip_python=None if self.pip_python is None else there.get(self.pip_python),
            platforms=tuple(
                replace(platform, markers={**platform.markers, **changed})
                for platform in self.platforms
            ),
            patches=(),
        )

    @property
    def accepted(self) -> Target:
        """The same without what says where it was read."""
        return replace(self, source="", python_source="", libc_source="", notes=())

    @property
    def markers(self) -> Mapping[str, str]:
        """The eleven variables of PEP 508, on its first platform."""
        return self.platforms[0].markers

    @property
    def full_version(self) -> str:
        """The version of its Python with all numbers, the patch level as it is assumed."""
        return self.markers["python_full_version"]

    @property
    def shown_source(self) -> str:
        """Where this was read, and whether the image itself was asked."""
        return self.source if self.interpreter is None else f"{self.source}, asked of the image"

    @property
    def deciding_source(self) -> str:
        """What names the Python: where this was read, or another place."""
        return self.python_source or self.shown_source

    @property
    def shown_python(self) -> str:
        """Who has which Python, as the end of a sentence about a version that needs another."""
        if not self.libc:
            return f"this host has {self.python}"
        others = "" if self.pip_python is None else f", whose pip runs on {self.pip_python}"
        return f"the image has {self.python} ({self.python_source or self.source}){others}"

    @property
    def refuses_invalid_metadata(self) -> bool:
        """Whether the image's pip is known to refuse versions whose requirements are none."""
        return self.pip is not None and self.installer == "pip" and self.pip >= _FIRST_STRICT_PIP

    @property
    def may_get_strict_pip(self) -> bool:
        """Whether a pip runs on the image's Python that refuses invalid requirements."""
        return self.installer == "pip" and self.python_version >= _STRICT_PIP_NEEDS

    def wants_newer_pip(self, tags: Collection[Tag]) -> str:
        """Name the platform tag of a wheel that suits but for this target's pip, or nothing."""
        if self.pip is None or not self.libc or self.wheels_for:
            return ""
        for platform in self.platforms:
            machine = platform.markers.get("platform_machine", "")
            abis = () if self.interpreter is None else self.interpreter.abis
            newer = list_tags(self.python_version.minor, machine, self.libc, None, abis)
            if platform.tag_rank(tags) is None:
                for tag in newer:
                    if tag in tags:
                        return tag.platform
        return ""

    def relies_on_libc(self, tags: Collection[Tag]) -> str:
        """Name the platform tag of a wheel that the image takes only if its libc is as assumed.

        Every image with glibc takes manylinux2014 and older. Nothing where the libc is known.
        """
        for platform, safe in zip(self.platforms, self._safe_tags, strict=False):
            rank = platform.tag_rank(tags)
            if rank is not None and safe.isdisjoint(tags):
                return platform.tags[rank].platform
        return ""

    @cached_property
    def _safe_tags(self) -> tuple[Set[Tag], ...]:
        """The tags of each platform whatever its libc is; none where it is known."""
        if not self.libc_is_assumed or self.wheels_for:
            return ()
        minor = self.python_version.minor
        machines = (platform.markers["platform_machine"] for platform in self.platforms)
        return tuple(
            frozenset(list_tags(minor, machine, facts.SAFE_LIBC, self.pip)) for machine in machines
        )

    def __str__(self) -> str:
        machines = " and ".join(p.markers.get("platform_machine", "") for p in self.platforms)
        system = self.libc or self.platforms[0].markers.get("sys_platform", "")
        where = " ".join(self.wheels_for) or f"{system} {machines}"
        pip = "" if self.pip is None else f", pip {self.pip.major}.{self.pip.minor}"
        installer = ", uv" if self.installer == "uv" else ""
        return f"python {self.python}, {where}{pip}{installer}"


def _unknown_python(image: ImageName, obstacle: str, remedy: str, *, source: str) -> TargetError:
    hint = f"name the version in the tag, or {HINT}" if image.family else HINT
    hint = f"{hint}; or {remedy}" if remedy else hint
    what = f"it is unknown which Python the base image {image.shown} has"
    what = f"{what}: {obstacle}" if obstacle else what
    return target_error(what, source=source, hint=hint)


def _without_assumed(notes: Iterable[str], image: ImageName) -> Iterator[str]:
    """Yield notes, but not that the platform is assumed where the name says it."""
    return (note for note in notes if not (image.platform and note.startswith(ASSUMED_PLATFORM)))


def _note_name(image: ImageName, named: facts.Release | None, base: BaseImage) -> Iterator[str]:
    """Yield what a name leaves open; ``named`` is None where the setting says the Python."""
    if image.family and image.family.note:
        yield f"{image.shown} {image.family.note}"
    if image.is_pinned and named is not None and named.patch is None:
        yield f"{image.shown} names a digest: its Python may be older"
    if image.platform:
        wanted = {docker_platform(name, source=base.source) for name in base.platforms}
        if {image.platform} != wanted:
            yield f"{image.shown} is for {image.platform} by its name"


def _require_cpython(interpreter: Interpreter, *, source: str) -> Version:
    """Return the version of a CPython that can be served, as three numbers."""
    image, python = interpreter.image, interpreter.python
    if python is None:
        raise target_error(f"the base image {image} has no Python", source=source, hint=HINT)
    if interpreter.implementation != "CPython":
        what = f"the base image {image} has {interpreter.implementation}, not CPython"
        raise target_error(what, source=source, hint="use an image of CPython on Linux")
    try:
        version = Version(python.removesuffix("+"))
    except ValueError:
        what = f"the base image {image} has Python `{python}`, which is no version"
        raise target_error(what, source=source, hint=HINT) from None
    if version.major != 3 or version.minor < facts.OLDEST_MINOR:
        what = f"the base image {image} has Python {version}, which can't be served"
        hint = f"use Python 3.{facts.OLDEST_MINOR} or newer"
        raise target_error(what, source=source, hint=hint)
    return _three_numbers(version)


def _three_numbers(version: Version) -> Version:
    return Version(f"{version.major}.{version.minor}.{version.micro}")


def _platform_beside(
    interpreter: Interpreter, name: str, minor: int, pip: Version | None, *, has_own_tags: bool
) -> Platform:
    """Describe a platform of the image that an interpreter runs in, its own or another."""
    markers = {**interpreter.markers, **KERNEL}
    machine = interpreter.machine
    if name != interpreter.platform:
        machine = markers["platform_machine"] = facts.MACHINES[name]
    if has_own_tags:
        return Platform(name=name, tags=interpreter.tags, markers=markers)
    libc = interpreter.libc or facts.ASSUMED_LIBC
    tags = list_tags(minor, machine, libc, pip, interpreter.abis)
    return Platform(name=name, tags=tags, markers=markers)


def _note_assumed(
    interpreter: Interpreter, names: Sequence[str], own_tags: Set[str]
) -> Iterator[str]:
    """Yield what is assumed of some platforms; of those in ``own_tags`` it told the tags."""
    image = interpreter.image
    others = [name for name in names if name != interpreter.platform]
    if others:
        yield (
            f"{image} is for {interpreter.platform} on this machine: for {' and '.join(others)}"
            " it is assumed to be the same"
        )
    if not interpreter.libc and not own_tags >= set(names):
        yield f"{image} does not tell its C library: {facts.ASSUMED_LIBC} is assumed"


def _divides(clause: Specifier, series: str) -> bool:
    """Return whether a clause may hold for some patch levels of a series and not for others."""
    if clause.version == series:
        return clause.operator in {">", "<=", "==", "!=", "==="}
    return clause.version.startswith(f"{series}.") and not clause.version.endswith(".*")


def _holds(marker: Marker | None, platform: Platform, extra: str = "") -> bool:
    try:
        return marker is None or marker.evaluate({**platform.markers, "extra": extra})
    except (ValueError, UndefinedComparison, UndefinedEnvironmentName):
        return True
