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
    join_builders,
    plain_builder,
    split_command,
)
from ..errors import DockerfileError
from ..files import show_path
from ..plan import typed_from_here
from ..target import docker_platform
from .parts import name_build

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from ..compose import Service
    from ..manifest.library import Library
    from ..plan import Builder
    from ..settings import Chosen, Settings
    from .bake_project import BakeProject
    from .build import Build
    from .compose_project import ComposeProject
    from .recipe import Recipe

_ENGINES = {"docker": "docker", "podman": "podman", "buildah": "podman"}
"""Where the image is that a program has built."""


def make_builder(
    builds: Sequence[Build],
    compose: ComposeProject | None,
    settings: Settings,
    library: Library,
    variables: Mapping[str, str],
    bake: BakeProject | None = None,
) -> Builder | None:
    """Return the builder of builds, or None where there is nothing to build.

    Raises:
        UsageError: the setting ``build_command`` or ``verify`` can't be understood.
    """
    builder, image = None, None
    root = library.root
    if compose is not None:
        builder, image = _make_compose_builder(builds, compose, settings)
    elif builds and not settings.build_command:
        builder = _make_loose_builder(builds, bake, settings, root, variables)
    if settings.build_command:
        next_step = "" if builder is None else builder.next_step
        builder = _make_command_builder(builds, settings, root, variables, image, next_step)
    if builder is None:
        return None
    next_step = builder.next_step
    if compose is not None:
        next_step = typed_from_here(next_step, library.name_of(compose.folder))
    return replace(builder, place=library.name_of(builder.folder), next_step=next_step)


def _choose(build: Build, settings: Settings) -> Chosen:
    """Return the settings of the image that a build makes: those of the stage that it ends with."""
    own = name_build(build.recipe)
    label = build.recipe.stage
    if label is None and not isinstance(build.parsed, DockerfileError):
        label = build.last.name or str(build.last.index)
    return settings.chosen_for([f"{own}#{label}", own])


def _make_loose_builder(
    builds: Sequence[Build],
    bake: BakeProject | None,
    settings: Settings,
    root: Path,
    variables: Mapping[str, str],
) -> Builder | None:
    """Return the builder of targets of bake files, or of Dockerfiles.

    A single target is built as its Dockerfile where docker buildx is not here.
    """
    recipes = [build.recipe for build in builds]
    first = recipes[0]
    if bake is not None and (bake.is_built_by_bake or len(recipes) > 1 or first.file is None):
        return bake_builder(
            bake.files,
            {recipe.bake: recipe.image for recipe in recipes},
            overrides=_overrides(recipes),
            folder=root,
            verify={build.recipe.image: _choose(build, settings).verify for build in builds},
        )
    engine = choose_engine(settings.builder, variables)
    return join_builders(
        [
            plain_builder(
                engine,
                dockerfile=build.recipe.file,
                context=build.recipe.context,
                stage=build.recipe.stage or "",
                folder=root,
                image=build.recipe.image,
                platform=_platform_of(build, settings),
                arguments=[(key, v) for key, v in build.recipe.build_args if v is not None],
                verify=_choose(build, settings).verify,
            )
            for build in builds
            if build.recipe.file is not None
        ]
    )


def _platform_of(build: Build, settings: Settings) -> str:
    own = build.recipe.platforms
    return _choose(build, settings).platform or (own[0] if len(own) == 1 else "")


def _overrides(recipes: Sequence[Recipe]) -> Iterator[str]:
    """Yield what bake files lack to load an image: a tag, and one platform of several."""
    for recipe in recipes:
        if not recipe.tags:
            yield f"{recipe.bake}.tags={recipe.image}"
        if len(recipe.platforms) > 1:
            own = docker_platform(host.machine())
            chosen = own if own in recipe.platforms else recipe.platforms[0]
            yield f"{recipe.bake}.platform={chosen}"


def _make_compose_builder(
    builds: Sequence[Build], compose: ComposeProject, settings: Settings
) -> tuple[Builder, str | None]:
    """Return the builder of services, and the name of their image where it is one."""
    names = {build.recipe.service for build in builds}
    services = [service for service in compose.file.services if service.name in names]
    images = {service.image for service in services} - {None}
    using = [
        service
        for service in compose.file.services
        if service.name in names or (service.build is None and service.image in images)
    ]
    verify = {build.recipe.service: _choose(build, settings).verify for build in builds}
    builder = compose_builder(
        compose.program,
        folder=compose.folder,
        services=_without_twins(services, verify),
        starts=[service for service in using if not service.profiles] or using,
        verify=verify,
    )
    return builder, next(iter(images)) if len(images) == 1 else None


def _make_command_builder(
    builds: Sequence[Build],
    settings: Settings,
    root: Path,
    variables: Mapping[str, str],
    image: str | None,
    next_step: str,
) -> Builder | None:
    """Return what the setting ``build_command`` starts, once for each build that differs in it."""
    program = (*split_command("build_command", settings.build_command), "")[0]
    engine = choose_engine(_ENGINES.get(program, settings.builder), variables)
    plain = settings.chosen_for(())
    fallback = settings.image or image or image_name(root)
    found: dict[tuple[str, ...], Builder] = {}
    for build in builds or (None,):
        recipe = None if build is None else build.recipe
        file = None if recipe is None else recipe.file
        chosen = plain if build is None else _choose(build, settings)
        name = fallback if recipe is None or recipe.service else recipe.image or fallback
        builder = command_builder(
            settings.build_command,
            {
                "file": "" if file is None else show_path(file, root),
                "context": "" if recipe is None else show_path(recipe.context, root),
                "image": name,
                "platform": chosen.platform,
                "stage": "" if recipe is None else recipe.stage or "",
            },
            folder=root,
            engine=engine,
            image=name,
            next_step=next_step,
            verify=chosen.verify,
        )
        found.setdefault(builder.command, builder)
    return join_builders([*found.values()])


def _without_twins(services: Sequence[Service], verify: Mapping[str, str]) -> list[Service]:
    """Leave out the services that build the same image of the same name as one before them.

    ``verify`` is what is run in the image of each.

    Where no name is given, compose gives each service one of its own, and each must be built.
    """
    kept: dict[object, Service] = {}
    for service in services:
        build = service.build and replace(service.build, inline_place=None)
        built = (service.image, build, service.platform, verify[service.name])
        kept.setdefault(service.name if service.image is None else built, service)
    return [*kept.values()]
