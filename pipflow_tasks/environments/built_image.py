"""The image that was built of a project before, and what it has installed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..engine import Installed, ask_installed, engine_of
from ..isolation import is_isolated
from .parts import name_build

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ..settings import Settings
    from .build import Build
    from .compose_project import ComposeProject
    from .discovery import Discovery
    from .environment import Environment


def find_installed(
    discovery: Discovery,
    environment: Environment,
    settings: Settings,
    variables: Mapping[str, str],
) -> Installed:
    """Return what the image of an environment has, where an engine has that image.

    ``variables`` are for the engine's program.
    """
    builder = discovery.builder
    if builder is None:
        return Installed(note="the project builds no image")
    if is_isolated():
        return Installed(note="`--isolated` asks no image")
    builds = [build for build in environment.builds if _is_in_image(build, environment.name)]
    if environment.builds and not builds:
        return Installed(note="no build makes an image of its stage")
    names = dict.fromkeys(names_of(discovery, builds, settings))
    if not names:
        return Installed(note="the name of the image is unknown: set `image`")
    location = next((step.install.location for step in reversed(environment.steps)), "")
    return ask_installed(engine_of(builder), names, location, variables)


def _is_in_image(build: Build, name: str) -> bool:
    """Return whether the image of a build has an environment of it.

    It ends with one of several; of a single one, it may have a copy.
    """
    if not build.installing:
        return True
    chain = {stage.index for stage in build.dockerfile.chain_of(build.last.index)}
    is_last = not chain.isdisjoint(step.stage for step in build.installing)
    return is_last or (bool(build.reached) and name == name_build(build.recipe))


def names_of(discovery: Discovery, builds: Iterable[Build], settings: Settings) -> Iterator[str]:
    """Yield the names that the builder may have given to the images of builds."""
    builder, compose = discovery.builder, discovery.compose
    assert builder is not None
    is_command = builder.name == "command"
    is_named = not is_command or bool(settings.image) or "{image}" in settings.build_command
    if compose is not None and is_command and is_named:
        yield from builder.images
    elif compose is not None:
        for build in builds:
            yield from _names_in_compose(compose, build.recipe.service)
    elif is_named:
        yield from (build.recipe.image for build in builds if build.recipe.image)


def _names_in_compose(compose: ComposeProject, name: str) -> Iterator[str]:
    """Yield what compose calls the image of a service: by default after project and service."""
    image = next((each.image for each in compose.file.services if each.name == name), None)
    if image is not None:
        yield image
        return
    chosen = compose.variables.get("COMPOSE_PROJECT_NAME") or compose.file.name
    project = re.sub(r"[^-_a-z0-9]", "", (chosen or compose.base.resolve().name).lower())
    yield from (f"{project.lstrip('-_')}-{name}", f"{project}_{name}")
