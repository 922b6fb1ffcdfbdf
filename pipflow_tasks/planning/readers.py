"""Who reads the files: environments, each on each of its platforms, and what limits each."""

from __future__ import annotations

from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ..resolution import Key, Limits, Partition, Preference, View, make_partition
from ..resolution.finder import Bound
from .bounds import policy_bounds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from packaging.utils import NormalizedName
    from packaging.version import Version

    from ..environments.environment import Environment
    from ..manifest.documents import Manifest
    from ..requirements import Line
    from ..resolution import Catalog
    from ..resolution.finder import Admission
    from ..target import Target


class Served(Struct, frozen=True, kw_only=True):
    """An environment with what it installs, and from where.

    Attributes:
        environment: the environment.
        manifest: the files that it reads, with all that counts besides.
        catalog: what its indexes have.
        unseen: the ``--find-links`` whose files are unknown, as messages write them, and why.
    """

    environment: Environment
    manifest: Manifest
    catalog: Catalog
    unseen: tuple[tuple[str, str], ...] = ()

    def reads(self, line: Line) -> bool:
        """Return whether a line of the project's files counts for it on a platform."""
        target = self.environment.target
        is_there = line.path in self.manifest.requirements
        return is_there and (line.marker is None or target.applies(line.marker))


class Reader(Struct, frozen=True, kw_only=True, dict=True):  # of a cached property
    """An environment on one of its platforms, as a reader of the files.

    Attributes:
        name: as messages have it where there are several.
        served: the environment, with what it installs.
        target: its target, for this platform alone.
    """

    name: str
    served: Served
    target: Target

    @property
    def environment(self) -> Environment:
        """The environment."""
        return self.served.environment

    @property
    def manifest(self) -> Manifest:
        """The files that it reads, with all that counts besides."""
        return self.served.manifest

    def reads(self, line: Line) -> bool:
        """Return whether a line counts for it."""
        if line.path not in self.manifest.requirements and line.place not in self._beside:
            return False
        return line.marker is None or self.target.applies(line.marker)

    @cached_property
    def _beside(self) -> frozenset[str]:
        return frozenset(line.place for line in self.manifest.siblings)


def list_readers(served: Sequence[Served]) -> tuple[Reader, ...]:
    """Return the readers in environments: each on each of its platforms."""
    found: list[Reader] = []
    for each in served:
        target = each.environment.target
        is_one = len(target.platforms) == 1
        for platform in target.platforms:
            words = [each.environment.name] * (len(served) > 1)
            words += [platform.name] * (not is_one)
            own = target if is_one else replace(target, platforms=(platform,))
            found.append(Reader(name=" on ".join(words), served=each, target=own))
    return tuple(found)


def part_readers(manifest: Manifest, readers: tuple[Reader, ...]) -> Partition:
    """Return which readers have a project in one version: those of a line that pins it."""
    holding = (
        (line.name, tuple(n for n, reader in enumerate(readers) if reader.reads(line)))
        for line in manifest.lines
        if line.name is not None and line.pin is not None
    )
    return make_partition(tuple(reader.name for reader in readers), holding)


def view_of(reader: Reader, *, counts_all: bool) -> View:
    """Return a reader as a search sees it: no pin of its lines is too young.

    With ``counts_all``, dependencies count although its step does not install them.
    """
    rules = reader.environment.rules
    pins: dict[NormalizedName, set[Version]] = {}
    for line in reader.manifest.lines:
        if line.name is not None and line.pin is not None and reader.reads(line):
            pins.setdefault(line.name, set()).add(line.pin)
    admissions: dict[NormalizedName, Admission] = {
        name: replace(
            rules.admissions.get(name, rules.admission), pins=frozenset(pins.get(name, ()))
        )
        for name in {*pins, *rules.admissions}
    }
    return View(
        catalog=reader.served.catalog,
        target=reader.target,
        admission=rules.admission,
        admissions=MappingProxyType(admissions),
        overridden=MappingProxyType(_overridden(reader)),
        skips_dependencies=bool(rules.without_dependencies) and not counts_all,
    )


def first_limits(manifest: Manifest, readers: tuple[Reader, ...], partition: Partition) -> Limits:
    """Return the first limits of a command: no locked line moves."""
    constraints: dict[Key, dict[Bound, None]] = {}
    for number, reader in enumerate(readers):
        for name, bound in _constraints(reader):
            constraints.setdefault(partition.key(name, number), {})[bound] = None
    limits = Limits(
        constraints=MappingProxyType({key: tuple(each) for key, each in constraints.items()})
    )
    preferences: dict[Key, Preference] = {}
    for line in manifest.locked:
        reading = [number for number, reader in enumerate(readers) if reader.reads(line)]
        for key in partition.keys(line.name, reading) if line.name else ():
            if line.pin:
                preferences[key] = Preference(version=line.pin)
            limits = limits.bounding(key, policy_bounds(line))
    return replace(limits, preferences=MappingProxyType(preferences))


def _constraints(reader: Reader) -> Iterator[tuple[NormalizedName, Bound]]:
    """Yield what the constraints files and overrides of an environment keep out of a project."""
    manifest = reader.manifest
    limiting = [line for each in manifest.constraints.values() for line in each.lines]
    for line in (*limiting, *manifest.overrides):
        requirement = line.requirement
        if line.name is None or requirement is None or not requirement.specifier:
            continue
        if requirement.marker is None or reader.target.applies(requirement.marker):
            reason = f"does not satisfy {requirement.specifier} ({line.place})"
            yield line.name, Bound(specifier=requirement.specifier, reason=reason)


def _overridden(reader: Reader) -> dict[NormalizedName, bool]:
    """Return the projects that overrides are for, and whether one gives an address."""
    return {
        line.name: line.requirement is None or line.requirement.url is not None
        for line in reader.manifest.overrides
        if line.name is not None and (line.marker is None or reader.target.applies(line.marker))
    }
