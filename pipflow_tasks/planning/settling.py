"""Settle versions: for the goals of a command and the other requirements of the files.

Where the pinned requirements conflict by themselves, that is reported, and the search goes around
it. All that a search leaves for later steps is in the ``Settlement`` that it returns.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ..errors import NoCandidate, VersionConflict, redact
from ..requirements import Kind, as_one_word
from ..resolution import (
    FEW_ROUNDS,
    MAX_ROUNDS,
    TYPED,
    Conflict,
    Root,
    Solution,
    Waiver,
    dependency_of,
    find_fewest,
    has_version_for,
    improve,
    project_of,
    solve,
    solve_around,
    why_none_given,
)
from .assumptions import note_pick
from .base_image import name_broken, preferring_base
from .draft import Draft, warn
from .goals import find_move, rekey, roots_without, why_unmovable
from .inputs import (
    as_given,
    readers_of,
    roots_of,
    roots_of_line,
    say_targets,
    split_platforms,
    why_unseen,
)
from .transitive import Origin, can_part, find_transitive
from .unblocking import find_hint, fix_conflict

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from packaging.utils import NormalizedName

    from ..requirements import Line
    from ..resolution import Key, Pick
    from ..resolution.finder import Candidate
    from .goals import Goal
    from .inputs import Inputs
    from .transitive import Join

MOST_CONFLICTS = 4
"""How many conflicts of the files are reported."""

NOTHING = Solution(picks={}, causes={})


class Settlement(Struct, frozen=True, kw_only=True):
    """The versions that a command goes on with.

    Attributes:
        inputs: what they were settled within; it may admit more than before.
        solution: the versions; none where nothing was resolved.
        conflict: why there are none; what ``settle`` returns has no conflict.
        roots: what they satisfy.
        numbers: the readers that they are for; of the others nothing was searched.
        waived: the pairs of a project and one that it depends on that conflict.
        conflicting: the projects that stay as they are since they conflict.
        notices: what the user should know of them.
    """

    inputs: Inputs
    solution: Solution = NOTHING
    conflict: Conflict | None = None
    roots: tuple[Root, ...] = ()
    numbers: tuple[int, ...] = (0,)
    waived: frozenset[Waiver] = frozenset()
    conflicting: frozenset[Key] = frozenset()
    notices: tuple[Draft, ...] = ()

    def with_found(self, found: Solution | Conflict) -> Settlement:
        """Return the same with the answer of a search."""
        if isinstance(found, Conflict):
            return replace(self, solution=NOTHING, conflict=found)
        return replace(self, solution=found, conflict=None)

    def again(self, roots: Sequence[Root], waived: frozenset[Waiver]) -> Settlement:
        """Return the same with the answer of a search from other roots."""
        found = solve(self.inputs.candidates, roots, waived=waived)
        return replace(self, roots=tuple(roots), waived=waived).with_found(found)

    def conflicting_with(self, before: Settlement) -> Iterator[NormalizedName]:
        """Yield the projects of dependencies that are waived here, and were not before.

        The partition may have been another one before.
        """
        known = {(project_of(parent), project_of(name)) for parent, name in before.waived}
        for parent, name in self.waived:
            if (project_of(parent), project_of(name)) not in known:
                yield from (project_of(parent), project_of(name))

    def around(self, name: Key) -> Settlement:
        """Return the part of it that was searched together with a project."""
        partition = self.inputs.partition
        number, *_ = partition.part_of(name)
        (together,) = (part for part in partition.components() if number in part)
        if len(together) == len(self.inputs.readers):
            return self
        found = self.solution
        keys = [key for key in found.picks if partition.part_of(key)[0] in together]
        solution = Solution(
            picks={key: found.picks[key] for key in keys},
            causes={key: each for key, each in found.causes.items() if key in keys},
        )
        return replace(
            self, roots=tuple(_roots_in(self.inputs, self.roots, together)), solution=solution
        )

    def noting(self, *notices: Draft) -> Settlement:
        """Return the same with more notices."""
        return replace(self, notices=(*self.notices, *notices))


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

    lines = [line for line in inputs.manifest.lines if line.place in gone]
    left = {line.name for line in inputs.manifest.direct if line.place not in gone}
    lost = {line.name for line in lines if line.name is not None} - left
    added = [
        Origin(name=project_of(goal.root.name), path=inputs.manifest.main, readers=goal.readers)
        for goal in goals
        if goal.line is None
    ]
    settled = _searching(inputs, search, added=added, gone=lost)
    return settled.noting(*_notices_of(settled))


def settle_current(inputs: Inputs, *, waive: bool = True) -> Settlement:
    """Find the versions of the files as they are.

    A conflict is reported, and the search goes around it; without ``waive`` it is an error.

    Raises:
        VersionConflict: they conflict, and there is no way around it.
        NoCandidate: a requirement has no version that suits, and ``waive`` is not given.
    """
    settled = _searching(inputs, partial(_settle_current, waive=waive))
    return settled.noting(*_notices_of(settled))


def _searching(
    inputs: Inputs,
    search: Callable[[Inputs], Settlement],
    *,
    added: Sequence[Origin] = (),
    gone: Collection[NormalizedName] = (),
) -> Settlement:
    """Search, and again until the lock has one version of each project in a file.

    The versions on several platforms are one at first, those of several environments are not.
    Where no version suits all who read a file, its lines get markers that separate them.

    Raises:
        VersionConflict: there are no versions.
    """
    try:
        settled = search(inputs)
    except VersionConflict:
        split = split_platforms(inputs)
        if split is inputs:
            raise
        settled = search(split)
    while settled.inputs.manifest.has_lock:
        joins = find_transitive(
            settled.inputs, settled.solution, numbers=settled.numbers, added=added, gone=gone
        ).joins
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
    parted = {join.project for join in joins if join.project in names}
    if error is None and not parted:
        return found
    if not parted or not all(can_part(before, project) for project in parted):
        raise error or _no_common_version(before, parted)
    apart = replace(before, apart=before.apart | parted)
    return search(_holding(apart, [join for join in joins if join.project not in parted]))


def _holding(inputs: Inputs, joins: Iterable[Join]) -> Inputs:
    for join in joins:
        inputs = inputs.holding(join.project, join.readers)
    return inputs


def _no_common_version(inputs: Inputs, projects: Iterable[NormalizedName]) -> NoCandidate:
    shown = " and ".join(sorted(projects))
    return NoCandidate(
        f"no version of {shown} suits {say_targets(inputs)} together",
        hint="give each of these images a requirements file of its own",
    )


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
    asked = [*(goal.root for goal in goals), *_roots_in(inputs, current, concerned)]
    inputs.candidates.prefetch(asked)
    settled = [
        _settle_part(
            inputs,
            [goal for goal in goals if goal.readers[0] in part],
            _roots_in(inputs, current, part),
            part,
            is_improving=is_improving,
        )
        for part in parts
    ]
    return _together(settled)


def _roots_in(inputs: Inputs, roots: Iterable[Root], part: Collection[int]) -> list[Root]:
    """Return the roots that some environments have."""
    return [root for root in roots if inputs.partition.part_of(root.name)[0] in part]


def _together(settled: Sequence[Settlement]) -> Settlement:
    """Return the settlements of environments that have no version in common as one."""
    first, *others = settled
    if not others:
        return first
    admitted = [each.inputs.limits.admitted for each in settled]
    names = None if None in admitted else [name for each in admitted if each for name in each]
    return Settlement(
        inputs=first.inputs.within(first.inputs.limits.admitting(names)),
        solution=Solution(
            picks={name: pick for each in settled for name, pick in each.solution.picks.items()},
            causes={name: why for each in settled for name, why in each.solution.causes.items()},
        ),
        roots=tuple(root for each in settled for root in each.roots),
        numbers=tuple(sorted(number for each in settled for number in each.numbers)),
        waived=frozenset(pair for each in settled for pair in each.waived),
        conflicting=frozenset(name for each in settled for name in each.conflicting),
        notices=tuple(notice for each in settled for notice in each.notices),
    )


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
    wanted, told = _as_they_are(inputs, current, [goal.root for goal in goals])
    settled = Settlement(inputs=inputs, numbers=numbers, notices=(warn(*told),))
    settled = settled.again(wanted, frozenset())
    is_hurried = settled.conflict is not None and settled.conflict.too_deep
    is_improving = is_improving or is_hurried
    if settled.conflict is not None:
        settled = _find_way_around(settled, is_hurried=is_hurried, is_improving=is_improving)
    if settled.conflict is not None:
        conflict = find_fewest(
            settled.inputs.candidates, settled.conflict, settled.roots, waived=settled.waived
        )
        raise VersionConflict(
            conflict,
            asked=[goal.root for goal in goals],
            projects=tuple(dict.fromkeys(goal.shown for goal in goals)),
            hint=find_hint(settled.inputs, conflict, goals, current),
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
    roots, told = _as_they_are(inputs, current)
    if not waive:
        _require_versions(inputs, current, roots)
    settled, conflicts = solve_current(inputs, roots)
    conflict = conflicts[0] if conflicts and not waive else settled.conflict
    if conflict is not None:
        raise VersionConflict(conflict, hint=fix_conflict(inputs, conflict))
    notices = (warn(*told), *settled.notices, warn(*_tell_conflicts(conflicts)))
    return replace(settled, notices=notices)


def solve_current(inputs: Inputs, roots: Sequence[Root]) -> tuple[Settlement, tuple[Conflict, ...]]:
    """Solve what the files ask, and admit what they can't do without; return also the conflicts."""
    inputs = preferring_base(inputs)
    found, waived, conflicts = solve_around(inputs.candidates, roots)
    told: list[str] = []
    if conflicts:
        admitting, told = _admit_for(inputs, roots)
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


