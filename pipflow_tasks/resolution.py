"""A set of versions that go together, or why there is none.

The algorithm is resolvelib's, which is pip's; what it asks is answered here. A project is one
identity, whatever its extras: a pick carries the union of the extras that are asked of it, and is
picked anew when that grows. Nothing is fetched here: a catalog is handed in.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Protocol

from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from resolvelib import AbstractProvider, BaseReporter
from resolvelib.resolvers import Resolution as Search
from resolvelib.resolvers import ResolutionImpossible, ResolutionTooDeep

from .errors import ProjectNotFound
from .finder import Candidate, Rejection, names_exactly, suit

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from packaging.requirements import Requirement
    from packaging.version import Version

    from .finder import Bound
    from .simple_api import DistributionFile, Metadata
    from .target import Target

MAX_ROUNDS = 20_000
MAX_LINES = 12
MAX_BATCH = 32
MAX_PATH = 4
MAX_NEEDS = 3

_PYTHON = canonicalize_name("python-of-the-image")
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """A requirement that stands in a file or was typed.

    Attributes:
        name: the project.
        extras: those asked for.
        specifier: the versions allowed.
        source: how a message names where it comes from: ``requirements.txt:3``.
        place: the line that it stands for, or an empty string.
        shown: how a message quotes it: ``flask==2.0``.
        is_pin: it stands for a pin, which stays or moves.
        is_opaque: it names an address: it satisfies its name, its dependencies are not known.
        prereleases: pre-releases count like any other version.
        local: where given, only versions with this local label.
    """

    name: NormalizedName
    specifier: SpecifierSet
    source: str
    shown: str
    place: str = ""
    extras: frozenset[str] = frozenset()
    is_pin: bool = False
    is_opaque: bool = False
    prereleases: bool = False
    local: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a want or a picked version asks of a project; ``by`` is set where it is asked anew."""

    name: NormalizedName
    specifier: SpecifierSet
    shown: str
    extras: frozenset[str] = frozenset()
    is_opaque: bool = False
    want: Want | None = None
    by: Pick | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """A version that was picked, with extras; no candidate where it is opaque."""

    name: NormalizedName
    extras: frozenset[str]
    candidate: Candidate | None

    @property
    def version(self) -> Version | None:
        """The version, or None where an address stands for it."""
        return None if self.candidate is None else self.candidate.version

    def __str__(self) -> str:
        return f"{self.name} {self.version}" if self.candidate is not None else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """A need that takes part in a conflict.

    Attributes:
        need: what is needed.
        parent: the pick that has the need; None for a want.
        path: the picks that led to the parent, from a want on.
    """

    need: Need
    parent: Pick | None
    path: tuple[Pick, ...] = ()

    def __str__(self) -> str:
        if self.parent is not None:
            way = " → ".join(str(pick) for pick in (*self.path, self.parent))
            return f"{way} needs {self.need.shown}"
        assert self.need.want is not None
        return f"{self.need.want.shown} is asked for ({self.need.want.source})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Why there is no solution: the needs that clash where the search ended.

    Attributes:
        causes: those needs.
        remarks: what else keeps the projects they are about from satisfying them.
        absent: the project they are about is on no index.
        too_deep: the search was given up.
    """

    causes: tuple[Cause, ...]
    remarks: tuple[str, ...] = ()
    absent: bool = False
    too_deep: bool = False

    @property
    def names(self) -> tuple[NormalizedName, ...]:
        """The projects that take part, asked or asking."""
        names = [cause.need.name for cause in self.causes if cause.need.name != _PYTHON]
        names += [cause.parent.name for cause in self.causes if cause.parent is not None]
        return tuple(dict.fromkeys(names))

    def explain(self) -> tuple[str, ...]:
        """Return the causes as sentences, at most ``MAX_LINES``; like needs are told once."""
        alike: dict[tuple[str, str], list[Cause]] = {}
        for cause in self.causes:
            who = cause.parent.name if cause.parent is not None else cause.need.shown
            alike.setdefault((who, cause.need.name), []).append(cause)
        lines = [line for causes in alike.values() for line in _sentences(causes)]
        if self.absent:
            lines = [f"{line}, which the index does not have" for line in lines]
        lines += self.remarks
        if self.too_deep:
            lines.insert(0, f"no set was found within {MAX_ROUNDS} rounds of search")
        if len(lines) > MAX_LINES:
            lines = [*lines[: MAX_LINES - 1], f"... and {len(lines) - MAX_LINES + 1} more"]
        return tuple(lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """Versions that go together.

    Attributes:
        picks: by project.
        needs: what is asked of each project, and by whom.
    """

    picks: Mapping[NormalizedName, Pick]
    needs: Mapping[NormalizedName, tuple[Cause, ...]]

    def version(self, name: NormalizedName) -> Version | None:
        """Return the version of a project, or None where it has none here."""
        pick = self.picks.get(name)
        return None if pick is None else pick.version

    def parents(self, name: NormalizedName) -> tuple[NormalizedName, ...]:
        """Return the projects that need one."""
        found = [cause.parent.name for cause in self.needs.get(name, ()) if cause.parent]
        return tuple(dict.fromkeys(parent for parent in found if parent != name))


Waiver = tuple[NormalizedName, NormalizedName]


@dataclass(frozen=True, slots=True)
class Resolution:
    """The search for sets that go together, for one catalog and target.

    What was learnt about candidates and dependencies is kept from one search to the next.

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
    _releases: dict[NormalizedName, _Releases] = field(default_factory=dict)
    _dependencies: dict[tuple[NormalizedName, Version, frozenset[str]], tuple[Need, ...]] = field(
        default_factory=dict
    )

    def solve(
        self, wants: Sequence[Want], *, waived: frozenset[Waiver] = frozenset()
    ) -> Solution | Conflict:
        """Find the newest versions that satisfy all wants and what these need in turn.

        Args:
            wants: what has to be satisfied; of two that clash over newness, the first has its way.
            waived: pairs of a project and one that it needs, whose needs do not count.

        Raises:
            PackageIndexError: the catalog failed.
        """
        found = self._search(wants, waived)
        if isinstance(found, Solution) or found.too_deep:
            return found
        # resolvelib jumps back further than it may at times: another order finds what it missed
        clashing = set(found.names)
        for other in (sorted(wants, key=lambda want: want.name not in clashing), wants[::-1]):
            again = self._search(other, waived)
            if isinstance(again, Solution):
                return again
        return found

    def clashing(
        self, wants: Sequence[Want], *, waived: frozenset[Waiver] = frozenset()
    ) -> tuple[Want, ...]:
        """Return wants that clash, of which none can be left out.

        Args:
            wants: wants that have no solution.
            waived: as for ``solve``.
        """
        left = list(wants)
        size = max(len(left) // 2, 1)
        while True:
            for start in range(len(left) - 1, -1, -size):
                fewer = left[: max(start - size + 1, 0)] + left[start + 1 :]
                if isinstance(self.solve(fewer, waived=waived), Conflict):
                    left = fewer
                    break
            else:
                if size == 1:
                    return tuple(left)
                size = max(size // 2, 1)

    def _search(self, wants: Sequence[Want], waived: frozenset[Waiver]) -> Solution | Conflict:
        """Search in one order; what resolvelib loses on its way is asked for again."""
        roots = [_need_of(want) for want in wants]
        provider = _Provider(self, wants, waived)
        while True:
            trail = _Trail()
            search = Search(provider, trail)
            try:
                state = search.resolve(roots, max_rounds=MAX_ROUNDS)
            except ResolutionImpossible as impossible:
                causes = tuple(
                    Cause(
                        need=cause.requirement,
                        parent=cause.parent or cause.requirement.by,
                        path=trail.path_to(cause.parent),
                    )
                    for cause in impossible.causes
                )
                names = {cause.need.name for cause in causes} - {_PYTHON}
                return Conflict(
                    causes=causes,
                    remarks=tuple(self._remarks(causes)),
                    absent=bool(names) and not any(self.releases(name).all for name in names),
                )
            except ResolutionTooDeep:
                return Conflict(causes=(), too_deep=True)
            solution, lost = self._walk(state.mapping, wants, provider)
            if not lost or any(need in roots for need in lost):
                return solution
            roots.extend(lost)

    def _walk(
        self, picks: Mapping[NormalizedName, Pick], wants: Sequence[Want], provider: _Provider
    ) -> tuple[Solution, list[Need]]:
        """Follow the needs from the wants; return what is reached, and the needs not met."""
        causes = [Cause(need=_need_of(want), parent=None) for want in wants]
        needs: dict[NormalizedName, list[Cause]] = {}
        lost: list[Need] = []
        for cause in causes:  # it grows on the way
            need = cause.need
            pick = picks.get(need.name)
            if pick is None or not provider.is_satisfied_by(need, pick):
                lost.append(replace(need, by=cause.parent))
                continue
            if need.name not in needs:
                needed = provider.get_dependencies(pick)
                causes.extend(Cause(need=each, parent=pick) for each in needed)
            needs.setdefault(need.name, []).append(cause)
        reached = {name: picks[name] for name in needs}
        return Solution(picks=reached, needs={n: tuple(c) for n, c in needs.items()}), lost

    def solve_around(
        self, wants: Sequence[Want]
    ) -> tuple[Solution | Conflict, frozenset[Waiver], Conflict | None]:
        """Solve as far as it goes: where wants clash, set aside the needs that make them.

        Args:
            wants: what has to be satisfied.

        Returns:
            the solution, or the conflict that no waiver settles; what was waived; and the first
            conflict that was met.
        """
        waived: frozenset[Waiver] = frozenset()
        first: Conflict | None = None
        while True:
            found = self.solve(wants, waived=waived)
            if isinstance(found, Solution):
                return found, waived, first
            first = first or found
            clashing = {
                (cause.parent.name, cause.need.name)
                for cause in found.causes
                if cause.parent is not None
            }
            if clashing <= waived:
                return found, waived, first
            waived |= clashing

    def improve(
        self, wants: Sequence[Want], solution: Solution, *, waived: frozenset[Waiver] = frozenset()
    ) -> Solution:
        """Raise every want as far as it goes without another falling.

        Args:
            wants: those that ``solution`` solves.
            solution: where to begin.
            waived: as for ``solve``.
        """
        for want in wants:
            while self._may_rise(want, solution):
                floor = [_at_least(other, solution) for other in wants]
                place = wants.index(want)
                floor[place] = _above(want, solution)
                better = self.solve(floor, waived=waived)
                if isinstance(better, Conflict):
                    break
                solution = better
        return solution

    def why_below(self, name: NormalizedName, version: Version, solution: Solution) -> str:
        """Say what keeps a project from a version that suits, as a clause.

        Args:
            name: the project.
            version: a newer one than the solution has.
            solution: what was found.
        """
        others = _reached_without(name, solution)
        for cause in solution.needs.get(name, ()):
            if cause.parent is None or cause.parent.name not in others:
                continue
            if not cause.need.specifier.contains(version, prereleases=True):
                chain = _chain(cause.parent, solution)
                if len(chain) > 1:
                    return f"because {' → '.join(chain)} needs {cause.need.shown}"
                return str(cause)
        candidate = self.releases(name).candidate(version)
        if candidate is not None:
            pick = Pick(name=name, extras=solution.picks[name].extras, candidate=candidate)
            reason = self._obstacle((pick,), solution, others)
            if reason:
                return reason
        return f"{version} does not go together with the other pins"

    def _obstacle(
        self, path: tuple[Pick, ...], solution: Solution, others: Collection[NormalizedName]
    ) -> str:
        """Say which need of the last pick of a path can't be met beside the solution."""
        pick = path[-1]
        way = " → ".join(str(each) for each in path)
        start = f"because {way}" if len(path) > 1 else way
        for need in self.dependencies(pick):
            if need.name == _PYTHON:
                return f"{start} needs {need.shown}"
            here = solution.picks.get(need.name)
            if here is not None and _satisfies(here, need):
                continue
            there = [
                cause
                for cause in solution.needs.get(need.name, ())
                if cause.parent is None or cause.parent.name in others
            ]
            against = self._against(need, here, there)
            if against:
                return f"{start} needs {need.shown}, and {against}"
            best = next(self.matches(need.name, [need], {}), None)
            if best is None:
                return f"{start} needs {need.shown}{self._why_none(need)}"
            if len(path) < MAX_PATH and need.name not in {each.name for each in path}:
                further = Pick(name=need.name, extras=need.extras, candidate=best)
                reason = self._obstacle((*path, further), solution, others)
                if reason:
                    return reason
        return ""

    def _against(self, need: Need, here: Pick | None, there: Sequence[Cause]) -> str:
        """Say what else is asked of a project that keeps a need from being met, if that does."""
        for cause in sorted(there, key=lambda cause: cause.parent is not None):
            want = cause.need.want
            if want is not None and want.is_pin and here is not None:
                return f"{need.name} stays at {here.version}"
            alone = next(self.matches(need.name, [need], {}), None)
            if alone is not None and not any(self.matches(need.name, [need, cause.need], {})):
                return str(cause)
        return ""

    def _why_none(self, need: Need) -> str:
        """Say why no version meets a need by itself, as the rest of a sentence."""
        releases = self.releases(need.name)
        if not releases.all:
            return ", which the index does not have"
        found = [v for v in releases.all if need.specifier.contains(v, prereleases=True)]
        if not found:
            return f", and the newest is {releases.all[0]}"
        finals = [version for version in found if not version.is_prerelease]
        if not finals:
            return f", and {need.name} has only pre-releases of it"
        return f", and {need.name} {finals[0]} {self._why_not(need.name, finals[0])}"

    def _why_not(self, name: NormalizedName, version: Version) -> str:
        """Say why a version is no candidate, as the end of a sentence about it."""
        for bound in self.bounds(name):
            if not bound.specifier.contains(version, prereleases=True):
                return bound.reason
        return self.releases(name).why_not(version)

    def _remarks(self, causes: Iterable[Cause]) -> Iterator[str]:
        """Yield what bounds say of the newest versions that clashing needs ask for."""
        for need in {cause.need.name: cause.need for cause in causes}.values():
            for version in self.releases(need.name).all:
                if need.specifier.contains(version) and not version.is_prerelease:
                    for bound in self.bounds(need.name):
                        if not bound.specifier.contains(version, prereleases=True):
                            yield f"{need.name} {version} {bound.reason}"
                    break

    def why_given(self, want: Want) -> str:
        """Say why no version satisfies a want, as a clause."""
        return self._why_none(_need_of(want)).removeprefix(", ").removeprefix("and ")

    def prefetch(self, wants: Iterable[Want]) -> None:
        """Fetch pages and the newest metadata, breadth first, before the search asks one by one."""
        picks = {want.name: _need_of(want) for want in wants if not want.is_opaque}
        seen: set[NormalizedName] = set()
        while picks:
            seen.update(picks)
            self.catalog.prefetch(picks)
            found = [
                Pick(name=name, extras=need.extras, candidate=candidate)
                for name, need in picks.items()
                if (candidate := self._first(need)) is not None
            ]
            self.catalog.prefetch_metadata(
                (pick.candidate.file, *pick.candidate.siblings) for pick in found if pick.candidate
            )
            picks = {
                need.name: need
                for pick in found
                for need in self.dependencies(pick)
                if need.name not in seen and need.name != _PYTHON and not need.is_opaque
            }

    def releases(self, name: NormalizedName) -> _Releases:
        """Return the releases of a project; none where the catalog does not have it."""
        if name not in self._releases:
            try:
                files = self.catalog.files(name)
            except ProjectNotFound:
                files = ()
            self._releases[name] = _Releases(files, self.target)
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

    def _needs(self, metadata: Metadata, pick: Pick) -> Iterator[Need]:
        python = metadata.requires_python
        if python is not None and not self.target.supports_python(python):
            shown = f"Python {python}, the image has {self.target.python} ({self.target.source})"
            yield Need(name=_PYTHON, specifier=python, shown=shown)
        for requirement in metadata.requires:
            marker = requirement.marker
            if marker is None or self.target.applies(marker, ("", *sorted(pick.extras))):
                yield _need_from(requirement)

    def _first(self, need: Need) -> Candidate | None:
        return next(iter(self.matches(need.name, [need], {})), None)

    def matches_want(self, want: Want) -> Iterator[Candidate]:
        """Yield the candidates for a want alone, newest first."""
        return self.matches(want.name, [_need_of(want)], {})

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

    def _in_batches(self, candidates: Iterator[Candidate]) -> Iterator[Candidate]:
        """Yield candidates, with the metadata of ever more of them fetched ahead."""
        size = 1
        while batch := list(islice(candidates, size)):
            if size > 1:
                self.catalog.prefetch_metadata((c.file, *c.siblings) for c in batch)
            yield from batch
            size = min(2 * size, MAX_BATCH)

    def _may_rise(self, want: Want, solution: Solution) -> bool:
        """Tell whether a newer version suits that no settled pick forbids outright."""
        now = solution.version(want.name)
        if want.is_opaque or now is None:
            return False
        best = self._first(_need_of(want))
        return best is not None and best.version > now


class _Releases:
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


class _Provider(AbstractProvider[Need, Pick, NormalizedName]):
    """Answers resolvelib's questions."""

    def __init__(
        self, resolution: Resolution, wants: Sequence[Want], waived: frozenset[Waiver]
    ) -> None:
        self._resolution = resolution
        self._order = {want.name: place for place, want in reversed(list(enumerate(wants)))}
        self._waived = waived

    def identify(self, requirement_or_candidate: Need | Pick) -> NormalizedName:
        return requirement_or_candidate.name

    def get_preference(
        self, identifier: NormalizedName, *_: Any, **questions: Any
    ) -> tuple[bool, int, str]:
        """Settle what is pinned first, then wants in their order, then the rest by name."""
        needs = [information.requirement for information in questions["information"][identifier]]
        is_pinned = any(need.is_opaque or names_exactly(need.specifier) for need in needs)
        return (not is_pinned, self._order.get(identifier, len(self._order)), identifier)

    def narrow_requirement_selection(
        self, identifiers: Iterable[NormalizedName], *_: Any, **questions: Any
    ) -> Iterable[NormalizedName]:
        """After a conflict, settle the projects that took part in it before others."""
        names = list(identifiers)
        causes = questions["backtrack_causes"]
        if not causes:
            return names
        involved = {cause.requirement.name for cause in causes}
        involved.update(cause.parent.name for cause in causes if cause.parent is not None)
        return [name for name in names if name in involved] or names

    def find_matches(
        self,
        identifier: NormalizedName,
        requirements: Mapping[NormalizedName, Iterator[Need]],
        incompatibilities: Mapping[NormalizedName, Iterator[Pick]],
    ) -> Callable[[], Iterator[Pick]] | list[Pick]:
        needs = list(requirements[identifier])
        extras = frozenset[str]().union(*(need.extras for need in needs))
        if identifier == _PYTHON:
            return []
        if any(need.is_opaque for need in needs):
            return [Pick(name=identifier, extras=extras, candidate=None)]
        without = {
            pick.candidate.version: pick.extras
            for pick in incompatibilities[identifier]
            if pick.candidate is not None
        }

        def picks() -> Iterator[Pick]:
            for candidate in self._resolution.matches(identifier, needs, without):
                yield Pick(name=identifier, extras=extras, candidate=candidate)

        return picks

    def is_satisfied_by(self, requirement: Need, candidate: Pick) -> bool:
        return _satisfies(candidate, requirement)

    def get_dependencies(self, candidate: Pick) -> list[Need]:
        return [
            need
            for need in self._resolution.dependencies(candidate)
            if (candidate.name, need.name) not in self._waived
        ]


class _Trail(BaseReporter[Need, Pick, NormalizedName]):
    """Remembers how the search came to each project."""

    def __init__(self) -> None:
        self._parents: dict[NormalizedName, Pick | None] = {}

    def adding_requirement(self, requirement: Need, parent: Pick | None) -> None:
        if parent is None or self._parents.get(requirement.name, parent) is not None:
            self._parents[requirement.name] = parent

    def path_to(self, pick: Pick | None) -> tuple[Pick, ...]:
        """Return the picks that led to one, from a want on."""
        path: list[Pick] = []
        while pick is not None:
            pick = self._parents.get(pick.name)
            if pick is None or any(pick.name == each.name for each in path):
                break
            path.insert(0, pick)
        return tuple(path)


def _sentences(causes: Sequence[Cause]) -> Iterator[str]:
    """Say what a project, perhaps in several versions, needs of another."""
    needs = list(dict.fromkeys(cause.need.shown for cause in causes))
    if len(needs) > MAX_NEEDS:
        told = ", ".join(needs[:MAX_NEEDS])
        yield f"{_span(causes)} needs {told} or the like"
        return
    for shown in needs:
        alike = [cause for cause in causes if cause.need.shown == shown]
        yield str(alike[0]) if len(alike) == 1 else f"{_span(alike)} needs {shown}"


def _span(causes: Sequence[Cause]) -> str:
    """Name the versions of a project that need something."""
    versions = sorted({c.parent.version for c in causes if c.parent and c.parent.version})
    first = str(causes[0].parent)
    return first if len(versions) < 2 else f"{first.split()[0]} {versions[0]} to {versions[-1]}"


def _satisfies(pick: Pick, need: Need) -> bool:
    if pick.candidate is None:
        return True
    return need.extras <= pick.extras and need.specifier.contains(
        pick.candidate.version, prereleases=True
    )


def _reached_without(name: NormalizedName, solution: Solution) -> set[NormalizedName]:
    """Return the projects that would be there if one were not: what only it needs is left out."""
    reached: set[NormalizedName] = set()
    grows = True
    while grows:
        grows = False
        for other, causes in solution.needs.items():
            if other == name or other in reached:
                continue
            if any(cause.parent is None or cause.parent.name in reached for cause in causes):
                reached.add(other)
                grows = True
    return reached


def _need_of(want: Want) -> Need:
    return Need(
        name=want.name,
        specifier=want.specifier,
        shown=want.shown,
        extras=want.extras,
        is_opaque=want.is_opaque,
        want=want,
    )


def _need_from(requirement: Requirement) -> Need:
    extras = frozenset(canonicalize_name(extra) for extra in requirement.extras)
    asked = f"[{','.join(sorted(extras))}]" if extras else ""
    return Need(
        name=canonicalize_name(requirement.name),
        specifier=requirement.specifier,
        shown=f"{requirement.name}{asked}{requirement.specifier}",
        extras=extras,
        is_opaque=requirement.url is not None,
    )


def _at_least(want: Want, solution: Solution) -> Want:
    now = solution.version(want.name)
    return want if now is None else _bounded(want, f">={now.public}")


def _above(want: Want, solution: Solution) -> Want:
    now = solution.version(want.name)
    assert now is not None
    return _bounded(want, f">={now.public},!={now}")  # ">" would leave out post-releases


def _bounded(want: Want, clause: str) -> Want:
    return replace(want, specifier=want.specifier & SpecifierSet(clause, prereleases=False))


def _chain(pick: Pick, solution: Solution) -> tuple[str, ...]:
    """Return the picks that lead from a want to this one, the shortest way."""
    paths: list[tuple[Pick, ...]] = [(pick,)]
    seen = {pick.name}
    while paths:
        path = paths.pop(0)
        causes = solution.needs.get(path[0].name, ())
        if any(cause.parent is None for cause in causes):
            return tuple(str(each) for each in path)
        for cause in causes:
            if cause.parent is not None and cause.parent.name not in seen:
                seen.add(cause.parent.name)
                paths.append((cause.parent, *path))
    return (str(pick),)
