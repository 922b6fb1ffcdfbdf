"""Give lines the versions that were settled, and report what holds newer ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .choosing import digests
from .draft import Draft, join, move, warn, warn_of
from .held import tell_held
from .inputs import roots_of
from .settling import settle

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from packaging.version import Version

    from ..resolution import Root
    from ..resolution.finder import Candidate
    from .goals import Goal
    from .inputs import Inputs
    from .settling import Settlement


def roots_without(inputs: Inputs, goals: Iterable[Goal]) -> list[Root]:
    """Return the roots of the files without those of some goals; none with ``--no-resolve``."""
    if not inputs.resolves:
        return []
    places = {goal.line.place for goal in goals if goal.line is not None}
    return [root for root in roots_of(inputs) if root.place not in places]


def settle_goals(
    inputs: Inputs, goals: Sequence[Goal], current: Sequence[Root], *, is_improving: bool = False
) -> Settlement | None:
    """Settle goals with the other roots of the files; None where nothing is resolved.

    Raises:
        VersionConflict: no versions satisfy all of them.
    """
    if not inputs.resolves or not (goals or inputs.manifest.is_locked):
        return None
    return settle(inputs, goals, current, is_improving=is_improving)


def candidate_for(goal: Goal, settlement: Settlement | None) -> Candidate | None:
    """Return the candidate that a goal gets: the settled one, else the newest that suits."""
    if settlement is None:
        return goal.choice.candidate
    pick = settlement.solution.picks.get(goal.root.name)
    return None if pick is None else pick.candidate


def move_goal(
    inputs: Inputs, goal: Goal, settlement: Settlement | None, *, comment: str | None = None
) -> Draft:
    """Move a line to its version, and report what holds it."""
    line = goal.line
    assert line is not None
    candidate = candidate_for(goal, settlement)
    if candidate and line.pin and candidate.version < line.pin and not goal.asked:
        candidate = None
    parts: list[Draft] = []
    follows_lock = settlement is not None and line in inputs.manifest.locked
    if candidate is not None and candidate.version != line.pin and not follows_lock:
        hashes: tuple[str, ...] = ()
        if line.option_values("--hash"):
            hashes = digests(inputs, goal.name, candidate.version, like=line)
        parts.append(move(line, candidate.version, digests=hashes, comment=comment))
        parts.append(warn_of(goal.name, candidate, inputs.target))
    version = candidate.version if candidate else line.pin
    if version is not None:
        parts.append(tell_held_goal(inputs, goal, version, settlement))
    return join(parts)


def tell_held_goal(
    inputs: Inputs, goal: Goal, version: Version, settlement: Settlement | None
) -> Draft:
    """Report what holds a project below its newest version, unless the request does."""
    parts: list[Draft] = []
    newer = (each for each in goal.choice.rejections if each.version > version)
    if skipped := next((each for each in newer if each.by_old_pip), None):
        told = f"{goal.name} {skipped.version} {skipped.reason}"
        parts.append(warn(f"{told}; upgrade pip before the install step"))
    held = tell_held(inputs, goal.name, version, goal.choice, settlement, asked=goal.asked)
    return join([*parts, held])
