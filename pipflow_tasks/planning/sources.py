"""``add`` and ``remove`` where the file is compiled: they edit the sources that people write.

The tool that compiles them chooses the versions; what it wrote is compared with what was there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from ..errors import RequirementsError
from ..manifest.compiled import annotation_of
from ..requirements import Addition
from .draft import change_of
from .goals import goal_to_add
from .inputs import readers_of_new
from .names import warn_of_new
from .requests import error_at, find_removable, missing_extras, require_there

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from ..manifest.documents import Manifest
    from ..manifest.sources import Compiled
    from ..plan import Change
    from ..requirements import Line, Request, RequirementsFile, Sort
    from ..resolution import Key
    from .inputs import Inputs


def add_to_sources(
    inputs: Inputs,
    sources: Manifest,
    requests: Sequence[Request],
    *,
    group: str | None,
    sort: Sort,
    prereleases: bool,
) -> dict[str, RequirementsFile]:
    """Return the sources that change, with new requirements as they were typed.

    Raises:
        RequirementsError: a request contradicts a line that is there.
        ProjectNotFound: the index does not have a project.
        NoCandidate: no version suits the image.
    """
    contents = _contents(sources)
    for request in requests:
        lines = [line for line in sources.find(request.name) if _is_about(line, request)]
        if not lines:
            goal_to_add(inputs, request, prereleases=prereleases)
            written = Addition(requirement=request.requirement, group=group, sort=sort)
            contents[sources.main] = contents[sources.main].with_requirements([written])
        for line in lines:
            _require_same_range(line, request)
            if extras := missing_extras(line, request):
                content = contents[line.path]
                (now,) = (each for each in content.find(request.name) if each.text == line.text)
                contents[line.path] = content.with_extras(now, extras)
    return _changed(sources, contents)


def warn_of_added(
    inputs: Inputs, sources: Manifest, requests: Sequence[Request], now: datetime
) -> tuple[str, ...]:
    """Return what is unusual about projects that ``add_to_sources`` writes; see ``warn_of_new``."""
    added: list[tuple[str, Key]] = []
    for request in requests:
        if not sources.find(request.name):
            reader, *_ = readers_of_new(inputs, request.requirement.marker)
            added.append((request.requirement.name, inputs.partition.key(request.name, reader)))
    return tuple(warn_of_new(inputs, added, now))


def _is_about(line: Line, request: Request) -> bool:
    marker = request.requirement.marker
    return marker is None or str(line.marker) == str(marker)


def _require_same_range(line: Line, request: Request) -> None:
    """Check that a line that is there says what was asked for.

    Raises:
        RequirementsError: it has another specifier.
    """
    asked = request.requirement.specifier
    if asked and line.requirement is not None and asked != line.requirement.specifier:
        raise error_at(
            line,
            f'"{line.content}" is already listed and is not "{request.requirement}"',
            hint="change that line, and compile it again",
        )


def remove_from_sources(
    compiled: Compiled, sources: Manifest, requests: Sequence[Request]
) -> dict[str, RequirementsFile]:
    """Return the sources that change, without the lines of projects.

    Raises:
        RequirementsError: no source has one of them.
    """
    contents = _contents(sources)
    for request in requests:
        if not sources.find(request.name):
            _require_no_parents(compiled, sources, request)
            require_there(sources, request.name)
        lines = find_removable(sources, request)
        for path in dict.fromkeys(line.path for line in lines):
            texts = {line.text for line in lines if line.path == path}
            content = contents[path]
            gone = [line for line in content.find(request.name) if line.text in texts]
            contents[path] = content.without(gone)
    return _changed(sources, contents)


def _require_no_parents(compiled: Compiled, sources: Manifest, request: Request) -> None:
    """Raise RequirementsError where a project that no source lists is in the compiled file."""
    lines = compiled.file.content.lines
    for line in compiled.file.content.find(request.name):
        found = annotation_of(lines, lines.index(line))
        because = f" because {' and '.join(found.parents)} needs it" if found else ""
        raise error_at(
            line,
            f"{request.name} is there{because}; {sources.main} does not list it",
            hint="remove what needs it",
        )


def _contents(sources: Manifest) -> dict[str, RequirementsFile]:
    return {path: file.content for path, file in sources.requirements.items()}


def _changed(
    sources: Manifest, contents: Mapping[str, RequirementsFile]
) -> dict[str, RequirementsFile]:
    """Return the contents that are new.

    Raises:
        RequirementsError: one of them is compiled itself.
    """
    changed: dict[str, RequirementsFile] = {}
    for path, content in contents.items():
        file = sources.requirements[path]
        if content.to_bytes() == (file.before or b""):
            continue
        if file.generator is not None:
            raise RequirementsError(
                f"it is compiled itself, from {file.generator.source or 'another file'}",
                path=path,
                hint=f"change it with `--file {path}`",
            )
        changed[path] = content
    return changed


def tell_edits(sources: Manifest, changed: Mapping[str, RequirementsFile]) -> Iterator[str]:
    """Yield what is changed in sources, a sentence each."""
    for path, content in changed.items():
        before = {line.content for line in sources.requirements[path].content.requirements}
        after = {line.content for line in content.requirements}
        for line in content.requirements:
            if line.content not in before:
                yield f"{line.content} goes into {line.place}"
        gone = sorted(before - after)
        if gone and len(before) > len(after):
            yield f"{' and '.join(gone)} {'leaves' if len(gone) == 1 else 'leave'} {path}"


def compare_pins(before: RequirementsFile, after: RequirementsFile) -> Iterator[Change]:
    """Yield what a tool has changed in a compiled file."""
    old, new = _pins(before), _pins(after)
    for key, line in new.items():
        was = old.get(key)
        if was is None or was.pin != line.pin:
            change = change_of(line, None if was is None else was.pin, line.pin)
            yield replace(change, is_new=was is None, is_direct=_is_direct(after, line))
    for key, line in old.items():
        if key not in new:
            yield replace(change_of(line, line.pin, None), is_direct=_is_direct(before, line))


def _pins(content: RequirementsFile) -> dict[tuple[str, str], Line]:
    lines = (line for line in content.lines if line.pin is not None)
    return {(str(line.name), str(line.marker or "")): line for line in lines}


def _is_direct(content: RequirementsFile, line: Line) -> bool:
    """Return whether the comments of a compiled line name a source."""
    found = annotation_of(content.lines, content.lines.index(line))
    return found is None or bool(found.files)
