"""Which builder builds what was found: the user's command, compose, or a plain engine."""

from __future__ import annotations

import platform as host
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ..engine import (
    bake_builder,
    choose_engine,
    command_builder,
    compose_builder,
    image_name,
    plain_builder,
    split_command,
)
from ..files import show_path
from ..plan import typed_from_here
from ..target import docker_platform

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from ..compose import Service
    from ..manifest.library import Library
    from ..plan import Builder
    from ..settings import Settings
    from .bake_project import BakeProject
    from .compose_project import ComposeProject
    from .recipe import Recipe

_ENGINES = {"docker": "docker", "podman": "podman", "buildah": "podman"}
"""Where the image is that a program has built."""


def make_builder(
    recipes: Sequence[Recipe],
    compose: ComposeProject | None,
    settings: Settings,
    library: Library,
    variables: Mapping[str, str],
    bake: BakeProject | None = None,
) -> Builder | None:
    """Return the builder of recipes, or None where there is nothing to build.

    Without a compose project or bake files there is one recipe at most.

    Raises:
        UsageError: the setting ``build_command`` or ``verify`` can't be understood.
    """
    builder, image = None, None
    root = library.root
    first = next(iter(recipes), None)
    if compose is not None:
        builder, image = _make_compose_builder(recipes, compose, settings)
    elif first is not None and not settings.build_command:
        builder = _make_loose_builder(recipes, bake, settings, root, variables)
    elif first is not None:
        image = next(iter(first.tags), None)
    if settings.build_command:
        next_step = "" if builder is None else builder.next_step
        builder = _make_command_builder(recipes, settings, root, variables, image, next_step)
    if builder is None:
        return None
    next_step = builder.next_step
    if compose is not None:
        next_step = typed_from_here(next_step, library.name_of(compose.folder))
    return replace(builder, place=library.name_of(builder.folder), next_step=next_step)


def _make_loose_builder(
    recipes: Sequence[Recipe],
    bake: BakeProject | None,
    settings: Settings,
    root: Path,
    variables: Mapping[str, str],
) -> Builder | None:
    """Return the builder of targets of bake files, or of a Dockerfile.

    A single target is built as its Dockerfile where docker buildx is not here.
    """
    first, name = recipes[0], settings.image or image_name(root)
    if bake is not None and (bake.is_built_by_bake or len(recipes) > 1 or first.file is None):
        names = [name, *(f"{name}-{recipe.bake}" for recipe in recipes[1:])]
        tags = [next(iter(each.tags), own) for each, own in zip(recipes, names, strict=True)]
        return bake_builder(
            bake.files,
            {recipe.bake: tag for recipe, tag in zip(recipes, tags, strict=True)},
            overrides=_overrides(recipes, tags),
            folder=root,
            verify=settings.verify,
        )
    if first.file is None:
        return None
    return plain_builder(
        choose_engine(settings.builder, variables),
        dockerfile=first.file,
        context=first.context,
        stage=first.stage or "",
        folder=root,
        image=next(iter(first.tags), name),
        platform=settings.platform or (first.platforms[0] if len(first.platforms) == 1 else ""),
        arguments=[(key, value) for key, value in first.build_args if value is not None],
        verify=settings.verify,
    )


def _overrides(recipes: Sequence[Recipe], tags: Sequence[str]) -> Iterator[str]:
    """Yield what bake files lack to load an image: a tag, and one platform of several."""
    for recipe, tag in zip(recipes, tags, strict=True):
        if not recipe.tags:
            yield f"{recipe.bake}.tags={tag}"
        if len(recipe.platforms) > 1:
            own = docker_platform(host.machine())
            chosen = own if own in recipe.platforms else recipe.platforms[0]
            yield f"{recipe.bake}.platform={chosen}"


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
        build = service.build and replace(service.build, inline_place=None)
        built = (service.image, build, service.platform)
        kept.setdefault(service.name if service.image is None else built, service)
    return [*kept.values()]
