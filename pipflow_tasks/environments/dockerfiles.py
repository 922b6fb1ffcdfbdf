"""Find the Dockerfiles in a project's folder, and the folder that each is built from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ..dockerfile.names import PLAIN_NAMES, is_dockerfile_name
from ..errors import DockerfileError
from ..files import exists, find_repository, read_text
from .build import names_installed_by, read_builds
from .ignored import IgnoreRules
from .recipe import Recipe, parse

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from ..manifest.library import Library
    from .build import Build

_FOREIGN = frozenset(
    {"node_modules", "bower_components", "vendor", "vendored", "third_party", "third-party"}
    | {"venv", "env", "virtualenv", "site-packages", "dist-packages", "__pycache__"}
)
_LESSER = frozenset({"test", "tests", "testing", "example", "examples", "doc", "docs", "fixtures"})
_DEPTH = 3


class FoundFiles(Struct, frozen=True, kw_only=True):
    """The Dockerfiles below and beside the usual ones, as far as names tell.

    Attributes:
        others: those of the project.
        lesser: those of tests, examples and documentation.
        hidden: those in hidden folders, which are never built from.
    """

    others: tuple[Path, ...]
    lesser: tuple[Path, ...]
    hidden: tuple[Path, ...]


def find_usual(root: Path) -> tuple[Path, ...]:
    """Return ``Dockerfile`` and ``Containerfile`` of a folder, if they are there."""
    return tuple(path for name in PLAIN_NAMES if (path := root / name).is_file())


def find_others(root: Path) -> FoundFiles:
    """Find the other Dockerfiles of a folder and below it, to a depth of three folders."""
    found: dict[str, list[Path]] = {"others": [], "lesser": [], "hidden": []}
    for path in _walk(root):
        folders = path.relative_to(root).parts[:-1]
        if any(name.startswith(".") for name in folders):
            found["hidden"].append(path)
        elif not _LESSER.isdisjoint(name.lower() for name in folders):
            found["lesser"].append(path)
        elif path.parent != root or path.name not in PLAIN_NAMES:
            found["others"].append(path)
    return FoundFiles(**{kind: tuple(paths) for kind, paths in found.items()})


def find_above(root: Path) -> tuple[Path, ...]:
    """Find the Dockerfiles elsewhere in the repository that a folder belongs to.

    Those of tests, examples and documentation are left out, as are those in hidden folders.
    """
    top = find_repository(root)
    if top is None or top == root:
        return ()
    paths = (*find_usual(top), *find_others(top).others)
    return tuple(path for path in paths if not path.is_relative_to(root))


def _walk(root: Path) -> Iterator[Path]:
    """Yield the files whose names are those of Dockerfiles, those of a folder in order."""
    rules = {str(root): IgnoreRules.of_repository(root)}
    for here, below, names in os.walk(root):
        folder = Path(here)
        depth = len(folder.relative_to(root).parts)
        own = rules.pop(here).within(folder)
        below[:] = sorted(
            name
            for name in below
            if depth < _DEPTH
            and name.lower() not in _FOREIGN
            and name != ".git"
            and not exists(folder / name / "pyvenv.cfg")
            and not own.hides(folder / name)
        )
        rules.update((str(folder / name), own) for name in below)
        for name in sorted(names):
            if is_dockerfile_name(name):
                yield folder / name


def place(
    paths: Iterable[Path],
    files: Collection[str],
    library: Library,
    variables: Mapping[str, str],
    *,
    context: Path | None = None,
    stages: Sequence[str] = (),
    is_named: bool = False,
) -> tuple[list[Build], list[tuple[Path, Path]], Library]:
    """Return the builds of Dockerfiles, each in the nearest context that has what it installs.

    Next is each context that is neither the project's folder nor above it, with the Dockerfile that
    finds there what it installs: it is another project.

    Folders upward from the Dockerfile are tried, as far as the repository goes. Where none has it,
    the project's folder is the context. ``files`` are the requirements files, if they are known;
    ``context`` and ``stages`` are what the settings say: each Dockerfile is built once for each of
    these stages that it has. A Dockerfile that ``is_named`` is of this project in any context.

    Raises:
        FileError: a file can't be read.
    """
    placed: list[Build] = []
    foreign: list[tuple[Path, Path]] = []
    recipes: list[Recipe] = []
    for path in paths:
        shown = library.name_of(path)
        text = read_text(path, shown=shown)
        if text is None:
            continue
        recipes.append(
            Recipe(
                path=shown,
                text=text,
                file=path,
                context=context or library.root,
                variables=variables,
            )
        )
    is_ours = is_named or context is not None
    for staged in _in_stages(recipes, stages):
        builds, library = _find_context(staged, files, library, is_fixed=context is not None)
        found = builds[0].recipe
        assert found.file is not None
        if is_ours or library.root.is_relative_to(found.context):
            placed += builds
        else:
            foreign.append((found.context, found.file))
    return placed, foreign, library


def _in_stages(recipes: Sequence[Recipe], stages: Sequence[str]) -> Iterator[list[Recipe]]:
    """Yield for each Dockerfile a recipe for each stage: those that it has, if any has them."""
    has = [
        {stage for stage in stages if _has_stage(recipe, stage)} if len(recipes) > 1 else {*stages}
        for recipe in recipes
    ]
    lacking = {*stages}.difference(*has)
    for recipe, own in zip(recipes, has, strict=True):
        wanted = [stage for stage in stages if stage in own or stage in lacking]
        if wanted or not stages:
            yield [replace(recipe, stage=stage) for stage in wanted] or [recipe]


def _has_stage(recipe: Recipe, stage: str) -> bool:
    parsed = parse(recipe)
    return isinstance(parsed, DockerfileError) or parsed.stage_named(stage) is not None


def _find_context(
    recipes: Sequence[Recipe], files: Collection[str], library: Library, *, is_fixed: bool
) -> tuple[tuple[Build, ...], Library]:
    """Return the builds of a Dockerfile, in the nearest context that has what they install."""
    first: tuple[Build, ...] = ()
    recipe = recipes[0]
    assert recipe.file is not None
    contexts = [recipe.context] if is_fixed else _upward(recipe.file.parent, library.root)
    for context in contexts:
        there = [replace(each, context=context) for each in recipes]
        builds, library = read_builds(there, files, library)
        if context == recipe.context or not first:
            first = builds
        if isinstance(builds[0].parsed, DockerfileError):
            break
        if any(build.installing or names_installed_by(build, library) for build in builds):
            return builds, library
    return first, library


def _upward(folder: Path, root: Path) -> list[Path]:
    """Return a folder and those above it, to the top of the repository or to the root."""
    above = [folder, *folder.parents]
    top = find_repository(folder)
    if top is None or not root.is_relative_to(top):
        top = root
    return [each for each in above if each.is_relative_to(top)]
