"""What the base image has installed: kept where nothing asks for it, and named where it breaks."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec.structs import replace
from packaging.utils import canonicalize_name

from ..resolution.problem import Preference

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
    (environment,) = inputs.environments
    if not environment.base_packages:
        return inputs
    limits = inputs.limits
    asked = {line.name for line in inputs.manifest.lines} | {goal.root.name for goal in goals}
    kept = {
        name: Preference(version=distribution.version)
        for name, distribution in environment.base_packages.items()
        if name not in asked
    }
    preferences = MappingProxyType({**kept, **limits.preferences})
    return inputs.within(replace(limits, preferences=preferences))


def name_broken(inputs: Inputs, solution: Solution) -> Iterator[str]:
    """Yield a warning for each distribution of the base image that the versions break."""
    (environment,) = inputs.environments
    for name, distribution in environment.base_packages.items():
        if name in solution.picks:  # it is replaced, or what it needs was decided with it
            continue
        for requirement in distribution.requirements:
            pick = solution.picks.get(canonicalize_name(requirement.name))
            candidate = None if pick is None else pick.candidate
            if candidate is None or requirement.specifier.contains(
                candidate.version, prereleases=True
            ):
                continue
            interpreter = environment.target.interpreter
            image = "the base image" if interpreter is None else interpreter.image
            yield (
                f"{image} has {distribution.name} {distribution.version}, which needs "
                f"{requirement.name}{requirement.specifier} and gets {pick}"
            )
