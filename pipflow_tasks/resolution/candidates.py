"""What a search picks from: the versions that suit the target, and their dependencies."""

from __future__ import annotations

from collections import deque
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct, field
from msgspec.structs import replace
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from ..errors import ProjectNotFound
from .finder import Admission, Candidate, Choice, Rejection, Releases, names_exactly
from .partition import Partition, project_of
from .problem import (
    PYTHON,
    Dependency,
    Extra,
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

    from ..simple_api import DistributionFile, Metadata, ProjectStatus
    from ..target import Target
    from .finder import Bound, Prereleases
    from .partition import Key

MAX_BATCH = 32
_NO_EXTRAS: frozenset[Extra] = frozenset()


class Catalog(Protocol):
    """Where files and dependencies come from; a ``PackageIndex`` is one."""

    def files(self, project: NormalizedName) -> Mapping[Version, Sequence[DistributionFile]]:
        """Return a project's files by version, newest first, or raise ProjectNotFound."""

    def metadata(self, files: Sequence[DistributionFile]) -> Metadata | None:
        """Return the metadata of a release, or None where it is unknown."""

    def indexes_of(self, project: NormalizedName) -> tuple[str, ...]:
        """Return the indexes that have a project, as messages show them; after ``files``."""

    def status_of(self, project: NormalizedName) -> ProjectStatus:
        """Return what the indexes say of a project as a whole; after ``files``."""

    def prefetch(self, projects: Iterable[NormalizedName]) -> None:
        """Begin to make ``files`` quick for several projects."""

    def prefetch_metadata(self, files: Iterable[Sequence[DistributionFile]]) -> None:
        """Begin to make ``metadata`` quick for several releases."""


class View(Struct, frozen=True, kw_only=True):
    """An environment as a search sees it.

    Attributes:
        catalog: what its indexes have.
        target: what it accepts.
        admission: which files of a project are taken.
        admissions: by project, where they differ from ``admission``.
        overridden: projects of which versions ask nothing, and whether an address is installed
            instead; what is taken of them is in the constraints.
        skips_dependencies: it installs what the files name, and nothing that these need.
    """

    catalog: Catalog
    target: Target
    admission: Admission = Admission()
    admissions: Mapping[NormalizedName, Admission] = MappingProxyType({})
    overridden: Mapping[NormalizedName, bool] = MappingProxyType({})
    skips_dependencies: bool = False

    def admission_of(self, project: NormalizedName) -> Admission:
        """Return which files of a project are taken."""
        found = self.admissions.get(project, self.admission)
        cutoff = found.cutoff
        if cutoff is None or not cutoff.exempt:
            return found
        is_exempt = cutoff.exempts(project, self.catalog.indexes_of(project))
        return replace(found, cutoff=None) if is_exempt else found


class _Found(Struct, frozen=True):
    """The dependencies of a pick, and whether some are unknown."""

    dependencies: tuple[Dependency, ...]
    is_unknown: bool


class _Offer(Struct, frozen=True, kw_only=True):
    """What there is of a project within limits, whatever is asked of it.

    Attributes:
        bounds: what keeps versions out.
        admissions: which files are taken, in each environment.
        prefers_wheels: the line that prefers an older wheel to a newer sdist, or nothing.
        kept: the set of the version that is preferred.
        may_rise: newer ones come before it.
        takes_withheld: versions are taken that are too young, or built where the pin has a wheel.
    """

    releases: Releases
    bounds: tuple[Bound, ...]
    admissions: tuple[Admission, ...]
    prefers_wheels: str
    kept: int
    may_rise: bool
    takes_withheld: bool


class Candidates(Struct, frozen=True):
    """The candidates for environments, within limits; what was looked up is remembered.

    Attributes:
        views: the environments, as the partition numbers them.
        partition: in which of them a project has one version.
    """

    views: tuple[View, ...]
    partition: Partition = Partition()
    limits: Limits = Limits()
    _releases: dict[tuple[Key, bool], Releases] = field(default_factory=dict)
    _by_view: dict[tuple[NormalizedName, int, bool], Releases] = field(default_factory=dict)
    _dependencies: dict[tuple[Key, Version | None, frozenset[Extra]], _Found] = field(
        default_factory=dict
    )
    _offers: dict[Key, _Offer] = field(default_factory=dict)

    def within(self, limits: Limits) -> Candidates:
        """Return the candidates within other limits; both share what was looked up."""
        return self if limits is self.limits else replace(self, limits=limits, _offers={})

    def views_of(self, name: Key) -> Iterator[tuple[int, View]]:
        """Yield the environments that a key stands for, with their numbers."""
        for number in self.partition.part_of(name):
            yield number, self.views[number]

    def expect(self, projects: Iterable[NormalizedName]) -> None:
        """Begin to make ``releases`` quick for several projects."""
        wanted = [*projects]
        for catalog in {id(view.catalog): view.catalog for view in self.views}.values():
            catalog.prefetch(wanted)

    def prefetch(self, roots: Iterable[Root]) -> Mapping[Key, Pick]:
        """Fetch what a search will ask for, before it asks one by one.

        The newest version of each root is picked, then of its dependencies, as they arrive. A
        project is picked again when more is asked of it, until nothing new is needed.

        Returns:
            by project, the newest pick that satisfies the others; together they may conflict.
        """
        found: dict[Key, Pick] = {}
        dependencies: dict[Key, list[Dependency]] = {}
        arriving: deque[Key | Pick] = deque()
        waiting: set[Key] = set()

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
                    self._expect_releases(dependency.name)
                    arriving.append(dependency.name)

        expect(dependency_of(root) for root in roots)
        while arriving:
            item = arriving.popleft()
            if isinstance(item, Pick):
                expect(self.dependencies(item))
                continue
            waiting.remove(item)
            candidate = next(self.fitting(item, dependencies[item]), None)
            if candidate is None:
                continue
            extras = _NO_EXTRAS.union(*[each.extras for each in dependencies[item]])
            pick = Pick(name=item, extras=extras, candidate=candidate)
            if pick != found.get(item):
                found[item] = pick
                if _key_of(pick) not in self._dependencies:
                    self._expect_metadata(item, [candidate])
                arriving.append(pick)
        return found

    def _expect_releases(self, name: Key) -> None:
        if (name, name in self.limits.taking_source) not in self._releases:
            for _, view in self.views_of(name):
                view.catalog.prefetch([project_of(name)])

    def _expect_metadata(self, name: Key, candidates: Iterable[Candidate]) -> None:
        picked = [*candidates]
        for place, (_, view) in enumerate(self.views_of(name)):
            view.catalog.prefetch_metadata(each.each[place].files for each in picked)

    def releases(self, name: Key) -> Releases:
        """Return the releases of a project; none where the catalog does not have it."""
        takes_source = name in self.limits.taking_source
        found = self._releases.get((name, takes_source))
        if found is None:
            part = self.partition.part_of(name)
            each = {
                self.partition.names[number]: self._releases_in(
                    number, project_of(name), takes_source=takes_source
                )
                for number in part
            }
            found = Releases.joining(each) if len(part) > 1 else each.popitem()[1]
            self._releases[name, takes_source] = found
        return found

    def suit_each(self, name: Key, version: Version) -> Iterator[tuple[int, Candidate | Rejection]]:
        """Yield what each environment of a key gets of a version, or why it gets none."""
        takes_source = name in self.limits.taking_source
        for number in self.partition.part_of(name):
            own = self._releases_in(number, project_of(name), takes_source=takes_source)
            there = next(own.among(own.pinned(version)), None)
            if there is None:
                yield number, Rejection(version=version, reason="is not on its indexes")
            else:
                yield number, own.suit(there)

    def _releases_in(self, number: int, project: NormalizedName, *, takes_source: bool) -> Releases:
        """Return the releases of a project for one environment."""
        key = (project, number, takes_source)
        if key not in self._by_view:
            view = self.views[number]
            try:
                files = view.catalog.files(project)
            except ProjectNotFound:
                files = {}
            admission = view.admission_of(project)
            if takes_source:
                admission = replace(admission, takes_source=True)
            self._by_view[key] = Releases(files, view.target, admission)
        return self._by_view[key]

    def metadata(self, pick: Pick) -> tuple[Metadata | None, ...]:
        """Return the metadata of a pick in each of its environments; None where it is unknown.

        There is none for an address.
        """
        if pick.candidate is None:
            return ()
        each = zip(self.views_of(pick.name), pick.candidate.each, strict=True)
        return tuple(view.catalog.metadata(candidate.files) for (_, view), candidate in each)

    def is_unknown(self, pick: Pick) -> bool:
        """Return whether the dependencies of a pick are unknown in an environment."""
        return self._look_up(pick).is_unknown

    def dependencies(self, pick: Pick) -> tuple[Dependency, ...]:
        """Return the dependencies of a pick, with its extras; none where they are unknown."""
        return self._look_up(pick).dependencies

    def dependencies_in(self, pick: Pick, number: int) -> tuple[Dependency, ...]:
        """Return the dependencies of a pick in one of its environments."""
        part = self.partition.part_of(pick.name)
        if len(part) == 1:
            return self.dependencies(pick)
        for each, known in zip(part, self.metadata(pick), strict=False):
            if each == number and known is not None:
                return tuple(self._read_dependencies(known, pick, number))
        return ()

    def _look_up(self, pick: Pick) -> _Found:
        key = _key_of(pick)
        known = self._dependencies.get(key)
        if known is None:
            metadata = self.metadata(pick)
            part = self.partition.part_of(pick.name)
            found = [
                dependency
                for number, own in zip(part, metadata, strict=False)
                if own is not None
                for dependency in self._read_dependencies(own, pick, number)
            ]
            known = self._dependencies[key] = _Found(
                dependencies=tuple(found if len(part) == 1 else _join(found)),
                is_unknown=not metadata or None in metadata,
            )
        return known

    def matches(self, name: Key, dependencies: Sequence[Dependency]) -> Iterator[Candidate]:
        """Yield what ``fitting`` yields, and fetch the metadata of more and more of them ahead."""
        candidates = self.fitting(name, dependencies)
        size = 1
        while batch := list(islice(candidates, size)):
            if size > 1:
                self._expect_metadata(name, batch)
            yield from batch
            size = min(4 * size, MAX_BATCH)

    def fitting(self, name: Key, dependencies: Sequence[Dependency]) -> Iterator[Candidate]:
        """Yield the candidates of a project for all that is asked of it, newest first.

        A preferred version comes before any older one, and before newer ones unless it may rise.
        Versions that are too young come last, oldest first, where they are admitted.
        """
        offer = self._offers.get(name)
        if offer is None:
            offer = self._offers[name] = self._offer(name)
        return _Order(dependencies, offer).candidates()

    def _offer(self, name: Key) -> _Offer:
        limits, releases = self.limits, self.releases(name)
        admissions = tuple(view.admission_of(project_of(name)) for _, view in self.views_of(name))
        preference = limits.preferences.get(name)
        return _Offer(
            releases=releases,
            bounds=limits.bounds_on(name),
            admissions=admissions,
            prefers_wheels=next(filter(None, (each.prefers_wheels for each in admissions)), ""),
            kept=0 if preference is None else releases.pinned(preference.version),
            may_rise=preference is not None and preference.may_rise,
            takes_withheld=limits.admits_all_of(name),
        )

    def first(self, dependency: Dependency) -> Candidate | None:
        """Return the newest candidate for one dependency alone, or None."""
        return next(self.fitting(dependency.name, [dependency]), None)

    def choose(
        self,
        name: Key,
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
            shown=project_of(name),
            prereleases=prereleases,
            local=local,
        )
        limits = replace(self.limits.admitting(()), preferences={})
        order = _Order([dependency_of(root)], self.within(limits)._offer(name))
        candidate = next(order.candidates(), None)
        return Choice(candidate=candidate, rejections=tuple(order.rejections(root, candidate)))

    def turns_on_patch(self) -> bool:
        """Return whether anything that was looked up turns on the patch level that is assumed."""
        targets = [view.target for view in self.views if view.target.patches]
        if not targets:
            return False
        pythons: dict[int, SpecifierSet] = {}
        for releases in self._by_view.values():
            pythons.update(releases.needed_pythons)
        return any(
            target.turns_on_patch(python) for python in pythons.values() for target in targets
        ) or any(any(self.questions_of(pick)) for pick in self.looked_up())

    def looked_up(self) -> Iterator[Pick]:
        """Yield the picks whose dependencies were looked up."""
        for name, version, extras in self._dependencies:
            found = None if version is None else self.releases(name).suit(version)
            if isinstance(found, Candidate):
                yield Pick(name=name, candidate=found, extras=extras)

    def questions_of(self, pick: Pick) -> Iterator[tuple[Target, SpecifierSet | Requirement]]:
        """Yield what of a pick turns on the patch level that is assumed of a target."""
        views = [*self.views_of(pick.name)]
        if not any(view.target.patches for _, view in views):
            return
        for (number, view), metadata in zip(views, self.metadata(pick), strict=False):
            if metadata is None or not view.target.patches:
                continue
            if metadata.requires_python and view.target.turns_on_patch(metadata.requires_python):
                yield view.target, metadata.requires_python
            extras = _named(pick, number)
            for requirement in metadata.by_patch:
                if requirement.marker and view.target.turns_on_patch(requirement.marker, extras):
                    yield view.target, requirement

    def _read_dependencies(
        self, metadata: Metadata, pick: Pick, number: int
    ) -> Iterator[Dependency]:
        """Yield what a pick needs in one environment."""
        view = self.views[number]
        target, python = view.target, metadata.requires_python
        if python is not None and not target.supports_python(python):
            shown = f"Python {python}, {target.shown_python}"
            yield Dependency(name=PYTHON, specifier=python, shown=shown)
        if metadata.invalid and target.refuses_invalid_metadata:
            shown = f'"{metadata.invalid[0]}", which pip {target.pip} of the image refuses'
            yield Dependency(name=PYTHON, specifier=SpecifierSet(), shown=shown)
        extras = _named(pick, number)
        needed = metadata.for_extras(extras[1:])
        for requirement in () if view.skips_dependencies else needed:
            if requirement.marker is None or target.applies(requirement.marker, extras):
                project = canonicalize_name(requirement.name)
                key = self.partition.key(project, number)
                overriding = view.overridden.get(project)
                yield _overriding(dependency_from(requirement, key, number), overriding)


def _key_of(pick: Pick) -> tuple[Key, Version | None, frozenset[Extra]]:
    return pick.name, pick.version, pick.extras


def _named(pick: Pick, number: int) -> tuple[str, ...]:
    """Return the extras of a pick in one environment, after none."""
    return ("", *sorted(each.name for each in pick.extras if each.environment == number))


def _overriding(dependency: Dependency, is_address: bool | None) -> Dependency:
    """Return a dependency without its specifier where that is overridden, perhaps by an address."""
    if is_address is None:
        return dependency
    return Dependency(
        name=dependency.name,
        specifier=SpecifierSet(),
        shown=project_of(dependency.name),
        extras=dependency.extras,
        is_opaque=is_address,
    )


def _join(dependencies: Iterable[Dependency]) -> Iterable[Dependency]:
    """Return the dependencies of several environments; those that differ in extras are one."""
    found: dict[tuple[Key, str], Dependency] = {}
    for each in dependencies:
        there = found.setdefault((each.name, each.shown), each)
        if there is not each:
            found[each.name, each.shown] = replace(there, extras=there.extras | each.extras)
    return found.values()


class _Order:
    """The versions of a project that satisfy dependencies and limits, in the order of trial.

    Sets of versions are integers, as ``Releases`` has them.
    """

    def __init__(self, dependencies: Sequence[Dependency], offer: _Offer) -> None:
        releases, bounds = offer.releases, offer.bounds
        roots = [each.root for each in dependencies if each.root is not None]
        is_given = any(root.is_given for root in roots)
        if is_given:
            bounds = tuple(bound for bound in bounds if not bound.is_ours)
        specifiers = [each.specifier for each in dependencies]
        specifiers += [bound.specifier for bound in bounds]
        allowed = releases.bits
        for specifier in specifiers:
            allowed &= releases.allowed(specifier)
        self._dependencies = dependencies
        self._offer = offer
        self._roots = roots
        self._bounds = bounds
        self._specifiers = specifiers
        self._releases = releases
        self._allowed = allowed
        self._labels = {root.local for root in roots if root.local}
        self._takes_withheld = is_given or offer.takes_withheld
        takes_all = releases.final_bits == releases.bits or all(
            _takes_prereleases(each.prereleases, dependencies, bounds) for each in offer.admissions
        )
        self._first = releases.bits if takes_all else releases.final_bits

    # what follows is asked of few orders

    @property
    def _is_exact(self) -> bool:
        """Whether a version is named: a pin takes one that is withheld."""
        return any(each.is_exact for each in self._dependencies) or self._is_bound_exactly

    @property
    def _takes_source(self) -> bool:
        """Whether a wheel is given up: for a person's word, not for a dependency."""
        asked = (each.is_exact for each in self._dependencies if each.root is not None)
        return any(asked) or self._is_bound_exactly

    @property
    def _is_bound_exactly(self) -> bool:
        return any(names_exactly(bound.specifier) for bound in self._bounds)

    @property
    def _may_fall_back(self) -> bool:
        """Whether a pre-release is taken where no final version is left.

        A pin of a pre-release installs it; for a range, not every pip falls back to one.
        """
        prereleases = [each.prereleases for each in self._offer.admissions]
        least = [root.least for root in self._roots if root.least is not None]
        if "never" in prereleases or not all(each.is_prerelease for each in least):
            return False
        return (
            all(each == "last" for each in prereleases)
            or any(not root.is_transitive for root in self._roots)
            or not any(self._specifiers)
        )

    def candidates(self) -> Iterator[Candidate]:
        """Yield the candidates, pre-releases only where no final version is left."""
        least = [root.least for root in self._roots if root.least is not None]
        ends = [root.better_than for root in self._roots if root.better_than is not None]
        found = self._all_candidates()
        return self._between(found, least, ends) if least or ends else found

    def _between(
        self, candidates: Iterable[Candidate], least: Sequence[Version], ends: Sequence[Version]
    ) -> Iterator[Candidate]:
        for candidate in candidates:
            if candidate.version in ends:
                return
            if all(candidate.version >= version for version in least):
                yield candidate

    def rejections(self, root: Root, candidate: Candidate | None) -> Iterator[Rejection]:
        """Yield why versions were skipped for a candidate, or for none; newest first."""
        releases = self._releases
        newer = releases.bits
        prefers_wheels = self._offer.prefers_wheels
        if candidate is not None and not (prefers_wheels and candidate.from_source):
            newer = releases.bit(candidate.version) - 1
        falls_back = candidate is None or not self._first & releases.bit(candidate.version)
        for version in releases.among(self._first | newer if falls_back else self._first & newer):
            if root.local is not None and version.local != root.local:
                yield Rejection(version=version, reason=f"is not a +{root.local} build")
                continue
            found = releases.examine(version, root.specifier, self._bounds)
            if isinstance(found, Candidate):
                reason = f"{found.from_source}, and {prefers_wheels} prefers wheels"
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
        kept = self._offer.kept
        newer = bits & (kept - 1) if kept and self._offer.may_rise else 0
        for part in (newer, kept, bits & ~newer & ~kept):
            if not part & self._allowed:
                continue
            free = filter(self._is_free, self._suiting(part & self._allowed))
            if not self._offer.prefers_wheels:
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
        if not candidate.loses_wheel and not candidate.withheld:
            return True
        kept = self._offer.kept
        if kept and self._releases.bit(candidate.version) == kept:
            return True
        if candidate.loses_wheel and not self._takes_source:
            return False
        return not candidate.withheld or self._is_exact


def _takes_prereleases(
    when: Prereleases, dependencies: Sequence[Dependency], bounds: Sequence[Bound]
) -> bool:
    """Return whether pre-releases count like any other version.

    The roots of a project decide; other dependencies decide only where it has no root.
    """
    if when == "always" or any(
        each.root.prereleases for each in dependencies if each.root is not None
    ):
        return True
    asked = [each for each in dependencies if each.root is not None and not each.root.is_transitive]
    return when == "named" and (
        any(each.names_prerelease for each in asked or dependencies)
        or any(bound.specifier.prereleases for bound in bounds)
    )
