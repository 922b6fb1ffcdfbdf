"""Which builder builds what was found: the user's command, compose, or a plain engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from ..engine import (
    choose_engine,
    command_builder,
    compose_builder,
    image_name,
    plain_builder,
    split_command,
)
from ..files import show_path
from ..plan import typed_from_here

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from ..compose import Service
    from ..manifest.library import Library
    from ..plan import Builder
    from ..settings import Settings
    from .build import Recipe
    from .compose_project import ComposeProject

_ENGINES = {"docker": "docker", "podman": "podman", "buildah": "podman"}
"""Where the image is that a program has built."""


def make_builder(
    recipes: Sequence[Recipe],
    compose: ComposeProject | None,
    settings: Settings,
    library: Library,
    variables: Mapping[str, str],
) -> Builder | None:
    """Return the builder of recipes, or None where there is nothing to build.

    Without a compose project, which has the services, there is one recipe at most.

    Raises:
        UsageError: the setting ``build_command`` or ``verify`` can't be understood.
    """
    builder, image = None, None
    root = library.root
    first = next(iter(recipes), None)
    if compose is not None:
        builder, image = _make_compose_builder(recipes, compose, settings)
    elif first is not None and first.file is not None and not settings.build_command:
        builder = plain_builder(
            choose_engine(settings.builder, variables),
            dockerfile=first.file,
            context=first.context,
            stage=first.stage or "",
            folder=root,
            image=settings.image or image_name(root),
            platform=settings.platform,
            verify=settings.verify,
        )
    if settings.build_command:
        next_step = "" if builder is None else builder.next_step
        builder = _make_command_builder(recipes, settings, root, variables, image, next_step)
    if builder is None:
        return None
    next_step = builder.next_step
    if compose is not None:
        next_step = typed_from_here(next_step, library.name_of(compose.folder))
    return replace(builder, place=library.name_of(builder.folder), next_step=next_step)


def _make_compose_builder(
    recipes: Sequence[Recipe], compose: ComposeProject, settings: Settings
) -> tuple[Builder, str | None]:
    """Return the builder of services, and the name of their image where it is one."""
    names = {recipe.service for recipe in recipes}
    services = [service for service in compose.file.services if service.name in names]
    images = {service.image for service in services} - {None}
    using = [
        service
        for service in compose.file.services
        if service.name in names or (service.build is None and service.image in images)
    ]
    builder = compose_builder(
        compose.program,
        folder=compose.folder,
        services=_without_twins(services),
        starts=[service for service in using if not service.profiles] or using,
        verify=settings.verify,
    )
    return builder, next(iter(images)) if len(images) == 1 else None


def _make_command_builder(
    recipes: Sequence[Recipe],
    settings: Settings,
    root: Path,
    variables: Mapping[str, str],
    image: str | None,
    next_step: str,
) -> Builder:
    """Return what the setting ``build_command`` starts, with its places filled in."""
    places = {(recipe.file, recipe.context) for recipe in recipes}
    path, context = places.pop() if len(places) == 1 else (None, None)
    name = settings.image or image or image_name(root)
    program = (*split_command("build_command", settings.build_command), "")[0]
    return command_builder(
        settings.build_command,
        {
            "file": "" if path is None else show_path(path, root),
            "context": "" if context is None else show_path(context, root),
            "image": name,
            "platform": settings.platform,
        },
        folder=root,
        engine=choose_engine(_ENGINES.get(program, settings.builder), variables),
        image=name,
        next_step=next_step,
        verify=settings.verify,
    )


def _without_twins(services: Sequence[Service]) -> list[Service]:
    """Leave out the services that build the same image of the same name as one before them.

    Where no name is given, compose gives each service one of its own, and each must be built.
    """
    kept: dict[object, Service] = {}
    for service in services:
        built = (service.image, service.build, service.platform)
        kept.setdefault(service.name if service.image is None else built, service)
    return [*kept.values()]
