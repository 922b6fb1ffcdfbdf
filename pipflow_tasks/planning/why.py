"""``why``: the paths that lead from the requirements to a project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from ..errors import RequirementsError, redact
from ..plan import PathStep
from ..resolution import project_of
from ..values import in_brackets
from .draft import Draft
from .inputs import names_of, say_targets
from .lock import find_unknown
from .requests import close_hint
from .settling import settle_current

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import TypeAlias

    from packaging.utils import NormalizedName

    from ..requirements import Line, Request
    from ..resolution import Cause, Solution
    from .inputs import Inputs

    Lines: TypeAlias = Mapping[tuple[str, NormalizedName | None], Line]


def draft_why(inputs: Inputs, requests: Sequence[Request]) -> Iterator[Draft]:
    """Show the paths from the requirements to projects, with the pinned versions.

    There is one from each line through each project that needs the project, the shortest.

    Raises:
        RequirementsError: nothing needs one of them.
        VersionConflict: the pinned requirements conflict, which may hide a path.
    """
    settlement = settle_current(inputs)
    inputs, solution = settlement.inputs, settlement.solution
    every = (*inputs.manifest.direct, *inputs.manifest.siblings)
    lines = {(line.place, line.name): line for line in every}
    yield from settlement.notices
    for request in requests:
        keys = inputs.partition.keys(request.name)
        causes = [cause for key in keys for cause in solution.causes.get(key, ())]
        paths: dict[tuple[PathStep, ...], set[int]] = {}  # several environments may have one
        for chain in (chain for cause in causes for chain in _chains_to(cause, solution)):
            path = tuple(_step(each, solution, lines) for each in chain)
            paths.setdefault(path, set()).update(_readers_of(chain, inputs, solution))
        if not paths:
            settle_current(inputs, waive=False)  # a conflict may hide a path
            unknown = " and ".join(shown for _, shown in find_unknown(inputs, solution))
            raise RequirementsError(
                f"nothing needs {request.name}, for {say_targets(inputs)}"
                + (f"; the dependencies of {unknown} are unknown" if unknown else ""),
                path=inputs.manifest.main,
                hint=close_hint(request.name, map(project_of, solution.picks)),
            )
        yield Draft(
            paths=tuple(
                tuple(replace(step, environments=names_of(inputs, readers)) for step in path)
                for path, readers in paths.items()
            )
        )


def _readers_of(chain: Sequence[Cause], inputs: Inputs, solution: Solution) -> set[int]:
    """Return the numbers of those in whose environment each step needs the next."""
    readers = {*range(len(inputs.readers))}
    for cause in chain:
        readers &= {*inputs.partition.part_of(cause.dependency.name)}
        if cause.parent is not None and len(readers) > 1:
            pick = solution.picks.get(cause.parent.name, cause.parent)
            needed = (
                (number, each.name)
                for number in readers & {*inputs.partition.part_of(pick.name)}
                for each in inputs.candidates.dependencies_in(pick, number)
            )
            readers = {number for number, name in needed if name == cause.dependency.name}
    return readers


def _chains_to(last: Cause, solution: Solution) -> Iterator[tuple[Cause, ...]]:
    """Yield the shortest chain of causes from each line to this cause."""
    chains: list[tuple[Cause, ...]] = [(last,)]
    seen = {last.dependency.name}
    for chain in chains:  # it grows on the way
        parent = chain[0].parent
        if parent is None:
            yield chain
        elif parent.name not in seen:
            seen.add(parent.name)
            causes = solution.causes.get(parent.name, ())
            chains.extend((cause, *chain) for cause in causes)


def _step(cause: Cause, solution: Solution, lines: Lines) -> PathStep:
    root = cause.dependency.root
    line = lines.get((root.place, project_of(root.name))) if root is not None else None
    pick = solution.picks.get(cause.dependency.name)
    return PathStep(
        project=line.spelled_name if line is not None else project_of(cause.dependency.name),
        version=None if pick is None else pick.version,
        requirement=cause.dependency.shown if line is None else asked_by(line),
        file=None if line is None else line.path,
        line=None if line is None else line.number,
    )


def asked_by(line: Line) -> str:
    """Return what a line asks for, without its marker and its options."""
    if line.has_variable:
        return redact(line.content.partition(";")[0].partition(" --")[0].strip())
    if line.requirement is None or line.requirement.url is not None:
        return line.spelled_name
    extras = in_brackets(line.requirement.extras)
    return f"{line.spelled_name}{extras}{line.requirement.specifier}"
