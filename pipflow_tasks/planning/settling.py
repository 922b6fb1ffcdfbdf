"""Settling versions: those that a command's goals get, beside what the files ask.

Where the files conflict by themselves, that is reported, and the search goes around it. All that a
search leaves for later steps is in the ``Settlement`` that it returns.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..errors import VersionConflict, redact
from ..requirements import Kind
from ..resolution import (
    FEW_ROUNDS,
    MAX_ROUNDS,
    Conflict,
    Root,
    Solution,
    Waiver,
    dependency_of,
    has_version_for,
    improve,
    solve,
    solve_around,
    why_none_given,
)
from .draft import EMPTY, Draft, join, note_wheels, warn
from .goals import TYPED, find_move, why_unmovable
from .inputs import as_given, root_of, roots_of
from .unblocking import conflict_error, fix_conflict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from packaging.utils import NormalizedName

    from ..resolution import Pick
    from .goals import Goal
    from .inputs import Inputs

MOST_CLASHES = 4
"""How many conflicts of the files are told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """Versions that a command goes on with.

    Attributes:
        inputs: what they were settled within; more may be admitted than before.
        solution: the versions.
        roots: what they satisfy.
        waived: the pairs of a project and one that it depends on that conflict.
        conflicting: the projects that were left where they are, since they conflict as they are.
        notices: what is odd about them.
    """

    inputs: Inputs
    solution: Solution
    roots: tuple[Root, ...]
    waived: frozenset[Waiver] = frozenset()
    conflicting: frozenset[NormalizedName] = frozenset()
    notices: Draft = EMPTY


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attempt:
    """How far a settlement has come; the attributes are those of ``Settlement``."""

    inputs: Inputs
    found: Solution | Conflict
    roots: tuple[Root, ...]
    waived: frozenset[Waiver] = frozenset()
    conflicting: frozenset[NormalizedName] = frozenset()
    notices: tuple[str, ...] = ()

    def again(self, roots: Iterable[Root], waived: frozenset[Waiver]) -> _Attempt:
        """Return the attempt to satisfy other roots."""
        left = tuple(roots)
        found = solve(self.inputs.candidates, left, waived=waived)
        return replace(self, found=found, roots=left, waived=waived)


def settle(
    inputs: Inputs, goals: Sequence[Goal], current: Sequence[Root], *, is_improving: bool = False
) -> Settlement:
    """Find versions for goals that go together with what the files ask.

    Args:
        inputs: what the command plans from.
        goals: what the command wants.
        current: what the files ask besides.
        is_improving: raise each root as far as it goes; a conflict leaves its pins where they are.

    Raises:
        VersionConflict: there are none.
    """
    candidates = inputs.candidates
    candidates.prefetch([*(goal.root for goal in goals), *current])
    wanted, told = _as_they_are(inputs, current, [goal.root for goal in goals])
    attempt = _Attempt(
        inputs=inputs, found=solve(candidates, wanted), roots=tuple(wanted), notices=tuple(told)
    )
    is_hurried = isinstance(attempt.found, Conflict) and attempt.found.too_deep
    if isinstance(attempt.found, Conflict):
        before, told = _as_they_are(inputs, roots_of(inputs))
        attempt = replace(attempt, notices=(*attempt.notices, *told))
        if is_hurried:
            attempt = _start_from_current(attempt, before)
            is_improving = True
        if isinstance(attempt.found, Conflict):
            attempt = _admit(attempt, before)
        if isinstance(attempt.found, Conflict):
            attempt = _go_around(attempt, before)
        if is_improving:
            attempt = _leave_conflicting(attempt, before)
    found = attempt.found
    if isinstance(found, Conflict):
        raise conflict_error(attempt.inputs, found, goals, current)
    if is_improving:
        found = improve(
            attempt.inputs.candidates,
            attempt.roots,
            found,
            waived=attempt.waived,
            with_dependencies=inputs.manifest.is_locked,
            most_rounds=FEW_ROUNDS if is_hurried else MAX_ROUNDS,
        )
    return Settlement(
        inputs=attempt.inputs,
        solution=found,
        roots=attempt.roots,
        waived=attempt.waived,
        conflicting=attempt.conflicting,
        notices=join([warn(*attempt.notices), _notices_of(attempt.inputs, found)]),
    )


