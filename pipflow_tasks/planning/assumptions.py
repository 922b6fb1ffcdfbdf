"""What depends on something that is only assumed of the image: Python's patch level, the libc.

``python:3.11`` is the last patch release, or an older one that a machine has kept. So a marker
(``python_full_version < "3.11.3"``) or a Requires-Python (``>=3.11.4``) may hold or not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.requirements import Requirement

from .draft import Draft, note_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ..requirements import Line
    from ..resolution import Pick
    from ..target import Target
    from .inputs import Inputs


def turns_on_patch(inputs: Inputs) -> bool:
    """Return whether a line, or anything that was looked up, turns on the patch level."""
    return any(_find_lines(inputs)) or inputs.candidates.turns_on_patch()


def say_turning(inputs: Inputs, pick: Pick) -> Iterator[str]:
    """Yield what a pick needs or not, by the patch level."""
    for question in inputs.candidates.questions_of(pick):
        is_requirement = isinstance(question, Requirement)
        yield f"{pick} needs {question if is_requirement else f'Python {question}'}"


def note_pick(inputs: Inputs, pick: Pick) -> Iterator[Draft]:
    """Note what of a pick depends on an assumption."""
    yield Draft(turning=tuple(say_turning(inputs, pick)))
    if pick.candidate is not None:
        yield from note_files(pick.name, pick.candidate, inputs.target)


def note_looked_up(inputs: Inputs) -> Iterator[Draft]:
    """Note the same of every pick that was looked up, but for versions that a line replaces."""
    pins = {line.name: line.pin for line in inputs.manifest.lines if line.pin is not None}
    for pick in inputs.candidates.looked_up():
        if pins.get(pick.name, pick.version) == pick.version:
            yield from note_pick(inputs, pick)


def say_assumed(inputs: Inputs, parts: Iterable[Draft]) -> Iterator[str]:
    """Yield a warning for each assumption, which names what depends on it in lines and parts."""
    parts = [*parts]
    lines = (f"{line.content} ({line.place})" for line in _find_lines(inputs))
    turning = dict.fromkeys((*lines, *(each for part in parts for each in part.turning)))
    if turning:
        yield _say_patch(inputs.target, turning)
    wheels = dict(each for part in parts for each in part.newer_wheels)
    if wheels:
        yield _say_libc(inputs.target, wheels)


def _find_lines(inputs: Inputs) -> Iterator[Line]:
    """Yield the lines whose markers turn on the patch level."""
    if not inputs.target.patches:
        return
    manifest = inputs.manifest
    limiting = (line for each in manifest.constraints.values() for line in each.lines)
    for line in (*manifest.lines, *manifest.siblings, *limiting, *manifest.overrides):
        if line.marker is not None and inputs.target.turns_on_patch(line.marker):
            yield line


def _say_libc(target: Target, wheels: Mapping[str, str]) -> str:
    shown = ", ".join(f"{name} ({tag})" for name, tag in wheels.items())
    return (
        f"the C library of the image ({target.source}) is unknown, and {target.libc} is assumed; "
        f"with an older one, pip does not take the wheels of {shown}"
    )


def _say_patch(target: Target, turning: Iterable[str]) -> str:
    version = target.full_version
    return (
        f"Python {target.python} ({target.python_source or target.source}) is taken as {version}; "
        f"with another patch level this may differ: {'; '.join(turning)}; "
        f'if the image has another, set `python`, e.g. `python: "{version}"`'
    )
