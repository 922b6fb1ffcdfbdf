"""Which other pins have to move so that a goal is possible: ``--with-upgrades``, and hints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace
from packaging.specifiers import SpecifierSet

from ..errors import VersionConflict
from ..requirements import as_one_word
from ..resolution import Conflict, Solution, find_conflicting, solve
from .bounds import policy_bounds
from .goals import goal_to_move
from .inputs import as_given

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..manifest.documents import Manifest
    from ..resolution import Root
    from .goals import Goal
    from .inputs import Inputs


class Way(Struct, frozen=True, kw_only=True):
    """Pins that have to move as well so that goals are possible.

    Attributes:
        inputs: with the policies of these pins as bounds.
        goals: what the pins become, in the order of the files.
    """

    inputs: Inputs
    goals: tuple[Goal, ...]


def find_way(inputs: Inputs, goals: Sequence[Goal], current: Sequence[Root]) -> Way | None:
    """Find the fewest pins that have to move as well so that goals are possible.

    Args:
        inputs: the inputs of the command.
        goals: what the command wants.
        current: the other roots of the files.

    Returns:
        None where no pin that moves up helps.
    """
    lines = {line.place: line for line in inputs.manifest.lines if line.pin is not None}
    taken = {goal.root.place for goal in goals}
    moving: dict[str, Goal] = {}
    while isinstance(_solve_moving(inputs, goals, moving.values(), current), Conflict):
        roots = _roots_moving(inputs, goals, moving.values(), current)
        freed = [
            lines[root.place]
            for root in find_conflicting(inputs.candidates, roots)
            if root.place in lines and root.place not in moving and root.place not in taken
        ]
        if not freed:
            return None
        for line in freed:
            inputs = inputs.bounding(line, policy_bounds(line))
            moving[line.place] = goal_to_move(inputs, line, prereleases=False)
    for place in list(moving):
        fewer = {other: goal for other, goal in moving.items() if other != place}
        if isinstance(_solve_moving(inputs, goals, fewer.values(), current), Solution):
            moving = fewer
    order = list(lines)
    moved = sorted(moving.values(), key=lambda goal: order.index(goal.root.place))
    return Way(inputs=inputs, goals=tuple(moved))


def _roots_moving(
    inputs: Inputs, goals: Sequence[Goal], moving: Iterable[Goal], current: Sequence[Root]
) -> list[Root]:
    """Return the roots where some pins move and the rest stay."""
    freed = list(moving)
    places = {goal.root.place for goal in freed}
    left = [as_given(inputs, root) for root in current if root.place not in places]
    return [*(goal.root for goal in (*goals, *freed)), *left]


def _solve_moving(
    inputs: Inputs, goals: Sequence[Goal], moving: Iterable[Goal], current: Sequence[Root]
) -> Solution | Conflict:
    return solve(inputs.candidates, _roots_moving(inputs, goals, moving, current))


def conflict_error(
    inputs: Inputs, conflict: Conflict, goals: Sequence[Goal], current: Sequence[Root]
) -> VersionConflict:
    """Return the error for goals that conflict with the files, with a hint that works."""
    return VersionConflict(
        conflict,
        projects=tuple(dict.fromkeys(goal.name for goal in goals)),
        hint=_hint_for(inputs, conflict, goals, current),
    )


def _hint_for(
    inputs: Inputs, conflict: Conflict, goals: Sequence[Goal], current: Sequence[Root]
) -> str:
    way = find_way(inputs, goals, current)
    if way is None or not way.goals:
        bound = name_bound(inputs.manifest, conflict)
        hint = "ask for other versions"
        return f"{hint}, or change the policy of {bound}" if bound else hint
    words = [goal.name for goal in way.goals]
    words += [f"{goal.name}{goal.typed}" for goal in goals if goal.line is not None]
    hint = f"`upgrade {as_one_word(*words)}` may move the conflicting pins"
    if all(goal.line is not None for goal in goals):
        return hint
    if not _helps(way, goals, current):
        return f"--with-upgrades moves the conflicting pins: {' and '.join(words)}"
    return f"{hint}, or --with-upgrades moves only these"


def _helps(way: Way, goals: Sequence[Goal], current: Sequence[Root]) -> bool:
    """Return whether the goals are possible once some pins have moved without them."""
    inputs = way.inputs
    places = {goal.root.place for goal in way.goals}
    left = [as_given(inputs, root) for root in current if root.place not in places]
    moved = solve(inputs.candidates, [*(goal.root for goal in way.goals), *left])
    if isinstance(moved, Conflict):
        return False
    pins = [
        replace(goal.root, specifier=SpecifierSet(f"=={moved.version(goal.root.name)}"))
        for goal in way.goals
    ]
    found = solve(inputs.candidates, [*(goal.root for goal in goals), *pins, *left])
    return isinstance(found, Solution)


def name_bound(manifest: Manifest, conflict: Conflict) -> str:
    """Return the pins of a conflict that a policy limits, with their places."""
    places = {
        cause.dependency.root.place
        for cause in conflict.causes
        if cause.dependency.root is not None
    }
    bound = (
        line
        for line in manifest.lines
        if line.place in places and line.pin is not None and line.policy is not None
    )
    return ", ".join(f"{line.spelled_name} ({line.place})" for line in bound)


def fix_conflict(manifest: Manifest, conflict: Conflict) -> str:
    """Return what may resolve a conflict of the pinned requirements."""
    fix = "`upgrade-all` resolves the conflict if newer versions are compatible"
    bound = name_bound(manifest, conflict)
    return f"{fix}, as far as the policy of {bound} allows" if bound else fix
