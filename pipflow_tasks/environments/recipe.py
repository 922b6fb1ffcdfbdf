"""What one build is given: its Dockerfile, context, arguments, stage, platforms, secrets."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from ..dockerfile import Dockerfile
from ..errors import DockerfileError
from ..files import show_path
from ..values import equal_without, hash_without, repr_without

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from ..compose import Secret
    from .build_command import BuildOptions

Parsed: TypeAlias = Dockerfile | DockerfileError
"""A Dockerfile that was read, or why it can't be."""


class Recipe(Struct, frozen=True, kw_only=True):
    """What one build is given.

    Attributes:
        service: the compose service that it builds, or an empty string.
        path: the Dockerfile, as messages show it.
        text: what it says.
        file: the Dockerfile's own file; None where it is in a compose file.
        context: the folder that is its build context.
        variables: for the names of included files.
        build_args: the build arguments it gets.
        unset_args: the build arguments that the environment was to give and did not.
        stage: the stage that is built; the last, where it is None.
        platforms: those it is built for, where the compose file or the command says so.
        secrets: those that the build is given.
    """

    service: str = ""
    path: str
    text: str
    file: Path | None
    context: Path
    variables: Mapping[str, str]
    build_args: tuple[tuple[str, str], ...] = ()
    unset_args: tuple[str, ...] = ()
    stage: str | None = None
    platforms: tuple[str, ...] = ()
    secrets: tuple[Secret, ...] = ()

    __repr__ = repr_without("text", "variables")
    __eq__ = equal_without("variables")
    __hash__ = hash_without("variables")


class Arguments(Struct, frozen=True, kw_only=True):
    """Build arguments: those with a value, and those that the environment does not have."""

    given: tuple[tuple[str, str], ...]
    unset: tuple[str, ...]


def fill_arguments(
    args: Iterable[tuple[str, str | None]], variables: Mapping[str, str]
) -> Arguments:
    """Return build arguments with the values that the environment is to give."""
    known = [(name, variables.get(name) if value is None else value) for name, value in args]
    return Arguments(
        given=tuple((name, value) for name, value in known if value is not None),
        unset=tuple(name for name, value in known if value is None),
    )


def with_options(
    recipe: Recipe, options: BuildOptions, root: Path, variables: Mapping[str, str]
) -> Recipe:
    """Return a recipe with the options of a build's command line in force."""
    arguments = fill_arguments(options.build_args, variables)
    secrets = (
        replace(secret, file=None if secret.file is None else str(root / secret.file))
        for secret in options.secrets
    )
    return replace(
        recipe,
        build_args=tuple(dict((*recipe.build_args, *arguments.given)).items()),
        unset_args=(*recipe.unset_args, *arguments.unset),
        stage=recipe.stage if options.stage is None else options.stage,
        platforms=options.platforms or recipe.platforms,
        secrets=(*recipe.secrets, *secrets),
    )


def parse(
    recipes: Iterable[Recipe], known: Mapping[Recipe, Parsed] = MappingProxyType({})
) -> dict[Recipe, Parsed]:
    """Read the Dockerfile of each recipe; equal ones with equal arguments are read once.

    Args:
        recipes: the recipes.
        known: what was read before.
    """
    done = {_reading(recipe): parsed for recipe, parsed in known.items()}
    parsed: dict[Recipe, Parsed] = {}
    for recipe in recipes:
        key = _reading(recipe)
        if key not in done:
            done[key] = _parse(recipe)
        parsed[recipe] = done[key]
    return parsed


def _reading(recipe: Recipe) -> tuple[object, ...]:
    """Return what decides over how a Dockerfile reads."""
    return recipe.path, recipe.text, recipe.build_args, recipe.platforms[:1]


def _parse(recipe: Recipe) -> Parsed:
    try:
        return Dockerfile.from_text(
            recipe.text,
            path=recipe.path,
            build_args=dict(recipe.build_args),
            platform=recipe.platforms[0] if recipe.platforms else None,
        )
    except DockerfileError as error:
        return error


def in_context(recipe: Recipe, file: Path) -> str:
    """Return a file's path as the build context has it."""
    return show_path(file, recipe.context)
