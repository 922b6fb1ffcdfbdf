"""The lines of a lock: which transitive dependency is written into which file, and who reads it.

A project has one line in a file. Every environment that reads the file reads the line, so that its
version must suit all of them; where markers separate those that need it, it gets a marker.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from ..resolution import project_of
from .inputs import readers_of, readers_of_file, reads, roots_of
from .separating import VARIABLES, separate

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from packaging.utils import NormalizedName
    from packaging.version import Version

    from ..resolution import Key, Solution
    from ..resolution.finder import Candidate
    from .inputs import Inputs


class Origin(Struct, frozen=True, kw_only=True):
    """A direct requirement: its transitive dependencies are written into its block.

    Attributes:
        name: the project.
        path: the file that has it, or will have it.
        readers: who reads it.
        group: the heading of the block that it is added to, where one was named.
    """

    name: NormalizedName
    path: str
    readers: tuple[int, ...]
    group: str | None = None


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
        readers: those who would read its line.
        every: all who read the file.
    """

    project: NormalizedName
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
    inputs: Inputs,
    solution: Solution,
    *,
    numbers: Iterable[int],
    added: Sequence[Origin] = (),
    gone: Collection[NormalizedName] = (),
) -> Found:
    """Return the transitive dependencies of the requirements that some readers have.

    ``added`` are requirements that the files do not have yet, ``gone`` projects that they lose.
    Where the dependencies of a project are unknown, the locked lines that name it count.
    Dependencies that conflict count, too.
    """
    there = [each for each in _find_origins(inputs) if each.name not in gone]
    needs = {number: _find_needs(inputs, solution, [*there, *added], number) for number in numbers}
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
        yield Join(project=name, readers=readers, every=every)
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


def _find_origins(inputs: Inputs) -> Iterator[Origin]:
    """Yield the requirements that count for an environment, those of included files first.

    An included file is also installed on its own, so what both files depend on is written there.
    The dependencies of a fetched file are written into the main file.
    """
    manifest = inputs.manifest
    counts = {root.place for root in roots_of(inputs)}
    direct = [line for line in manifest.direct if line.place in counts]
    for line in sorted(direct, key=lambda line: manifest.innermost.index(line.path)):
        if line.name is not None:
            yield Origin(name=line.name, path=line.path, readers=readers_of(inputs, line))
    for line in manifest.siblings:
        if line.path in manifest.fetched and line.place in counts and line.name is not None:
            yield Origin(name=line.name, path=manifest.main, readers=readers_of(inputs, line))


def _find_needs(
    inputs: Inputs, solution: Solution, origins: Iterable[Origin], number: int
) -> dict[NormalizedName, _Need]:
    """Return the transitive dependencies in one environment."""
    own = [origin for origin in origins if number in origin.readers]
    children = find_children(inputs, solution, number)
    first: dict[NormalizedName, Origin] = {}
    for origin in own:
        reached = [origin.name]
        for name in reached:  # it grows on the way
            if name not in first:
                first[name] = origin
                reached.extend(sorted(children.get(name, ())))
    parents: dict[NormalizedName, list[NormalizedName]] = {}
    for parent in sorted(first):
        for name in children.get(parent, ()):
            parents.setdefault(name, []).append(parent)
    return {
        name: _Need(origin=first[name], parents=tuple(parents[name]))
        for name in sorted(first.keys() - {origin.name for origin in own})
    }


def find_children(
    inputs: Inputs, solution: Solution, number: int, *, with_lines: bool = True
) -> Mapping[NormalizedName, Collection[NormalizedName]]:
    """Return the dependencies of each project in one environment.

    ``with_lines``, the locked lines say those of projects whose own are unknown.
    """
    candidates, partition = inputs.candidates, inputs.partition
    children: dict[NormalizedName, set[NormalizedName]] = {}
    for key, pick in solution.picks.items():
        if number not in partition.part_of(key):
            continue
        for dependency in candidates.dependencies_in(pick, number):
            if dependency.name in solution.picks and dependency.name != key:
                children.setdefault(pick.project, set()).add(project_of(dependency.name))
    locked = (line for line in inputs.manifest.locked if reads(inputs, line)) if with_lines else ()
    for line in locked:
        if line.name is None or number not in readers_of(inputs, line):
            continue
        for parent in line.via:
            picked = solution.picks.get(partition.key(parent, number))
            if picked is None or candidates.is_unknown(picked):
                children.setdefault(parent, set()).add(line.name)
    return children
