"""What the base image has installed: kept where nothing asks for it, and named where it breaks."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec.structs import replace
from packaging.utils import canonicalize_name

from ..resolution import Preference, project_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..resolution import Solution
    from .goals import Goal
    from .inputs import Inputs


def preferring_base(inputs: Inputs, goals: Iterable[Goal] = ()) -> Inputs:
    """Return inputs that keep what the base image has of transitive dependencies.

    pip leaves what is installed and satisfies a requirement as it is. What a line or a goal asks
    for is chosen as always.
    """
    asked = {line.name for line in inputs.manifest.lines}
    asked |= {project_of(goal.root.name) for goal in goals}
    kept = {
        inputs.partition.key(name, number): Preference(version=distribution.version)
        for number, reader in enumerate(inputs.readers)
        for name, distribution in reader.environment.base_packages.items()
        if name not in asked
    }
    if not kept:
        return inputs
    limits = inputs.limits
    preferences = MappingProxyType({**kept, **limits.preferences})
    return inputs.within(replace(limits, preferences=preferences))


def name_broken(inputs: Inputs, solution: Solution) -> Iterator[str]:
    """Yield a warning for each distribution of the base image that the versions break."""
    every = (
        (reader, inputs.partition.key(name, number), number, distribution)
        for number, reader in enumerate(inputs.readers)
        for name, distribution in reader.environment.base_packages.items()
    )
    for reader, own, number, distribution in every:
        if own in solution.picks:  # what it needs was decided with it
            continue
        for requirement in distribution.requirements:
            name = canonicalize_name(requirement.name)
            version = solution.version(inputs.partition.key(name, number))
            if version is None or requirement.specifier.contains(version, prereleases=True):
                continue
            interpreter = reader.target.interpreter
            image = "the base image" if interpreter is None else interpreter.image
            yield (
                f"{image} has {distribution.name} {distribution.version}, which needs "
                f"{requirement.name}{requirement.specifier} and gets {name} {version}"
            )
