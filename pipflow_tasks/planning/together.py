"""Which moves go together: projects whose new versions need each other.

Each project is tried alone at its new version, beside the others as they are. The moves that take
part in a conflict then go with it, until a set is found; so does a locked line that has to move.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace
from packaging.specifiers import SpecifierSet

from ..resolution import FEW_ROUNDS, Conflict, Root, find_conflicting, project_of, solve
from .given import as_they_are
from .goals import key_for
from .inputs import keys_of, roots_of
from .moving import version_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from packaging.utils import NormalizedName
    from packaging.version import Version

    from ..resolution import Candidates, Key
    from .goals import Goal
    from .inputs import Inputs
    from .settlement import Settlement


def group_moves(
    settlement: Settlement, goals: Iterable[Goal]
) -> tuple[tuple[NormalizedName, ...], ...]:
    """Return the projects that a settlement moves, in groups that move together.

    They are in the order of their lines, locked lines last.
    """
    inputs = settlement.inputs
    locked = _find_locked(inputs)
    moves = dict(_moves(settlement, goals, locked))
    groups: list[set[Key]] = []
    if inputs.resolves:
        candidates = _keeping(inputs, locked)
        current, _ = as_they_are(inputs, roots_of(inputs))
        for key in moves:
            needed = _needed(settlement, candidates, key, moves, current, locked)
            groups = [*_joined(groups, needed)]
    else:
        groups = [{key} for key in moves]
    found = [[key for key in moves if key in group] for group in groups]
    found.sort(key=lambda group: [*moves].index(group[0]))
    return tuple(tuple(dict.fromkeys(map(project_of, group))) for group in found)


def _find_locked(inputs: Inputs) -> dict[Key, Version]:
    """Return the versions of the locked lines that somebody reads."""
    lines = [line for line in inputs.manifest.locked if line.name and line.pin]
    return {key: line.pin for line in lines if line.pin for key in keys_of(inputs, line)}


def _moves(
    settlement: Settlement, goals: Iterable[Goal], locked: Mapping[Key, Version]
) -> Iterator[tuple[Key, Version]]:
    """Yield what moves, with its new version."""
    for goal in goals:
        version = version_for(settlement, goal)
        if goal.line is not None and version is not None and version != goal.line.pin:
            yield key_for(settlement.inputs, goal), version
    for key, pin in locked.items():
        version = settlement.solution.version(key)
        if version is not None and version != pin:
            yield key, version


def _keeping(inputs: Inputs, locked: Iterable[Key]) -> Candidates:
    """Return the candidates, with the versions of locked lines before newer ones."""
    limits = inputs.limits
    for key in locked:
        if (preference := limits.preferences.get(key)) is not None:
            limits = limits.preferring(key, replace(preference, may_rise=False))
    return inputs.candidates.within(limits)


def _needed(
    settlement: Settlement,
    candidates: Candidates,
    key: Key,
    moves: Mapping[Key, Version],
    current: Sequence[Root],
    locked: Mapping[Key, Version],
) -> set[Key]:
    """Return what has to move for a project to move, itself included."""
    needed, waived = {key}, settlement.waived
    while True:
        roots = [*_roots_with(needed, moves, current)]
        found = solve(candidates, roots, waived=waived, most_rounds=FEW_ROUNDS)
        if isinstance(found, Conflict):
            if found.too_deep:
                return needed
            more = {root.name for root in find_conflicting(candidates, roots, waived=waived)}
        else:
            picked = {each: found.version(each) for each in locked}
            more = {each for each, pin in locked.items() if picked[each] not in {None, pin}}
        more = (more & {*moves}) - needed
        if not more:
            return needed
        needed |= more


def _roots_with(
    needed: Iterable[Key], moves: Mapping[Key, Version], current: Iterable[Root]
) -> Iterator[Root]:
    """Yield what the files ask, with some projects at their new versions."""
    new = {key: SpecifierSet(f"=={moves[key].public}") for key in needed}
    left = dict(new)
    for root in current:
        left.pop(root.name, None)
        yield replace(root, specifier=new[root.name]) if root.name in new else root
    for key, specifier in left.items():
        name = project_of(key)
        yield Root(name=key, specifier=specifier, source="", shown=name, is_transitive=True)


def _joined(groups: Iterable[set[Key]], needed: set[Key]) -> Iterator[set[Key]]:
    """Yield groups of which those that have a project in common are one."""
    whole = {*needed}
    for group in groups:
        if group & needed:
            whole |= group
        else:
            yield group
    yield whole
