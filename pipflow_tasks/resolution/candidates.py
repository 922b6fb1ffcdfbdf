"""What a search picks from: the versions that suit the target, and their dependencies."""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct, field
from msgspec.structs import replace
from packaging.specifiers import SpecifierSet

from ..errors import ProjectNotFound
from .finder import Candidate, Choice, Rejection, Releases, names_exactly
from .problem import (
    PYTHON,
    Dependency,
    Limits,
    Pick,
    Root,
    dependency_from,
    dependency_of,
    satisfies,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from packaging.requirements import Requirement
    from packaging.utils import NormalizedName
    from packaging.version import Version

    from ..simple_api import DistributionFile, Metadata
    from ..target import Target
    from .finder import Admission, Bound

MAX_BATCH = 32


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
    """The candidates of a catalog for a target, within limits; what was looked up is remembered."""

    catalog: Catalog
    target: Target
    limits: Limits = Limits()
    _releases: dict[NormalizedName, tuple[Admission, Releases]] = field(default_factory=dict)
    _dependencies: dict[
        tuple[NormalizedName, Version | None, frozenset[str]], tuple[Dependency, ...] | None
    ] = field(default_factory=dict)

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

    def metadata(self, pick: Pick) -> Metadata | None:
        """Return the metadata of a pick; None where they are unknown."""
        return None if pick.candidate is None else self.catalog.metadata(pick.candidate.files)

    def is_unknown(self, pick: Pick) -> bool:
        """Return whether the dependencies of a pick are unknown."""
        return self._look_up(pick) is None

    def dependencies(self, pick: Pick) -> tuple[Dependency, ...]:
        """Return the dependencies of a pick on the target, with its extras; none if unknown."""
        return self._look_up(pick) or ()

    def _look_up(self, pick: Pick) -> tuple[Dependency, ...] | None:
        key = (pick.name, pick.version, pick.extras)
        if key not in self._dependencies:
            metadata = self.metadata(pick)
            self._dependencies[key] = (
                None if metadata is None else tuple(self._read_dependencies(metadata, pick))
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
        """Yield the candidates of a project for all that is asked of it, newest first.

        A preferred version comes before any older one, and before newer ones unless it may rise.
        Versions that are too young come last, oldest first, where they are admitted.
        """
        return _Order(name, dependencies, self.releases(name), self.limits).candidates()

    def first(self, dependency: Dependency) -> Candidate | None:
        """Return the newest candidate for one dependency alone, or None."""
        return next(self.fitting(dependency.name, [dependency]), None)

    def choose(
        self,
        name: NormalizedName,
        specifier: SpecifierSet,
        *,
        prereleases: bool = False,
        local: str | None = None,
    ) -> Choice:
        """Return the newest candidate for a specifier by itself, without preferences.

        With ``prereleases``, they count like any other version. Where ``local`` is given, only
        versions with this local label count (``cpu`` of ``2.0+cpu``).
        """
        root = Root(
            name=name,
            specifier=specifier,
            source="",
            shown=name,
            prereleases=prereleases,
            local=local,
        )
        limits = replace(self.limits.admitting(()), preferences={})
        order = _Order(name, [dependency_of(root)], self.releases(name), limits)
        candidate = next(order.candidates(), None)
        return Choice(candidate=candidate, rejections=tuple(order.rejections(root, candidate)))

    def turns_on_patch(self) -> bool:
        """Return whether anything that was looked up turns on the patch level that is assumed."""
        if not self.target.patches:
            return False
        pythons: dict[int, SpecifierSet] = {}
        for _, releases in self._releases.values():
            pythons.update(releases.needed_pythons)
        return any(map(self.target.turns_on_patch, pythons.values())) or any(
            any(self.questions_of(pick)) for pick in self.looked_up()
        )

    def looked_up(self) -> Iterator[Pick]:
        """Yield the picks whose dependencies were looked up."""
        for name, version, extras in self._dependencies:
            found = None if version is None else self.releases(name).suit(version)
            if isinstance(found, Candidate):
                yield Pick(name=name, candidate=found, extras=extras)

    def questions_of(self, pick: Pick) -> Iterator[SpecifierSet | Requirement]:
        """Yield what of a pick turns on the patch level that is assumed of the target."""
        target = self.target
        metadata = self.metadata(pick) if target.patches else None
        if metadata is None:
            return
        if metadata.requires_python and target.turns_on_patch(metadata.requires_python):
            yield metadata.requires_python
        for requirement in metadata.by_patch:
            extras = ("", *sorted(pick.extras))
            if requirement.marker and target.turns_on_patch(requirement.marker, extras):
                yield requirement

    def _read_dependencies(self, metadata: Metadata, pick: Pick) -> Iterator[Dependency]:
        python = metadata.requires_python
        if python is not None and not self.target.supports_python(python):
            shown = f"Python {python}, {self.target.shown_python}"
            yield Dependency(name=PYTHON, specifier=python, shown=shown)
        if metadata.invalid and self.target.refuses_invalid_metadata:
            shown = f'"{metadata.invalid[0]}", which pip {self.target.pip} of the image refuses'
            yield Dependency(name=PYTHON, specifier=SpecifierSet(), shown=shown)
        for requirement in metadata.for_extras(pick.extras):
            marker = requirement.marker
            if marker is None or self.target.applies(marker, ("", *sorted(pick.extras))):
                yield self._overriding(dependency_from(requirement))

    def _overriding(self, dependency: Dependency) -> Dependency:
        """Return a dependency without its specifier where that is overridden."""
        is_address = self.limits.overridden.get(dependency.name)
        if is_address is None:
            return dependency
        return Dependency(
            name=dependency.name,
            specifier=SpecifierSet(),
            shown=dependency.name,
            extras=dependency.extras,
            is_opaque=is_address,
        )


class _Order:
    """The versions of a project that satisfy dependencies and limits, in the order of trial.

    Sets of versions are integers, as ``Releases`` has them.
    """

    def __init__(
        self,
        name: NormalizedName,
        dependencies: Sequence[Dependency],
        releases: Releases,
        limits: Limits,
    ) -> None:
        roots = [each.root for each in dependencies if each.root is not None]
        is_given = any(root.is_given for root in roots)
        bounds = [b for b in limits.bounds_on(name) if not (is_given and b.is_ours)]
        admission = limits.admission_of(name)
        self._releases = releases
        self._bounds = bounds
        self._prefers_wheels = admission.prefers_wheels
        specifiers = [each.specifier for each in dependencies]
        specifiers += [bound.specifier for bound in bounds]
        self._allowed = releases.bits
        for specifier in specifiers:
            self._allowed &= releases.allowed(specifier)
        preference = limits.preferences.get(name)
        self._kept = 0 if preference is None else releases.pinned(preference.version)
        self._may_rise = preference is not None and preference.may_rise
        self._labels = {root.local for root in roots if root.local}
        # a pin names the version: it takes one that is withheld
        self._is_exact = any(each.is_exact for each in dependencies) or any(
            names_exactly(bound.specifier) for bound in bounds
        )
        # a wheel is given up for a person's word, not for a dependency
        self._takes_source = any(each.is_exact for each in dependencies if each.root) or any(
            names_exactly(bound.specifier) for bound in bounds
        )
        self._takes_withheld = is_given or limits.admits_all_of(name)
        self._least = [root.least for root in roots if root.least is not None]
        self._ends = [root.better_than for root in roots if root.better_than is not None]
        takes_all = _takes_prereleases(admission, dependencies, bounds)
        self._first = releases.bits if takes_all else releases.final_bits
        # a pin of a pre-release installs it; for a range, not every pip falls back to one
        may_at_all = admission.prereleases != "never"
        is_below = all(version.is_prerelease for version in self._least)
        self._may_fall_back = (
            may_at_all
            and is_below
            and (
                admission.prereleases == "last"
                or any(not root.is_transitive for root in roots)
                or not any(specifiers)
            )
        )

    def candidates(self) -> Iterator[Candidate]:
        """Yield the candidates, pre-releases only where no final version is left."""
        for candidate in self._all_candidates():
            if candidate.version in self._ends:
                return
            if all(candidate.version >= version for version in self._least):
                yield candidate

    def rejections(self, root: Root, candidate: Candidate | None) -> Iterator[Rejection]:
        """Yield why versions were skipped for a candidate, or for none; newest first."""
        releases = self._releases
        newer = releases.bits
        if candidate is not None and not (self._prefers_wheels and candidate.from_source):
            newer = releases.bit(candidate.version) - 1
        falls_back = candidate is None or not self._first & releases.bit(candidate.version)
        for version in releases.among(self._first | newer if falls_back else self._first & newer):
            if root.local is not None and version.local != root.local:
                yield Rejection(version=version, reason=f"is not a +{root.local} build")
                continue
            found = releases.examine(version, root.specifier, self._bounds)
            if isinstance(found, Candidate):
                reason = f"{found.from_source}, and {self._prefers_wheels} prefers wheels"
                found = Rejection(version=version, reason=reason)
            yield found

    def _all_candidates(self) -> Iterator[Candidate]:
        found = self._free(self._first)
        first = next(found, None)
        if first is None and self._may_fall_back:
            found = self._free(self._releases.bits & ~self._first)
            first = next(found, None)
        if first is not None:
            yield first
            yield from found
        if self._takes_withheld:
            for candidate in reversed([*self._suiting(self._first & self._allowed)]):
                if candidate.yanked is None and not self._is_free(candidate):
                    yield candidate

    def _free(self, bits: int) -> Iterator[Candidate]:
        """Yield the candidates of a set: those before the preferred one, that one, the rest."""
        newer = bits & (self._kept - 1) if self._kept and self._may_rise else 0
        for part in (newer, self._kept, bits & ~newer & ~self._kept):
            free = filter(self._is_free, self._suiting(part & self._allowed))
            if not self._prefers_wheels:
                yield from free
                continue
            candidates = [*free]
            yield from (each for each in candidates if not each.from_source)
            yield from (each for each in candidates if each.from_source)

    def _suiting(self, bits: int) -> Iterator[Candidate]:
        for version in self._releases.among(bits):
            if self._labels and version.local not in self._labels:
                continue
            candidate = self._releases.suit(version)
            if isinstance(candidate, Candidate):
                yield candidate

    def _is_free(self, candidate: Candidate) -> bool:
        if bool(self._kept) and self._releases.bit(candidate.version) == self._kept:
            return True
        if candidate.loses_wheel and not self._takes_source:
            return False
        return self._is_exact or not candidate.withheld


def _takes_prereleases(
    admission: Admission, dependencies: Sequence[Dependency], bounds: Sequence[Bound]
) -> bool:
    """Return whether pre-releases count like any other version.

    The roots of a project decide; other dependencies decide only where it has no root.
    """
    if admission.prereleases == "always" or any(
        each.root.prereleases for each in dependencies if each.root is not None
    ):
        return True
    asked = [each for each in dependencies if each.root is not None and not each.root.is_transitive]
    return admission.prereleases == "named" and (
        any(each.names_prerelease for each in asked or dependencies)
        or any(bound.specifier.prereleases for bound in bounds)
    )
