"""Find a project's bake files as docker buildx does, and read them: by buildx, or ourselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from ..engine import print_bake
from ..files import read_text
from .recipe import Recipe, with_bases

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..bake import BakeTarget
    from ..manifest.library import Library

_FILES = (
    *("docker-bake.json", "docker-bake.hcl"),
    *("docker-bake.override.json", "docker-bake.override.hcl"),
)
"""In the order in which buildx merges them."""


class BakeProject(Struct, frozen=True, kw_only=True):
    """The bake files of a project's folder.

    Attributes:
        files: their names.
        recipes: of the targets that have a Dockerfile here.
        unread: what could not be read, one clause each.
        is_built_by_bake: docker buildx is here, and can read them.
    """

    files: tuple[str, ...]
    recipes: tuple[Recipe, ...] = ()
    unread: tuple[str, ...] = ()
    is_built_by_bake: bool = False


def find_bake(library: Library, variables: Mapping[str, str]) -> BakeProject | None:
    """Read the bake files of the project's folder; None: it has none.

    Raises:
        BakeError: one that is JSON can't be understood.
    """
    root = library.root
    names = tuple(name for name in _FILES if (root / name).is_file())
    if not names:
        return None
    from ..bake import read_bake_files  # few projects have such a file

    printed = print_bake(names, variables, root)
    hcl = [name for name in names if name.endswith(".hcl")]
    if printed is not None:
        file = read_bake_files([(names[0], printed)], {})
    elif hcl:
        unread = f"{' and '.join(hcl)} is read by `docker buildx bake --print` alone, which fails"
        return BakeProject(files=names, unread=(unread,))
    else:
        texts = ((name, read_text(root / name, shown=name) or "") for name in names)
        file = read_bake_files(texts, variables)
    recipes: list[Recipe] = []
    unread_targets = [*file.unread]
    for target in file.targets:
        if target.build.is_remote:
            continue
        recipe = _recipe_of(target, library, variables)
        if recipe is None:
            path = library.name_of(root / target.build.context / target.build.dockerfile)
            unread_targets.append(f"the target {target.name} ({names[0]}) has no {path}")
        else:
            recipes.append(recipe)
    bases = (
        None if target.build.is_remote else _recipe_of(target, library, variables)
        for target in file.others
    )
    return BakeProject(
        files=names,
        recipes=tuple(with_bases(recipes, filter(None, bases))),
        unread=tuple(unread_targets),
        is_built_by_bake=printed is not None,
    )


def _recipe_of(target: BakeTarget, library: Library, variables: Mapping[str, str]) -> Recipe | None:
    """Return the recipe of a target; None: its Dockerfile is not there."""
    build = target.build
    context = library.root / build.context
    path, shown = context / build.dockerfile, f"dockerfile-inline of {target.name}"
    text = build.dockerfile_inline
    if text is None:
        shown = library.name_of(path)
        text = read_text(path, shown=shown)
    if text is None:
        return None
    return Recipe(
        bake=target.name,
        tags=target.tags,
        path=shown,
        text=text,
        file=None if build.dockerfile_inline is not None else path,
        context=context,
        variables=variables,
        build_args=build.args,
        stage=build.target,
        platforms=build.platforms,
        secrets=build.secrets,
        contexts=build.contexts,
    )
