"""The command line of the setting ``build_command``, as far as it tells how the image is built."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ..compose import Secret
from ..dockerfile import read_fields
from .recipe import fill_arguments

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from .recipe import Recipe

_BUILD_WORDS = frozenset({"build", "bud"})
_OPTIONS = (("--build-arg",), ("--secret",), ("--target",), ("--platform",), ("--file", "-f"))


class BuildOptions(Struct, frozen=True, kw_only=True):
    """What the options of a build say, with paths as they are written.

    A build argument is None where the environment gives its value. Of the Dockerfiles that are
    named, the last counts.
    """

    build_args: tuple[tuple[str, str | None], ...]
    secrets: tuple[Secret, ...]
    stage: str | None
    platforms: tuple[str, ...]
    dockerfiles: tuple[str, ...]


def read_build_options(words: Sequence[str]) -> BuildOptions:
    """Read the options of a build that are known here; all others are ignored.

    An option without its value says nothing: that is the program's to refuse.
    """
    parser = ArgumentParser(add_help=False, allow_abbrev=False)
    for names in _OPTIONS:
        parser.add_argument(*names, action="append", nargs="?", default=[])
    known, _ = parser.parse_known_args(words)

    def values(option: str) -> list[str]:
        return [value for value in getattr(known, option) if value is not None]

    args = [value.partition("=") for value in values("build_arg")]
    secrets = map(read_fields, values("secret"))
    return BuildOptions(
        build_args=tuple((name, value if equals else None) for name, equals, value in args),
        secrets=tuple(
            Secret(
                name=secret["id"],
                file=secret.get("src", secret.get("source")),
                variable=secret.get("env"),
            )
            for secret in secrets
            if "id" in secret
        ),
        stage=[None, *values("target")][-1],
        platforms=tuple(filter(None, ",".join(values("platform")).split(","))),
        dockerfiles=tuple(values("file")),
    )


def named_places(words: Sequence[str]) -> tuple[str | None, str | None]:
    """Return the Dockerfile that a build's command line names, and perhaps its context."""
    at = next((at for at, word in enumerate(words) if word in _BUILD_WORDS), len(words))
    if any("compose" in word for word in words[:at]):
        return None, None
    behind = words[at + 1 :]
    files = [name for name in read_build_options(behind).dockerfiles if "{" not in name]
    contexts = [word for word in behind[-1:] if not word.startswith("-")]
    return [None, *files][-1], [None, *contexts][-1]


def with_options(
    recipe: Recipe, options: BuildOptions, root: Path, variables: Mapping[str, str]
) -> Recipe:
    """Return a recipe with the options of a build's command line in force."""
    secrets = (
        replace(secret, file=None if secret.file is None else str(root / secret.file))
        for secret in options.secrets
    )
    given = fill_arguments(options.build_args, variables)
    return replace(
        recipe,
        build_args=tuple(dict([*recipe.build_args, *given]).items()),
        stage=recipe.stage if options.stage is None else options.stage,
        platforms=options.platforms or recipe.platforms,
        secrets=(*recipe.secrets, *secrets),
    )
