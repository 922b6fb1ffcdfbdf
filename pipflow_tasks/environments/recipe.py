"""What one build is given, and its Dockerfile with those of the images that it is made on."""

from __future__ import annotations

from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ..dockerfile import Dockerfile, Source
from ..errors import DockerfileError
from ..files import show_path
from ..isolation import names_set
from ..target import variables_of
from ..values import repr_without

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from ..compose import Secret
    from ..manifest.library import Library

_IMAGE = "docker-image://"
_NO_BASES: Mapping[str, Recipe] = MappingProxyType({})


class Recipe(Struct, frozen=True, kw_only=True):
    """What one build is given.

    Attributes:
        service: the compose service that it builds, or an empty string.
        bake: the target of a bake file that it builds, or an empty string.
        tags: those of the image that a bake or compose file names.
        image: the name of the image, where no compose file builds it.
        path: the Dockerfile, as messages show it.
        text: what it says.
        first_line: that of the text, where the Dockerfile is in a compose file.
        file: the Dockerfile's own file; None where it is in a compose file.
        context: the folder that is its build context.
        variables: for the names of included files.
        build_args: with None where the environment was to give the value and did not.
        stage: the stage that is built; the last, where it is None.
        platforms: those it is built for, where the compose file or the command says so.
        secrets: those that the build is given.
        contexts: the names that FROM may have for an image, each with what is meant:
            ``service:base``, ``target:base`` or ``docker-image://python:3.12``.
        bases: what the project builds itself, by the tags of its image, and by ``service:`` or
            ``target:`` with its name.
    """

    service: str = ""
    bake: str = ""
    tags: tuple[str, ...] = ()
    image: str = ""
    path: str
    text: str
    first_line: int = 1
    file: Path | None
    context: Path
    variables: Mapping[str, str]
    build_args: tuple[tuple[str, str | None], ...] = ()
    stage: str | None = None
    platforms: tuple[str, ...] = ()
    secrets: tuple[Secret, ...] = ()
    contexts: tuple[tuple[str, str], ...] = ()
    bases: Mapping[str, Recipe] = _NO_BASES

    __repr__ = repr_without("text", "variables", "bases")

    def names(self, paths: Iterable[str], library: Library) -> list[str]:
        """Return what files of its context are called in the project."""
        return [library.name_of(self.context / path) for path in paths]


def fill_arguments(
    args: Iterable[tuple[str, str | None]], variables: Mapping[str, str]
) -> tuple[tuple[str, str | None], ...]:
    """Return build arguments with the values that the environment is to give and has."""
    return tuple((name, variables.get(name) if value is None else value) for name, value in args)


def with_bases(recipes: Sequence[Recipe], others: Iterable[Recipe] = ()) -> list[Recipe]:
    """Return recipes that know each other's images, and those of others, as bases."""
    bases: dict[str, Recipe] = {}
    for recipe in [*recipes, *others]:
        if recipe.service:
            bases.setdefault(f"service:{recipe.service}", recipe)
        if recipe.bake:
            bases.setdefault(f"target:{recipe.bake}", recipe)
        for tag in recipe.tags:
            bases.setdefault(_plain(tag), recipe)
    return [replace(recipe, bases=bases) for recipe in recipes]


def parse(recipe: Recipe) -> Dockerfile | DockerfileError:
    """Return what the Dockerfile of a recipe says, or why it can't be read."""
    try:
        return Dockerfile.from_source(
            _source_of(replace(recipe, bases=_NO_BASES), recipe),
            platform=recipe.platforms[0] if recipe.platforms else None,
            inherited=variables_of,
        )
    except DockerfileError as error:
        return error


def _source_of(recipe: Recipe, built: Recipe, seen: tuple[Recipe, ...] = ()) -> Source:
    """Return the Dockerfile of a recipe, for its own build or one that is made on its image."""
    unset = [name for name, value in recipe.build_args if value is None]
    return Source(
        text=recipe.text,
        path=recipe.path,
        first_line=recipe.first_line,
        build_args={name: value for name, value in recipe.build_args if value is not None},
        wanted=names_set(recipe.variables).union(unset),
        stage=recipe.stage,
        folder=show_path(recipe.context, built.context),
        find_base=partial(_find_base, recipe=recipe, built=built, seen=(*seen, recipe)),
    )


def _find_base(
    name: str, *, recipe: Recipe, built: Recipe, seen: tuple[Recipe, ...]
) -> Source | str | None:
    """Return what FROM of a name means: a Dockerfile of the project, another image, or itself."""
    meant = dict(recipe.contexts).get(name, name)
    base = built.bases.get(meant) or built.bases.get(_plain(meant))
    if base is not None and base not in seen:
        return _source_of(base, built, seen)
    return meant.removeprefix(_IMAGE) if meant.startswith(_IMAGE) else None


def _plain(image: str) -> str:
    """Return the name of an image with its tag, and without what is the same for Docker."""
    name = image.removeprefix("docker.io/").removeprefix("library/")
    return name if ":" in name.rpartition("/")[2] or "@" in name else f"{name}:latest"
