"""What keeps the image from getting what the files pin."""

from __future__ import annotations

import posixpath
import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from ..dockerfile import hidden_by
from ..environments.uninstalled import explain_uninstalled
from ..errors import DockerfileError
from ..files import exists, read_text, show_path
from ..manifest.library import find_included
from . import find_in, finding_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..dockerfile import Dockerfile, InstallCommand, Instruction
    from ..environments.build import Build
    from ..environments.discovery import Discovery
    from ..manifest.library import Library
    from ..plan import Finding
    from ..target import Target


_PIP = re.compile(r"(?:\S*/)?(?:pip[0-9.]*|python[0-9.]* +-m +pip) ")

_TEST = re.compile(r"(?:\[|\btest)\s+-[efrs]\s")


def check_builds(discovery: Discovery) -> Iterator[Finding]:
    """Find what keeps the image from installing the pins."""
    for build in discovery.builds:
        try:
            found = tuple(_check_build(build, discovery.library))
        except DockerfileError as error:
            found = (find_in(error),)
        yield from found


def _check_build(build: Build, library: Library) -> Iterator[Finding]:
    dockerfile, steps = build.dockerfile, build.steps
    there = [file for file in build.files if exists(build.recipe.context / file)]
    found = None if steps else explain_uninstalled(build, library)
    if found is not None and (there or found.is_seen):
        yield finding_in(
            build.recipe.path, found.line, "not-installed", "error", found.message, found.fix
        )
    for step in steps:
        yield from _check_included(build, step, library)
    for step in dockerfile.steps:
        yield from _check_context(build, step, library)
    if steps:
        yield from _check_ignored(build, library)


def check_pip(builds: Iterable[Build], target: Target) -> Iterator[Finding]:
    """Find steps that use pip where the base image, as it says itself, has none.

    Only where pip is the first that is run: other commands may have brought it.
    """
    base = target.interpreter
    if base is None or base.pip is not None:
        return
    for build in builds:
        for stage in dict.fromkeys(step.stage for step in build.steps):
            first = _first_run(build.dockerfile, stage)
            if first is not None and _PIP.match(" ".join(first.json or (first.arguments,))):
                message = f"it runs pip, and the base image {base.image} has none"
                fix = "install pip first, or use a base image that has it"
                yield finding_in(
                    build.recipe.path, first.line, "missing-pip", "error", message, fix
                )


def _first_run(dockerfile: Dockerfile, stage: int) -> Instruction | None:
    """Return what first runs a program in a stage, or copies from another image."""
    instructions = (
        instruction
        for each in dockerfile.chain_of(stage)
        for instruction in each.instructions
        if instruction.keyword == "RUN" or "from" in dict(instruction.flags)
    )
    return next(instructions, None)


def _check_context(build: Build, step: InstallCommand, library: Library) -> Iterator[Finding]:
    """Find files that are installed and do not exist."""
    context = library.name_of(build.recipe.context)
    for path in step.sources:
        ours = path in build.files  # `add` creates that one
        if ours or exists(build.recipe.context / path) or "$" in path:
            continue
        if not _is_guarded(build, step):
            message = f"it installs {path}, which is not in the build context"
            fix = f"write the path that it has in the build context ({context})"
            yield finding_in(build.recipe.path, step.line, "missing-source", "error", message, fix)


def _is_guarded(build: Build, step: InstallCommand) -> bool:
    """Return whether the RUN of a step asks whether a file is there."""
    runs = (
        each.script
        for each in build.dockerfile.stages[step.stage].instructions
        if each.keyword == "RUN" and each.line == step.line
    )
    return any(map(_TEST.search, runs))


def _check_included(build: Build, step: InstallCommand, library: Library) -> Iterator[Finding]:
    """Find files that are not copied into the image with those that include them."""
    recipe = build.recipe
    sources = [path for path, _ in step.copied]
    for file in step.sources:
        if not any(_copies(each, file) for each in sources):
            continue  # it comes from elsewhere, and so may what it includes
        name = library.name_of(recipe.context / file)
        named = find_included(library, [name], recipe.variables, with_constraints=True)
        for path in sorted(path for path in named if library.files[path].is_file):
            included = show_path(path, recipe.context)
            if not any(_copies(each, included) for each in sources):
                message = (
                    f"it installs {file}, which includes {included}, and no earlier line copies "
                    "that"
                )
                fix = f"copy {included} to where {file} looks for it"
                yield finding_in(recipe.path, step.line, "uncopied-file", "warning", message, fix)


def _copies(source: str, file: str) -> bool:
    """Return whether what COPY takes from the context, perhaps by a pattern, has a file."""
    if source == "." or file == source or file.startswith(f"{source.rstrip('/')}/"):
        return True
    folder, pattern = posixpath.split(source)
    return posixpath.dirname(file) == folder and fnmatchcase(posixpath.basename(file), pattern)


def _check_ignored(build: Build, library: Library) -> Iterator[Finding]:
    """Find patterns that hide requirements files from the builder."""
    context, dockerfile = build.recipe.context, build.recipe.file
    ignore = context / ".dockerignore"
    if dockerfile is not None:
        own = dockerfile.with_name(f"{dockerfile.name}.dockerignore")
        ignore = own if own.is_file() else ignore
    shown = library.name_of(ignore)
    text = read_text(ignore, shown=shown, errors="replace")
    included = (path for path in sorted(build.wanted) if path.is_relative_to(context))
    files = (*build.files, *(path.relative_to(context).as_posix() for path in included))
    for file in dict.fromkeys(files):
        line = None if text is None else hidden_by(text, file)
        if line is not None:
            message = f"this pattern hides {file} from the builder"
            fix = f"remove it, or write `!{file}` below it"
            yield finding_in(shown, line, "ignored-file", "error", message, fix)
