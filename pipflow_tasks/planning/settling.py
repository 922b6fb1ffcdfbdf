"""Settle versions: for the goals of a command and the other requirements of the files.

Where the pinned requirements conflict by themselves, that is reported, and the search goes around
it. All that a search leaves for later steps is in the ``Settlement`` that it returns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ..errors import NoCandidate, VersionConflict, redact
from ..requirements import Kind, as_one_word
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

MOST_CONFLICTS = 4
"""How many conflicts of the files are reported."""


class Settlement(Struct, frozen=True, kw_only=True):
    """The versions that a command goes on with.

    Attributes:
        inputs: what they were settled within; it may admit more than before.
        solution: the versions.
        roots: what they satisfy.
        waived: the pairs of a project and one that it depends on that conflict.
        conflicting: the projects that stay as they are since they conflict.
        notices: what the user should know of them.
    """

    inputs: Inputs
    solution: Solution
    roots: tuple[Root, ...]
    waived: frozenset[Waiver] = frozenset()
    conflicting: frozenset[NormalizedName] = frozenset()
    notices: Draft = EMPTY


class _Attempt(Struct, frozen=True, kw_only=True):
    """How far a settlement has come; the attributes are those of ``Settlement``."""

    inputs: Inputs
    found: Solution | Conflict
    roots: tuple[Root, ...]
    waived: frozenset[Waiver] = frozenset()
    conflicting: frozenset[NormalizedName] = frozenset()
    notices: tuple[str, ...] = ()

    def again(self, roots: Iterable[Root], waived: frozenset[Waiver]) -> _Attempt:
        """Return the attempt with other roots."""
        left = tuple(roots)
        found = solve(self.inputs.candidates, left, waived=waived)
        return replace(self, found=found, roots=left, waived=waived)


def settle(
    inputs: Inputs, goals: Sequence[Goal], current: Sequence[Root], *, is_improving: bool = False
) -> Settlement:
    """Find versions for goals that are compatible with the files.

    Args:
        inputs: the inputs of the command.
        goals: what the command wants.
        current: the other roots of the files.
        is_improving: raise each root as far as possible; the pins of a conflict stay.

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
        inputs: the inputs of the command.
        waive: report a conflict and go around it; else it is an error.

    Raises:
        VersionConflict: they conflict, and there is no way around it.
        NoCandidate: a requirement has no version that suits, and ``waive`` is not given.
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
        raise VersionConflict(found, hint=fix_conflict(inputs.manifest, found))
    told = [*notices, *_tell_conflicts(conflicts)]
    return Settlement(
        inputs=inputs,
        solution=found,
        roots=tuple(roots),
        waived=waived,
        notices=join([warn(*told), _notices_of(inputs, found)]),
    )


