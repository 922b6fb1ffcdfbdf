"""What the image accepts: Python, platforms and their tags, marker environment, pip.

Read from the base image's name, for which the facts are `image_facts`'s and the rules are here, or
from what the `Interpreter` in the image said. Follows PEP 425 (tags), 600 (manylinux), 656
(musllinux), 508 (marker environment) and 345 (Requires-Python).
Nothing here asks the host: whatever it has to do with the result is passed in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from packaging.markers import UndefinedComparison, UndefinedEnvironmentName
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.version import InvalidVersion, Version

from ..errors import TargetError
from . import image_facts as facts

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from packaging.markers import Marker

    from .interpreter import Interpreter

_LIBC = re.compile(r"(?:glibc 2|musl 1)\.[0-9]{1,3}")
_KERNEL = {"platform_release": "", "platform_version": ""}  # the engine's host decides
_FIRST_STRICT_PIP = Version("24.1")
_HINT = 'make the setting `python`, e.g. `python: "3.11"` under `pipflow` in invoke.yaml'


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """One platform of the image.

    Attributes:
        name: as Docker says it, ``linux/amd64``.
        tags: what pip in the image installs there, most preferred first.
        markers: the eleven variables of PEP 508, all of them set.
    """

    name: str
    tags: tuple[Tag, ...]
    markers: Mapping[str, str] = field(hash=False)
    _ranks: Mapping[Tag, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        ranks: dict[Tag, int] = {}
        for rank, tag in enumerate(self.tags):
            ranks.setdefault(tag, rank)
        object.__setattr__(self, "_ranks", ranks)
        object.__setattr__(self, "markers", MappingProxyType(dict(self.markers)))

    def tag_rank(self, tags: Iterable[Tag]) -> int | None:
        """Tell how well a wheel with these tags suits: 0 is best, None is not at all."""
        return min((self._ranks[tag] for tag in tags if tag in self._ranks), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What the image accepts.

    Attributes:
        python: as it is known, ``3.9`` (a floating tag) or ``3.9.25``.
        python_version: what Requires-Python is compared with, three numbers; a floating tag is its
            last patch release, a pre-release counts as its release (as in pip).
        platforms: at least one; a candidate has to suit them all.
        libc: ``glibc 2.36``, ``musl 1.2``, or empty for a host that is not Linux.
        pip: the one that the image carries, None where it is not known or sets no limit.
        source: where this was read, ``Dockerfile:1``.
        python_source: who names the Python, where that is another.
        notes: what was assumed, to be told to the user.
        interpreter: the image's own account, with what its installers are told; None where the
            image was not asked.
        installer: whose rules count, ``pip`` or ``uv``.
    """

    python: str
    python_version: Version
    platforms: tuple[Platform, ...]
    libc: str
    pip: Version | None
    source: str
    python_source: str = ""
    notes: tuple[str, ...] = ()
    interpreter: Interpreter | None = None
    installer: str = "pip"

    @classmethod
    def from_image(
        cls,
        reference: str,
        *,
        platforms: Sequence[str],
        source: str,
        python: str | None = None,
        pip_upgraded: bool = False,
        pip: Version | None = None,
        notes: Iterable[str] = (),
        obstacle: str = "",
        remedy: str = "",
    ) -> Target:
        """Read a base image's name.

        Args:
            reference: as in `FROM`, with registry, tag and digest where they are given.
            platforms: Docker's names, at least one; a name that tells its machine overrules them.
            source: where the name stands, for messages.
            python: the setting, which overrules the version in the name or supplies it.
            pip_upgraded: the Dockerfile upgrades pip, so that the image's own sets no limit.
            pip: the one that the Dockerfile installs before the step, where that is known.
            notes: the caller's, kept in front.
            obstacle: why the image itself does not tell its Python, where that was tried.
            remedy: what else than the setting would help where the Python is not known.

        Raises:
            TargetError: the name does not tell the Python, or the image can't be served.
        """
        image = _ImageName.parse(reference, source=source)
        if python is None and image.python is None:
            hint = f"name the version in the tag, or {_HINT}" if image.family else _HINT
            hint = f"{hint}; or {remedy}" if remedy else hint
            what = f"can't tell which Python the base image {image.shown} has"
            what = f"{what}: {obstacle}" if obstacle else what
            raise _error(what, source=source, hint=hint)
        release = _read_release(python or image.python or "", source=source)
        # The setting says what to choose for; libc and pip stay those of the image.
        own = facts.Release.find(image.python or release.text) or release
        libc, dropped, assumed = image.find_libc(own)
        is_official = image.family is not None and image.family.has_official_pip
        if is_official:
            own = replace(own, until=dropped)
        if python is None:
            release = own
        remarks = [*notes, *assumed]
        if image.family and image.family.note:
            remarks.append(f"{image.shown} {image.family.note}")
        if image.is_pinned and python is None and own.patch is None:
            remarks.append(f"{image.shown} names a digest: its Python may be older")
        if image.platform:
            if {image.platform} != {docker_platform(name, source=source) for name in platforms}:
                remarks.append(f"{image.shown} is for {image.platform} by its name")
            platforms = [image.platform]
        target = cls.from_python(
            f"{release.version}{release.pre}",
            platforms=platforms,
            source=source,
            libc=libc,
            pip=pip or (own.pip if is_official and not pip_upgraded else None),
            notes=remarks,
        )
        return replace(target, python=release.text)

    @classmethod
    def from_interpreter(
        cls,
        interpreter: Interpreter,
        *,
        platforms: Sequence[str],
        source: str,
        pip_upgraded: bool = False,
        pip: Version | None = None,
        notes: Iterable[str] = (),
    ) -> Target:
        """Take what the Python in a base image said of itself.

        On the platform that it runs on, its own pip's tags count as they are; for other platforms,
        and for another pip, they are computed for the same Python, ABIs and C library.

        Args:
            interpreter: what it said.
            platforms: Docker's names, at least one.
            source: where the name of the base image stands, for messages.
            pip_upgraded: the Dockerfile upgrades pip, so that the image's own sets no limit.
            pip: the one that the Dockerfile installs before the step, where that is known.
            notes: the caller's, kept in front.

        Raises:
            TargetError: the image has no CPython that can be served, or a platform is not known.
        """
        image = interpreter.image
        if interpreter.python is None:
            raise _error(f"the base image {image} has no Python", source=source, hint=_HINT)
        if interpreter.implementation != "CPython":
            what = f"the base image {image} has {interpreter.implementation}, not CPython"
            raise _error(what, source=source, hint="use an image of CPython on Linux")
        try:
            version = Version(interpreter.python.removesuffix("+"))
        except InvalidVersion:
            what = f"the base image {image} has Python `{interpreter.python}`, which is no version"
            raise _error(what, source=source, hint=_HINT) from None
        major, minor, patch = (*version.release, 0, 0)[:3]
        if major != 3 or minor < facts.OLDEST_MINOR:
            what = f"the base image {image} has Python {version}, which can't be served"
            hint = f"use Python 3.{facts.OLDEST_MINOR} or newer"
            raise _error(what, source=source, hint=hint)
        remarks = [*notes]
        has_own_pip = pip is None and not pip_upgraded
        pip = interpreter.pip if has_own_pip else pip
        machines = {docker_platform(name, source=source): "" for name in platforms}
        others = [name for name in machines if name != interpreter.platform]
        if others:
            remarks.append(
                f"{image} is for {interpreter.platform} on this machine: for {' and '.join(others)}"
                " it is taken to be the same"
            )
        libc = interpreter.libc or facts.ASSUMED_LIBC
        found: list[Platform] = []
        for name in machines:
            is_own = name == interpreter.platform
            tags, machine = interpreter.tags, interpreter.machine
            markers = {**interpreter.markers, **_KERNEL}
            if not is_own:
                machine = markers["platform_machine"] = facts.MACHINES[name]
            if not (is_own and has_own_pip and tags):
                tags = _list_tags(minor, machine, libc, pip, interpreter.abis)
                if not interpreter.libc:
                    remarks.append(f"{image} does not tell its C library: {libc} is assumed")
            found.append(Platform(name=name, tags=tags, markers=markers))
        return cls(
            python=interpreter.python,
            python_version=Version(f"{major}.{minor}.{patch}"),
            platforms=tuple(found),
            libc=interpreter.libc,
            pip=pip,
            source=source,
            notes=tuple(dict.fromkeys(remarks)),
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
        release = _read_release(python, source=source)
        names = dict.fromkeys(docker_platform(name, source=source) for name in platforms)
        if not names:
            raise _error("no platform to choose for", source=source)
        if not _LIBC.fullmatch(libc):
            hint = "write it like `glibc 2.36` or `musl 1.2`"
            raise _error(f"`{libc}` is no C library", source=source, hint=hint)
        if not release.is_known:
            notes = [*notes, f"python {release.text} is newer than this version of pipflow"]
        return cls(
            python=release.text,
            python_version=release.version,
            platforms=tuple(
                Platform(
                    name=name,
                    tags=_list_tags(release.minor, facts.MACHINES[name], libc, pip),
                    markers=_list_markers(release, facts.MACHINES[name]),
                )
                for name in names
            ),
            libc=libc,
            pip=pip,
            source=source,
            notes=tuple(notes),
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
        source = "this host"
        try:
            release = Version(python.strip().removesuffix("+")).release
        except InvalidVersion:
            raise _error(f"`{python}` is no Python version", source=source) from None
        system, machine = markers.get("sys_platform", ""), markers.get("platform_machine", "")
        name = facts.MACHINE_NAMES.get(machine.lower()) if system == "linux" else None
        return cls(
            python=python,
            python_version=Version(".".join(str(number) for number in (*release, 0, 0)[:3])),
            platforms=(
                Platform(
                    name=name or f"{system}/{machine}",
                    tags=tuple(tags),
                    markers=markers,
                ),
            ),
            libc="",
            pip=None,
            source=source,
            notes=tuple(notes),
        )

    def supports_python(self, specifier: SpecifierSet) -> bool:
        """Tell whether this Python satisfies a Requires-Python."""
        return specifier.contains(self.python_version, prereleases=True)

    def applies(self, marker: Marker, extras: Collection[str] = ("",)) -> bool:
        """Tell whether a marker holds on any platform with any of the extras.

        One that can't be evaluated counts as holding: better a requirement too many than one short.
        """
        return any(
            _holds(marker, {**platform.markers, "extra": extra})
            for platform in self.platforms
            for extra in extras or ("",)
        )

    def covers(self, markers: Collection[Marker | None], within: Marker | None = None) -> bool:
        """Tell whether on every platform one of some markers holds; None holds everywhere.

        Args:
            markers: those of lines, say.
            within: only the platforms count where this one holds.
        """

        def holds(marker: Marker | None, platform: Platform) -> bool:
            return marker is None or _holds(marker, {**platform.markers, "extra": ""})

        return all(
            any(holds(marker, platform) for marker in markers)
            for platform in self.platforms
            if holds(within, platform)
        )

    def tag_rank(self, tags: Collection[Tag]) -> int | None:
        """Tell how well one wheel suits every platform: 0 is best, None is not at all.

        A version may also serve each platform by another file: ask each `Platform.tag_rank`.
        """
        ranks = [platform.tag_rank(tags) for platform in self.platforms]
        known = [rank for rank in ranks if rank is not None]
        return max(known) if len(known) == len(ranks) else None

    @property
    def shown_source(self) -> str:
        """Where this was read, and whether the image itself was asked."""
        return self.source if self.interpreter is None else f"{self.source}, asked of the image"

    @property
    def shown_python(self) -> str:
        """Who has which Python, as the end of a sentence about a version that needs another."""
        if not self.libc:
            return f"this host has {self.python}"
        return f"the image has {self.python} ({self.python_source or self.source})"

    @property
    def refuses_invalid_metadata(self) -> bool:
        """Whether the image's pip is known to refuse versions whose requirements are none."""
        return self.pip is not None and self.installer == "pip" and self.pip >= _FIRST_STRICT_PIP

    def wants_newer_pip(self, tags: Collection[Tag]) -> str:
        """Name the platform tag of a wheel that suits but for this target's pip, or nothing."""
        if self.pip is None or not self.libc:
            return ""
        for platform in self.platforms:
            machine = platform.markers.get("platform_machine", "")
            abis = () if self.interpreter is None else self.interpreter.abis
            newer = _list_tags(self.python_version.minor, machine, self.libc, None, abis)
            if platform.tag_rank(tags) is None:
                for tag in newer:
                    if tag in tags:
                        return tag.platform
        return ""

    def __str__(self) -> str:
        machines = " and ".join(p.markers.get("platform_machine", "") for p in self.platforms)
        system = self.libc or self.platforms[0].markers.get("sys_platform", "")
        pip = "" if self.pip is None else f", pip {self.pip.major}.{self.pip.minor}"
        installer = ", uv" if self.installer == "uv" else ""
        return f"python {self.python}, {system} {machines}{pip}{installer}"


def newest_pip(requirement: str) -> Version | None:
    """Return the newest pip that a requirement admits (``pip<23``); None where it sets no limit.

    Of versions that are not known here, those that the requirement names count.

    Raises:
        ValueError: the requirement can't be read.
    """
    try:
        specifier = SpecifierSet(requirement.strip().removeprefix("pip").strip())
    except InvalidSpecifier as error:
        raise ValueError(str(error)) from error
    if specifier.contains("9999") or not specifier:
        return None
    named = [Version(clause.version.removesuffix(".*")) for clause in specifier]
    return max((v for v in (*facts.PIPS, *named) if specifier.contains(v)), default=None)


def name_tells_all(reference: str, *, source: str) -> bool:
    """Tell whether a base image's name leaves nothing to ask the image itself.

    So it is for the Docker Official Image where the tag names a Python that is known here; other
    images were built by somebody who may have told pip something.

    Raises:
        TargetError: the name is that of an image that can't be served.
    """
    image = _ImageName.parse(reference, source=source)
    if image.family is None or image.python is None:
        return False
    own = facts.Release.find(image.python)
    if own is None:  # none that could be served
        return True
    is_plain = image.family.has_official_pip and not image.family.note and own.is_known
    is_moving = image.is_pinned and own.patch is None
    return is_plain and not is_moving and not image.find_libc(own)[2]


def docker_platform(machine: str, *, source: str = "") -> str:
    """Name a platform as Docker does, from such a name or a machine's (``x86_64``, ``arm64``).

    Raises:
        TargetError: there are no wheels for it, or it is not Linux.
    """
    name = machine.strip().lower().removeprefix("linux/")
    if name not in facts.MACHINE_NAMES:
        hint = f"use one of {', '.join(facts.MACHINES)}"
        raise _error(f"platform `{machine}` is not known", source=source, hint=hint)
    return facts.MACHINE_NAMES[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class _ImageName:
    """What an image's name says."""

    shown: str
    path: str
    tag: str
    is_pinned: bool
    family: facts.Family | None
    python: str | None
    platform: str

    @classmethod
    def parse(cls, reference: str, *, source: str) -> _ImageName:
        shown = reference.strip()
        named, _, digest = shown.lower().partition("@")
        head, slash, last = named.rpartition("/")  # a colon before the slash is a port
        last, _, tag = last.partition(":")
        path = re.sub(r"^(?:index\.)?docker\.io/", "", f"{head}{slash}{last}")
        name = f"{path}:{tag or 'latest'}"
        for pattern, what in facts.UNSUPPORTED:
            if pattern.fullmatch(name):
                hint = "use an image of CPython on Linux"
                raise _error(f"the base image {shown} is {what}", source=source, hint=hint)
        found = ((row, row.name.fullmatch(name)) for row in facts.FAMILIES)
        family, match = next(((row, match) for row, match in found if match), (None, None))
        groups = match.groupdict() if match else {}
        return cls(
            shown=shown,
            path=path,
            tag=tag,
            is_pinned=bool(digest),
            family=family,
            python=groups.get("python") or (family.python if family else None),
            platform=facts.MACHINE_NAMES.get(groups.get("arch") or "", ""),
        )

    def find_libc(self, own: facts.Release) -> tuple[str, str, list[str]]:
        """Find the C library, when Docker left that system, and what had to be assumed."""
        for text in (f"{self.path.rpartition('/')[2]}:{self.tag}", self.path):
            if alpine := facts.ALPINE.search(text):
                if alpine["minor"] is None:
                    return own.alpine_libc, facts.NEVER, []
                minor = int(alpine["minor"])
                libc = "musl 1.1" if minor <= facts.ALPINE_LAST_MUSL_1_1 else "musl 1.2"
                return libc, facts.ALPINE_DROPPED.get(minor, facts.NEVER), []
            for word, libc, dropped in facts.SYSTEMS:
                if word.search(text):
                    return libc, dropped, []
        libc, is_sure = facts.ASSUMED_LIBC, False
        if self.family is not None:
            libc = self.family.libc or own.debian_libc
            strange = set(self.tag.split("-")[1:]) - facts.PLAIN_WORDS
            is_sure = not self.family.assumed and not (self.family.has_official_pip and strange)
        remark = f"{self.shown} does not say its system: {libc} is assumed"
        return libc, facts.NEVER, [] if is_sure else [remark]


def _read_release(python: str, *, source: str) -> facts.Release:
    release = facts.Release.find(python)
    if release is None:
        raise _error(f"`{python}` is no Python 3 that is known", source=source, hint=_HINT)
    if release.minor < facts.OLDEST_MINOR:
        hint = f"use Python 3.{facts.OLDEST_MINOR} or newer"
        if release.text == "3.1":  # what YAML makes of 3.10
            hint = 'write the version in quotes: `python: "3.10"`'
        raise _error(f"python {release.text} is too old", source=source, hint=hint)
    return release


def _list_markers(release: facts.Release, machine: str) -> dict[str, str]:
    full = f"{release.version}{release.pre}"
    return {
        "implementation_name": "cpython",
        "implementation_version": full,
        "os_name": "posix",
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "platform_system": "Linux",
        **_KERNEL,
        "python_full_version": full,
        "python_version": f"3.{release.minor}",
        "sys_platform": "linux",
    }


def _list_tags(
    minor: int,
    machine: str,
    libc: str,
    pip: Version | None,
    abis: Sequence[str] = (),
) -> tuple[Tag, ...]:
    # Explicit everywhere: what is left out, packaging asks the host for.
    platforms = list(_list_platforms(machine, libc, pip))
    name = f"cp3{minor}"
    own = cpython_tags((3, minor), abis or [f"{name}{'m' if minor < 8 else ''}"], platforms)
    others = [*compatible_tags((3, minor), name, platforms)]
    if pip is not None and pip < Version(facts.PACKAGING_TAGS_PIP):
        others = [tag for tag in others if tag.platform == "any" or tag.interpreter == "py3"]
        others.insert(len(platforms) + 1, Tag("cp3", "none", "any"))
    return (*own, *others)


def _list_platforms(machine: str, libc: str, pip: Version | None) -> Iterator[str]:
    """List the platform tags that this pip takes, in its order."""

    def takes(since: str) -> bool:
        return pip is None or pip >= Version(since)

    if takes(facts.LINUX_FIRST_PIP):
        yield f"linux_{machine}"
    kind, _, number = libc.rpartition(".")
    if kind == "musl 1" and takes(facts.MUSLLINUX_PIP):
        yield from (f"musllinux_1_{minor}_{machine}" for minor in range(int(number), -1, -1))
    oldest = facts.MANYLINUX_OLDEST.get(machine)
    if kind == "glibc 2" and oldest and takes(facts.MANYLINUX_PIP.get(machine, "8.1")):
        for minor in range(int(number), oldest - 1, -1):
            if takes(facts.PEP_600_PIP):
                yield f"manylinux_2_{minor}_{machine}"
            alias, since = facts.MANYLINUX_ALIASES.get(minor, ("", ""))
            if alias and takes(since):
                yield f"{alias}_{machine}"
    if not takes(facts.LINUX_FIRST_PIP):
        yield f"linux_{machine}"


def _holds(marker: Marker, environment: Mapping[str, str]) -> bool:
    try:
        return marker.evaluate(dict(environment))
    except (InvalidVersion, UndefinedComparison, UndefinedEnvironmentName):
        return True


def _error(message: str, *, source: str, hint: str = "") -> TargetError:
    path, _, line = source.rpartition(":")
    if path and line.isdecimal():
        return TargetError(message, path=path, line=int(line), hint=hint)
    return TargetError(f"{message} ({source})" if source else message, hint=hint)
