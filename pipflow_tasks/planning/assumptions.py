"""What depends on something that is only assumed of the image: patch level, libc, platform.

``python:3.11`` is the last patch release, or an older one that a machine has kept. So a marker
(``python_full_version < "3.11.3"``) or a Requires-Python (``>=3.11.4``) may hold or not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace
from packaging.requirements import Requirement

from ..target import ASSUMED_PLATFORM
from .draft import Draft, note_files
from .inputs import each_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..plan import Plan, PlannedFor
    from ..requirements import Line
    from ..resolution import Pick
    from ..target import Target
    from .inputs import Inputs


def turns_on_patch(inputs: Inputs) -> bool:
    """Return whether a line, or anything that was looked up, turns on the patch level."""
    return any(_find_lines(inputs)) or inputs.candidates.turns_on_patch()


def without_platform(plan: Plan, inputs: Inputs) -> Plan:
    """Return a plan without the note that its platform is assumed, where nothing depends on it."""
    notes = [note for each in plan.environments for note in each.target.notes]
    if not any(note.startswith(ASSUMED_PLATFORM) for note in notes):
        return plan
    reasons = (*(each.reason for each in plan.changes), *(each.reason for each in plan.held))
    if any("wheel" in reason for reason in reasons) or _turns_on_platform(inputs):
        return plan
    return replace(plan, environments=tuple(map(_without_platform, plan.environments)))


def _without_platform(planned: PlannedFor) -> PlannedFor:
    notes = [note for note in planned.target.notes if not note.startswith(ASSUMED_PLATFORM)]
    return replace(planned, target=replace(planned.target, notes=tuple(notes)))


def _turns_on_platform(inputs: Inputs) -> bool:
    """Return whether another machine may get something else of a line, or of what was looked up."""
    if not inputs.resolves:  # dependencies were not looked up
        return True
    lines = (line for each in inputs.readers for line in each.manifest.lines)
    if any(_names_machine(str(line.marker)) for line in lines if line.marker is not None):
        return True
    for pick in inputs.candidates.looked_up():
        stated = (each.stated for each in inputs.candidates.metadata(pick) if each is not None)
        own = () if pick.candidate is None else pick.candidate.each
        files = (file for each in own for file in each.files)
        if any(file.is_wheel and not file.filename.endswith("-any.whl") for file in files) or any(
            _names_machine(text) for texts in stated for text in texts
        ):
            return True
    return False


def _names_machine(marker: str) -> bool:
    return "platform_machine" in marker


def note_pick(inputs: Inputs, pick: Pick) -> Iterator[Draft]:
    """Note what of a pick depends on an assumption."""
    for target, question in inputs.candidates.questions_of(pick):
        needed = question if isinstance(question, Requirement) else f"Python {question}"
        yield Draft(turning=((target, f"{pick.project} {pick.version} needs {needed}"),))
    if pick.candidate is not None:
        for own, number in each_of(inputs, pick.name, pick.candidate):
            yield from note_files(pick.project, own, inputs.readers[number].target)


def note_looked_up(inputs: Inputs) -> Iterator[Draft]:
    """Note the same of every pick that was looked up, but for versions that a line replaces."""
    pins = {line.name: line.pin for line in inputs.manifest.lines if line.pin is not None}
    for pick in inputs.candidates.looked_up():
        if pins.get(pick.project, pick.version) == pick.version:
            yield from note_pick(inputs, pick)


def say_assumed(inputs: Inputs, parts: Iterable[Draft]) -> Iterator[str]:
    """Yield a warning for each assumption, which names what depends on it in lines and parts."""
    parts = [*parts]
    lines = ((target, f"{line.content} ({line.place})") for target, line in _find_lines(inputs))
    turning = (each for part in parts for each in part.turning)
    for target, said in _by_source((*lines, *turning)):
        yield _say_patch(target, said)
    wheels = ((each[0], f"{each[1]} ({each[2]})") for part in parts for each in part.newer_wheels)
    for target, said in _by_source(wheels):
        yield _say_libc(target, said)


def _by_source(said: Iterable[tuple[Target, str]]) -> Iterator[tuple[Target, tuple[str, ...]]]:
    """Yield what is said of each image, each once; the platforms of one are the same image."""
    found: dict[tuple[str, str], tuple[Target, dict[str, None]]] = {}
    for target, each in said:
        found.setdefault((target.source, target.python), (target, {}))[1][each] = None
    for target, words in found.values():
        yield target, tuple(words)


def _find_lines(inputs: Inputs) -> Iterator[tuple[Target, Line]]:
    """Yield the lines whose markers turn on the patch level of a target."""
    for reader in inputs.readers:
        manifest, target = reader.manifest, reader.target
        if not target.patches:
            continue
        limiting = (line for each in manifest.constraints.values() for line in each.lines)
        for line in (*manifest.lines, *manifest.siblings, *limiting, *manifest.overrides):
            if line.marker is not None and target.turns_on_patch(line.marker):
                yield target, line


def _say_libc(target: Target, wheels: Iterable[str]) -> str:
    return (
        f"the C library of the image ({target.source}) is unknown, and {target.libc} is assumed; "
        f"with an older one, pip does not take the wheels of {', '.join(wheels)}"
    )


def _say_patch(target: Target, turning: Iterable[str]) -> str:
    version = target.full_version
    return (
        f"Python {target.python} ({target.python_source or target.source}) is taken as {version}; "
        f"with another patch level this may differ: {'; '.join(turning)}; "
        f'if the image has another, set `python`, e.g. `python: "{version}"`'
    )
