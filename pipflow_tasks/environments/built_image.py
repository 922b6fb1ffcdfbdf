"""The image that was built of a project before, and what it has installed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..engine import Installed, ask_installed
from ..isolation import is_isolated

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ..settings import Settings
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
    names = dict.fromkeys(_names_of(discovery, environment, settings))
    installing = [build for build in environment.builds if build.installing]
    if not names and installing and not any(build.reached for build in installing):
        return Installed(note="no build makes an image of its stage")
    if not names:
        return Installed(note="the name of the image is unknown: set `image`")
    is_podman = builder.command[0].startswith(("podman", "buildah"))
    location = next((step.install.location for step in reversed(environment.steps)), "")
    return ask_installed("podman" if is_podman else "docker", names, location, variables)


def _names_of(discovery: Discovery, environment: Environment, settings: Settings) -> Iterator[str]:
    """Yield the names that the builder may have given to the image of an environment."""
    builder, compose = discovery.builder, discovery.compose
    assert builder is not None
    is_command = builder.name == "command"
    if is_command and (settings.image or "{image}" in settings.build_command):
        yield from builder.images if compose is not None else _own_names(environment)
    elif compose is not None:
        for build in environment.builds:
            yield from _names_in_compose(compose, build.recipe.service)
    elif not is_command:
        yield from _own_names(environment)


def _own_names(environment: Environment) -> Iterator[str]:
    """Yield the names of images that have the stage of an environment."""
    for build in environment.builds:
        if build.recipe.image and (build.reached or not build.installing):
            yield build.recipe.image


def _names_in_compose(compose: ComposeProject, name: str) -> Iterator[str]:
    """Yield what compose calls the image of a service: by default after project and service."""
    image = next((each.image for each in compose.file.services if each.name == name), None)
    if image is not None:
        yield image
        return
    chosen = compose.variables.get("COMPOSE_PROJECT_NAME") or compose.file.name
    project = re.sub(r"[^-_a-z0-9]", "", (chosen or compose.base.resolve().name).lower())
    yield from (f"{project.lstrip('-_')}-{name}", f"{project}_{name}")
