"""Choosing a version: what a requirement asks, what the index has, what the target accepts.

Follows PEP 440 (specifiers, pre-releases), PEP 592 (yanked releases) and the rule of pip that the
newest version with a file that suits is taken. A version that is passed over leaves a rejection.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from packaging.specifiers import SpecifierSet
    from packaging.version import Version

    from .simple_api import DistributionFile
    from .target import Platform, Target

_MOST_REASONS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """What keeps a version out, besides the request itself.

    Attributes:
        specifier: the versions that are allowed.
        reason: what is said of one that is not, as the end of a sentence about it.
    """

    specifier: SpecifierSet
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A version that suits, with the file an installer would take.

    Attributes:
        version: which.
        file: the wheel that suits best, or the sdist where none suits; on the first platform.
        siblings: the other files of the version, to learn its dependencies from.
        from_source: whether the image has to build it, on one platform at least.
        yanked: why it was withdrawn, if it was.
    """

    version: Version
    file: DistributionFile
    siblings: tuple[DistributionFile, ...]
    from_source: bool
    yanked: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A version that was passed over, and why, as the end of a sentence about it."""

    version: Version
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The newest candidate, if there is one, and the versions passed over, newest first."""

    candidate: Candidate | None
    rejections: tuple[Rejection, ...]

    def reason_against(self, version: Version) -> str:
        """Return why a version was passed over, or an empty string."""
        return next((r.reason for r in self.rejections if r.version == version), "")


def choose(
    files: Iterable[DistributionFile],
    *,
    specifier: SpecifierSet,
    target: Target,
    prereleases: bool = False,
    local: str | None = None,
    bounds: Sequence[Bound] = (),
) -> Choice:
    """Return the newest version that satisfies the specifier and suits the target.

    Args:
        files: every file of the project that the indexes have.
        specifier: what was asked for; empty for anything.
        target: what the image accepts.
        prereleases: take pre-releases like any other version; else they count where the specifier
            names one, or where no final release is left.
        local: where given, only versions with this local label (``cpu`` of ``2.0+cpu``).
        bounds: what else a version has to satisfy: constraints, policies.
    """
    releases: dict[Version, list[DistributionFile]] = {}
    for file in files:
        releases.setdefault(file.version, []).append(file)
    newest_first = sorted(releases, reverse=True)
    if prereleases or any(each.prereleases for each in _specifiers(specifier, bounds)):
        rounds = [newest_first]
    else:
        rounds = [
            [version for version in newest_first if not version.is_prerelease],
            [version for version in newest_first if version.is_prerelease],
        ]
    rejections: list[Rejection] = []
    candidate: Candidate | None = None
    for version in chain.from_iterable(rounds):
        if local is not None and version.local != local:
            rejections.append(Rejection(version=version, reason=f"is not a +{local} build"))
            continue
        found = examine(
            version, releases[version], specifier=specifier, target=target, bounds=bounds
        )
        if isinstance(found, Candidate):
            candidate = found
            break
        rejections.append(found)
    rejections.sort(key=lambda rejection: rejection.version, reverse=True)
    return Choice(candidate=candidate, rejections=tuple(rejections))


def newest(files: Iterable[DistributionFile]) -> Version | None:
    """Return the newest final version that is not yanked, or None."""
    versions = {file.version for file in files if file.yanked is None}
    return max((version for version in versions if not version.is_prerelease), default=None)


def examine(
    version: Version,
    files: Sequence[DistributionFile],
    *,
    specifier: SpecifierSet,
    target: Target,
    bounds: Sequence[Bound] = (),
) -> Candidate | Rejection:
    """Tell whether one version satisfies the specifier and suits the target.

    Args:
        version: which.
        files: the files of this version.
        specifier: what was asked for.
        target: what the image accepts.
        bounds: what else it has to satisfy.
    """
    if not specifier.contains(version, prereleases=True):
        return Rejection(version=version, reason=f"does not satisfy {specifier}")
    for bound in bounds:
        if not bound.specifier.contains(version, prereleases=True):
            return Rejection(version=version, reason=bound.reason)
    found = suit(version, files, target)
    if isinstance(found, Rejection) or found.yanked is None:
        return found
    if any(names_exactly(each) for each in _specifiers(specifier, bounds)):
        return found
    why = f": {found.yanked}" if found.yanked else ""
    return Rejection(version=version, reason=f"was yanked{why}")


def suit(
    version: Version, files: Sequence[DistributionFile], target: Target
) -> Candidate | Rejection:
    """Tell whether one version suits the target, whatever is asked for.

    Args:
        version: which.
        files: the files of this version.
        target: what the image accepts.
    """
    offered = [file for file in files if file.yanked is None] or list(files)
    supported = [
        file
        for file in offered
        if file.requires_python is None or target.supports_python(file.requires_python)
    ]
    if not supported:
        needed = offered[0].requires_python
        return Rejection(
            version=version,
            reason=f"needs Python {needed}, the image has {target.python} ({target.source})",
        )
    chosen = [(platform, _best(supported, platform)) for platform in target.platforms]
    lacking = [platform.name for platform, file in chosen if file is None]
    if lacking:
        where = f" on {' and '.join(lacking)}" if len(target.platforms) > 1 else ""
        return Rejection(
            version=version, reason=f"has no wheel for {target}{where} and no source distribution"
        )
    taken = [file for _, file in chosen if file is not None]
    return Candidate(
        version=version,
        file=taken[0],
        siblings=tuple(file for file in offered if file is not taken[0]),
        from_source=not all(file.is_wheel for file in taken),
        yanked=offered[0].yanked,
    )


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
    """Write rejections as a few lines, neighbours with the same reason joined."""
    return tuple(_summaries(rejections))


def _summaries(rejections: Sequence[Rejection]) -> Iterator[str]:
    told = 0
    for number, (reason, group) in enumerate(groupby(rejections, key=lambda r: r.reason)):
        if number == _MOST_REASONS:
            left = len(rejections) - told
            yield f"... and {left} older version{'s' if left > 1 else ''}"
            return
        versions = [rejection.version for rejection in group]
        told += len(versions)
        if len(versions) == 1:
            yield f"{versions[0]} {reason}"
        else:
            yield f"{versions[-1]} to {versions[0]} ({len(versions)} versions): {reason}"


def _specifiers(specifier: SpecifierSet, bounds: Sequence[Bound]) -> tuple[SpecifierSet, ...]:
    return (specifier, *(bound.specifier for bound in bounds))


def names_exactly(specifier: SpecifierSet) -> bool:
    """PEP 592: a yanked release is for those who pin it with ``==`` or ``===``."""
    return any(
        clause.operator in {"==", "==="} and not clause.version.endswith(".*")
        for clause in specifier
    )
