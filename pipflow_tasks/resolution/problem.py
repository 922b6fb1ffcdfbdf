"""The values of a search: roots, limits, dependencies, picks; a solution or a conflict."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name

from ..values import in_brackets, join_words
from .finder import names_exactly
from .partition import Key, project_of, where_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from packaging.requirements import Requirement
    from packaging.version import Version

    from .finder import Bound, Candidate

TYPED = "what was typed"
"""The source of a root that comes from the command line."""

MAX_ROUNDS = 10_000
MAX_LINES = 6
MAX_NEEDS = 3

PYTHON = Key("python-of-the-image")

Waiver = tuple[Key, Key]


class Extra(Struct, frozen=True):
    """An extra of a project that an environment asks for."""

    environment: int
    name: NormalizedName


def in_each(environments: Iterable[int], extras: Iterable[str]) -> frozenset[Extra]:
    """Return extras that several environments ask for."""
    names = [canonicalize_name(extra) for extra in extras]
    return frozenset(Extra(each, name) for each in environments for name in names)


class Root(Struct, frozen=True, kw_only=True):
    """A requirement of a file or of the command line, from which a search starts.

    Attributes:
        name: the key of its project.
        source: how a message names where it comes from: ``requirements.txt:3``.
        place: the line that it comes from, or an empty string.
        shown: how a message quotes it: ``flask==2.0``.
        pin: the pinned version of that line.
        is_transitive: nobody asked for it: it holds a transitive dependency.
        is_given: policies and the cooldown do not count, as for an installer.
        is_opaque: it is an address, or nothing satisfies it: any version will do, and its
            dependencies are unknown.
        is_beside: it is installed beside the files that the command edits.
        prereleases: pre-releases count like any other version.
        local: where given, only versions with this local label.
        least: where given, only versions from this one on.
        better_than: where given, only versions that come before this one.
    """

    name: Key
    specifier: SpecifierSet
    source: str
    shown: str
    place: str = ""
    extras: frozenset[Extra] = frozenset()
    pin: Version | None = None
    is_transitive: bool = False
    is_given: bool = False
    is_opaque: bool = False
    is_beside: bool = False
    prereleases: bool = False
    local: str | None = None
    least: Version | None = None
    better_than: Version | None = None


class Preference(Struct, frozen=True, kw_only=True):
    """The version of a project that is kept if possible: it comes before any older one.

    It comes before newer ones, too, unless it may rise.
    """

    version: Version
    may_rise: bool = False


_EMPTY: MappingProxyType[Any, Any] = MappingProxyType({})


class Limits(Struct, frozen=True, kw_only=True):
    """What a search may take, besides what its roots ask; a change gives new limits.

    Attributes:
        bounds: policies and options, by the key of a project.
        constraints: those of constraints files, which come after the bounds.
        preferences: the version that a project has without being asked for.
        taking_source: the projects of which a pin may move from a wheel to source.
        admitted: the projects of which versions are taken that are too young, have no wheel where
            the pin has one, or whose dependencies are unknown; None for every project.
    """

    bounds: Mapping[Key, tuple[Bound, ...]] = _EMPTY
    constraints: Mapping[Key, tuple[Bound, ...]] = _EMPTY
    preferences: Mapping[Key, Preference] = _EMPTY
    taking_source: frozenset[Key] = frozenset()
    admitted: frozenset[Key] | None = frozenset()

    def bounds_on(self, name: Key) -> tuple[Bound, ...]:
        """Return what keeps versions of a project out."""
        return (*self.bounds.get(name, ()), *self.constraints.get(name, ()))

    def unbounded(self, name: Key) -> Limits:
        """Return these limits without bounds on a project, but for constraints."""
        others = {other: each for other, each in self.bounds.items() if other != name}
        return replace(self, bounds=MappingProxyType(others))

    def admits_all_of(self, name: Key) -> bool:
        """Return whether versions of a project are taken that are too young, or unknown."""
        return self.admitted is None or name in self.admitted

    def bounding(self, name: Key, bounds: Iterable[Bound]) -> Limits:
        """Return these limits with more bounds on a project, each of which counts once."""
        there = self.bounds.get(name, ())
        every = tuple(dict.fromkeys((*there, *bounds)))
        if every == there:
            return self
        return replace(self, bounds=MappingProxyType({**self.bounds, name: every}))

    def preferring(self, name: Key, preference: Preference | None) -> Limits:
        """Return these limits with a preference for a project, or with none."""
        others = {other: each for other, each in self.preferences.items() if other != name}
        chosen = others if preference is None else {**others, name: preference}
        return replace(self, preferences=MappingProxyType(chosen))

    def rising(self, name: Key) -> Limits:
        """Return these limits with newer versions of a project before the preferred one."""
        preference = self.preferences.get(name)
        if preference is None:
            return self
        return self.preferring(name, replace(preference, may_rise=True))

    def with_source(self, name: Key) -> Limits:
        """Return these limits with a pin that may move from a wheel to source."""
        return replace(self, taking_source=self.taking_source | {name})

    def renamed(self, rekey: Callable[[Key], Iterable[Key]]) -> Limits:
        """Return these limits for other keys: several may become one, or one several."""
        preferences = {key: each for name, each in self.preferences.items() for key in rekey(name)}
        admitted = self.admitted
        if admitted is not None:
            admitted = frozenset(key for name in admitted for key in rekey(name))
        return Limits(
            bounds=_renamed(self.bounds, rekey),
            constraints=_renamed(self.constraints, rekey),
            preferences=MappingProxyType(preferences),
            taking_source=frozenset(key for name in self.taking_source for key in rekey(name)),
            admitted=admitted,
        )

    def admitting(self, names: Iterable[Key] | None) -> Limits:
        """Return these limits with everything admitted of some projects, or of all (None)."""
        return replace(self, admitted=None if names is None else frozenset(names))


def _renamed(
    bounds: Mapping[Key, tuple[Bound, ...]], rekey: Callable[[Key], Iterable[Key]]
) -> Mapping[Key, tuple[Bound, ...]]:
    found: dict[Key, dict[Bound, None]] = {}
    for name, each in bounds.items():
        for key in rekey(name):
            found.setdefault(key, {}).update(dict.fromkeys(each))
    return MappingProxyType({key: tuple(each) for key, each in found.items()})


class Dependency(Struct, frozen=True, kw_only=True):
    """What a root or a picked version asks of a project.

    Attributes:
        name: the key of the project.
        shown: how a message quotes it.
        is_exact: it names a version with ``==`` or ``===``.
        names_prerelease: it names a pre-release.
        is_opaque: it names an address.
        root: the root that asks; None where a picked version does.
    """

    name: Key
    specifier: SpecifierSet
    shown: str
    extras: frozenset[Extra] = frozenset()
    is_exact: bool = False
    names_prerelease: bool = False
    is_opaque: bool = False
    root: Root | None = None


class Pick(Struct, frozen=True, kw_only=True):
    """A version that was picked, with extras."""

    name: Key
    extras: frozenset[Extra]
    candidate: Candidate | None  # None for an address

    @property
    def project(self) -> NormalizedName:
        """The project, whose key is its name."""
        return project_of(self.name)

    @property
    def version(self) -> Version | None:
        """The version; None for an address."""
        return None if self.candidate is None else self.candidate.version

    @property
    def shown_name(self) -> str:
        """The name, with extras."""
        return f"{self.project}{in_brackets({extra.name for extra in self.extras})}"

    @property
    def shown(self) -> str:
        """The name, with extras and the version."""
        return f"{self.shown_name} {self.version}" if self.candidate else self.shown_name

    def __str__(self) -> str:
        where = where_of(self.name)
        shown = self.project if self.candidate is None else f"{self.project} {self.version}"
        return f"{shown} in {where}" if where else shown


class Cause(Struct, frozen=True, kw_only=True):
    """A dependency, and what depends on it.

    Attributes:
        parent: the pick that asks; None where a root does.
        path: the picks from a root to the parent.
        beside: the place of that root, where it is installed beside the files.
    """

    dependency: Dependency
    parent: Pick | None
    path: tuple[Pick, ...] = ()
    beside: str = ""

    def __str__(self) -> str:
        if self.parent is not None:
            return f"{self.way} needs {self.dependency.shown}"
        root = self.dependency.root
        assert root is not None
        if root.source == TYPED:
            return f"{root.shown} is asked for"
        is_pin = self.dependency.is_exact and not root.is_opaque
        return f"{root.shown} is {'pinned' if is_pin else 'required'} ({root.source})"

    @property
    def start(self) -> Key | None:
        """The project of the root that leads here; None where this is that root."""
        if self.parent is None:
            return None
        return self.path[0].name if self.path else self.parent.name

    @property
    def way(self) -> str:
        """The picks from a root to the parent."""
        return self.show_way(pick.shown for pick in (*self.path, *filter(None, [self.parent])))

    def show_way(self, picks: Iterable[str]) -> str:
        """Join the picks from a root on, with the place of one beside the files.

        Behind them are the environments, where the project has another version in others.
        """
        first, *others = picks
        way = " → ".join([f"{first} ({self.beside})" if self.beside else first, *others])
        where = "" if self.parent is None else where_of(self.parent.name)
        return f"{way} in {where}" if where else way


class Conflict(Struct, frozen=True, kw_only=True):
    """Why there is no solution: the dependencies that conflict.

    Attributes:
        remarks: what else keeps their projects from satisfying them.
        absent: their project is on no index.
        guesses: the picks that were left out since their dependencies are unknown.
        too_deep: the search was given up.
    """

    causes: tuple[Cause, ...]
    remarks: tuple[str, ...] = ()
    absent: bool = False
    guesses: tuple[Pick, ...] = ()
    too_deep: bool = False

    @property
    def roots(self) -> tuple[Root, ...]:
        """The roots among its causes."""
        found = (cause.dependency.root for cause in self.causes)
        return tuple(root for root in found if root is not None)

    @property
    def names(self) -> tuple[Key, ...]:
        """The projects that take part: as dependency, as parent, or on the path."""
        names = [cause.dependency.name for cause in self.causes if cause.dependency.name != PYTHON]
        names += [cause.parent.name for cause in self.causes if cause.parent is not None]
        names += [pick.name for cause in self.causes for pick in cause.path]
        return tuple(dict.fromkeys(names))

    def explain(self, asked: Collection[Root] = ()) -> tuple[str, ...]:
        """Return the causes as sentences, at most ``MAX_LINES``; alike ones once.

        ``asked`` is what the command asks for. What follows from it comes first; that it is asked
        for is left out, where anything else is said.
        """
        groups = group_causes(self.causes, {root.name for root in asked})
        more = [group for group in groups if group[0].dependency.root not in asked]
        lines = list(map(say_together, more or groups))
        if self.absent:
            lines = [f"{line}, which the index does not have" for line in lines]
        lines += self.remarks
        if self.too_deep:
            lines.insert(0, f"the search found no compatible set within {MAX_ROUNDS} rounds")
        if len(lines) > MAX_LINES:
            lines = [*lines[: MAX_LINES - 1], f"... and {len(lines) - MAX_LINES + 1} more"]
        return tuple(lines)


class Solution(Struct, frozen=True, kw_only=True):
    """A compatible set of versions, and what is asked of each project."""

    picks: Mapping[Key, Pick]
    causes: Mapping[Key, tuple[Cause, ...]]

    def version(self, name: Key) -> Version | None:
        """Return the version of a project, or None where it has none here."""
        pick = self.picks.get(name)
        return None if pick is None else pick.version


def dependency_of(root: Root) -> Dependency:
    """Return what a root asks."""
    return Dependency(
        name=root.name,
        specifier=root.specifier,
        shown=root.shown,
        extras=root.extras,
        is_exact=names_exactly(root.specifier),
        names_prerelease=bool(root.specifier.prereleases),
        is_opaque=root.is_opaque,
        root=root,
    )


def dependency_from(requirement: Requirement, key: Key, environment: int) -> Dependency:
    """Return what a requirement in metadata asks in an environment; its marker applies."""
    asked = in_brackets({canonicalize_name(extra) for extra in requirement.extras})
    return Dependency(
        name=key,
        specifier=requirement.specifier,
        shown=f"{requirement.name}{asked}{requirement.specifier}",
        extras=in_each((environment,), requirement.extras),
        is_exact=names_exactly(requirement.specifier),
        names_prerelease=bool(requirement.specifier.prereleases),
        is_opaque=requirement.url is not None,
    )


def without_exclusions(dependency: Dependency) -> Dependency:
    """Return a dependency that also allows the single versions that it excludes."""
    kept = [clause for clause in dependency.specifier if clause.operator != "!="]
    specifier = SpecifierSet(",".join(map(str, kept)))
    shown = dependency.shown.replace(str(dependency.specifier), str(specifier))
    return replace(dependency, specifier=specifier, shown=shown)


def satisfies(pick: Pick, dependency: Dependency) -> bool:
    """Return whether a pick has the version and the extras that a dependency asks for."""
    return pick.candidate is None or (
        dependency.extras <= pick.extras and has_version_for(pick, dependency)
    )


def has_version_for(pick: Pick, dependency: Dependency) -> bool:
    """Return whether a pick has a version that a dependency asks for."""
    return pick.candidate is None or dependency.specifier.contains(
        pick.candidate.version, prereleases=True
    )


def group_causes(causes: Iterable[Cause], first: Collection[Key]) -> list[tuple[Cause, ...]]:
    """Return causes, those of one project on another together, and roots last.

    Those come first that follow from the roots of some projects.
    """
    alike: dict[tuple[str, str], list[Cause]] = {}
    for cause in sorted(causes, key=lambda cause: (cause.parent is None, cause.start not in first)):
        who = cause.parent.name if cause.parent is not None else cause.dependency.shown
        alike.setdefault((who, cause.dependency.name), []).append(cause)
    return [tuple(group) for group in alike.values()]


def say_together(causes: Sequence[Cause]) -> str:
    """Return what a project, perhaps in several versions, needs of another, as a clause."""
    if len(causes) == 1:
        return str(causes[0])
    if causes[0].parent is None:
        return _say_roots(causes)
    shown = list(dict.fromkeys(cause.dependency.shown for cause in causes))
    if len(shown) > MAX_NEEDS:
        return f"{_span(causes)} needs {', '.join(shown[:MAX_NEEDS])} or similar"
    return f"{_span(causes)} needs {' or '.join(shown)}"


def _say_roots(causes: Sequence[Cause]) -> str:
    """Return that several lines ask the same of a project, with the place of each."""
    first = causes[0].dependency
    roots = [cause.dependency.root for cause in causes if cause.dependency.root is not None]
    sources = list(dict.fromkeys(root.source for root in roots))
    source = TYPED if TYPED in sources else join_words(sources)
    root = replace(roots[0], source=source)
    return str(replace(causes[0], dependency=replace(first, root=root)))


def _span(causes: Sequence[Cause]) -> str:
    """Return the versions of a project that need something, and the path if there is only one."""
    parents = [c.parent for c in causes if c.parent is not None and c.parent.version is not None]
    versions = sorted({parent.version for parent in parents if parent.version is not None})
    if len(versions) < 2:
        return causes[0].way
    ways = {tuple(pick.name for pick in cause.path) for cause in causes}
    span = f"{parents[0].shown_name} {versions[0]} to {versions[-1]}"
    return causes[0].show_way([*ways.pop(), span]) if len(ways) == 1 else span
