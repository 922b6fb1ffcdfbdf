"""Source code that is copied before the requirements are installed."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from msgspec import Struct

from ...dockerfile import CONTEXT
from ...files import is_file
from ...manifest.library import find_included
from ..paths import lines_of
from .written import is_harmless

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ...dockerfile import InstallCommand, Instruction
    from ...manifest.library import Library
    from ...plan import Finding, Replacement
    from .written import Writing

_KEPT_FLAGS = frozenset({"chown", "chmod", "link"})
_UNMOVABLE = frozenset({"COPY", "ADD", "ONBUILD", "SHELL", "VOLUME"})


def check_order(writing: Writing, library: Library) -> Iterator[Finding]:
    """Find source that is copied before a step which does not need it: each change installs all."""
    told: set[int] = set()
    for step in writing.build.steps:
        found = None if _needs_source(writing, step, library) else _find_source(writing, step)
        if found is None or found[1] in told:
            continue
        path, line = found
        told.add(line)
        yield writing.advise(
            "cache-order",
            line,
            f"the source ({path}) is copied before line {step.line} installs the "
            "requirements: any change to it reinstalls everything",
            "copy only the requirements before that step, and the source after it",
            replacement=_reordered(writing, line, library),
            severity="warning",
        )


def _needs_source(writing: Writing, step: InstallCommand, library: Library) -> bool:
    """Return whether a step installs what is source: a project, or a path that a line names."""
    if step.projects:
        return True
    return any(line.local_path for line in lines_of(writing.build, step, library))


def _find_source(writing: Writing, step: InstallCommand) -> tuple[str, int] | None:
    """Return the first source that is copied before a step, and the line that does it."""
    context = writing.build.recipe.context
    instructions = (i for stage in writing.build.dockerfile.stages for i in stage.instructions)
    said = "\n".join(i.arguments for i in instructions if i.keyword == "RUN")
    for path, line in step.copied:
        folder = context / path
        holds_code = path == "." or any(folder.glob("*.py")) or any(folder.glob("*/*.py"))
        if folder.is_dir() and holds_code:
            return path, line
        name = posixpath.basename(path)
        is_module = name.endswith(".py") and name != "setup.py" and is_file(folder)
        if is_module and name not in said:
            return path, line
    return None


class _Copy(Struct, frozen=True, kw_only=True):
    """A COPY from the context, what it takes and where to, and the steps behind it in its stage."""

    instruction: Instruction
    flags: str
    sources: tuple[str, ...]
    target: str
    steps: tuple[InstallCommand, ...]
    behind: tuple[Instruction, ...]
    """What is between it and the last of the steps, which included."""


def _find_copy(writing: Writing, line: int) -> _Copy | None:
    """Return the COPY at a line; None where it does more than to copy files and folders."""
    dockerfile = writing.build.dockerfile
    for stage in dockerfile.stages:
        own = [each for each in stage.instructions if each.line == line and not stage.path]
        steps = [
            step
            for step in dockerfile.steps
            if step.stage == stage.index and line in {number for _, number in step.copied}
        ]
        if not own or not steps:
            continue
        copy, flags = own[0], dict(own[0].flags)
        is_known = copy.keyword == "COPY" and copy.json is None and not copy.heredocs
        if not is_known or not set(flags) <= _KEPT_FLAGS or set(copy.arguments) & set("$*?[\"'"):
            return None
        shown = "".join(
            f"--{name}={value} " if value else f"--{name} " for name, value in copy.flags
        )
        *sources, target = copy.arguments.split()
        return _Copy(
            instruction=copy,
            flags=shown,
            sources=tuple(sources),
            target=target,
            steps=tuple(steps),
            behind=tuple(i for i in stage.instructions if line < i.line <= steps[-1].line),
        )
    return None


def _reordered(writing: Writing, line: int, library: Library) -> Replacement | None:
    """Return the lines from a COPY to the last step that it makes slow, in a better order.

    None where the COPY, or what is between, can't be moved without a change of the image.
    """
    copy = _find_copy(writing, line)
    files = None if copy is None else _files_needed(writing, copy.steps, library)
    if copy is None or files is None or not _is_movable(writing, copy):
        return None
    before = _copies_of_files(copy, files)
    if before is None:
        return None
    last = copy.behind[-1].last_line
    between = writing.text_between(copy.instruction.last_line + 1, last).strip("\n")
    rest = [each for each in copy.sources if posixpath.normpath(each) not in files]
    after = writing.text_of(copy.instruction)
    if len(rest) < len(copy.sources):
        after = f"COPY {copy.flags}{' '.join(rest)} {copy.target}"
    return writing.replacing(line, last, "\n".join([*before, between, after]))


def _files_needed(
    writing: Writing, steps: Sequence[InstallCommand], library: Library
) -> list[str] | None:
    """Return the files of the context that steps read; None where that is not known."""
    recipe, found = writing.build.recipe, list[str]()
    for step in steps:
        asks_more = (
            bool(step.unknown or step.link_folders or step.override_sources or step.conda_files)
            or bool(step.groups or step.unfollowed)
            or step.installer == "uv"
        )
        has_settings = any(
            is_file(recipe.context / source)
            for each in step.configuration
            for source in each.sources
        )
        if asks_more or has_settings or _needs_source(writing, step, library):
            return None
        named = [*step.sources, *step.constraint_sources]
        names = recipe.names(named, library)
        included = find_included(library, names, recipe.variables, with_constraints=True)
        if not all(each.is_relative_to(recipe.context) and is_file(each) for each in included):
            return None
        found += sorted(each.relative_to(recipe.context).as_posix() for each in included)
    return list(dict.fromkeys(found))


def _is_movable(writing: Writing, copy: _Copy) -> bool:
    """Return whether what is between a COPY and the last step needs nothing of what it copies."""
    keywords = {each.keyword for each in copy.behind}
    if keywords & _UNMOVABLE or ("WORKDIR" in keywords and not copy.target.startswith("/")):
        return False
    scripts = [writing.script_of(each) for each in copy.behind if each.keyword == "RUN"]
    return all(script is not None and all(map(is_harmless, script.commands)) for script in scripts)


def _copies_of_files(copy: _Copy, files: Sequence[str]) -> list[str] | None:
    """Return a COPY for each folder of the files that no other line copies to the same place."""
    placed = [p for p in copy.steps[-1].content.files if p.origin == CONTEXT and p.line]
    folders: dict[str, list[str]] = {}
    for file in files:
        having = [p for p in placed if p.source in {".", file} or file.startswith(f"{p.source}/")]
        own = [p for p in having if p.line == copy.instruction.line]
        if not own:
            if not having:
                return None
            continue
        inside = posixpath.relpath(file, own[-1].source)
        if inside == "." and not own[-1].folder:
            return None
        folder = posixpath.dirname(inside)
        place = posixpath.normpath(posixpath.join(own[-1].target, folder))
        if not any(p.source == file and p.target == place for p in having if p not in own):
            folders.setdefault(posixpath.join(copy.target, folder), []).append(file)
    return [f"COPY {copy.flags}{' '.join(names)} {_slashed(at)}" for at, names in folders.items()]


def _slashed(folder: str) -> str:
    return folder if folder.endswith(("/", ".")) else f"{folder}/"
