"""Which environments have a project in one version; a key stands for the project in these.

Two environments are together where a line that holds one version is read by both. A search takes
one version for each key, and knows nothing else of environments.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NewType

from msgspec import Struct, field
from msgspec.structs import replace
from packaging.utils import NormalizedName

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import TypeAlias

    Part: TypeAlias = tuple[int, ...]

Key = NewType("Key", str)
"""A project: ``flask``; where it has several versions, with its environments: ``flask@web``."""


def project_of(key: Key) -> NormalizedName:
    """Return the project that a key stands for."""
    return NormalizedName(key.partition("@")[0])


def where_of(key: Key) -> str:
    """Return the environments that a key stands for, in words; nothing where it is all of them."""
    return key.partition("@")[2]


class Partition(Struct, frozen=True, kw_only=True):
    """For each project, the parts of the environments: in each part it has one version.

    Environments are numbered from 0. A part is a sorted tuple of numbers.

    Attributes:
        names: of the environments, as messages have them.
        parts: by project, those of the projects that a line holds; of the others, each environment
            has a version of its own.
    """

    names: tuple[str, ...] = ("",)
    parts: Mapping[NormalizedName, tuple[Part, ...]] = MappingProxyType({})
    _keys: dict[tuple[NormalizedName, int], Key] = field(default_factory=dict)
    _parts: dict[Key, Part] = field(default_factory=dict)

    def key(self, project: NormalizedName, environment: int = 0) -> Key:
        """Return the key of a project in an environment."""
        if len(self.names) == 1:
            return Key(project)
        found = self._keys.get((project, environment))
        if found is None:
            part = next(each for each in self._parts_of(project) if environment in each)
            where = " and ".join(self.names[each] for each in part)
            found = Key(project if len(part) == len(self.names) else f"{project}@{where}")
            self._keys[project, environment] = found
            self._parts[found] = part
        return found

    def keys(
        self, project: NormalizedName, environments: Iterable[int] | None = None
    ) -> tuple[Key, ...]:
        """Return the keys of a project in some environments, or in all."""
        numbers = range(len(self.names)) if environments is None else environments
        return tuple(dict.fromkeys(self.key(project, each) for each in numbers))

    def part_of(self, key: Key) -> Part:
        """Return the environments that a key stands for; the key was made here."""
        return (0,) if len(self.names) == 1 else self._parts[key]

    def joining(self, project: NormalizedName, environments: Iterable[int]) -> Partition:
        """Return the partition with one version of a project in some environments."""
        numbers = {*environments}
        there = self._parts_of(project)
        joined = [part for part in there if not numbers.isdisjoint(part)]
        if len(joined) < 2:
            return self
        one = tuple(sorted(each for part in joined for each in part))
        parts = tuple(sorted([*(part for part in there if part not in joined), one]))
        more = MappingProxyType({**self.parts, project: parts})
        return replace(self, parts=more, _keys={}, _parts={})

    def components(self) -> tuple[Part, ...]:
        """Return the environments in groups; no project has one version in two groups."""
        held = (part for parts in self.parts.values() for part in parts)
        return _join(_singles(len(self.names)), held)

    def _parts_of(self, project: NormalizedName) -> tuple[Part, ...]:
        return self.parts.get(project) or _singles(len(self.names))


def make_partition(
    names: tuple[str, ...], holding: Iterable[tuple[NormalizedName, Part]]
) -> Partition:
    """Return the partition of environments by the lines that hold one version.

    ``holding`` are the projects of these lines, and which environments read each line.
    """
    if len(names) == 1:
        return Partition()
    by_project: dict[NormalizedName, list[Part]] = {}
    for project, readers in holding:
        by_project.setdefault(project, []).append(readers)
    singles = _singles(len(names))
    parts = {project: _join(singles, lines) for project, lines in by_project.items()}
    return Partition(names=names, parts=MappingProxyType(parts))


def _singles(count: int) -> tuple[Part, ...]:
    return tuple((number,) for number in range(count))


def _join(parts: Iterable[Part], joining: Iterable[Part]) -> tuple[Part, ...]:
    """Return parts, of which those are one that have numbers of the same joining part."""
    found = [{*part} for part in parts]
    for numbers in joining:
        touched = [part for part in found if not part.isdisjoint(numbers)]
        if len(touched) > 1:
            found = [part for part in found if part not in touched]
            found.append({each for part in touched for each in part})
    return tuple(sorted(tuple(sorted(part)) for part in found))
