"""What a search picks from: the versions that suit the target, and their dependencies."""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Protocol, TypeAlias

from msgspec import Struct, field
from msgspec.structs import replace
from packaging.specifiers import SpecifierSet

from ..errors import ProjectNotFound
from .finder import Candidate, Releases
from .limits import NO_LIMITS, Limits
from .order import Order
from .problem import PYTHON, Dependency, Pick, dependency_from, dependency_of, satisfies

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from packaging.utils import NormalizedName
    from packaging.version import Version

    from ..simple_api import DistributionFile, Metadata
    from ..target import Target
    from .finder import Admission
    from .problem import Root

MAX_BATCH = 32

_Key: TypeAlias = "tuple[NormalizedName, Version | None, frozenset[str]]"


class Catalog(Protocol):
    """Where files and dependencies come from; a ``PackageIndex`` is one."""

    def files(self, project: NormalizedName) -> Mapping[Version, Sequence[DistributionFile]]:
        """Return a project's files by version, newest first, or raise ProjectNotFound."""

    def metadata(self, files: Sequence[DistributionFile]) -> Metadata | None:
        """Return the metadata of a release, or None where it is unknown."""

    def prefetch(self, projects: Iterable[NormalizedName]) -> None:
        """Begin to make ``files`` quick for several projects."""

    def prefetch_metadata(self, files: Iterable[Sequence[DistributionFile]]) -> None:
        """Begin to make ``metadata`` quick for several releases."""