def settle_current(inputs: Inputs, *, waive: bool = True) -> Settlement:
    """Find the versions of the files as they are.

    Args:
        inputs: what the command plans from.
        waive: report a conflict among them, and go around it; else it is an error.

    Raises:
        VersionConflict: they conflict, and there is no way around it.
    """
    current = roots_of(inputs)
    inputs.candidates.prefetch(current)
    roots, notices = _as_they_are(inputs, current)
    if not waive:
        _require_versions(inputs, current, roots)
    found, waived, conflicts = solve_around(inputs.candidates, roots)
    if conflicts:
        admitting, told = admit_for(inputs, roots)
        if admitting is not inputs:
            inputs, notices = admitting, [*notices, *told]
            found, waived, conflicts = solve_around(inputs.candidates, roots)
    if conflicts and not waive:
        found = conflicts[0]
    if isinstance(found, Conflict):
        raise VersionConflict(
            "what stands in the files does not go together",
            reasons=found.explain(),
            hint=fix_conflict(inputs.manifest, found),
        )
    told = [*notices, *_tell_conflicts(conflicts)]
    return Settlement(
        inputs=inputs,
        solution=found,
        roots=tuple(roots),
        waived=waived,
        notices=join([warn(*told), _notices_of(inputs, found)]),
    )


def admit_for(inputs: Inputs, current: Sequence[Root]) -> tuple[Inputs, list[str]]:
    """Admit what else is not taken where the files need it: the image gets it in any case.

    That is what is too young, and what may go with the rest since its dependencies can't be known.

    Args:
        inputs: what the command plans from.
        current: what the files ask.

    Returns:
        the inputs with that admitted, the same where there is no such; and what to say of it.
    """
    found = solve(inputs.candidates, current)
    if isinstance(found, Solution) or not (inputs.rules.has_cooldown or found.guesses):
        return inputs, []
    generous = inputs.within(inputs.limits.admitting(None))
    found = solve(generous.candidates, current)
    picks = found.picks.values() if isinstance(found, Solution) else ()
    admitted = [pick for pick in picks if _is_withheld(generous, pick)]
    if not admitted:
        return inputs, []
    told = [
        f"{pick} {pick.candidate.too_young}, and no older one will do"
        for pick in admitted
        if pick.candidate is not None and pick.candidate.too_young
    ]
    return inputs.within(inputs.limits.admitting([pick.name for pick in admitted])), told


def _is_withheld(inputs: Inputs, pick: Pick) -> bool:
    candidate = pick.candidate
    return candidate is not None and (
        bool(candidate.too_young) or inputs.candidates.is_unknown(pick)
    )


# steps of an attempt


def _start_from_current(attempt: _Attempt, before: Sequence[Root]) -> _Attempt:
    """Begin with the set that the files are, to move its pins one by one, if they are one."""
    found = solve(attempt.inputs.candidates, before)
    if isinstance(found, Conflict) or not all(
        root.name in found.picks and has_version_for(found.picks[root.name], dependency_of(root))
        for root in attempt.roots
    ):
        return attempt
    told = "the search for the newest set was given up: pins moved one by one"
    return replace(attempt, found=found, notices=(*attempt.notices, told))


def _admit(attempt: _Attempt, before: Sequence[Root]) -> _Attempt:
    """Try again with what the files need of what is not taken otherwise."""
    inputs, told = admit_for(attempt.inputs, before)
    if inputs is attempt.inputs:
        return attempt
    admitting = replace(attempt, inputs=inputs, notices=(*attempt.notices, *told))
    return admitting.again(attempt.roots, attempt.waived)


def _go_around(attempt: _Attempt, before: Sequence[Root]) -> _Attempt:
    """Try again around the conflicts of the files; as few of them as the goals leave."""
    candidates = attempt.inputs.candidates
    _, waived, conflicts = solve_around(candidates, before)
    if not conflicts:
        return attempt
    told = (*attempt.notices, *_tell_conflicts(conflicts))
    wanted = attempt.roots
    _, still, _ = solve_around(candidates, wanted)
    ways = [still, waived] if still < waived else [waived]  # some of it may be fixed
    as_before = {root.place: root for root in before}
    for way in ways:
        held = frozenset(name for pair in way for name in pair)
        roots = [_unmoved(root, held, as_before) for root in wanted]
        attempt = replace(attempt, conflicting=held, notices=told).again(roots, way)
        if isinstance(attempt.found, Solution):
            break
    return attempt


def _leave_conflicting(attempt: _Attempt, before: Sequence[Root]) -> _Attempt:
    """Try again with what takes part in a conflict where it was, else with everything."""
    as_before = {root.place: root for root in before}
    while isinstance(attempt.found, Conflict):
        all_names = frozenset(root.name for root in attempt.roots)
        for held in (frozenset(attempt.found.names), all_names):
            roots = tuple(_unmoved(root, held, as_before) for root in attempt.roots)
            if roots != attempt.roots:
                attempt = attempt.again(roots, attempt.waived)
                break
        else:
            return attempt
    return attempt


def _unmoved(root: Root, held: Collection[NormalizedName], before: Mapping[str, Root]) -> Root:
    """Return a root as it was before the command, if it is one of those that are held."""
    is_typed = root.source == TYPED  # that is not given up without a word
    return before.get(root.place, root) if root.name in held and not is_typed else root