def admit_for(inputs: Inputs, current: Sequence[Root]) -> tuple[Inputs, list[str]]:
    """Admit versions that the files can't do without: the image gets them in any case.

    These are versions that are too young, and those with unknown dependencies.

    Args:
        inputs: the inputs of the command.
        current: the roots of the files.

    Returns:
        the inputs that admit them (the same where there are none), and warnings.
    """
    found = solve(inputs.candidates, current)
    if isinstance(found, Solution) or not (inputs.rules.admission.cutoff or found.guesses):
        return inputs, []
    generous = inputs.within(inputs.limits.admitting(None))
    found = solve(generous.candidates, current)
    picks = found.picks.values() if isinstance(found, Solution) else ()
    admitted = [pick for pick in picks if _is_withheld(generous, pick)]
    if not admitted:
        return inputs, []
    told = [
        f"{pick} {pick.candidate.too_young}, and no older version is compatible"
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
    """Start from the pinned versions, if they are compatible, to move them one by one."""
    found = solve(attempt.inputs.candidates, before)
    if isinstance(found, Conflict) or not all(
        root.name in found.picks and has_version_for(found.picks[root.name], dependency_of(root))
        for root in attempt.roots
    ):
        return attempt
    told = "the search for the newest set was given up: pins moved one by one"
    return replace(attempt, found=found, notices=(*attempt.notices, told))


def _admit(attempt: _Attempt, before: Sequence[Root]) -> _Attempt:
    """Try again with the versions that only the files admit."""
    inputs, told = admit_for(attempt.inputs, before)
    if inputs is attempt.inputs:
        return attempt
    admitting = replace(attempt, inputs=inputs, notices=(*attempt.notices, *told))
    return admitting.again(attempt.roots, attempt.waived)


def _go_around(attempt: _Attempt, before: Sequence[Root]) -> _Attempt:
    """Try again around the conflicts of the files, as few of them as possible."""
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
    """Try again with the pins of the conflict where they were, else with all pins."""
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
    """Return a root as it was before the command, if its project is held."""
    is_typed = root.source == TYPED  # that is not given up without a word
    return before.get(root.place, root) if root.name in held and not is_typed else root


# what the files ask, as an installer takes it


def _as_they_are(
    inputs: Inputs, current: Iterable[Root], goals: Iterable[Root] = ()
) -> tuple[list[Root], list[str]]:
    """Return roots as an installer takes them; a line that contradicts an earlier one is opaque.

    Returns:
        those of the goals first, then the current ones; and warnings.
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
            notices.append(f"the pinned requirements conflict: {shown}")
            given = replace(given, is_opaque=True)
        taken.append(given)
    return [*roots, *taken], notices


def _as_it_is(inputs: Inputs, root: Root) -> tuple[Root, list[str]]:
    """Return a root as its line has it where no version satisfies it, with a warning."""
    given = as_given(inputs, root)
    line = next((each for each in inputs.manifest.lines if each.place == root.place), None)
    stated = root_of(inputs, line) if line is not None else None
    if line is None or stated is None or (given is root and not root.is_opaque):
        return given, []
    if root.is_opaque:
        reason = why_unmovable(inputs, line)
        return root, [f"the dependencies of {root.name} ({root.place}) are unknown: it is {reason}"]
    why = why_none_given(inputs.candidates, stated)
    return as_given(inputs, stated), [f"{stated.shown} ({root.place}) is left as it is: {why}"]


def _require_versions(inputs: Inputs, current: Sequence[Root], roots: Sequence[Root]) -> None:
    """Check that each requirement has a version.

    Raises:
        NoCandidate: one has none.
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
    words = [move[0] for move in moves if move is not None]
    raise NoCandidate(
        "these requirements cannot be installed",
        reasons=[
            f"{root.shown} ({root.source}): {why_none_given(inputs.candidates, root)}"
            for root in lost
        ],
        hint=f"`upgrade {as_one_word(*words)}` moves those that have a version that suits"
        if words
        else "remove these lines, or pin versions that suit",
    )


# what is said of them


def _tell_conflicts(conflicts: Sequence[Conflict]) -> list[str]:
    what = "the pinned requirements conflict"
    told = [
        f"{what}: {'; '.join(replace(conflict, remarks=()).explain())}"
        for conflict in conflicts[:MOST_CONFLICTS]
    ]
    if left := len(conflicts[MOST_CONFLICTS:]):
        told.append(f"{what} in {left} more place{'s' if left > 1 else ''}; see `check`")
    return told


def _notices_of(inputs: Inputs, solution: Solution) -> Draft:
    """Return what the user should know of the picks of a solution."""
    unnamed = [
        f"the dependencies of {redact(line.content)} ({line.place}) are unknown: "
        f"it is {line.kind.value}"
        for line in inputs.manifest.lines
        if line.kind in {Kind.EDITABLE, Kind.REFERENCE} and line.name is None
    ]
    told = [_notices_of_pick(inputs, pick, solution) for pick in solution.picks.values()]
    return join([warn(*unnamed), *told])


def _notices_of_pick(inputs: Inputs, pick: Pick, solution: Solution) -> Draft:
    if pick.candidate is None:
        return Draft()
    metadata = inputs.candidates.metadata(pick)
    told: list[str] = []
    if metadata is None:
        told.append(
            f"the dependencies of {pick} are unknown without building it; the image decides"
        )
    elif not metadata.is_settled:
        told.append(
            f"the dependencies of {pick} are read from the sdist's egg-info; "
            "they may differ in the image"
        )
    if metadata is not None and metadata.invalid:
        shown = ", ".join(f'"{text}"' for text in metadata.invalid)
        told.append(f"{pick} needs {shown}, which pip refuses from 24.1 on")
    is_asked = any(cause.dependency.root for cause in solution.causes.get(pick.name, ()))
    if is_asked and metadata is not None and metadata.extras is not None:
        lacking = sorted(pick.extras - metadata.extras)
        told += [f"{pick} has no extra {' or '.join(lacking)}"] if lacking else []
    return join([warn(*told), note_wheels(pick.name, pick.candidate, inputs.target)])
