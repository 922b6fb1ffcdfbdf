"""What there is to pick from: the versions that suit the target, and what each of them needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain, islice
from typing import TYPE_CHECKING, Protocol

from ..errors import ProjectNotFound
from ..finder import Candidate, Rejection, names_exactly, suit
from .problem import PYTHON, Need, Pick, need_from, need_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from packaging.utils import NormalizedName
    from packaging.version import Version

    from ..finder import Bound
    from ..simple_api import DistributionFile, Metadata
    from ..target import Target
    from .problem import Want

MAX_BATCH = 32

_NO_EXTRAS = frozenset({"."})  # no extra can be called so: nothing was tried


class Catalog(Protocol):
    """Where files and dependencies come from; a ``PackageIndex`` is one."""

    def files(self, project: NormalizedName) -> Sequence[DistributionFile]:
        """Return every file of a project, or raise ProjectNotFound."""

    def metadata(self, files: Sequence[DistributionFile]) -> Metadata | None:
        """Return the metadata of a release, or None where it can't be known."""

    def prefetch(self, projects: Iterable[NormalizedName]) -> None:
        """Make ``files`` quick for several projects."""

    def prefetch_metadata(self, files: Iterable[Sequence[DistributionFile]]) -> None:
        """Make ``metadata`` quick for several releases."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """The candidates of a catalog for a target; what was learnt of them is kept.

    Attributes:
        catalog: where files and metadata come from.
        target: what the image accepts.
        bounds: by project, what constraints and policies say.
        unknown: gathers the picks whose dependencies can't be known.
    """

    catalog: Catalog
    target: Target
    bounds: Callable[[NormalizedName], Sequence[Bound]]
    unknown: dict[NormalizedName, Pick] = field(default_factory=dict)
    _releases: dict[NormalizedName, Releases] = field(default_factory=dict)
    _dependencies: dict[tuple[NormalizedName, Version, frozenset[str]], tuple[Need, ...]] = field(
        default_factory=dict
    )

    def prefetch(self, wants: Iterable[Want]) -> None:
        """Fetch what a search will ask for, in waves, before it asks one by one.

        A wave holds what the picks of the last one need; a project whose needs have grown is
        picked again, until nothing new is needed.
        """
        needs: dict[NormalizedName, list[Need]] = {}
        fresh = [need_of(want) for want in wants]
        while fresh := [need for need in fresh if _can_be_fetched(need)]:
            for need in fresh:
                needs.setdefault(need.name, []).append(need)
            names = dict.fromkeys(need.name for need in fresh)
            self.catalog.prefetch(names)
            picks = [
                Pick(
                    name=name,
                    extras=frozenset[str]().union(*(need.extras for need in needs[name])),
                    candidate=candidate,
                )
                for name in names
                if (candidate := next(self.matches(name, needs[name], {}), None)) is not None
            ]
            self.catalog.prefetch_metadata(
                (pick.candidate.file, *pick.candidate.siblings) for pick in picks if pick.candidate
            )
            needed = (need for pick in picks for need in self.dependencies(pick))
            fresh = [need for need in needed if need not in needs.get(need.name, ())]

    def releases(self, name: NormalizedName) -> Releases:
        """Return the releases of a project; none where the catalog does not have it."""
        if name not in self._releases:
            try:
                files = self.catalog.files(name)
            except ProjectNotFound:
                files = ()
            self._releases[name] = Releases(files, self.target)
        return self._releases[name]

    def dependencies(self, pick: Pick) -> tuple[Need, ...]:
        """Return what a pick needs on the target, for its extras."""
        if pick.candidate is None:
            return ()
        key = (pick.name, pick.candidate.version, pick.extras)
        if key not in self._dependencies:
            metadata = self.catalog.metadata((pick.candidate.file, *pick.candidate.siblings))
            if metadata is None:
                self.unknown[pick.name] = pick
            self._dependencies[key] = tuple(self._needs(metadata, pick)) if metadata else ()
        return self._dependencies[key]

    def matches_want(self, want: Want) -> Iterator[Candidate]:
        """Yield the candidates for a want alone, newest first."""
        return self.matches(want.name, [need_of(want)], {})

    def matches(
        self,
        name: NormalizedName,
        needs: Sequence[Need],
        without: Mapping[Version, frozenset[str]],
    ) -> Iterator[Candidate]:
        """Yield the candidates that satisfy needs and bounds, newest first.

        Args:
            name: the project.
            needs: all of them.
            without: versions that are known not to work, with the extras they were tried with.
        """
        bounds = self.bounds(name)
        specifiers = [need.specifier for need in needs] + [bound.specifier for bound in bounds]
        locals_wanted = {need.want.local for need in needs if need.want and need.want.local}
        extras = frozenset().union(*(need.extras for need in needs))
        exact = any(names_exactly(specifier) for specifier in specifiers)
        takes_prereleases = any(specifier.prereleases for specifier in specifiers) or any(
            need.want is not None and need.want.prereleases for need in needs
        )

        def fitting(versions: Iterable[Version]) -> Iterator[Candidate]:
            for version in versions:
                if locals_wanted and version.local not in locals_wanted:
                    continue
                if not all(each.contains(version, prereleases=True) for each in specifiers):
                    continue
                candidate = releases.candidate(version)
                if candidate is not None and (candidate.yanked is None or exact):
                    yield candidate

        releases = self.releases(name)
        found = fitting(releases.all if takes_prereleases else releases.finals)
        first = next(found, None)
        # what pins a pre-release installs; of needs with a specifier not every pip takes one
        may_fall_back = any(need.want is not None for need in needs) or not any(specifiers)
        if first is None and not takes_prereleases and may_fall_back:
            found = fitting(releases.prereleases)
            first = next(found, None)
        if first is None:
            return
        left = (
            candidate
            for candidate in chain([first], found)
            if not without.get(candidate.version, _NO_EXTRAS) <= extras
        )
        yield from self._in_batches(left)

    def first(self, need: Need) -> Candidate | None:
        """Return the newest candidate for a need alone, or None."""
        return next(iter(self.matches(need.name, [need], {})), None)

    def _needs(self, metadata: Metadata, pick: Pick) -> Iterator[Need]:
        python = metadata.requires_python
        if python is not None and not self.target.supports_python(python):
            shown = f"Python {python}, the image has {self.target.python} ({self.target.source})"
            yield Need(name=PYTHON, specifier=python, shown=shown)
        for requirement in metadata.requires:
            marker = requirement.marker
            if marker is None or self.target.applies(marker, ("", *sorted(pick.extras))):
                yield need_from(requirement)

    def _in_batches(self, candidates: Iterator[Candidate]) -> Iterator[Candidate]:
        """Yield candidates, with the metadata of ever more of them fetched ahead."""
        size = 1
        while batch := list(islice(candidates, size)):
            if size > 1:
                self.catalog.prefetch_metadata((c.file, *c.siblings) for c in batch)
            yield from batch
            size = min(2 * size, MAX_BATCH)


def _can_be_fetched(need: Need) -> bool:
    return not need.is_opaque and need.name != PYTHON


class Releases:
    """The versions of a project, newest first, each examined when it is first asked for."""

    def __init__(self, files: Iterable[DistributionFile], target: Target) -> None:
        self._target = target
        self._files: dict[Version, list[DistributionFile]] = {}
        for file in files:
            self._files.setdefault(file.version, []).append(file)
        self._found: dict[Version, Candidate | Rejection] = {}
        self.all = sorted(self._files, reverse=True)
        self.finals = [version for version in self.all if not version.is_prerelease]
        self.prereleases = [version for version in self.all if version.is_prerelease]

    def candidate(self, version: Version) -> Candidate | None:
        """Return a version as a candidate, or None where it does not suit the target."""
        found = self._examine(version)
        return found if isinstance(found, Candidate) else None

    def why_not(self, version: Version) -> str:
        """Say why a version is not taken, as the end of a sentence about it."""
        found = self._examine(version)
        if isinstance(found, Candidate):
            return f"was yanked{f': {found.yanked}' if found.yanked else ''}"
        return found.reason

    def _examine(self, version: Version) -> Candidate | Rejection:
        if version not in self._found:
            self._found[version] = suit(version, self._files[version], self._target)
        return self._found[version]
