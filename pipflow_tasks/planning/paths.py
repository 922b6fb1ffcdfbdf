"""Why a project is installed: the paths from the requirements to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..plan import PathStep

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from packaging.utils import NormalizedName

    from ..requirements import Line
    from ..resolution import Cause, Solution


def find_paths(
    name: NormalizedName, solution: Solution, lines: Sequence[Line]
) -> Iterator[tuple[PathStep, ...]]:
    """Yield the shortest path to a project from each line, through each project that needs it.

    Args:
        name: the project.
        solution: the versions.
        lines: the requirements that the solution satisfies.
    """
    there = {line.place: line for line in lines}
    for cause in solution.causes.get(name, ()):
        for way in _ways_to(cause, solution):
            yield tuple(_step(each, solution, there) for each in way)


def _ways_to(last: Cause, solution: Solution) -> Iterator[tuple[Cause, ...]]:
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


def _step(cause: Cause, solution: Solution, lines: dict[str, Line]) -> PathStep:
    root = cause.dependency.root
    line = lines.get(root.place) if root is not None else None
    pick = solution.picks.get(cause.dependency.name)
    return PathStep(
        project=line.spelled_name if line is not None else cause.dependency.name,
        version=None if pick is None else pick.version,
        requirement=cause.dependency.shown if line is None else asked_by(line),
        file=None if line is None else line.path,
        line=None if line is None else line.number,
    )


def asked_by(line: Line) -> str:
    """Return what a line asks for, without its marker and its options."""
    if line.requirement is None or line.requirement.url is not None:
        return line.spelled_name
    extras = f"[{','.join(sorted(line.requirement.extras))}]" if line.requirement.extras else ""
    return f"{line.spelled_name}{extras}{line.requirement.specifier}"
