"""The lines of a lock: which transitive dependency is written into which file, and who reads it.

A project has one line in a file. Every environment that reads the file reads the line, so that its
version must suit all of them; where markers separate those that need it, it gets a marker.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ..resolution import in_each, project_of
from .inputs import readers_of, readers_of_file, roots_of
from .separating import VARIABLES, separate

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from typing import TypeAlias

    from packaging.utils import NormalizedName
    from packaging.version import Version

    from ..resolution import Key, Pick, Solution
    from ..resolution.finder import Candidate
    from .goals import Goal
    from .inputs import Inputs
    from .settlement import Settlement

    _Asked: TypeAlias = tuple[NormalizedName, frozenset[NormalizedName]]
    """A project, and extras that are asked of it."""


class Origin(Struct, frozen=True, kw_only=True):
    """A direct requirement: its transitive dependencies are written into its block.

    Attributes:
        name: the project.
        path: the file that has it, or will have it.
        readers: who reads it.
        extras: those that it asks for.
        group: the heading of the block that it is added to, where one was named.
    """

    name: NormalizedName
    path: str
    readers: tuple[int, ...]
    extras: frozenset[NormalizedName] = frozenset()
    group: str | None = None


def origin_of(inputs: Inputs, goal: Goal, group: str | None = None) -> Origin:
    """Return the direct requirement that a goal adds to the main file."""
    return Origin(
        name=project_of(goal.root.name),
        path=inputs.manifest.main,
        readers=goal.readers,
        extras=frozenset(extra.name for extra in goal.root.extras),
        group=group,
    )


class Transitive(Struct, frozen=True, kw_only=True):
    """A transitive dependency, as one line of a file has it.

    Attributes:
        name: the project.
        key: its key.
        readers: who reads the line.
        marker: what separates them from the others who read the file, or nothing.
        version: its version; None for an address.
        candidate: None where only its locked line is known.
        parents: the projects that depend on it.
        origin: the first direct requirement that it comes from.
    """

    name: NormalizedName
    key: Key
    readers: tuple[int, ...]
    marker: str
    version: Version | None
    candidate: Candidate | None
    parents: tuple[NormalizedName, ...]
    origin: Origin


class Join(Struct, frozen=True, kw_only=True):
    """A project that has to have one version for readers of one file.

    Attributes:
        project: the project.
        path: the file.
        readers: those who would read its line.
        every: all who read the file.
    """

    project: NormalizedName
    path: str
    readers: tuple[int, ...]
    every: tuple[int, ...]


class Found(Struct, frozen=True, kw_only=True):
    """What a solution makes of a lock.

    Attributes:
        lines: the transitive dependencies, file by file in the order of names.
        joins: the projects that would be in one file at two versions; the lines are right once
            there are none.
    """

    lines: tuple[Transitive, ...]
    joins: tuple[Join, ...] = ()


class _Need(Struct, frozen=True, kw_only=True):
    """A transitive dependency in one environment."""

    origin: Origin
    parents: tuple[NormalizedName, ...]


def find_transitive(
    settlement: Settlement,
    *,
    added: Sequence[Origin] = (),
    gone: Collection[NormalizedName] = (),
) -> Found:
    """Return the transitive dependencies of settled requirements.

    ``added`` are requirements that the files do not have yet, ``gone`` projects that they lose.
    Where the dependencies of a project are unknown, the locked lines that name it count.
    Dependencies that conflict count, too.
    """
    inputs, solution = settlement.inputs, settlement.solution
    there = [each for each in _find_origins(inputs, solution) if each.name not in gone]
    needs = {
        number: _find_needs(inputs, solution, [*there, *added], number)
        for number in settlement.numbers
    }
    lines: list[Transitive] = []
    joins: list[Join] = []
    covered: set[tuple[NormalizedName, int]] = set()
    paths = dict.fromkeys((*inputs.manifest.innermost, inputs.manifest.main))
    for path in paths:
        by_name: dict[NormalizedName, list[int]] = {}
        for number, needed in needs.items():
            for name, need in needed.items():
                if need.origin.path == path and (name, number) not in covered:
                    by_name.setdefault(name, []).append(number)
        for name in sorted(by_name):
            for group in _group(inputs, name, path, by_name[name]):
                if isinstance(group, Join):
                    joins.append(group)
                    continue
                covered.update((name, number) for number in group.readers)
                lines.append(_line_of(inputs, solution, needs, name, group))
    return Found(lines=tuple(lines), joins=tuple(joins))


class _Group(Struct, frozen=True, kw_only=True):
    """Who is to read a line, and the marker that separates them from the others."""

    key: Key
    needing: tuple[int, ...]
    readers: tuple[int, ...]
    marker: str = ""


def _group(
    inputs: Inputs, name: NormalizedName, path: str, needing: Sequence[int]
) -> Iterator[_Group | Join]:
    """Yield who reads the lines of a project in a file, or who would have to have one version."""
    every = readers_of_file(inputs, path) or tuple(needing)
    others = [number for number in every if number not in needing]
    marker = separate(inputs, needing, others) if others else ""
    readers = every if marker is None or not others else tuple(needing)
    keys = inputs.partition.keys(name, readers)
    if len(keys) == 1:
        yield _Group(key=keys[0], needing=tuple(needing), readers=readers, marker=marker or "")
        return
    if name not in inputs.apart:
        yield Join(project=name, path=path, readers=readers, every=every)
        return
    for key in inputs.partition.keys(name, needing):
        own = [number for number in readers if inputs.partition.key(name, number) == key]
        yield _Group(
            key=key,
            needing=tuple(number for number in needing if number in own),
            readers=tuple(own),
            marker=_separate(inputs, name, own, [each for each in every if each not in own]) or "",
        )


def can_part(inputs: Inputs, joins: Iterable[Join]) -> bool:
    """Return whether markers separate the readers for whom a project has a version each."""
    return all(
        _separate(inputs, join.project, own, [each for each in join.every if each not in own])
        is not None
        for join in joins
        for key in inputs.partition.keys(join.project, join.readers)
        for own in [{*inputs.partition.part_of(key)}.intersection(join.readers)]
    )


def part_by_versions(inputs: Inputs, solution: Solution, joins: Iterable[Join]) -> Inputs:
    """Return inputs with one version of projects for those who have the same one in a solution."""

    def value(join: Join, number: int) -> object:
        return solution.version(inputs.partition.key(join.project, number))

    return _part_by(inputs, joins, value)


def part_by_markers(inputs: Inputs, joins: Iterable[Join]) -> Iterator[Inputs]:
    """Yield inputs with one version of projects for each Python, or for each platform."""
    markers = [reader.target.markers for reader in inputs.readers]
    for variable in VARIABLES:

        def value(_: Join, number: int, variable: str = variable) -> object:
            return markers[number].get(variable)

        if len({each.get(variable) for each in markers}) > 1:
            yield _part_by(inputs, joins, value)


def _part_by(inputs: Inputs, joins: Iterable[Join], value: Callable[[Join, int], object]) -> Inputs:
    parted = inputs
    for join in joins:
        groups: dict[object, list[int]] = {}
        for number in join.readers:
            groups.setdefault(value(join, number), []).append(number)
        for group in groups.values():
            parted = parted.holding(join.project, group)
    return parted


def _separate(
    inputs: Inputs, name: NormalizedName, some: Collection[int], others: Sequence[int]
) -> str | None:
    """Return a marker that holds for some readers and not for others; also a locked line's own."""
    marker = separate(inputs, some, others)
    if marker is not None:
        return marker
    locked = (line for line in inputs.manifest.locked if line.name == name and line.marker)
    return next(
        (str(line.marker) for line in locked if {*readers_of(inputs, line)} == {*some}), None
    )


