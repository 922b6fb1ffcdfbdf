"""What turns on the patch level of the image's Python, where only its series is known.

``python:3.11`` is the last patch release, or an older one that a machine has kept. So a marker
(``python_full_version < "3.11.3"``) or a Requires-Python (``>=3.11.4``) may hold or not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.requirements import Requirement

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

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


def say_looked_up(inputs: Inputs) -> Iterator[str]:
    """Yield the same of every pick that was looked up, but for versions that a line replaces."""
    pins = {line.name: line.pin for line in inputs.manifest.lines if line.pin is not None}
    for pick in inputs.candidates.looked_up():
        if pins.get(pick.name, pick.version) == pick.version:
            yield from say_turning(inputs, pick)


def note_patch(inputs: Inputs, turning: Iterable[str]) -> tuple[str, ...]:
    """Return a warning that names what turns on the patch level, or nothing."""
    lines = (f"{line.content} ({line.place})" for line in _find_lines(inputs))
    shown = dict.fromkeys((*lines, *turning))
    return (_say_assumed(inputs.target, shown),) if shown else ()


def _find_lines(inputs: Inputs) -> Iterator[Line]:
    """Yield the lines whose markers turn on the patch level."""
    if not inputs.target.patches:
        return
    manifest = inputs.manifest
    limiting = (line for each in manifest.constraints.values() for line in each.lines)
    for line in (*manifest.lines, *manifest.siblings, *limiting, *manifest.overrides):
        if line.marker is not None and inputs.target.turns_on_patch(line.marker):
            yield line


def _say_assumed(target: Target, turning: Iterable[str]) -> str:
    version = target.full_version
    return (
        f"Python {target.python} ({target.python_source or target.source}) is taken as {version}; "
        f"with another patch level this may differ: {'; '.join(turning)}; "
        f'if the image has another, set `python`, e.g. `python: "{version}"`'
    )
