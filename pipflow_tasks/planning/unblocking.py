"""Which other pins have to move so that a goal is possible: ``--with-upgrades``, and hints."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace
from packaging.specifiers import SpecifierSet

from ..requirements import as_one_word
from ..resolution import Conflict, Solution, find_conflicting, project_of, solve
from ..values import in_brackets, join_words
from .bounds import policy_bounds
from .goals import goal_to_move
from .inputs import as_given, key_of, roots_of
from .policies import beside_caps, bounds_beside, cap_above

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from ..manifest.documents import Manifest
    from ..resolution import Root
    from .goals import Goal
    from .inputs import Inputs

MOST_MOVES = 3
"""How many pins that would move are named."""


class Way(Struct, frozen=True, kw_only=True):
    """What makes a command possible that conflicts with the files.

    Attributes:
        text: what to do, as a clause; behind an option what comes of it.
        option: with it, the command itself does that.
        is_before: the command is possible after that, and to be repeated.
    """

    text: str
    option: str = ""
    is_before: bool = False


def say_ways(ways: Iterable[Way], call: str = "") -> str:
    """Return ways as one sentence; ``call`` is the command, where it is not the one just typed."""
    said: list[str] = []
    for way in ways:
        text = way.text
        if way.option:
            text = f"`{call} {way.option}` {text}" if call else f"{way.option} {text}"
        if way.is_before:
            text = f"{text}, then {f'`{call}`' if call else 'repeat this command'}"
        said.append(text)
    return ", or ".join(said)


def find_way(
    inputs: Inputs,
    goals: Sequence[Goal],
    current: Sequence[Root],
    typed: Mapping[str, str] = MappingProxyType({}),
) -> tuple[Inputs, tuple[Goal, ...]]:
    """Find the fewest pins that have to move as well so that goals are possible.

    ``current`` are the other roots of the files. ``typed`` are the specifiers of lines, by their
    places, whose policies change with the command. Returns the inputs with the policies of these
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
            bounds = bounds_beside(lines[place], typed.get(place, ""))
            bounded = bounded.bounding(lines[place], bounds)
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


def find_ways(
    inputs: Inputs, conflict: Conflict, goals: Sequence[Goal], current: Sequence[Root]
) -> Sequence[Way]:
    """Return what makes goals possible that conflict with the files."""
    bounded, moving = find_way(inputs, goals, current)
    if moving:
        text = f"also moves {_show_moves(bounded, goals, moving, current)}"
        if any(goal.line is None or goal.extras for goal in goals):
            return [Way(text=text, option="--with-upgrades")]
        command = as_one_word(*(goal.name for goal in moving), *map(_typed, goals))
        return [Way(text=f"`upgrade {command}` {text}")]
    if built := _find_source(inputs, conflict, goals, current):
        words = dict.fromkeys([*built, *(_typed(goal) for goal in goals if goal.line)])
        return [Way(text=f"`upgrade {as_one_word(*words)}` takes source where there is no wheel")]
    ways = [*_change_policies(inputs, conflict, goals, current)]
    newest = "" if any(map(_falls, goals)) else _find_newest(inputs, goals, current)
    if text := newest or _find_older(inputs, conflict, goals, current):
        ways.append(Way(text=text))
    return ways or [Way(text=_name_roots(inputs.manifest, conflict, goals))]


def _falls(goal: Goal) -> bool:
    """Return whether what is asked for moves a pin down."""
    newest = goal.choice.candidate
    pin = None if goal.line is None else goal.line.pin
    return newest is not None and pin is not None and newest.version < pin


def _name_roots(manifest: Manifest, conflict: Conflict, goals: Sequence[Goal] = ()) -> str:
    """Return the lines of a conflict that no command can change so that it goes away."""
    keys = {cause.start or cause.dependency.name for cause in conflict.causes}
    names = {project_of(key) for key in keys - {goal.root.name for goal in goals}}
    lines = (line for line in manifest.lines if line.name in names)
    shown = join_words([f"{line.spelled_name} ({line.place})" for line in lines])
    asked = join_words([goal.name for goal in goals])
    newer = "newer " if all(goal.line and goal.line.pin for goal in goals) else ""
    which = "older " if any(map(_falls, goals)) else newer
    start = f"no {which}version of {asked} is compatible: " if goals else ""
    return f"{start}{f'change or remove {shown}' if shown else 'change what rules these out'}"


def _typed(goal: Goal) -> str:
    return f"{goal.name}{goal.typed}"


def _show_moves(
    inputs: Inputs, goals: Sequence[Goal], moving: Sequence[Goal], current: Sequence[Root]
) -> str:
    """Return to which versions pins move that make goals possible."""
    found = solve(inputs.candidates, _roots_moving(inputs, goals, moving, current))
    assert isinstance(found, Solution)
    shown = [f"{goal.name} to {found.version(goal.root.name)}" for goal in moving]
    more = [f"{len(shown) - MOST_MOVES} more"] if len(shown) > MOST_MOVES else []
    return join_words([*shown[:MOST_MOVES], *more])