def _line_of(
    inputs: Inputs,
    solution: Solution,
    needs: Mapping[int, Mapping[NormalizedName, _Need]],
    name: NormalizedName,
    group: _Group,
) -> Transitive:
    pick = solution.picks.get(group.key)
    read = (line for line in inputs.manifest.locked if line.name == name)
    pins = (line.pin for line in read if {*readers_of(inputs, line)} & {*group.needing})
    own = [needs[number][name] for number in group.needing]
    parents = {parent for need in own for parent in need.parents}
    return Transitive(
        name=name,
        key=group.key,
        readers=group.readers,
        marker=group.marker,
        version=next(pins, None) if pick is None else pick.version,
        candidate=None if pick is None else pick.candidate,
        parents=tuple(sorted(parents)),
        origin=own[0].origin,
    )


def _find_origins(inputs: Inputs, solution: Solution) -> Iterator[Origin]:
    """Yield the requirements that count for an environment, those of included files first.

    An included file is also installed on its own, so what both files depend on is written there.
    The dependencies of a fetched file are written into the main file.
    """
    manifest = inputs.manifest
    counts = {root.place for root in roots_of(inputs)}
    added = _find_extras(solution)  # a command may give a line more extras
    direct = [line for line in manifest.direct if line.place in counts]
    ordered = sorted(direct, key=lambda line: manifest.innermost.index(line.path))
    written = [(line, line.path) for line in ordered]
    fetched = [line for line in manifest.siblings if line.path in manifest.fetched]
    written += [(line, manifest.main) for line in fetched if line.place in counts]
    for line, path in written:
        if line.name is not None:
            yield Origin(
                name=line.name,
                path=path,
                readers=readers_of(inputs, line),
                extras=line.extras | added.get((line.place, line.name), frozenset()),
            )


