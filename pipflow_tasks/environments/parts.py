"""The environments in one build: which of its steps install into the same Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from .build import makes_wheels

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from ..dockerfile import Dockerfile, InstallCommand, Stage
    from .build import Build


class Part(Struct, frozen=True, kw_only=True):
    """One Python in one stage of a build.

    Attributes:
        build: the build, with those of its steps alone that install the files into this Python.
        stage: the stage, which may be made on others; None where no step installs the files.
        location: where its steps install, as they say it.
        into: all steps that install into this Python, whatever they install.
    """

    build: Build
    stage: Stage | None = None
    location: str = ""
    into: tuple[InstallCommand, ...] = ()

    @property
    def is_built(self) -> bool:
        """Whether the stage is that which the build ends with."""
        return self.stage is not None and self.stage == _built_stage(self.build)

    @property
    def label(self) -> str:
        """The name of the stage, or its number."""
        return "" if self.stage is None else self.stage.name or str(self.stage.index)

    def only(self, steps: Collection[InstallCommand]) -> Part:
        """Return the part of these steps that install the files; the others are of other Pythons.

        What else is installed with one of the other Pythons goes with it.
        """
        own = {_key_of(step) for step in steps}
        others = {_key_of(step) for step in self.build.steps if step not in steps} - own
        into = (
            step
            for step in self.into
            if step in steps or (step not in self.build.steps and _key_of(step) not in others)
        )
        return replace(self, build=_narrowed(self.build, steps), into=tuple(into))


def find_parts(build: Build) -> tuple[Part, ...]:
    """Return the environments that get the files in a build; one without steps where none does.

    Stages that are made on each other hold one environment, and so do stages that copy its folder.
    The stages are those that are built, and those that install the files.

    Raises:
        DockerfileError: the Dockerfile can't be read.
    """
    making = [step for step in build.steps if makes_wheels(step)]
    installing = [step for step in build.steps if not makes_wheels(step)]
    places = [*_places_of(build, installing)]
    found = [_part_of(build, place, installing, making) for place in places]
    alone = [step for step in making if not any(step in part.build.installing for part in found)]
    found += [_part_of(build, place, alone, ()) for place in _places_of(build, alone)]
    return tuple(found) or (Part(build=build),)


class _Place(Struct, frozen=True, kw_only=True):
    """Where steps install: the stages that lead to the last of them, and the folder."""

    end: int
    stages: frozenset[int]
    location: str

    def holds(self, step: InstallCommand) -> bool:
        return step.stage in self.stages and step.location == self.location


def _part_of(
    build: Build,
    place: _Place,
    installing: Iterable[InstallCommand],
    making: Iterable[InstallCommand],
) -> Part:
    """Return the part of a place, with the steps that make the wheels for it."""
    dockerfile = build.dockerfile
    needed = dockerfile.needed_by(place.end)
    steps = [step for step in installing if place.holds(step)]
    steps += [step for step in making if step.stage in needed]
    return Part(
        build=_narrowed(build, steps),
        stage=dockerfile.stages[place.end],
        location=place.location,
        into=tuple(
            step
            for step in (*dockerfile.inherited, *dockerfile.steps)
            if place.holds(step) and step.command in {"install", "sync"}
        ),
    )


def _places_of(build: Build, steps: Collection[InstallCommand]) -> Iterator[_Place]:
    """Yield the places that the steps install into; none leads to another."""
    dockerfile = build.dockerfile
    ends = {*dockerfile.needed_by(_built_stage(build).index), *(step.stage for step in steps)}
    places = [
        _Place(end=end, stages=_lineage(dockerfile, end, location), location=location)
        for location in dict.fromkeys(step.location for step in steps)
        for end in sorted(ends)
    ]
    places = [place for place in places if any(map(place.holds, steps))]
    for place in places:
        same = [each for each in places if each.location == place.location]
        if not any(place.stages < each.stages for each in same):
            yield place


def _lineage(dockerfile: Dockerfile, end: int, location: str) -> frozenset[int]:
    """Return the stages whose installs into a folder are in a stage: its base, and copies."""
    found: set[int] = set()
    waiting = [end]
    while waiting:
        chain = {stage.index for stage in dockerfile.chain_of(waiting.pop())}
        made_in = {
            step.python.stage
            for step in dockerfile.steps
            if step.stage in chain and step.location == location and location
        }
        found |= chain
        waiting += [stage for stage in made_in if stage is not None and stage not in found]
    return frozenset(found)


def _built_stage(build: Build) -> Stage:
    dockerfile = build.dockerfile
    return dockerfile.stage_named(build.recipe.stage or "") or dockerfile.stages[-1]


def _narrowed(build: Build, steps: Collection[InstallCommand]) -> Build:
    kept: Mapping[InstallCommand, frozenset[object]] = {
        step: paths for step, paths in build.installing.items() if step in steps
    }
    return replace(build, installing=kept)


def _key_of(step: InstallCommand) -> tuple[object, ...]:
    python = step.python
    return python.origin, python.version, python.image, python.stage
