"""Ways around a conflict of the pinned requirements, with as little left out as possible."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from ..resolution import (
    TYPED,
    Conflict,
    Key,
    Root,
    Solution,
    dependency_of,
    has_version_for,
    solve,
    solve_around,
)
from .draft import warn
from .given import as_they_are
from .inputs import roots_of
from .settlement import Settlement, roots_in, say_conflicts

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from .inputs import Inputs


def admit_for(inputs: Inputs, current: Sequence[Root]) -> tuple[Inputs, list[str]]:
    """Return inputs that admit the versions which the files can't do without, and warnings.

    The image gets these versions in any case: they are too young, are built from source, or their
    dependencies are unknown. The inputs are the same where there are none.
    """
    found = solve(inputs.candidates, current)
    if isinstance(found, Solution) or not (
        any(each.admission.cutoff for each in inputs.rules)
        or inputs.manifest.is_locked
        or found.guesses
    ):
        return inputs, []
    generous = inputs.within(inputs.limits.admitting(None))
    found = solve(generous.candidates, current)
    admitted: list[Key] = []
    told: list[str] = []
    for pick in found.picks.values() if isinstance(found, Solution) else ():
        picked = pick.candidate
        withheld = "" if picked is None else picked.too_young or picked.loses_wheel
        if withheld:
            told.append(f"{pick} {withheld}, and no older version is compatible")
        if withheld or (picked is not None and generous.candidates.is_unknown(pick)):
            admitted.append(pick.name)
    return (inputs.within(inputs.limits.admitting(admitted)) if admitted else inputs), told


def find_way_around(settled: Settlement, *, is_hurried: bool, is_improving: bool) -> Settlement:
    """Return a settlement without conflict, or the same with one that nothing goes around.

    ``is_hurried``: the search was given up. With ``is_improving``, pins of a conflict stay.
    """
    own = roots_in(settled.inputs, roots_of(settled.inputs), settled.numbers)
    before, told = as_they_are(settled.inputs, own)
    settled = settled.noting(warn(*told))
    if is_hurried:
        settled = _start_from_current(settled, before)
    if settled.conflict is not None:
        inputs, told = admit_for(settled.inputs, before)
        if inputs is not settled.inputs:
            admitting = replace(settled, inputs=inputs).noting(warn(*told))
            settled = admitting.again(settled.roots, settled.waived)
    if settled.conflict is not None:
        settled = _go_around(settled, before)
    return _leave_conflicting(settled, before) if is_improving else settled


def _start_from_current(settled: Settlement, before: Sequence[Root]) -> Settlement:
    """Start from the pinned versions, if they are compatible, to move them one by one."""
    found = solve(settled.inputs.candidates, before)
    if isinstance(found, Conflict) or not all(
        root.name in found.picks and has_version_for(found.picks[root.name], dependency_of(root))
        for root in settled.roots
    ):
        return settled
    told = "the search for the newest set was given up: pins moved one by one"
    return settled.with_found(found).noting(warn(told))


def _go_around(settled: Settlement, before: Sequence[Root]) -> Settlement:
    """Try again around the conflicts of the files, as few of them as possible."""
    candidates, wanted = settled.inputs.candidates, settled.roots
    _, waived, conflicts = solve_around(candidates, before)
    if not conflicts:
        return settled
    settled = settled.noting(warn(*say_conflicts(conflicts)))
    _, still, _ = solve_around(candidates, wanted)
    for way in [still, waived] if still < waived else [waived]:  # some of it may be fixed
        held = frozenset(name for pair in way for name in pair)
        roots = _unmoved(wanted, held, before)
        settled = replace(settled, conflicting=held).again(roots, way)
        if settled.conflict is None:
            break
    return settled


def _leave_conflicting(settled: Settlement, before: Sequence[Root]) -> Settlement:
    """Try again with the pins of the conflict where they were, else with all pins."""
    while settled.conflict is not None:
        for held in (settled.conflict.names, [root.name for root in settled.roots]):
            roots = _unmoved(settled.roots, held, before)
            if roots != settled.roots:
                settled = settled.again(roots, settled.waived)
                break
        else:
            return settled
    return settled


def _unmoved(
    roots: Iterable[Root], held: Collection[Key], before: Iterable[Root]
) -> tuple[Root, ...]:
    """Return roots, but as they were before the command where their project is held."""
    as_before = {(root.place, root.name): root for root in before}
    return tuple(
        as_before.get((root.place, root.name), root)
        if root.name in held and root.source != TYPED  # that is not given up without a word
        else root
        for root in roots
    )