def _admit_for(inputs: Inputs, current: Sequence[Root]) -> tuple[Inputs, list[str]]:
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
        withheld = "" if pick.candidate is None else _why_withheld(pick.candidate)
        if withheld:
            told.append(f"{pick} {withheld}, and no older version is compatible")
        if withheld or (pick.candidate is not None and generous.candidates.is_unknown(pick)):
            admitted.append(pick.name)
    return (inputs.within(inputs.limits.admitting(admitted)) if admitted else inputs), told


def _why_withheld(candidate: Candidate) -> str:
    return candidate.too_young or candidate.loses_wheel


# ways around a conflict: each takes the roots of the files as they were before the command


def _find_way_around(settled: Settlement, *, is_hurried: bool, is_improving: bool) -> Settlement:
    own = _roots_in(settled.inputs, roots_of(settled.inputs), settled.numbers)
    before, told = _as_they_are(settled.inputs, own)
    settled = settled.noting(warn(*told))
    if is_hurried:
        settled = _start_from_current(settled, before)
    if settled.conflict is not None:
        inputs, told = _admit_for(settled.inputs, before)
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
    settled = settled.noting(warn(*_tell_conflicts(conflicts)))
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


# what the files ask, as an installer takes it


def _as_they_are(
    inputs: Inputs, current: Iterable[Root], goals: Iterable[Root] = ()
) -> tuple[list[Root], list[str]]:
    """Return roots as an installer takes them, those of goals first, and warnings.

    A line that contradicts an earlier one is opaque.
    """
    taken: list[Root] = []
    notices: list[str] = []
    wanted = [_as_it_is(inputs, root) for root in goals]
    for _, told in wanted:
        notices += told
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
    return [*(given for given, _ in wanted), *taken], notices


