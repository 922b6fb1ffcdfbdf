"""Which other pins have to move so that a goal is possible: ``--with-upgrades``, and hints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace
from packaging.specifiers import SpecifierSet

from ..requirements import as_one_word
from ..resolution import Conflict, Solution, find_conflicting, solve
from .goals import goal_to_move
from .inputs import as_given, policy_bounds

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from ..manifest.documents import Manifest
    from ..resolution import Root
    from .goals import Goal
    from .inputs import Inputs


def find_way(
    inputs: Inputs, goals: Sequence[Goal], current: Sequence[Root]
) -> tuple[Inputs, tuple[Goal, ...]]:
    """Find the fewest pins that have to move as well so that goals are possible.

    ``current`` are the other roots of the files. Returns the inputs with the policies of these
    pins as bounds, and what the pins become, in the order of the files; none where no pin that
    moves up helps.
    """
    bounded = inputs
    lines = {line.place: line for line in inputs.manifest.lines if line.pin is not None}
    movable = lines.keys() - {goal.root.place for goal in goals}
    moving: dict[str, Goal] = {}
    while True:
        roots = _roots_moving(bounded, goals, moving.values(), current)
        if isinstance(solve(bounded.candidates, roots), Solution):
            break
        conflicting = find_conflicting(bounded.candidates, roots)
        freed = [root.place for root in conflicting if root.place in movable - moving.keys()]
        if not freed:
            return inputs, ()
        for place in freed:
            bounded = bounded.bounding(lines[place], policy_bounds(lines[place]))
            moving[place] = goal_to_move(bounded, lines[place], prereleases=False)
    for place in list(moving):
        fewer = {other: goal for other, goal in moving.items() if other != place}
        roots = _roots_moving(bounded, goals, fewer.values(), current)
        if isinstance(solve(bounded.candidates, roots), Solution):
            moving = fewer
    return bounded, tuple(moving[place] for place in lines if place in moving)


def _roots_moving(
    inputs: Inputs, goals: Iterable[Goal], moving: Collection[Goal], current: Iterable[Root]
) -> list[Root]:
    """Return the roots where some pins move and the rest stay."""
    places = {goal.root.place for goal in moving}
    left = [as_given(inputs, root) for root in current if root.place not in places]
    return [*(goal.root for goal in (*goals, *moving)), *left]


def find_hint(
    inputs: Inputs, conflict: Conflict, goals: Sequence[Goal], current: Sequence[Root]
) -> str:
    """Return what makes goals possible that conflict with the files."""
    given, (inputs, moving) = inputs, find_way(inputs, goals, current)
    if not moving:
        if built := _find_source(given, conflict, goals, current):
            words = [*built, *(f"{goal.name}{goal.typed}" for goal in goals if goal.line)]
            words = list(dict.fromkeys(words))
            return f"`upgrade {as_one_word(*words)}` takes source where there is no wheel"
        bound = _name_bound(inputs.manifest, conflict)
        hint = "ask for other versions"
        return f"{hint}, or change the policy of {bound}" if bound else hint
    words = [goal.name for goal in moving]
    asked = [goal for goal in goals if goal.line is not None and not goal.extras]
    words += [f"{goal.name}{goal.typed}" for goal in asked]
    hint = f"`upgrade {as_one_word(*words)}` may move the conflicting pins"
    if len(asked) == len(goals):
        return hint
    if not _helps(inputs, moving, goals, current):
        return f"--with-upgrades moves the conflicting pins: {' and '.join(words)}"
    return f"{hint}, or --with-upgrades moves only these"


def _find_source(
    inputs: Inputs, conflict: Conflict, goals: Sequence[Goal], current: Sequence[Root]
) -> tuple[str, ...]:
    """Return the pins that make goals possible once they move, some from a wheel to source."""
    limits = inputs.limits
    for name in conflict.names:
        limits = limits.with_source(name)
    freed, moving = find_way(inputs.within(limits), goals, current)
    found = solve(freed.candidates, _roots_moving(freed, goals, moving, current))
    if isinstance(found, Conflict):
        return ()
    releases = inputs.candidates.releases
    built = [
        name
        for name in conflict.names
        if (version := found.version(name)) and releases(name).loses_wheel(version)
    ]
    return tuple(dict.fromkeys([*(goal.name for goal in moving), *built])) if built else ()


def _helps(
    inputs: Inputs, moving: Collection[Goal], goals: Iterable[Goal], current: Iterable[Root]
) -> bool:
    """Return whether the goals are possible once some pins have moved without them."""
    roots = _roots_moving(inputs, (), moving, current)
    moved = solve(inputs.candidates, roots)
    if isinstance(moved, Conflict):
        return False
    pins = [
        replace(root, specifier=SpecifierSet(f"=={moved.version(root.name)}"))
        for root in roots[: len(moving)]
    ]
    wanted = [*(goal.root for goal in goals), *pins, *roots[len(moving) :]]
    return isinstance(solve(inputs.candidates, wanted), Solution)


def _name_bound(manifest: Manifest, conflict: Conflict) -> str:
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


def is_of_lines(conflict: Conflict) -> bool:
    """Return whether lines of one project contradict each other."""
    roots = [cause.dependency.root for cause in conflict.causes]
    return len(roots) > 1 and all(roots) and len({root.name for root in roots if root}) == 1


def fix_conflict(manifest: Manifest, conflict: Conflict) -> str:
    """Return what may resolve a conflict of the pinned requirements."""
    if is_of_lines(conflict):
        return "remove one of the lines"
    fix = "`upgrade-all` resolves the conflict if newer versions are compatible"
    roots = [cause.dependency.root for cause in conflict.causes]
    beside = [cause.beside for cause in conflict.causes]
    beside += [root.place for root in roots if root is not None and root.is_beside]
    if places := " and ".join(dict.fromkeys(filter(None, beside))):
        fix = f"{fix}; else change {places}"
    bound = _name_bound(manifest, conflict)
    return f"{fix}, as far as the policy of {bound} allows" if bound else fix