class Candidates(Struct, frozen=True):
    """The candidates of a catalog for a target; what was looked up is remembered.

    Attributes:
        catalog: where files and metadata come from.
        target: what the image accepts.
        limits: what may be taken; ``within`` gives the candidates within others.
    """

    catalog: Catalog
    target: Target
    limits: Limits = NO_LIMITS
    _releases: dict[NormalizedName, tuple[Admission, Releases]] = field(default_factory=dict)
    _dependencies: dict[_Key, tuple[Dependency, ...] | None] = field(default_factory=dict)

    def within(self, limits: Limits) -> Candidates:
        """Return the candidates within other limits; both share what was looked up."""
        return replace(self, limits=limits)

    def prefetch(self, roots: Iterable[Root]) -> Mapping[NormalizedName, Pick]:
        """Fetch what a search will ask for, before it asks one by one.

        The newest version of each root is picked, then of its dependencies, as they arrive. A
        project is picked again when more is asked of it, until nothing new is needed.

        Returns:
            by project, the newest pick that satisfies the others; together they may conflict.
        """
        found: dict[NormalizedName, Pick] = {}
        dependencies: dict[NormalizedName, list[Dependency]] = {}
        arriving: deque[NormalizedName | Pick] = deque()
        waiting: set[NormalizedName] = set()

        def expect(fresh: Iterable[Dependency]) -> None:
            for dependency in fresh:
                if dependency.is_opaque or dependency.name == PYTHON:
                    continue
                dependencies.setdefault(dependency.name, []).append(dependency)
                pick = found.get(dependency.name)
                if dependency.name not in waiting and (
                    pick is None or not satisfies(pick, dependency)
                ):
                    waiting.add(dependency.name)
                    self.catalog.prefetch([dependency.name])
                    arriving.append(dependency.name)

        expect(dependency_of(root) for root in roots)
        while arriving:
            item = arriving.popleft()
            if isinstance(item, Pick):
                expect(self.dependencies(item))
                continue
            waiting.remove(item)
            extras = frozenset[str]().union(
                *(dependency.extras for dependency in dependencies[item])
            )
            for candidate in islice(self.fitting(item, dependencies[item]), 1):
                pick = Pick(name=item, extras=extras, candidate=candidate)
                if pick != found.get(item):
                    found[item] = pick
                    self.catalog.prefetch_metadata([candidate.files])
                    arriving.append(pick)
        return found

    def releases(self, name: NormalizedName) -> Releases:
        """Return the releases of a project; none where the catalog does not have it."""
        admission = self.limits.admission_of(name)
        known = self._releases.get(name)
        if known is not None and (known[0] is admission or known[0] == admission):
            return known[1]
        try:
            files = self.catalog.files(name)
        except ProjectNotFound:
            files = {}
        releases = Releases(files, self.target, admission)
        self._releases[name] = admission, releases
        return releases

    def dependencies(self, pick: Pick) -> tuple[Dependency, ...]:
        """Return the dependencies of a pick on the target, with its extras; none if unknown."""
        return self._look_up(pick) or ()

    def is_unknown(self, pick: Pick) -> bool:
        """Return whether the dependencies of a pick are unknown."""
        return self._look_up(pick) is None

    def is_settled(self, pick: Pick) -> bool:
        """Return whether the dependencies of a pick are the same wherever it is built."""
        metadata = self._metadata(pick)
        return metadata is not None and metadata.is_settled

    def lacking_extras(self, pick: Pick) -> list[str]:
        """Return the extras of a pick that its version does not have."""
        metadata = self._metadata(pick)
        if metadata is None or metadata.extras is None:
            return []
        return sorted(pick.extras - metadata.extras)

    def _look_up(self, pick: Pick) -> tuple[Dependency, ...] | None:
        if pick.candidate is None:
            return None
        key = (pick.name, pick.candidate.version, pick.extras)
        if key not in self._dependencies:
            metadata = self._metadata(pick)
            self._dependencies[key] = (
                None if metadata is None else tuple(self._needs(metadata, pick))
            )
        return self._dependencies[key]

    def matches(
        self, name: NormalizedName, dependencies: Sequence[Dependency]
    ) -> Iterator[Candidate]:
        """Yield what ``fitting`` yields, and fetch the metadata of more and more of them ahead."""
        candidates = self.fitting(name, dependencies)
        size = 1
        while batch := list(islice(candidates, size)):
            if size > 1:
                self.catalog.prefetch_metadata(each.files for each in batch)
            yield from batch
            size = min(4 * size, MAX_BATCH)

    def fitting(
        self, name: NormalizedName, dependencies: Sequence[Dependency]
    ) -> Iterator[Candidate]:
        """Yield the candidates that satisfy dependencies and bounds, newest first.

        A preferred version comes before any older one, and before newer ones unless it may rise.
        Versions that are too young come last, oldest first, where they are admitted.

        Args:
            name: the project.
            dependencies: all that is asked of the project.
        """
        roots = [dependency.root for dependency in dependencies if dependency.root is not None]
        least = [root.least for root in roots if root.least is not None]
        ends = [root.better_than for root in roots if root.better_than is not None]
        stays_final = not all(version.is_prerelease for version in least)
        order = Order.of(name, dependencies, self.releases(name), self.limits)
        for candidate in order.candidates(may_fall_back=not stays_final):
            if candidate.version in ends:
                return
            if all(candidate.version >= version for version in least):
                yield candidate

    def first(self, dependency: Dependency) -> Candidate | None:
        """Return the newest candidate for one dependency alone, or None."""
        return next(self.fitting(dependency.name, [dependency]), None)

    def invalid(self, pick: Pick) -> tuple[str, ...]:
        """Return the requirements in a pick's metadata that are not valid (PEP 508), as written."""
        metadata = self._metadata(pick)
        return () if metadata is None else metadata.invalid

    def _metadata(self, pick: Pick) -> Metadata | None:
        return None if pick.candidate is None else self.catalog.metadata(pick.candidate.files)

    def _needs(self, metadata: Metadata, pick: Pick) -> Iterator[Dependency]:
        python = metadata.requires_python
        if python is not None and not self.target.supports_python(python):
            shown = f"Python {python}, {self.target.shown_python}"
            yield Dependency(name=PYTHON, specifier=python, shown=shown)
        if metadata.invalid and self.target.refuses_invalid_metadata:
            shown = f'"{metadata.invalid[0]}", which pip {self.target.pip} of the image refuses'
            yield Dependency(name=PYTHON, specifier=SpecifierSet(), shown=shown)
        for requirement in metadata.requires:
            marker = requirement.marker
            if marker is None or self.target.applies(marker, ("", *sorted(pick.extras))):
                yield dependency_from(requirement)
