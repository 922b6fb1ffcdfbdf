"""A build: its Dockerfile as it was read, and the steps that install the requirements files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ..errors import DockerfileError
from ..files import show_path
from ..manifest.library import find_included, read_more
from .recipe import in_context

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from ..dockerfile import Dockerfile, InstallCommand
    from ..manifest.library import Library
    from .recipe import Parsed, Recipe


class Build(Struct, frozen=True, kw_only=True):
    """A build that may install the requirements files.

    Attributes:
        recipe: what it is given.
        parsed: its Dockerfile, or why that can't be read.
        files: the requirements files, as the build context has them.
        wanted: the same and what they include, by their absolute paths.
        installing: the steps that install one of the files, in the stages that are built.
        installed: all that these steps install, with what it includes, by absolute paths.
    """

    recipe: Recipe
    parsed: Parsed
    files: tuple[str, ...]
    wanted: frozenset[Path]
    installing: tuple[InstallCommand, ...] = ()
    installed: frozenset[Path] = frozenset()

    @property
    def dockerfile(self) -> Dockerfile:
        """The Dockerfile.

        Raises:
            DockerfileError: it can't be read.
        """
        if isinstance(self.parsed, DockerfileError):
            raise self.parsed
        return self.parsed

    @property
    def steps(self) -> tuple[InstallCommand, ...]:
        """The steps that install one of the files, in the stages that are built.

        Raises:
            DockerfileError: the Dockerfile can't be read.
        """
        if isinstance(self.parsed, DockerfileError):
            raise self.parsed
        return self.installing

    def place_of(self, step: InstallCommand) -> str:
        """Return where a step of it stands, ``Dockerfile:4``."""
        return f"{self.recipe.path}:{step.line}"


def read_named(
    library: Library,
    parsed: Mapping[Recipe, Parsed],
    files: Sequence[str],
) -> Library:
    """Return the library with the requirements files that steps may install.

    Args:
        library: what was read so far.
        parsed: the Dockerfiles that the steps stand in.
        files: the project's own files, relative to its root.
    """
    for recipe, dockerfile in parsed.items():
        steps = () if isinstance(dockerfile, DockerfileError) else dockerfile.steps
        named = (name for step in steps for name in _names(step, recipe, library.root))
        library = read_more(library, [*files, *named], recipe.variables)
    return library


def find_build(recipe: Recipe, parsed: Parsed, files: Sequence[str], library: Library) -> Build:
    """Return a build with its steps that install the files, as far as the Dockerfile tells.

    Args:
        recipe: what it is given.
        parsed: its Dockerfile.
        files: the requirements files, relative to the project's root.
        library: they, and the files of the Dockerfile's steps, as they were read.
    """
    root = library.root
    build = Build(
        recipe=recipe,
        parsed=parsed,
        files=tuple(in_context(recipe, root / file) for file in files),
        wanted=find_included(library, files, recipe.variables),
    )
    if isinstance(parsed, DockerfileError):
        return build
    installed = {
        step: find_included(library, _names(step, recipe, root), recipe.variables)
        for step in parsed.steps
    }
    needed = _needed_stages(parsed, recipe.stage)
    steps = [
        step
        for step, paths in installed.items()
        if step.stage in needed and not paths.isdisjoint(build.wanted)
    ]
    return replace(
        build,
        installing=tuple(steps),
        installed=frozenset(path for step in steps for path in installed[step]),
    )


def touched_by(changed: Collection[Path], builds: Iterable[Build]) -> tuple[Build, ...]:
    """Return the builds that install one of these files."""
    return tuple(build for build in builds if not build.installed.isdisjoint(changed))


def _needed_stages(dockerfile: Dockerfile, stage: str | None) -> Collection[int]:
    """Return the stages that are built: all, where no stage is named, or none of that name."""
    last = dockerfile.stage_named(stage) if stage else None
    return range(len(dockerfile.stages)) if last is None else dockerfile.needed_by(last.index)


def _names(step: InstallCommand, recipe: Recipe, root: Path) -> tuple[str, ...]:
    """Return the files that a step may install, relative to the project's root."""
    paths = (*step.sources, *step.possible)
    return tuple(show_path(recipe.context / path, root) for path in paths)