# what the files ask, as an installer takes it


def _as_they_are(
    inputs: Inputs, current: Iterable[Root], goals: Iterable[Root] = ()
) -> tuple[list[Root], list[str]]:
    """Take requirements as they are; a line that contradicts one before it does not count.

    Returns:
        those of the goals first, then the current ones; and what to say of them.
    """
    roots: list[Root] = []
    notices: list[str] = []
    for root in goals:
        given, told = _as_it_is(inputs, root)
        roots.append(given)
        notices += told
    taken: list[Root] = []
    for root in current:
        given, told = _as_it_is(inputs, root)
        notices += told
        alike = [other for other in taken if other.name == given.name and not other.is_opaque]
        dependencies = [dependency_of(each) for each in (*alike, given)]
        if alike and not any(inputs.candidates.fitting(given.name, dependencies)):
            shown = "; ".join(f"{each.shown} ({each.source})" for each in (*alike, given))
            notices.append(f"what stands in the files does not go together: {shown}")
            given = replace(given, is_opaque=True)
        taken.append(given)
    return [*roots, *taken], notices


def _as_it_is(inputs: Inputs, root: Root) -> tuple[Root, list[str]]:
    """Take a requirement that no version satisfies as it is in its line, and say so."""
    given = as_given(inputs, root)
    line = next((each for each in inputs.manifest.lines if each.place == root.place), None)
    stated = root_of(inputs, line) if line is not None else None
    if line is None or stated is None or (given is root and not root.is_opaque):
        return given, []
    if root.is_opaque:
        reason = why_unmovable(inputs, line)
        return root, [f"what {root.name} ({root.place}) needs can't be known: it is {reason}"]
    why = why_none_given(inputs.candidates, stated)
    return as_given(inputs, stated), [f"{stated.shown} ({root.place}) stays as it is: {why}"]


def _require_versions(inputs: Inputs, current: Sequence[Root], roots: Sequence[Root]) -> None:
    """Check that each requirement has a version.

    Raises:
        VersionConflict: one has none.
    """
    lost = [
        stated
        for stated, root in zip(current, roots, strict=True)
        if root.is_opaque and not stated.is_opaque
    ]
    if not lost:
        return
    places = {root.place for root in lost}
    lines = [line for line in inputs.manifest.lines if line.place in places and line.pin]
    moves = [find_move(inputs, line) for line in lines]
    words = " ".join(move[0] for move in moves if move is not None)
    raise VersionConflict(
        "what stands in the files can't be installed",
        reasons=[
            f"{root.shown} ({root.source}): {why_none_given(inputs.candidates, root)}"
            for root in lost
        ],
        hint=f'`upgrade "{words}"` moves what has a version that suits'
        if words
        else "take these lines out, or pin what suits",
    )


# what is said of them


def _tell_conflicts(conflicts: Sequence[Conflict]) -> list[str]:
    what = "what stands in the files does not go together"
    told = [
        f"{what}: {'; '.join(replace(conflict, remarks=()).explain())}"
        for conflict in conflicts[:MOST_CLASHES]
    ]
    if left := len(conflicts[MOST_CLASHES:]):
        told.append(f"{what} in {left} more place{'s' if left > 1 else ''}; see `check`")
    return told


def _notices_of(inputs: Inputs, solution: Solution) -> Draft:
    """Return what is odd about the picks of a solution."""
    unnamed = [
        f"what {redact(line.content)} ({line.place}) needs can't be known: it is {line.kind.value}"
        for line in inputs.manifest.lines
        if line.kind in {Kind.EDITABLE, Kind.REFERENCE} and line.name is None
    ]
    told = [_notices_of_pick(inputs, pick, solution) for pick in solution.picks.values()]
    return join([warn(*unnamed), *told])


def _notices_of_pick(inputs: Inputs, pick: Pick, solution: Solution) -> Draft:
    if pick.candidate is None:
        return Draft()
    candidates = inputs.candidates
    told: list[str] = []
    if candidates.is_unknown(pick):
        told.append(f"what {pick} needs can't be known without building it; the image decides")
    elif not candidates.is_settled(pick):
        told.append(
            f"what {pick} needs is known as its author's machine noted it in the source "
            "distribution; the image decides"
        )
    if invalid := candidates.invalid(pick):
        shown = ", ".join(f'"{text}"' for text in invalid)
        told.append(f"{pick} needs {shown}, which pip refuses from 24.1 on")
    is_asked = any(cause.dependency.root for cause in solution.causes.get(pick.name, ()))
    if is_asked and (lacking := candidates.lacking_extras(pick)):
        told.append(f"{pick} has no extra {' or '.join(lacking)}")
    return join([warn(*told), note_wheels(pick.name, pick.candidate, inputs.target)])
