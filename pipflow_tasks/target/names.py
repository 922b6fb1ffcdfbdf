"""Names of images, platforms, Pythons and pips: what they say by ``image_facts``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from ..errors import TargetError
from ..values import require_short_numbers
from . import image_facts as facts
from .distributions import BARE, Distribution, find_distribution

if TYPE_CHECKING:
    from collections.abc import Mapping

HINT = 'set `python`, e.g. `python: "3.11"` under `pipflow` in invoke.yaml'


def docker_platform(machine: str, *, source: str = "") -> str:
    """Name a platform as Docker does, from such a name or a machine's (``x86_64``, ``arm64``).

    Raises:
        TargetError: there are no wheels for it, or it is not Linux.
    """
    name = machine.strip().lower().removeprefix("linux/")
    if name not in facts.MACHINE_NAMES:
        hint = f"use one of {', '.join(facts.MACHINES)}"
        raise target_error(f"platform `{machine}` is unknown", source=source, hint=hint)
    return facts.MACHINE_NAMES[name]


def read_release(python: str, *, source: str) -> facts.Release:
    """Read a version of Python.

    Raises:
        TargetError: it is none, or one that can't be served.
    """
    release = facts.Release.find(python)
    if re.fullmatch(r"2(?:\.[0-9]+)*", python.strip()):
        hint = f"use Python 3.{facts.OLDEST_MINOR} or newer"
        what = f"python {python.strip()} is Python 2, which has ended"
        raise target_error(what, source=source, hint=hint)
    if release is None:
        raise target_error(f"`{python}` is no Python 3 that is known", source=source, hint=HINT)
    if release.minor < facts.OLDEST_MINOR:
        hint = f"use Python 3.{facts.OLDEST_MINOR} or newer"
        if release.text == "3.1":  # what YAML makes of 3.10
            hint = 'write the version in quotes: `python: "3.10"`'
        raise target_error(f"python {release.text} is too old", source=source, hint=hint)
    return release


def newest_pip(requirement: str) -> Version | None:
    """Return the newest pip that a requirement admits (``pip<23``); None where it sets no limit.

    Of versions that are not known here, those that the requirement names count.

    Raises:
        ValueError: the requirement can't be read.
    """
    try:
        text = require_short_numbers(requirement)
        specifier = SpecifierSet(text.strip().removeprefix("pip").strip())
    except InvalidSpecifier as error:
        raise ValueError(str(error)) from error
    if specifier.contains("9999") or not specifier:
        return None
    named = [Version(clause.version.removesuffix(".*")) for clause in specifier]
    return max((v for v in (*facts.PIPS, *named) if specifier.contains(v)), default=None)


def target_error(message: str, *, source: str, hint: str = "") -> TargetError:
    """Return an error about what is at a place, ``Dockerfile:1``, or comes from elsewhere."""
    path, _, line = source.rpartition(":")
    if path and line.isdecimal():
        return TargetError(message, path=path, line=int(line), hint=hint)
    return TargetError(f"{message} ({source})" if source else message, hint=hint)


class System(Struct, frozen=True, kw_only=True):
    """The operating system in an image: its libc (``musl 1.2``), and what had to be assumed.

    Docker built images on it from the day ``begun`` to the day ``dropped``. ``is_assumed``: the
    libc is. ``by_manager``: the package manager says the libc.
    """

    libc: str
    is_assumed: bool = False
    by_manager: bool = False
    dropped: str = facts.NEVER
    begun: str = ""
    notes: tuple[str, ...] = ()


class ImageName(Struct, frozen=True, kw_only=True):
    """What an image's name says.

    Attributes:
        shown: the name as it was written.
        path: with the registry, without tag and digest.
        tag: or an empty string.
        is_pinned: it has a digest.
        family: what is known of such images, or None.
        python: the version that it names, or that all of the family have.
        platform: Docker's name of the one it is for; empty where it does not say.
    """

    shown: str
    path: str
    tag: str
    is_pinned: bool
    family: facts.Family | None
    python: str | None
    platform: str

    @classmethod
    def parse(cls, reference: str, *, source: str) -> ImageName:
        """Read a name as it is in ``FROM``.

        Raises:
            TargetError: it is that of an image that can't be served.
        """
        shown = reference.strip()
        named, _, digest = shown.lower().partition("@")
        head, slash, last = named.rpartition("/")  # a colon before the slash is a port
        last, _, tag = last.partition(":")
        path = re.sub(r"^(?:index\.)?docker\.io/", "", f"{head}{slash}{last}")
        name = f"{path}:{tag or 'latest'}"
        for pattern, what in facts.UNSUPPORTED:
            if pattern.fullmatch(name):
                hint = "use an image of CPython on Linux"
                raise target_error(f"the base image {shown} is {what}", source=source, hint=hint)
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
            platform=facts.MACHINE_NAMES.get(groups.get("arch") or _built_for(path), ""),
        )

    @property
    def has_official_pip(self) -> bool:
        """Whether its pip is that of the Docker Official Image."""
        return self.family is not None and self.family.has_official_pip

    @property
    def is_bare(self) -> bool:
        """Whether it is known to have no Python of its own."""
        return self.family is None and bool(BARE.fullmatch(f"{self.path}:{self.tag}"))

    @property
    def distribution(self) -> Distribution | None:
        """The release of a distribution that the name says."""
        return find_distribution(self.path, self.tag)

    def find_system(
        self, own: facts.Release, distribution: Distribution | None = None, manager: str = ""
    ) -> System:
        """Return the operating system, of an image with this release of Python.

        Where the name does not say it, the ``distribution`` counts, or the package manager that
        the Dockerfile uses.
        """
        named = self._find_named_system(own, distribution)
        if named is not None:
            return named
        if manager == "apk":
            return System(libc="musl 1.2", by_manager=True)
        libc, is_sure = facts.ASSUMED_LIBC, False
        if self.family is not None:
            libc = self.family.libc or own.debian_libc
            strange = set(self.tag.split("-")[1:]) - facts.PLAIN_WORDS
            is_named = self.python is not None or not self.family.note
            is_sure = (
                is_named
                and not self.family.assumed
                and not (self.family.has_official_pip and strange)
            )
        remark = f"nothing says which C library {self.shown} has: {libc} is assumed"
        return System(libc=libc, is_assumed=not is_sure, notes=() if is_sure else (remark,))

    def _find_named_system(
        self, own: facts.Release, distribution: Distribution | None
    ) -> System | None:
        distribution = self.distribution or distribution
        if distribution is not None:
            return System(
                libc=distribution.libc, dropped=distribution.dropped, begun=distribution.begun
            )
        for text in (f"{self.path.rpartition('/')[2]}:{self.tag}", self.path):
            if facts.ALPINE.search(text):
                return System(libc=own.alpine_libc)
        return _find_build_system(self.path.rpartition("/")[2])


def _find_build_system(name: str) -> System | None:
    """Return the operating system of an image that wheels are built in."""
    match = facts.BUILD_IMAGE.fullmatch(name)
    if match is None:
        return None
    old = {tag.removeprefix("manylinux"): n for n, (tag, _) in facts.MANYLINUX_ALIASES.items()}
    number = old.get(match["libc"]) or match["libc"].rpartition("_")[2]
    return System(libc=f"musl 1.{number}" if name.startswith("musl") else f"glibc 2.{number}")


def _built_for(path: str) -> str:
    """Return the machine that an image builds wheels for, or the board it is for, or nothing."""
    name = path.rpartition("/")[2]
    match = facts.BUILD_IMAGE.fullmatch(name)
    if match is not None:
        return match["arch"]
    named = [board for board in facts.BOARDS if f"{name}-".startswith(f"{board}-")]
    return facts.BOARDS[max(named, key=len)] if named else ""


def variables_of(reference: str) -> Mapping[str, str]:
    """Return the variables that an image sets, where its name says their values."""
    named = reference.strip().lower().partition("@")[0]
    found = ((name, pattern.fullmatch(named)) for name, pattern in facts.VARIABLES)
    return {name: match["value"] for name, match in found if match}


def name_tells_all(reference: str, *, source: str, with_patch: bool = False) -> bool:
    """Return whether a base image's name leaves nothing to ask the image itself.

    ``with_patch`` asks for the patch level of its Python, too. So it is for the Docker Official
    Image where the tag names a Python that is known here; other images were built by somebody who
    may have told pip something.

    Raises:
        TargetError: the name is that of an image that can't be served.
    """
    image = ImageName.parse(reference, source=source)
    if image.family is None or image.python is None:
        return False
    own = facts.Release.find(image.python)
    if own is None:  # none that could be served
        return True
    is_plain = image.has_official_pip and not image.family.note and own.is_known
    is_moving = (image.is_pinned or with_patch) and own.patch is None
    return is_plain and not is_moving and not image.find_system(own).notes