def _as_it_is(inputs: Inputs, root: Root) -> tuple[Root, list[str]]:
    """Return a root as its line has it where no version satisfies it, with a warning."""
    given = as_given(inputs, root)
    line = next((each for each in inputs.manifest.lines if each.place == root.place), None)
    stated = _root_like(inputs, line, root) if line is not None else None
    if line is None or stated is None or (given is root and not root.is_opaque):
        return given, []
    reason = why_unmovable(inputs, line)
    if root.is_opaque or reason:
        root = replace(root, is_opaque=True)
        name = project_of(root.name)
        return root, [f"the dependencies of {name} ({root.place}) are unknown: it is {reason}"]
    why = why_none_given(inputs.candidates, stated)
    return as_given(inputs, stated), [f"{stated.shown} ({root.place}) is left as it is: {why}"]


def _root_like(inputs: Inputs, line: Line, root: Root) -> Root | None:
    """Return what a line asks of the same version as a root."""
    return next((each for each in roots_of_line(inputs, line) if each.name == root.name), None)


def _require_versions(inputs: Inputs, current: Sequence[Root], roots: Sequence[Root]) -> None:
    """Raise NoCandidate where a requirement has no version; not where that is unknown."""
    unknown = {line.place for line in inputs.manifest.lines if why_unseen(inputs, line)}
    lost = [
        stated
        for stated, root in zip(current, roots, strict=True)
        if root.is_opaque and not stated.is_opaque and stated.place not in unknown
    ]
    if not lost:
        return
    _require_agreement(inputs, lost, current)
    places = {root.place for root in lost}
    words: list[str] = []
    for line in inputs.manifest.lines:
        if line.place in places and line.pin and (best := find_move(inputs, line)):
            falls = best.version < line.pin  # for which it has to be named
            words.append(f"{line.spelled_name}=={best.version}" if falls else line.spelled_name)
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