def _find_extras(
    solution: Solution,
) -> dict[tuple[str, NormalizedName], frozenset[NormalizedName]]:
    """Return the extras that a solution satisfies, by the place of a root and its project."""
    roots = (cause.dependency.root for causes in solution.causes.values() for cause in causes)
    return {
        (root.place, project_of(root.name)): frozenset(extra.name for extra in root.extras)
        for root in roots
        if root is not None
    }


def _find_needs(
    inputs: Inputs, solution: Solution, origins: Iterable[Origin], number: int
) -> dict[NormalizedName, _Need]:
    """Return the transitive dependencies in one environment."""
    own = [origin for origin in origins if number in origin.readers]
    picks = _picks_of(inputs, solution, number)
    locked = _find_locked(inputs, picks, number)
    first: dict[NormalizedName, Origin] = {}
    parents: dict[NormalizedName, set[NormalizedName]] = {}
    seen: set[_Asked] = set()
    for origin in own:
        reached: list[_Asked] = [(origin.name, origin.extras)]
        for asked in reached:  # it grows on the way
            if asked in seen:
                continue
            seen.add(asked)
            name, extras = asked
            first.setdefault(name, origin)
            needed = [*_needed_by(inputs, picks, name, extras, number), *locked.get(name, ())]
            for child in sorted(needed, key=itemgetter(0)):
                reached.append(child)
                if child[0] != name:
                    parents.setdefault(child[0], set()).add(name)
    return {
        name: _Need(origin=first[name], parents=tuple(parents[name]))
        for name in sorted(first.keys() - {origin.name for origin in own})
    }


def find_children(
    inputs: Inputs, solution: Solution, number: int
) -> Mapping[NormalizedName, Collection[NormalizedName]]:
    """Return the known dependencies of each project in one environment."""
    picks = _picks_of(inputs, solution, number)
    children: dict[NormalizedName, set[NormalizedName]] = {}
    for name, pick in picks.items():
        extras = [extra.name for extra in pick.extras if extra.environment == number]
        children[name] = {child for child, _ in _needed_by(inputs, picks, name, extras, number)}
        children[name].discard(name)
    return children


def reach(
    inputs: Inputs,
    solution: Solution,
    asked: Iterable[_Asked],
    number: int,
    *,
    besides: Iterable[_Asked] = (),
) -> Mapping[NormalizedName, Pick]:
    """Return what one environment gets of projects with extras, and of all that they need.

    But not what it gets of others ``besides``.
    """
    picks = _picks_of(inputs, solution, number)
    seen: set[_Asked] = set()

    def walk(start: Iterable[_Asked]) -> set[NormalizedName]:
        reached = [*start]
        for each in reached:  # it grows on the way
            if each not in seen:
                seen.add(each)
                reached += _needed_by(inputs, picks, *each, number)
        return {name for name, _ in reached}

    there = walk(besides)
    names = walk(asked) - there
    return {name: pick for name, pick in picks.items() if name in names}


def _picks_of(inputs: Inputs, solution: Solution, number: int) -> dict[NormalizedName, Pick]:
    """Return what one environment gets, by project."""
    picks, part_of = solution.picks.items(), inputs.partition.part_of
    return {pick.project: pick for key, pick in picks if number in part_of(key)}


def _needed_by(
    inputs: Inputs,
    picks: Mapping[NormalizedName, Pick],
    name: NormalizedName,
    extras: Iterable[NormalizedName],
    number: int,
) -> Iterator[_Asked]:
    """Yield what a project with some extras needs in one environment, as far as it is known."""
    if name in picks:
        pick = replace(picks[name], extras=in_each([number], extras))
        for each in inputs.candidates.dependencies_in(pick, number):
            if (child := project_of(each.name)) in picks:
                yield child, frozenset(extra.name for extra in each.extras)


def _find_locked(
    inputs: Inputs, picks: Mapping[NormalizedName, Pick], number: int
) -> dict[NormalizedName, list[_Asked]]:
    """Return what the locked lines say that projects need whose dependencies are unknown."""
    found: dict[NormalizedName, list[_Asked]] = {}
    for line in inputs.manifest.locked:
        if line.name is None or number not in readers_of(inputs, line):
            continue
        for parent in line.via:
            if parent not in picks or inputs.candidates.is_unknown(picks[parent]):
                found.setdefault(parent, []).append((line.name, frozenset()))
    return found