def _find_newest(inputs: Inputs, goals: Sequence[Goal], current: Sequence[Root]) -> str:
    """Return the command that takes the newest versions that are compatible with the files."""
    freed = [replace(goal.root, specifier=SpecifierSet()) for goal in goals]
    left = [as_given(inputs, root) for root in current]
    found = solve(inputs.candidates, [*freed, *left])
    if isinstance(found, Conflict):
        return ""
    if len({goal.name for goal in goals}) < len(goals):  # one has a version in several files
        return ""
    versions = [(goal, found.version(goal.root.name)) for goal in goals]
    if any(goal.line is not None and goal.line.pin == version for goal, version in versions):
        return ""
    command = "add" if any(goal.line is None for goal in goals) else "upgrade"
    words = as_one_word(*(f"{_with_extras(goal)}=={version}" for goal, version in versions))
    newest = "versions that are" if len(versions) > 1 else "version that is"
    dropped = [
        _typed(goal) if goal.typed else goal.shown
        for goal, version in versions
        if version is not None and not goal.asked.contains(version, prereleases=True)
    ]
    start = f"without {join_words(dropped)}, " if dropped else ""
    return f"{start}`{command} {words}` takes the newest {newest} compatible"


def _with_extras(goal: Goal) -> str:
    asked = goal.root.extras if goal.line is None else ()
    return f"{goal.name}{in_brackets({extra.name for extra in asked})}"


def _find_older(
    inputs: Inputs, conflict: Conflict, goals: Sequence[Goal], current: Sequence[Root]
) -> str:
    """Return the command that moves a pin down so that goals are possible, or resolve a conflict.

    Several pins of a conflict move where one alone does not help.
    """
    lines = {line.place: line for line in inputs.manifest.lines if line.pin is not None}
    names = set(conflict.names)
    freed = [root.place for root in current if root.name in names and root.place in lines]
    for places in [*([place] for place in freed), freed]:
        bounded = inputs
        for place in places:
            bounded = bounded.bounding(lines[place], policy_bounds(lines[place]))
        roots = [
            replace(root, specifier=SpecifierSet()) if root.place in places else root
            for root in current
        ]
        given = [as_given(bounded, root) for root in roots]
        found = solve(bounded.candidates, [*(goal.root for goal in goals), *given])
        if isinstance(found, Solution):
            moved = [
                f"{project_of(root.name)}=={found.version(root.name)}"
                for root in roots
                if root.place in places and found.version(root.name) != root.pin
            ]
            command = as_one_word(*moved, *(_typed(goal) for goal in goals if goal.line))
            shown = join_words([each.partition("==")[0] for each in moved])
            return f"`upgrade {command}` moves {shown} down"
    return ""


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


def _change_policies(
    inputs: Inputs, conflict: Conflict, goals: Sequence[Goal], current: Sequence[Root]
) -> Iterator[Way]:
    """Yield which policies of a conflict to change, with the command where one does; or nothing.

    Upper bounds rise as far as the newest versions need that make the goals possible.
    """
    places = {root.place for root in conflict.roots}
    pins = (line for line in inputs.manifest.lines if line.place in places and line.pin)
    lines = [line for line in pins if line.policy is not None]
    if not lines:
        return
    shown = ", ".join(f"{line.spelled_name} ({line.place})" for line in lines)
    told = f"change the policy of {shown}"
    if any(beside_caps(line) is None for line in lines):
        yield Way(text=told)
        return
    freed = inputs
    for line in lines:
        freed = freed.within(freed.limits.unbounded(key_of(inputs, line)))
    moving = [goal_to_move(freed, line, prereleases=False) for line in lines]
    found = solve(freed.candidates, _roots_moving(freed, goals, moving, current))
    if isinstance(found, Conflict):
        yield Way(text=told)
        return
    versions = [(goal.name, found.version(goal.root.name)) for goal in moving]
    caps = [f"{name}{cap_above(version)}" for name, version in versions if version is not None]
    is_one_command = all(goal.line is not None and not goal.extras for goal in goals)
    words = as_one_word(*caps, *(_typed(goal) for goal in goals if is_one_command))
    yield Way(text=f"{told} with `upgrade {words}`", is_before=not is_one_command)


def is_of_lines(conflict: Conflict) -> bool:
    """Return whether lines of one project contradict each other."""
    are_all = len(conflict.roots) == len(conflict.causes) > 1
    return are_all and len({root.name for root in conflict.roots}) == 1


def fix_conflict(inputs: Inputs, conflict: Conflict) -> str:
    """Return what resolves a conflict of the pinned requirements."""
    if is_of_lines(conflict):
        return "remove one of the lines"
    every = roots_of(inputs)
    current = [root for root in every if root.name in conflict.names]
    bounded, moving = find_way(inputs, (), current)
    if moving and not _makes_another(bounded, conflict, moving, every):
        moved = _show_moves(bounded, (), moving, current)
        command = as_one_word(*(goal.name for goal in moving))
        return f"`upgrade {command}` moves {moved}, which resolves the conflict"
    beside = [cause.beside for cause in conflict.causes]
    beside += [root.place for root in conflict.roots if root.is_beside]
    ways = [way.text for way in _change_policies(inputs, conflict, (), current)]
    among = every if moving else current
    ways += filter(None, [_find_older(inputs, conflict, (), among)])
    if places := " and ".join(dict.fromkeys(filter(None, beside))):
        ways.append(f"change {places}")
    return ", or ".join(ways) or _name_roots(inputs.manifest, conflict)


def _makes_another(
    inputs: Inputs, conflict: Conflict, moving: Sequence[Goal], every: Sequence[Root]
) -> bool:
    """Return whether moves that resolve a conflict lead to one with another requirement.

    Conflicts of other requirements among each other do not count.
    """
    left = list(every)
    while left:
        roots = _roots_moving(inputs, (), moving, left)
        if isinstance(solve(inputs.candidates, roots), Solution):
            return False
        names = {root.name for root in find_conflicting(inputs.candidates, roots)}
        if not names.isdisjoint(conflict.names):
            return True
        left = [root for root in left if root.name not in names]
    return False
