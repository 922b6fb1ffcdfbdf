"""Requirements that are installed from a path, which the image may not have.

The paths count in the image: relative ones from the working directory of the install step.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Literal, TypeAlias

from packaging.utils import parse_wheel_filename

from ..dockerfile import CONTEXT
from ..errors import DockerfileError
from ..files import exists, is_file
from ..manifest.library import find_included
from . import finding_at

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ..dockerfile import InstallCommand
    from ..environments.build import Build
    from ..environments.discovery import Discovery
    from ..manifest.library import Library
    from ..plan import Finding, Severity
    from ..requirements import Line
    from ..target import Target

_State: TypeAlias = Literal["there", "no project", "not in the context", "not copied"]

_PROJECT_FILES = ("pyproject.toml", "setup.py")


def check_paths(discovery: Discovery, target: Target | None) -> Iterator[Finding]:
    """Find lines with paths that the image does not have; the target is None if it is unknown."""
    for build in discovery.builds:
        try:
            steps = build.steps
        except DockerfileError:  # a finding of its own
            continue
        for step in steps:
            for line in lines_of(build, step, discovery.library):
                is_read = target is None or line.marker is None or target.applies(line.marker)
                if line.local_path and "$" not in line.local_path and is_read:
                    yield from _check_path(build, step, line)


def lines_of(build: Build, step: InstallCommand, library: Library) -> Iterator[Line]:
    """Yield the lines of the files that a step installs, and of those that they include."""
    recipe = build.recipe
    names = recipe.names(step.sources, library)
    for path in sorted(find_included(library, names, recipe.variables)):
        if path in library.files:
            yield from library.files[path].content.lines


def _check_path(build: Build, step: InstallCommand, line: Line) -> Iterator[Finding]:
    path, context = line.local_path, build.recipe.context
    state = _find_state(step, path, context)
    if state == "there" or _is_named_by_command(build, step, path):
        return
    place = build.place_of(step)
    is_absolute = posixpath.isabs(path) or "\\" in path
    if state == "no project":
        message = f"{path} has neither pyproject.toml nor setup.py when {place} installs it"
    elif state == "not in the context":
        message = f"the build context does not have {path}, which {place} installs"
    else:
        message = f"no line before {place} copies {path} into the image"
        if not is_absolute and not exists(context / path):
            message += ", and the build context does not have it"
    severity, fix = _severity(build, step, path), _fix(line, step, state, context)
    yield finding_at(line, "missing-path", severity, message, fix)


def _find_state(step: InstallCommand, path: str, context: Path) -> _State:
    """Return whether the image has what a path names, when the step runs."""
    found = step.content.sources_of(path)
    inside = [context / source for origin, source in found if origin == CONTEXT and source]
    if any(origin != CONTEXT for origin, _ in found) or any(map(_is_installable, inside)):
        return "there"
    for name in _PROJECT_FILES:
        for origin, source in step.content.sources_of(posixpath.join(path, name)):
            if origin != CONTEXT or (source and is_file(context / source)):
                return "there"
    if any(map(exists, inside)):
        return "no project"
    if inside:
        return "not in the context"
    return "no project" if found else "not copied"


def _is_installable(path: Path) -> bool:
    return is_file(path) or any(is_file(path / name) for name in _PROJECT_FILES)


def _is_named_by_command(build: Build, step: InstallCommand, path: str) -> bool:
    """Return whether an earlier command names what a path names: it may make it."""
    name = posixpath.basename(step.content.path_of(path))
    return any(name in text for text in _commands_before(build, step))


def _commands_before(build: Build, step: InstallCommand) -> Iterator[str]:
    """Yield the commands that run in the image before a step, and what its own line runs first."""
    for stage in build.dockerfile.chain_of(step.stage):
        for instruction in stage.instructions:
            is_own = stage.index == step.stage and instruction.line >= step.line
            if instruction.keyword == "RUN" and not is_own:
                yield instruction.arguments
            elif instruction.keyword == "RUN" and instruction.line == step.line:
                text, install = instruction.arguments, f"{step.installer} "
                before = text.partition(install)[0] if install in text else text
                if {"&&", ";", "\n"} & {*before.split(), *before[-1:]}:
                    yield before


def _severity(build: Build, step: InstallCommand, path: str) -> Severity:
    """Return an error where nothing else can have made what the path names."""
    is_of_base = posixpath.isabs(path) and "/" in build.dockerfile.base_of(step.stage).base
    is_made = is_of_base or any(_commands_before(build, step))
    return "warning" if is_made else "error"


def _fix(line: Line, step: InstallCommand, state: _State, context: Path) -> str:
    path = line.local_path
    version = _version_of(path)
    if line.name and (posixpath.isabs(path) or "\\" in path) and line.requirement is not None:
        if version:
            return f"write {line.spelled_name}=={version}"
        return (
            f"write {line.spelled_name}==<version>; `pip list --format=freeze` prints it where the "
            "file was made"
        )
    if state == "no project":
        return f"copy all of {path} before that step, or install it in a later one"
    if posixpath.isabs(path) or "\\" in path:
        return "copy it into the image before that step, and write its path there"
    copy = f"copy it to {step.content.path_of(path)} before that step"
    if state == "not in the context":
        return "put it into the build context"
    return copy if exists(context / path) else f"put it into the build context, and {copy}"


def _version_of(path: str) -> str:
    """Return the version in the name of a wheel, or nothing."""
    try:
        return str(parse_wheel_filename(posixpath.basename(path))[1])
    except ValueError:
        return ""
