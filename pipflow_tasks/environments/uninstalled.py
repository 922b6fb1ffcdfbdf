"""Builds that do not install the requirements files: what may be why, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ..errors import TargetError
from ..files import is_file
from ..settings import DEFAULT_FILE
from ..values import Pattern
from .build import read_builds

_LOCKED = Pattern(r"\b(?:uv sync|poetry install|pdm (?:install|sync)|pipenv (?:install|sync))\b")

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..manifest.library import Library
    from .build import Build


class Uninstalled(Struct, frozen=True, kw_only=True):
    """Why a build does not install the files.

    Attributes:
        line: of the step, or of the last stage.
        message: what it does instead.
        reason: what a step does that could be meant to install them, as a clause; or empty.
        fix: what to change in the Dockerfile or in the settings.
        is_seen: a step installs the file, but looks for it in another place, or in a stage that is
            not built.
    """

    line: int
    message: str
    fix: str
    reason: str = ""
    is_seen: bool = False


def explain_uninstalled(build: Build, library: Library) -> Uninstalled:
    """Return why a build does not install the files.

    Raises:
        DockerfileError: its Dockerfile can't be read.
    """
    dockerfile, files = build.dockerfile, build.files
    message = f"nothing installs {' and '.join(files)}"
    fix = f"add `COPY {files[0]} .` and `RUN pip install -r {files[0]}`"
    if outside := [file for file in files if file.startswith("../")]:
        fix = f"{outside[0]} is outside of the build context; build from a folder above it"
    for step in dockerfile.steps:
        for found in step.misplaced:
            if found.source in files:
                return Uninstalled(
                    line=step.line,
                    message=f"line {found.line} copies {found.source} to {found.target}, and line "
                    f"{step.line} looks for {found.wanted}",
                    fix=f"copy it to {found.wanted}, or install `-r {found.target}`",
                    is_seen=True,
                )
    names = build.recipe.names(files, library)
    if unbuilt := find_unbuilt(build, names, library):
        return unbuilt[1]
    named = {file: step for step in reversed(dockerfile.steps) for file in step.sources}
    there = [file for file in sorted(named) if is_file(build.recipe.context / file)]
    if there:
        names = build.recipe.names(there, library)
        fix = f"it installs {', '.join(names)}: if that is the file, set `file: {names[0]}`"
        return Uninstalled(line=named[there[0]].line, message=message, fix=fix)
    for step in dockerfile.steps:
        unknown = [name for name in step.unknown if name in step.requirements]
        if unknown or step.sources:
            why = f"it is unknown which file of the project is {' and '.join(unknown)}"
            if not unknown:
                why = f"line {step.line} installs {' and '.join(step.sources)}, which is not there"
            return Uninstalled(
                line=step.line, message=f"{message}: {why}", fix=fix, reason=f"; {why}"
            )
    return _explain_other_way(build, library, message) or Uninstalled(
        line=dockerfile.stages[-1].line, message=message, fix=fix
    )


def _explain_other_way(build: Build, library: Library, message: str) -> Uninstalled | None:
    """Return that another tool installs packages; None where none is seen."""
    if build.dockerfile.others:
        other = build.dockerfile.others[0]
        names = build.recipe.names(other.sources, library)
        lists = " and ".join(names)
        why = f"line {other.line} installs {lists} with {other.program}, from channels of its own"
        fix = f"let pip install it, and set `file: {names[0]}`"
        return Uninstalled(line=other.line, message=f"{message}: {why}", fix=fix)
    fix = f"let the step install `-r {build.files[0]}`"
    for stage in reversed(build.dockerfile.stages):
        for instruction in stage.instructions:
            found = _LOCKED.search(instruction.script) if instruction.keyword == "RUN" else None
            if found:
                why = f"line {instruction.line} runs `{found[0]}`, which reads another file"
                return Uninstalled(line=instruction.line, message=f"{message}: {why}", fix=fix)
    return None


def find_unbuilt(
    build: Build, names: Sequence[str], library: Library
) -> tuple[Build, Uninstalled] | None:
    """Return that a stage installs files which is not built, and the build of all stages.

    None: no stage does. The files are relative to the project's root.
    """
    if build.recipe.stage is None:
        return None
    (whole,), _ = read_builds([replace(build.recipe, stage=None)], names, library)
    if not whole.steps:
        return None
    step = whole.steps[0]
    stage = build.dockerfile.stages[step.stage]
    place = f"the stage {stage.name or stage.index}"
    return whole, Uninstalled(
        line=step.line,
        message=f"line {step.line} installs {' and '.join(whole.files)} in {place}, which is no "
        f"part of the stage {build.recipe.stage}",
        fix=f"build {place}"
        if build.recipe.service
        else f"set `stage: {stage.name or stage.index}`",
        is_seen=True,
    )


def uninstalled_error(
    builds: Sequence[Build], library: Library, files: Sequence[str], python: str
) -> TargetError:
    """Return the error that no build installs the files.

    The Python of an image that does not install the files is no answer, since they may be installed
    into another one: ``python`` is that of the base image, for the hint, or empty.

    Raises:
        DockerfileError: a Dockerfile can't be read.
    """
    explained = [(build, explain_uninstalled(build, library)) for build in builds]
    first, why = next(((b, w) for b, w in explained if "`file" in w.fix), explained[0])
    value = f'`python: "{python}"`' if python else '`python`, e.g. `python: "3.12"`'
    hint = why.fix
    if not why.is_seen:
        hint = f"{hint}; if it is installed in another way, set {value}"
    if "`file" not in hint and not any(library.find(name).exists for name in files):
        hint = f"{hint}; if the file has another name, set `file`"
    if len({(build.recipe.path, each.line, each.message) for build, each in explained}) == 1:
        return TargetError(why.message, path=first.recipe.path, line=why.line, hint=hint)
    places = ", ".join(dict.fromkeys(f"{b.recipe.path}:{w.line}" for b, w in explained))
    return TargetError(f"no build installs {' or '.join(files)}: {places}", hint=hint)


def is_chosen(library: Library, files: Sequence[str]) -> bool:
    """Return whether the user has named the files: the usual one is taken without being named."""
    return [library.path_of(name) for name in files] != [library.root / DEFAULT_FILE]


def bypassed_error(
    builds: Sequence[Build], library: Library, files: Sequence[str]
) -> TargetError | None:
    """Return the error that builds install only a part of requirements.txt: a file it includes.

    What is added to requirements.txt would reach no image.
    """
    paths = [library.path_of(name) for name in files]
    if is_chosen(library, files) or any(paths[0] in each.installed for each in builds):
        return None
    for build in builds:
        for step in build.steps:
            names = build.recipe.names(step.sources, library)
            part = next((name for name in names if library.path_of(name) in build.wanted), None)
            if part is not None:
                return TargetError(
                    f"nothing installs {files[0]}: line {step.line} installs {part}, which "
                    f"{files[0]} includes",
                    path=build.recipe.path,
                    line=step.line,
                    hint=f"set `file: {part}`, or install `-r {files[0]}`",
                )
    return None
