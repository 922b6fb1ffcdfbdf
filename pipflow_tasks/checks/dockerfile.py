"""What keeps the image from getting what the files pin, or from doing so quickly."""

from __future__ import annotations

import os
import posixpath
import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from ..dockerfile import hidden_by
from ..errors import DockerfileError
from ..files import read
from ..manifest.included import find_included
from ..plan import Finding
from .findings import find_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..dockerfile import InstallCommand
    from ..environments.image import Build, Discovery
    from ..target import Target


_PIP = re.compile(r"(?:\S*/)?(?:pip[0-9.]*|python[0-9.]* +-m +pip) ")


def check_image(image: Discovery, root: Path) -> Iterator[Finding]:
    """Find what keeps the image from getting what the files pin, or from doing so quickly."""
    seen: set[Finding] = set()
    for source in image.sources.values():
        try:
            found = tuple(_check_source(source, root))
        except DockerfileError as error:
            found = (find_in(error),)
        yield from (finding for finding in found if finding not in seen)
        seen.update(found)


def _check_source(source: Build, root: Path) -> Iterator[Finding]:
    dockerfile = source.read(keep_unknown=True)
    steps = source.steps(dockerfile)
    if not steps:
        yield _no_step(source, dockerfile.steps, dockerfile.stages[-1].line)
    for step in steps:
        yield from _check_cache(source, step)
        yield from _check_included(source, step)
    for step in dockerfile.steps:
        yield from _check_context(source, step, root)
    included = (path for path in sorted(source.wanted) if path.is_relative_to(source.context))
    files = (*source.files, *(path.relative_to(source.context).as_posix() for path in included))
    for file in dict.fromkeys(files) if steps else ():
        yield from _check_ignored(source, file, root)


def check_pip(image: Discovery, target: Target) -> Iterator[Finding]:
    """Find steps that use pip where the base image, as it says itself, has none.

    Only where pip is the first that is run: other commands may have brought it.
    """
    base = target.interpreter
    if base is None or base.pip is not None:
        return
    for source in image.sources.values():
        dockerfile = source.read(keep_unknown=True)
        for stage in dict.fromkeys(step.stage for step in source.steps(dockerfile)):
            first = next(
                (
                    instruction
                    for each in dockerfile.chain_of(stage)
                    for instruction in each.instructions
                    if instruction.keyword == "RUN" or "from" in dict(instruction.flags)
                ),
                None,
            )
            if first is not None and _PIP.match(" ".join(first.json or (first.arguments,))):
                yield Finding(
                    file=source.path,
                    line=first.line,
                    severity="error",
                    message=f"it starts pip, and the base image {base.image} has none",
                    fix="install pip before, or name a base image that has it",
                )


def _no_step(source: Build, others: Sequence[InstallCommand], line: int) -> Finding:
    files = " and ".join(source.files)
    message = f"nothing installs {files}, as far as can be seen"
    outside = [file for file in source.files if file.startswith("../")]
    misplaced = [
        (step, found) for step in others for found in step.misplaced if found.source in source.files
    ]
    named = sorted({file for step in others for file in (*step.sources, *step.requirements)})
    fix = f"add `COPY {source.files[0]} .` and `RUN pip install -r {source.files[0]}`"
    if outside:
        fix = f"{outside[0]} is outside of the build context; build from a folder above it"
    elif misplaced:
        step, found = misplaced[0]
        line = step.line
        message = (
            f"line {found.line} copies {found.source} to {found.target}, and line {line} looks "
            f"for {found.wanted}"
        )
        fix = f"copy it to {found.wanted}, or install `-r {found.target}`"
    elif named:
        line = others[0].line
        fix = f"it installs {', '.join(named)}: if that is the file, make the setting `file`"
    return Finding(file=source.path, line=line, severity="error", message=message, fix=fix)


def _check_cache(source: Build, step: InstallCommand) -> Iterator[Finding]:
    """Find source code that is copied before the step: its every change installs all anew."""
    for path, line in step.copied:
        folder = source.context / path
        holds_code = path == "." or any(folder.glob("*.py")) or any(folder.glob("*/*.py"))
        if folder.is_dir() and holds_code:
            yield Finding(
                file=source.path,
                line=line,
                severity="warning",
                message=f"the source ({path}) is copied before line {step.line} installs the "
                "requirements: any change of it installs all of them anew",
                fix="copy the requirements alone before that step, and the source after it",
            )
            return


def _check_context(source: Build, step: InstallCommand, root: Path) -> Iterator[Finding]:
    """Find files that are installed and are not there."""
    for path in step.sources:
        ours = path in source.files  # `add` creates that one
        if not ours and not (source.context / path).exists() and "$" not in path:
            yield Finding(
                file=source.path,
                line=step.line,
                severity="error",
                message=f"it installs {path}, which is not in the build context",
                fix=f"write the path as it is in the context, {_shown(source.context, root)}",
            )


def _check_included(source: Build, step: InstallCommand) -> Iterator[Finding]:
    """Find files that are not copied into the image with those that include them."""
    sources = [path for path, _ in step.copied]
    for file in step.sources:
        if not any(_copies(each, file) for each in sources):
            continue  # it comes from elsewhere, and so may what it includes
        named = find_included(
            [source.context / file], source.environment, ("--requirement", "--constraint")
        )
        for path in sorted(path for path in named if path.is_file()):
            included = Path(os.path.relpath(path, source.context)).as_posix()
            if not any(_copies(each, included) for each in sources):
                yield Finding(
                    file=source.path,
                    line=step.line,
                    severity="warning",
                    message=f"it installs {file}, which includes {included}, and no line before "
                    "copies that",
                    fix=f"copy {included} to where {file} looks for it",
                )


def _copies(source: str, file: str) -> bool:
    """Tell whether what COPY takes from the context, perhaps by a pattern, has a file."""
    if source == "." or file == source or file.startswith(f"{source.rstrip('/')}/"):
        return True
    folder, pattern = posixpath.split(source)
    return posixpath.dirname(file) == folder and fnmatchcase(posixpath.basename(file), pattern)


def _check_ignored(source: Build, file: str, root: Path) -> Iterator[Finding]:
    """Find a pattern that hides a requirements file from the builder."""
    ignore = source.context / ".dockerignore"
    if source.file is not None:
        own = source.file.with_name(f"{source.file.name}.dockerignore")
        ignore = own if own.is_file() else ignore
    data = read(ignore, shown=_shown(ignore, root))
    line = None if data is None else hidden_by(data.decode("utf-8", "replace"), file)
    if line is not None:
        yield Finding(
            file=_shown(ignore, root),
            line=line,
            severity="error",
            message=f"this pattern hides {file} from the builder",
            fix=f"take it out, or write `!{file}` below it",
        )


def _shown(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
