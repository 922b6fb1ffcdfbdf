"""The environments in one build: which of its steps install into the same Python."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ..errors import DockerfileError, UsageError
from .build import makes_wheels

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from ..dockerfile import Dockerfile, InstallCommand, Stage
    from ..settings import Settings
    from .build import Build
    from .recipe import Recipe


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
        return self.stage is not None and self.stage == self.build.last

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


class NamedPart(Struct, frozen=True, kw_only=True):
    """A part with the name of its environment.

    Attributes:
        name: the compose service, else the bake target or the Dockerfile's path; with ``#stage``
            where a build or a Dockerfile has several, and with the folder where a stage has.
        build_name: the same without the stage.
        part: the part.
    """

    name: str
    build_name: str
    part: Part

    @property
    def names(self) -> tuple[str, ...]:
        """The names that a setting may call it by, the most particular first."""
        return tuple(
            dict.fromkeys((self.name, f"{self.build_name}#{self.part.label}", self.build_name))
        )


def name_parts(builds: Sequence[Build]) -> tuple[NamedPart, ...]:
    """Return the environments that get the files in builds, each with a name of its own.

    Raises:
        DockerfileError: a Dockerfile can't be read.
    """
    paths = Counter(build.recipe.path for build in builds)
    found: list[NamedPart] = []
    for build in builds:
        parts, own = find_parts(build), name_build(build.recipe)
        is_loose = not build.recipe.service and not build.recipe.bake
        is_plain = not (is_loose and paths[own] > 1 and build.recipe.stage)
        stages = Counter(part.label for part in parts)
        for part in parts:
            is_alone = len(parts) == 1 or (not is_loose and part.is_built)
            label = part.label or build.recipe.stage
            name = own if is_alone and is_plain else f"{own}#{label}"
            if stages[part.label] > 1:
                name = f"{own}#{label}:{part.location or '/'}"
            found.append(NamedPart(name=name, build_name=own, part=part))
    return tuple(found)


def name_build(recipe: Recipe) -> str:
    """Return what the environment of a build is called: after what is built."""
    return recipe.service or recipe.bake or recipe.path


def require_known_names(settings: Settings, builds: Sequence[Build]) -> None:
    """Check that the environments exist that settings have values for, or their images.

    ``builds`` are also those that install other files.

    Raises:
        UsageError: there is none of that name, or ``verify`` would run in no image.
    """
    if not settings.environments:
        return
    readable = [build for build in builds if not isinstance(build.parsed, DockerfileError)]
    built = {name for build in builds for name in _names_in(build, only_built=True)}
    known = {name for build in builds for name in _names_in(build)}
    listed = ", ".join(dict.fromkeys(named.name for named in name_parts(readable)))
    for setting, name in settings.environments:
        if name not in known:
            raise UsageError(
                f"the setting {setting} has a value for `{name}`, and there is no such environment",
                hint=f"the environments are {listed}"
                if listed
                else f"there is no environment with a name: set `{setting}` to one value",
            )
        if setting == "verify" and name not in built:
            stages = ",".join(_stages_with(name, builds))
            raise UsageError(
                f"the setting verify has a value for `{name}`, whose stage is not built as an "
                "image",
                hint=f"set `stage: {stages}`" if stages else "write a service or a target for it",
            )


def _names_in(build: Build, *, only_built: bool = False) -> Iterator[str]:
    """Yield the names that settings may have for the environments of a build."""
    own = name_build(build.recipe)
    yield own
    if not isinstance(build.parsed, DockerfileError):
        for stage in (build.last,) if only_built else build.parsed.stages:
            yield f"{own}#{stage.name or stage.index}"


def _stages_with(name: str, builds: Sequence[Build]) -> Iterator[str]:
    """Yield the stages of the Dockerfile of an environment that are built, and its own."""
    path, _, label = name.partition("#")
    for build in builds:
        if name_build(build.recipe) == path == build.recipe.path:
            stage = build.last
            yield stage.name or str(stage.index)
    if any(build.recipe.path == path for build in builds):
        yield label


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
    ends = {*dockerfile.needed_by(build.last.index), *(step.stage for step in steps)}
    chains = {end: _chain(dockerfile, end) for end in ends}
    ends = ends.difference(*(chain - {end} for end, chain in chains.items()))
    for location in dict.fromkeys(step.location for step in steps):
        own = {step.stage for step in steps if step.location == location}
        copies = _copies(dockerfile, location)
        found = [
            _Place(end=end, stages=stages, location=location)
            for end in sorted(ends)
            if not (stages := _with_copies(dockerfile, chains[end], copies)).isdisjoint(own)
        ]
        yield from (
            place for place in found if not any(place.stages < each.stages for each in found)
        )


def _chain(dockerfile: Dockerfile, end: int) -> frozenset[int]:
    return frozenset(stage.index for stage in dockerfile.chain_of(end))


def _copies(dockerfile: Dockerfile, location: str) -> Mapping[int, int]:
    """Return the stages that install into a folder which they copy, each with its origin."""
    return {
        step.stage: step.python.stage
        for step in dockerfile.steps
        if location and step.location == location and step.python.stage is not None
    }


def _with_copies(
    dockerfile: Dockerfile, stages: frozenset[int], copies: Mapping[int, int]
) -> frozenset[int]:
    """Return stages with those that a folder of theirs was copied from."""
    while True:
        origins = {copies[stage] for stage in stages if stage in copies} - stages
        if not origins:
            return stages
        stages = stages.union(*(_chain(dockerfile, origin) for origin in origins))


def _narrowed(build: Build, steps: Collection[InstallCommand]) -> Build:
    kept: Mapping[InstallCommand, frozenset[object]] = {
        step: paths for step, paths in build.installing.items() if step in steps
    }
    return replace(build, installing=kept)


def _key_of(step: InstallCommand) -> tuple[object, ...]:
    python = step.python
    return python.origin, python.version, python.image, python.stage
