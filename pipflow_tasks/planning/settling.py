"""Settle versions: for the goals of a command and the other requirements of the files.

Where the pinned requirements conflict by themselves, that is reported, and the search goes around
it. All that a search leaves for later steps is in the ``Settlement`` that it returns.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ..errors import NoCandidate, VersionConflict
from ..resolution import (
    FEW_ROUNDS,
    MAX_ROUNDS,
    Conflict,
    Root,
    find_fewest,
    improve,
    project_of,
    solve_around,
)
from .around import admit_for, find_way_around
from .base_image import preferring_base
from .draft import Draft, hint, warn
from .given import as_they_are, hint_at_lost, require_versions
from .goals import rekey, roots_without
from .inputs import names_only_in, readers_of, roots_of, say_targets
from .settlement import Settlement, join_parts, notices_of, roots_in, say_conflicts
from .transitive import can_part, find_transitive, origin_of, part_by_markers, part_by_versions
from .unblocking import find_ways, fix_conflict, say_ways

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from packaging.utils import NormalizedName

    from .goals import Goal
    from .inputs import Inputs
    from .transitive import Join, Origin


def settle(
    inputs: Inputs,
    goals: Sequence[Goal],
    *,
    gone: Collection[str] = (),
    is_improving: bool = False,
) -> Settlement:
    """Find versions for goals that are compatible with the files.

    Nothing is searched with ``--no-resolve``, or where nothing is wanted and nothing is locked.
    ``gone`` are the places of the lines that the command removes. With ``is_improving``, each root
    is raised as far as possible, and the pins of a conflict stay.

    Raises:
        VersionConflict: there are none.
    """
    if not inputs.resolves or not (goals or inputs.manifest.is_locked):
        return Settlement(inputs=inputs)

    def search(inputs: Inputs) -> Settlement:
        return _settle(inputs, rekey(inputs, goals), gone, is_improving=is_improving)

    added = [origin_of(inputs, goal) for goal in goals if goal.line is None]
    lost = names_only_in(inputs, gone)
    settled = _join_all(search(inputs), search, added=added, gone=lost)
    return settled.noting(*notices_of(settled))


def settle_current(inputs: Inputs, *, waive: bool = True) -> Settlement:
    """Find the versions of the files as they are.

    A conflict is reported, and the search goes around it; without ``waive`` it is an error.

    Raises:
        VersionConflict: they conflict, and there is no way around it.
        NoCandidate: a requirement has no version that suits, and ``waive`` is not given.
    """
    search = partial(_settle_current, waive=waive)
    settled = _join_all(search(inputs), search)
    return settled.noting(*notices_of(settled))


def settle_lock(settled: Settlement) -> Settlement:
    """Return the settled versions of the files with one version of each project in a file.

    Raises:
        VersionConflict: there are none.
        NoCandidate: no version suits all who read a file, and no marker separates them.
    """
    return _join_all(settled, partial(_settle_current, waive=True))


def _join_all(
    settled: Settlement,
    search: Callable[[Inputs], Settlement],
    *,
    added: Sequence[Origin] = (),
    gone: Collection[NormalizedName] = (),
) -> Settlement:
    """Search again until the lock has one version of each project in a file.

    Where no version suits all who read a file, its lines get markers that separate them.
    """
    while settled.inputs.manifest.has_lock:
        joins = find_transitive(settled, added=added, gone=gone).joins
        if not joins:
            break
        settled = _join(settled, search, joins)
    return settled


def _join(
    settled: Settlement, search: Callable[[Inputs], Settlement], joins: Sequence[Join]
) -> Settlement:
    """Search again with one version of each of some projects; those that have none stay apart.

    Raises:
        VersionConflict: one of them has none, and no marker separates its environments.
    """
    before = settled.inputs
    joined = _holding(before, joins)
    error: VersionConflict | None = None
    try:
        found = search(joined)
        names = {*found.conflicting_with(settled)}
    except VersionConflict as conflict:
        error = conflict
        names = {project_of(name) for name in conflict.conflict.names}
    parted = [join for join in joins if join.project in names]
    if error is None and not parted:
        return found
    others = _holding(before, [join for join in joins if join not in parted])
    others = replace(others, apart=others.apart | {join.project for join in parted})
    ways = (part_by_versions(others, settled.solution, parted), *part_by_markers(others, parted))
    for apart in ways if parted else ():
        if can_part(apart, parted):
            try:
                return search(apart)
            except VersionConflict as conflict:
                error = error or conflict
    shown = " and ".join(sorted({join.project for join in parted}))
    raise error or NoCandidate(
        f"no version of {shown} suits {say_targets(before)} together",
        hint="give each of these images a requirements file of its own",
    )


def _holding(inputs: Inputs, joins: Iterable[Join]) -> Inputs:
    for join in joins:
        inputs = inputs.holding(join.project, join.readers)
    return inputs


def _settle(
    inputs: Inputs, goals: Sequence[Goal], gone: Collection[str], *, is_improving: bool
) -> Settlement:
    """Find versions for goals, with the partition as it is; see ``settle``.

    Environments that have no version in common are searched one after another.
    """
    inputs = preferring_base(inputs, goals)
    current = [root for root in roots_without(inputs, goals) if root.place not in gone]
    parts = _concerned(inputs, goals, gone)
    concerned = {number for part in parts for number in part}
    asked = [*(goal.root for goal in goals), *roots_in(inputs, current, concerned)]
    inputs.candidates.prefetch(asked)
    settled = [
        _settle_part(
            inputs,
            [goal for goal in goals if goal.readers[0] in part],
            roots_in(inputs, current, part),
            part,
            is_improving=is_improving,
        )
        for part in parts
    ]
    return join_parts(settled)


def _settle_part(
    inputs: Inputs,
    goals: Sequence[Goal],
    current: Sequence[Root],
    numbers: tuple[int, ...],
    *,
    is_improving: bool,
) -> Settlement:
    """Find versions for goals in environments that share some.

    Raises:
        VersionConflict: there are none.
    """
    wanted, told = as_they_are(inputs, current, [goal.root for goal in goals])
    notices: tuple[Draft, ...] = ()
    if told:
        own = roots_in(inputs, roots_of(inputs), numbers)
        notices = (warn(*told), hint(*hint_at_lost(inputs, own)))
    settled = Settlement(inputs=inputs, numbers=numbers, notices=notices)
    settled = settled.again(wanted, frozenset())
    is_hurried = settled.conflict is not None and settled.conflict.too_deep
    is_improving = is_improving or is_hurried
    if settled.conflict is not None:
        settled = find_way_around(settled, is_hurried=is_hurried, is_improving=is_improving)
    if settled.conflict is not None:
        conflict = find_fewest(
            settled.inputs.candidates, settled.conflict, settled.roots, waived=settled.waived
        )
        ways = find_ways(settled.inputs, conflict, goals, current)
        raise VersionConflict(
            conflict,
            asked=[goal.root for goal in goals],
            projects=tuple(dict.fromkeys(goal.shown for goal in goals)),
            hint=say_ways(ways),
            ways=ways,
        )
    if is_improving:
        better = improve(
            settled.inputs.candidates,
            settled.roots,
            settled.solution,
            waived=settled.waived,
            with_dependencies=inputs.manifest.is_locked,
            most_rounds=FEW_ROUNDS if is_hurried else MAX_ROUNDS,
        )
        settled = settled.with_found(better)
    return settled


def _concerned(
    inputs: Inputs, goals: Iterable[Goal], gone: Collection[str]
) -> tuple[tuple[int, ...], ...]:
    """Return the readers of what a command writes, with those who share a version with them."""
    meant = {number for goal in goals for number in goal.readers}
    for line in inputs.manifest.lines if gone else ():
        if line.place in gone:
            meant.update(readers_of(inputs, line))
    parts = inputs.partition.components()
    return tuple(part for part in parts if meant & {*part}) or parts


def _settle_current(inputs: Inputs, *, waive: bool) -> Settlement:
    """Find the versions of the files, with the partition as it is; see ``settle_current``."""
    current = roots_of(inputs)
    inputs.candidates.prefetch(current)
    roots, told = as_they_are(inputs, current)
    if not waive:
        require_versions(inputs, current, roots)
    settled, conflicts = solve_current(inputs, roots)
    conflict = conflicts[0] if conflicts and not waive else settled.conflict
    if conflict is not None:
        raise VersionConflict(conflict, hint=fix_conflict(inputs, conflict))
    notices = (warn(*told), *settled.notices, warn(*say_conflicts(conflicts)))
    return replace(settled, notices=notices)


def solve_current(inputs: Inputs, roots: Sequence[Root]) -> tuple[Settlement, tuple[Conflict, ...]]:
    """Solve what the files ask, and admit what they can't do without; return also the conflicts."""
    inputs = preferring_base(inputs)
    found, waived, conflicts = solve_around(inputs.candidates, roots)
    told: list[str] = []
    if conflicts:
        admitting, told = admit_for(inputs, roots)
        if admitting is not inputs:
            inputs = admitting
            found, waived, conflicts = solve_around(inputs.candidates, roots)
    settled = Settlement(
        inputs=inputs,
        roots=tuple(roots),
        numbers=tuple(range(len(inputs.readers))),
        waived=waived,
        notices=(warn(*told),),
    )
    return settled.with_found(found), conflicts
