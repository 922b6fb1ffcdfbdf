"""Which builder builds what was found: the user's command, compose, or a plain engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from ..engine import command_builder, compose_builder, image_name, plain_builder
from ..files import show_path

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ..compose import Service
    from ..plan import Builder
    from ..settings import Settings
    from .compose_project import ComposeProject
    from .recipe import Recipe


class BuilderChoice(Struct, frozen=True, kw_only=True):
    """What a builder is chosen by.

    Attributes:
        root: the project's folder.
        settings: of the project.
        compose: the compose project that has the services, or None.
        engine: ``docker`` or ``podman``, where it counts.
    """

    root: Path
    settings: Settings
    compose: ComposeProject | None
    engine: str


def make_builder(choice: BuilderChoice, recipes: Sequence[Recipe]) -> Builder | None:
    """Return the builder of recipes, or None where there is nothing to build.

    Raises:
        UsageError: the setting ``build_command`` or ``verify`` can't be understood.
    """
    settings = choice.settings
    if choice.compose is not None:
        return _make_compose_builder(choice, choice.compose, recipes)
    if settings.build_command:
        return _make_command_builder(choice, recipes)
    for recipe in recipes:
        if recipe.file is not None:
            return plain_builder(
                choice.engine,
                dockerfile=recipe.file,
                folder=choice.root,
                image=settings.image or image_name(choice.root),
                platform=settings.platform,
                verify=settings.verify,
            )
    return None


def _make_compose_builder(
    choice: BuilderChoice, compose: ComposeProject, recipes: Sequence[Recipe]
) -> Builder:
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
        verify=choice.settings.verify,
    )
    if not choice.settings.build_command:
        return builder
    return _make_command_builder(
        choice,
        recipes,
        image=next(iter(images)) if len(images) == 1 else None,
        next_step=builder.next_step,
    )


def _make_command_builder(
    choice: BuilderChoice,
    recipes: Sequence[Recipe],
    *,
    image: str | None = None,
    next_step: str = "",
) -> Builder:
    """Return what the setting ``build_command`` starts, with its places filled in."""
    root, settings = choice.root, choice.settings
    places = {(recipe.file, recipe.context) for recipe in recipes}
    path, context = places.pop() if len(places) == 1 else (None, None)
    name = settings.image or image or image_name(root)
    return command_builder(
        settings.build_command,
        {
            "file": "" if path is None else show_path(path, root),
            "context": "" if context is None else show_path(context, root),
            "image": name,
            "platform": settings.platform,
        },
        folder=root,
        engine=choice.engine,
        image=name,
        next_step=next_step,
        verify=settings.verify,
    )


def _without_twins(services: Sequence[Service]) -> list[Service]:
    """Leave out the services that build the same image of the same name as one before them.

    Where no name is given, compose gives each service one of its own, and each must be built.
    """
    kept: list[Service] = []
    for service in services:
        twins = [
            other
            for other in kept
            if service.image is not None
            and (service.image, service.build, service.platform)
            == (other.image, other.build, other.platform)
        ]
        if not twins:
            kept.append(service)
    return kept
