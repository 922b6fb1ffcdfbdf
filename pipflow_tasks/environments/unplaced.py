"""Requirements files that no step installs, beside others that the steps do install."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import DockerfileError, TargetError
from .build import bases_of
from .uninstalled import find_unbuilt

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from ..manifest.library import Library
    from ..settings import Settings
    from .build import Build
    from .target import FoundTarget


def note_uninstalled(
    unread: Collection[Path],
    targets: Sequence[FoundTarget],
    library: Library,
    settings: Settings,
) -> Iterator[str]:
    """Yield that files which no step installs are for several images, and how to choose one.

    Raises:
        TargetError: a stage on another image installs a file, and is not built.
    """
    named = [name for name in settings.files if library.path_of(name) in unread]
    names = named or sorted(library.name_of(path) for path in unread)
    builds = [build for target in targets for build in target.builds]
    bases = frozenset().union(*map(bases_of, builds))
    for build in builds:
        _require_built(build, names, bases, library)
    if any(each.target.accepted != targets[0].target.accepted for each in targets):
        shown = " and ".join(names)
        images = " and ".join(f"{each.name} (python {each.target.python})" for each in targets)
        choices = " or ".join(dict.fromkeys(_choices(targets, builds)))
        yield (
            f"no step installs {shown}, so versions are chosen that suit {images}"
            f"{choices and f'; for one of them alone, set {choices}'}"
        )


def _require_built(
    build: Build, names: Sequence[str], bases: frozenset[object], library: Library
) -> None:
    """Raise TargetError where a stage that is not built installs a file on another image."""
    if isinstance(build.parsed, DockerfileError):
        return
    for name in names:
        found = find_unbuilt(build, [name], library)
        if found is not None and not bases_of(found[0]) <= bases:
            why = found[1]
            raise TargetError(why.message, path=build.recipe.path, line=why.line, hint=why.fix)


def _choices(targets: Sequence[FoundTarget], builds: Sequence[Build]) -> Iterator[str]:
    """Yield the settings that choose one of the images."""
    paths = {build.recipe.path for build in builds}
    for target in targets:
        for part in target.parts:
            recipe = part.build.recipe
            if recipe.service:
                yield f"`service: {recipe.service}`"
            elif len(paths) > 1:
                yield f"`dockerfile: {recipe.path}`"
            elif part.stage is not None or recipe.stage:
                yield f"`stage: {part.label or recipe.stage}`"
