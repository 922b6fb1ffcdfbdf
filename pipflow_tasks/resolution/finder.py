"""The versions of one project: those that a specifier allows and the target accepts.

Follows PEP 440 (specifiers, pre-releases), PEP 592 (yanked releases) and pip's rule: take the
newest version that has a distribution for the target. A version that is skipped is a rejection.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Mapping
from datetime import timedelta, timezone
from fnmatch import fnmatchcase
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace
from packaging.utils import canonicalize_name
from packaging.version import Version

from ..simple_api import Files, Versions
from ..values import as_plural, without_credentials

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from datetime import datetime

    from packaging.specifiers import Specifier, SpecifierSet

    from ..simple_api import DistributionFile
    from ..target import Platform, Target

_MOST_REASONS = 6

Prereleases: TypeAlias = Literal["always", "named", "last", "never"]
"""When pre-releases count like other versions: always (``--pre``), where a specifier names one
(pip), or never (uv). Where no final version is left, all of them take one, but for ``never``
(``--only-final``)."""


class Bound(Struct, frozen=True, kw_only=True):
    """What keeps versions out, besides the request itself.

    Attributes:
        specifier: the versions that are allowed.
        reason: as the end of a sentence about a version that is kept out.
        is_ours: no installer knows of it, so a pin may be outside of it.
    """

    specifier: SpecifierSet
    reason: str
    is_ours: bool = False


class Cutoff(Struct, frozen=True, kw_only=True):
    """How old a release has to be.

    Attributes:
        latest: later uploads are too young.
        now: what ages are counted from.
        reason: the setting or the line that demands it, as the end of a sentence.
        exempt: whose releases may be younger: names, patterns, addresses of indexes.
        is_rolling: it demands an age, and so a release gets old enough.
    """

    latest: datetime
    now: datetime
    reason: str
    exempt: tuple[str, ...] = ()
    is_rolling: bool = False

    def admits(self, uploaded: datetime | None) -> bool:
        """Return whether an upload is certainly old enough."""
        return uploaded is not None and uploaded <= self.latest

    def reason_against(self, uploaded: datetime | None) -> str:
        """Return why an upload is too young, or nothing; without a time it is old enough."""
        if uploaded is None or uploaded <= self.latest:
            return ""
        return f"was released {say_age(self.now - uploaded)} ago, {self.reason}"

    def until(self, uploaded: datetime | None) -> str:
        """Return when an upload is old enough, in UTC, where it is not yet; else nothing."""
        if uploaded is None or uploaded <= self.latest or not self.is_rolling:
            return ""
        moment = uploaded.astimezone(timezone.utc) + (self.now - self.latest)
        return f"{moment + timedelta(seconds=59):%Y-%m-%d %H:%M} UTC"

    def exempts(self, project: str, indexes: Collection[str]) -> bool:
        """Return whether a project is exempt, by its canonical name or by all indexes that have it.

        Addresses are compared without credentials.
        """
        named = {without_credentials(item) for item in self.exempt if "://" in item}
        patterns = (canonicalize_name(item) for item in self.exempt if "://" not in item)
        return any(fnmatchcase(project, pattern) for pattern in patterns) or (
            bool(indexes) and named.issuperset(map(without_credentials, indexes))
        )


class Admission(Struct, frozen=True, kw_only=True):
    """Which of the files that suit the target are taken for a project.

    Attributes:
        prereleases: when a pre-release counts like any other version.
        only_wheels: the line that forbids sdists (``Dockerfile:4``), or nothing.
        only_sdists: the line that forbids wheels, or nothing.
        prefers_wheels: the line that prefers an older wheel to a newer sdist, or nothing.
        cutoff: how old a release has to be; an exact pin takes a younger one.
        limit: the same for every file, without exception: the installer does not see others.
        pins: the pinned versions. Their age does not count. Where one has a wheel, versions that
            have to be built from source are withheld.
        takes_source: they are not: the project was named.
    """

    prereleases: Prereleases = "named"
    only_wheels: str = ""
    only_sdists: str = ""
    prefers_wheels: str = ""
    cutoff: Cutoff | None = None
    limit: Cutoff | None = None
    pins: frozenset[Version] = frozenset()
    takes_source: bool = False


class Candidate(Struct, frozen=True, kw_only=True):
    """A version that suits.

    Attributes:
        files: those of the version. The first is the one that an installer takes on the first
            platform: the wheel that suits best, or the sdist where none suits.
        from_source: why the image has to build it, on one platform at least, as the end of a
            sentence, or nothing.
        yanked: why it was withdrawn, if it was.
        too_young: why it is, or an empty string.
        waits_until: when it is old enough, as a message shows it, or an empty string.
        undated: its age counts, and the index does not have it.
        loses_wheel: why it has to be built from source where the pinned version has a wheel, or
            an empty string.
        by_old_pip: a newer pip in the image would take a wheel of it.
        members: where it is for several environments, what each of them gets; else nothing.
    """

    version: Version
    files: tuple[DistributionFile, ...]
    from_source: str
    yanked: str | None
    too_young: str = ""
    waits_until: str = ""
    undated: bool = False
    loses_wheel: str = ""
    by_old_pip: bool = False
    members: tuple[Candidate, ...] = ()

    @property
    def each(self) -> tuple[Candidate, ...]:
        """What each environment gets; itself where it is for one alone."""
        return self.members or (self,)

    @property
    def why_yanked(self) -> str:
        """That it was yanked, and why, as the end of a sentence; empty where it was not."""
        if self.yanked is None:
            return ""
        return f"was yanked: {self.yanked}" if self.yanked else "was yanked"

    @property
    def withheld(self) -> str:
        """Why only an exact pin gets it, as the end of a sentence, or nothing."""
        until = f" (until {self.waits_until})" if self.too_young and self.waits_until else ""
        return self.why_yanked or f"{self.too_young}{until}" or self.loses_wheel


class Rejection(Struct, frozen=True, kw_only=True):
    """A version that was skipped, and why, as the end of a sentence about it.

    ``way`` is how to make the image accept it, or an empty string.
    """

    version: Version
    reason: str
    way: str = ""
    by_bound: bool = False  # a policy, or an option of the command, keeps it out
    by_old_pip: bool = False  # a newer pip in the image would take it
    loses_wheel: bool = False  # the pinned version has a wheel
    is_yanked: bool = False


class Choice(Struct, frozen=True, kw_only=True):
    """The newest candidate, if there is one, and the versions that were skipped, newest first."""

    candidate: Candidate | None
    rejections: tuple[Rejection, ...]

    def reason_against(self, version: Version) -> str:
        """Return why a version was skipped, or an empty string."""
        return next((r.reason for r in self.rejections if r.version == version), "")


class Releases:
    """The versions of a project, newest first; each is examined when it is first asked for.

    A set of versions is an integer with one bit for each, the lowest for the newest. A search
    meets thousands of specifiers; what several of them allow together is one ``&``. ``bits`` is
    the set of all versions, ``final_bits`` of those that are no pre-releases.
    """

    def __init__(
        self,
        files: Mapping[Version, Sequence[DistributionFile]],
        target: Target,
        admission: Admission,
    ) -> None:
        self._target = target
        self._admission = admission
        self.files = files
        self._allowed: dict[int, tuple[SpecifierSet, int]] = {}
        self._by_clause: dict[str, int] = {}
        self._found: dict[Version, Candidate | Rejection] = {}
        self._members: Mapping[str, Releases] = {}
        self.all = (
            files.versions
            if isinstance(files, Files)
            else Versions.of({each: str(each) for each in files})
        )
        self.bits = (1 << len(self.all)) - 1
        self.final_bits = self.all.finals

    @classmethod
    def joining(cls, members: Mapping[str, Releases]) -> Releases:
        """Return the releases of several environments, by their names.

        A version suits where it suits in each. One without a local label stands for what each
        environment has of it, with a label of its own.
        """
        first, *others = members.values()
        joint = cls(first.files, first._target, first._admission)
        if any(other.files is not first.files for other in others):
            joint = cls(_JointFiles(members.values()), first._target, first._admission)
        joint._members = members
        return joint

    def among(self, bits: int) -> Iterator[Version]:
        """Yield the versions of a set, newest first."""
        while bits:
            newest = bits & -bits
            yield self.all[newest.bit_length() - 1]
            bits ^= newest

    def bit(self, version: Version) -> int:
        """Return the set of one version alone; the empty set for an unknown one."""
        place = self.all.place(version)
        return 0 if place is None else 1 << place

    def pinned(self, version: Version) -> int:
        """Return the set of the version that a pin takes: itself, or one with a local label."""
        found = self.bit(version)
        if not found and version.local is None:
            labelled = self._with_labels(version)
            found = labelled & -labelled
        return found

    def newest(self, specifier: SpecifierSet) -> Version | None:
        """Return the newest final version of those asked for that is not yanked, or None."""
        for version in self.among(self.final_bits & self.allowed(specifier)):
            if any(file.yanked is None for file in self.files[version]):
                return version
        return None

    def allowed(self, specifier: SpecifierSet) -> int:
        """Return the set of versions that a specifier allows, pre-releases or not.

        Results are cached by the specifier's id: its hash takes longer than the look-up.
        """
        if id(specifier) not in self._allowed:
            bits = self.bits
            for clause in specifier:
                shown = str(clause)
                if shown not in self._by_clause:
                    self._by_clause[shown] = self._find_allowed(clause)
                bits &= self._by_clause[shown]
            self._allowed[id(specifier)] = specifier, bits
        return self._allowed[id(specifier)][1]

    def _find_allowed(self, clause: Specifier) -> int:
        """Examine every version; for most comparisons, look the version up."""
        operator, text = clause.operator, clause.version
        if operator in {"==", "!="} and not text.endswith(".*"):
            version = Version(text)
            same = self.bit(version) if version.local else self._with_labels(version)
            return same if operator == "==" else self.bits & ~same
        if operator in {">=", "<="}:
            version = Version(text)
            newer = (1 << self.all.place_from(version)) - 1
            if operator == ">=":
                return newer | self.bit(version)
            return self.bits & ~newer | self._with_labels(version)
        if operator == ">" and re.fullmatch(r"[0-9.]+", text):
            place = bisect_left(
                self.all, True, key=lambda each: not clause.contains(each, prereleases=True)
            )
            return (1 << place) - 1
        if operator == "<" and re.fullmatch(r"[0-9.]+", text):
            version, first = Version(text), Version(f"{text}.dev0")
            place = self.all.place_from(version)
            while place < len(self.all) and self.all[place] >= first:
                place += 1
            return self.bits & ~((1 << place) - 1)
        allows = (clause.contains(version, prereleases=True) for version in self.all)
        return sum(1 << place for place, is_allowed in enumerate(allows) if is_allowed)

    def _with_labels(self, version: Version) -> int:
        """Return the set of a version without a label, and of those that only add a label to it.

        They are neighbours: a label sorts behind the same version without one.
        """
        found = self.bit(version)
        place = self.all.place_from(version) - 1
        while place >= 0 and "+" in self.all.texts[place]:
            if Version(self.all[place].public) != version:
                break
            found |= 1 << place
            place -= 1
        return found

    @property
    def needed_pythons(self) -> Mapping[int, SpecifierSet]:
        """What the versions that were examined need of Python, by its id; see ``allowed``."""
        if self._members:
            return {
                key: value
                for each in self._members.values()
                for key, value in each.needed_pythons.items()
            }
        files = (file for version in self._found for file in self.files[version])
        needed = (file.requires_python for file in files)
        return {id(specifier): specifier for specifier in needed if specifier is not None}

    def suit(self, version: Version) -> Candidate | Rejection:
        """Return whether a version suits the target, without regard to any request."""
        if version not in self._found:
            found = self._suit_each(version) if self._members else self._suit(version)
            is_built = not self._members and isinstance(found, Candidate) and found.from_source
            if isinstance(found, Candidate) and is_built and self._keeps_wheels:
                found = self._withhold(found)
            self._found[version] = found
        return self._found[version]

    def _suit_each(self, version: Version) -> Candidate | Rejection:
        """Return what each environment gets of a version, or why one of them gets none."""
        found: list[Candidate] = []
        for name, member in self._members.items():
            own = next(member.among(member.pinned(version)), None)
            if own is None:
                return Rejection(version=version, reason=f"is not on the indexes of {name}")
            suiting = member.suit(own)
            if isinstance(suiting, Rejection):
                return replace(suiting, version=version, reason=f"{suiting.reason} ({name})")
            found.append(suiting)
        return _join(version, found)

    def _suit(self, version: Version) -> Candidate | Rejection:
        return _suit(version, self.files[version], self._target, self._admission)

    @cached_property
    def _keeps_wheels(self) -> bool:
        """Whether the image gets a pinned version from a wheel, and source was not asked for."""
        if self._admission.takes_source:
            return False
        pinned = (self.pinned(pin) for pin in self._admission.pins)
        found = (self._suit(version) for bits in pinned for version in self.among(bits))
        return any(isinstance(each, Candidate) and not each.from_source for each in found)

    def _withhold(self, candidate: Candidate) -> Candidate:
        if any(self.bit(candidate.version) == self.pinned(pin) for pin in self._admission.pins):
            return candidate
        tag = _wants_newer_pip(candidate.files, self._target)
        reason = _too_old_for(tag, self._target) if tag else candidate.from_source
        return replace(candidate, loses_wheel=reason, by_old_pip=bool(tag))

    def why_not(self, version: Version) -> str:
        """Return why a version is not taken, as the end of a sentence about it."""
        found = self.suit(version)
        return found.reason if isinstance(found, Rejection) else found.withheld

    def loses_wheel(self, version: Version) -> bool:
        """Return whether a version is built from source where the pinned one has a wheel."""
        found = self.suit(version)
        return isinstance(found, Candidate) and bool(found.loses_wheel)

    def examine(
        self, version: Version, specifier: SpecifierSet, bounds: Sequence[Bound] = ()
    ) -> Candidate | Rejection:
        """Return whether a version satisfies the specifier and bounds, and suits the target."""
        if not self.allowed(specifier) & self.bit(version):
            return Rejection(version=version, reason=f"does not satisfy {specifier}")
        for bound in bounds:
            if not self.allowed(bound.specifier) & self.bit(version):
                return Rejection(version=version, reason=bound.reason, by_bound=True)
        found = self.suit(version)
        if isinstance(found, Rejection) or not found.withheld:
            return found
        if any(map(names_exactly, (specifier, *(bound.specifier for bound in bounds)))):
            return found
        return Rejection(
            version=version,
            reason=found.withheld,
            by_old_pip=found.by_old_pip,
            loses_wheel=found.withheld == found.loses_wheel,
            is_yanked=found.yanked is not None,
        )


class _JointFiles(Mapping[Version, "Sequence[DistributionFile]"]):
    """The files of several environments by version, newest first, each put together when asked for.

    A version that has a label somewhere is there without one, too.
    """

    def __init__(self, members: Iterable[Releases]) -> None:
        self._members = tuple(members)
        there = {version for member in self._members for version in member.all}
        there |= {Version(version.public) for version in there if version.local is not None}
        self._versions = dict.fromkeys(sorted(there, reverse=True))

    def __getitem__(self, version: Version) -> Sequence[DistributionFile]:
        if version not in self._versions:
            raise KeyError(version)
        files = {
            file.filename: file
            for member in self._members
            for own in member.among(member.pinned(version))
            for file in member.files[own]
        }
        return tuple(files.values())

    def __iter__(self) -> Iterator[Version]:
        return iter(self._versions)

    def __len__(self) -> int:
        return len(self._versions)


def _join(version: Version, members: Sequence[Candidate]) -> Candidate:
    """Return the candidate of several environments, of what each of them gets."""
    return Candidate(
        version=version,
        files=members[0].files,
        from_source=next(filter(None, (each.from_source for each in members)), ""),
        yanked=next((each.yanked for each in members if each.yanked is not None), None),
        too_young=next(filter(None, (each.too_young for each in members)), ""),
        waits_until=max(each.waits_until for each in members),
        undated=any(each.undated for each in members),
        loses_wheel=next(filter(None, (each.loses_wheel for each in members)), ""),
        by_old_pip=any(each.by_old_pip for each in members),
        members=tuple(members),
    )


def _suit(
    version: Version, files: Sequence[DistributionFile], target: Target, admission: Admission
) -> Candidate | Rejection:
    offered = [file for file in files if file.yanked is None] or list(files)
    supported = [
        file
        for file in offered
        if file.requires_python is None or target.supports_python(file.requires_python)
    ]
    if not supported:
        needed = offered[0].requires_python
        reason = f"needs Python {needed}, {target.shown_python}"
        way = f"take a base image with Python {needed}"
        return Rejection(version=version, reason=reason, way=way)
    limit = admission.limit
    seen = [file for file in supported if limit is None or limit.admits(file.uploaded)]
    if limit is not None and not seen:
        times = [file.uploaded for file in supported if file.uploaded is not None]
        unseen = limit.reason_against(min(times)) if times else ""
        unseen = unseen or f"has no upload time on the index, {limit.reason}"
        return Rejection(version=version, reason=unseen)
    admitted = [
        file
        for file in seen
        if not (admission.only_sdists if file.is_wheel else admission.only_wheels)
    ]
    chosen = {platform.name: _best(admitted, platform) for platform in target.platforms}
    taken = [file for file in chosen.values() if file is not None]
    if len(taken) < len(chosen):
        lacking = [name for name, file in chosen.items() if file is None]
        return _reject_files(version, seen, lacking, target, admission)
    cutoff = None if version in admission.pins else admission.cutoff
    uploaded = max((file.uploaded for file in taken if file.uploaded), default=None)
    return Candidate(
        version=version,
        files=(taken[0], *(file for file in offered if file is not taken[0])),
        from_source=_why_from_source(taken, target, admission),
        yanked=offered[0].yanked,
        too_young=cutoff.reason_against(uploaded) if cutoff is not None else "",
        waits_until=cutoff.until(uploaded) if cutoff is not None else "",
        undated=cutoff is not None and any(file.uploaded is None for file in taken),
    )


def _reject_files(
    version: Version,
    files: Sequence[DistributionFile],
    lacking: Sequence[str],
    target: Target,
    admission: Admission,
) -> Rejection:
    """Reject a version for lack of a file that suits some platforms, which are named."""
    tag = "" if admission.only_sdists else _wants_newer_pip(files, target)
    if tag:
        way = "upgrade pip before the install step"
        reason = _too_old_for(tag, target)
        return Rejection(version=version, reason=reason, by_old_pip=True, way=way)
    where = f" on {' and '.join(lacking)}" if len(target.platforms) > 1 else ""
    if admission.only_sdists:
        reason = f"has no source distribution, and {admission.only_sdists} allows no wheels"
        way = f"let {admission.only_sdists} allow wheels"
    elif admission.only_wheels and not all(file.is_wheel for file in files):
        reason = f"has no wheel for {target}{where}, and {admission.only_wheels} allows only wheels"
        way = f"let {admission.only_wheels} allow source distributions"
    else:
        reason = f"has no wheel for {target}{where} and no source distribution"
        way = _way_to_a_wheel(files, target)
    return Rejection(version=version, reason=reason, way=way)


def _way_to_a_wheel(files: Iterable[DistributionFile], target: Target) -> str:
    """Return which image would take a wheel."""
    tags = (tag.platform for file in files for tag in file.tags)
    if target.libc.startswith("musl") and any(tag.startswith("manylinux") for tag in tags):
        slim = f"python:{target.python}-slim"
        return f"its wheels are for glibc: take a base image with glibc, such as `{slim}`"
    return "take another base image, or another project"


def _wants_newer_pip(files: Sequence[DistributionFile], target: Target) -> str:
    """Return the tag of a wheel that a newer pip in the image would take, or nothing."""
    tags = (target.wants_newer_pip(file.tags) for file in files if file.is_wheel)
    return next(filter(None, tags), "")


def _too_old_for(tag: str, target: Target) -> str:
    return f"has a wheel ({tag}) that pip {target.pip} of the image is too old for"


def _why_from_source(
    taken: Sequence[DistributionFile], target: Target, admission: Admission
) -> str:
    """Say why the image has to build a version, as the end of a sentence, or nothing."""
    if all(file.is_wheel for file in taken):
        return ""
    if admission.only_sdists:
        return f"is taken as source because {admission.only_sdists} allows no wheels"
    return f"has no wheel for {target}"


def say_age(age: timedelta) -> str:
    """Return an age in the largest unit that is not too coarse."""
    for count, unit in ((age.days, "day"), (age.seconds // 3600, "hour")):
        if count:
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return "less than an hour"


def _best(files: Sequence[DistributionFile], platform: Platform) -> DistributionFile | None:
    """Return the file an installer takes on one platform: the best wheel, else an sdist."""
    ranked = [
        (rank, file.filename, file)
        for file in files
        if file.is_wheel and (rank := platform.tag_rank(file.tags)) is not None
    ]
    if ranked:
        return min(ranked, key=lambda entry: entry[:2])[2]
    return next((file for file in files if not file.is_wheel), None)


def summarise(rejections: Sequence[Rejection]) -> tuple[str, ...]:
    """Return rejections as a few lines; neighbours with the same reason are joined."""
    lines: list[str] = []
    left = len(rejections)
    for reason, group in groupby(rejections, key=lambda rejection: rejection.reason):
        if len(lines) == _MOST_REASONS:
            lines.append(f"... and {left} older version{'s' if left > 1 else ''}")
            break
        versions = [rejection.version for rejection in group]
        left -= len(versions)
        span = f"{versions[-1]} to {versions[0]} ({len(versions)} versions):"
        is_one = len(versions) == 1
        lines.append(f"{versions[0]} {reason}" if is_one else f"{span} {as_plural(reason)}")
    return tuple(lines)


def names_exactly(specifier: SpecifierSet) -> bool:
    """Return whether a specifier names one version, as a yanked release demands (PEP 592)."""
    return any(
        clause.operator in {"==", "==="} and not clause.version.endswith(".*")
        for clause in specifier
    )