def _require_agreement(inputs: Inputs, lost: Sequence[Root], current: Sequence[Root]) -> None:
    """Raise VersionConflict where lines of one project contradict each other."""
    for root in lost:
        if not as_given(inputs, root).is_opaque:
            alike = [as_given(inputs, each) for each in current if each.name == root.name]
            found = solve(inputs.candidates, alike)
            if isinstance(found, Conflict):
                raise VersionConflict(found, hint=fix_conflict(inputs, found))


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


def _notices_of(settled: Settlement) -> Iterator[Draft]:
    """Yield what the user should know of the picks of a solution."""
    inputs = settled.inputs
    for line in inputs.manifest.lines:
        if line.kind in {Kind.EDITABLE, Kind.REFERENCE} and line.name is None:
            shown = f"{redact(line.content)} ({line.place})"
            yield warn(f"the dependencies of {shown} are unknown: it is {line.kind.value}")
    for pick in settled.solution.picks.values():
        if pick.candidate is not None:
            yield warn(*_warnings_of(pick, settled))
            yield from note_pick(inputs, pick)
    yield warn(*name_broken(inputs, settled.solution))


def _warnings_of(pick: Pick, settled: Settlement) -> Iterator[str]:
    candidates = settled.inputs.candidates
    causes = settled.solution.causes.get(pick.name, ())
    is_asked = any(cause.dependency.root for cause in causes)
    each = zip(candidates.views_of(pick.name), candidates.metadata(pick), strict=True)
    for (number, view), metadata in each:
        if metadata is None:
            yield f"the dependencies of {pick} are unknown without building it; the image decides"
            continue
        if not metadata.is_settled:
            yield (
                f"the dependencies of {pick} are read from the sdist's egg-info; "
                "they may differ in the image"
            )
        if metadata.invalid and view.target.may_get_strict_pip:
            shown = ", ".join(f'"{text}"' for text in metadata.invalid)
            yield f"{pick} needs {shown}, which pip refuses from 24.1 on"
        extras = {extra.name for extra in pick.extras if extra.environment == number}
        if is_asked and metadata.extras is not None and (lacking := extras - metadata.extras):
            yield f"{pick} has no extra {' or '.join(sorted(lacking))}"
