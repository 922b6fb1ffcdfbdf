"""The versions that a command goes on with: what a search has found, and what it went around."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ..requirements import Kind
from ..resolution import Conflict, Key, Root, Solution, Waiver, project_of, solve
from .assumptions import note_pick
from .base_image import name_broken
from .draft import Draft, warn
from .inputs import each_of, say_readers

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from packaging.utils import NormalizedName

    from ..resolution import Pick
    from .inputs import Inputs

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
            self, roots=tuple(roots_in(self.inputs, self.roots, together)), solution=solution
        )

    def noting(self, *notices: Draft) -> Settlement:
        """Return the same with more notices."""
        return replace(self, notices=(*self.notices, *notices))


def roots_in(inputs: Inputs, roots: Iterable[Root], part: Collection[int]) -> list[Root]:
    """Return the roots that some environments have."""
    return [root for root in roots if inputs.partition.part_of(root.name)[0] in part]


def join_parts(settled: Sequence[Settlement]) -> Settlement:
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


def say_conflicts(conflicts: Sequence[Conflict]) -> list[str]:
    """Return a sentence for each of the first conflicts, and how many more there are."""
    what = "the pinned requirements conflict"
    told = [
        f"{what}: {'; '.join(replace(conflict, remarks=()).explain())}"
        for conflict in conflicts[:MOST_CONFLICTS]
    ]
    if left := len(conflicts[MOST_CONFLICTS:]):
        told.append(f"{what} in {left} more place{'s' if left > 1 else ''}; see `check`")
    return told


def notices_of(settled: Settlement) -> Iterator[Draft]:
    """Yield what the user should know of the picks of a solution."""
    inputs = settled.inputs
    for line in inputs.manifest.lines:
        if line.kind in {Kind.EDITABLE, Kind.REFERENCE} and line.name is None:
            shown = f"{line.shown} ({line.place})"
            yield warn(f"the dependencies of {shown} are unknown: it is {line.kind.value}")
    told: dict[tuple[str, str, str], list[int]] = {}
    for pick in settled.solution.picks.values():
        if pick.candidate is not None:
            for number, before, after in (*_warnings_of(pick, settled), *_yanked(pick, settled)):
                release = f"{pick.project} {pick.version}"
                told.setdefault((before, release, after), []).append(number)
            yield from note_pick(inputs, pick)
    for (before, release, after), numbers in told.items():
        where = say_readers(inputs, numbers)
        yield warn(f"{before}{release}{where and f' in {where}'}{after}")
    yield warn(*dict.fromkeys(name_broken(inputs, settled.solution)))


def _yanked(pick: Pick, settled: Settlement) -> Iterator[tuple[int, str, str]]:
    """Yield that a pin stays at a version that was yanked; see ``_warnings_of``."""
    assert pick.candidate is not None
    inputs = settled.inputs
    if any(line.pin == pick.version for line in inputs.manifest.find(pick.project)):
        for own, number in each_of(inputs, pick.name, pick.candidate):
            if own.why_yanked:
                yield number, "", f" {own.why_yanked}"


def _warnings_of(pick: Pick, settled: Settlement) -> Iterator[tuple[int, str, str]]:
    """Yield warnings of a pick: the number of a reader, and what is said before and behind it."""
    unknown = "the dependencies of "
    candidates = settled.inputs.candidates
    causes = settled.solution.causes.get(pick.name, ())
    is_asked = any(cause.dependency.root for cause in causes)
    each = zip(candidates.views_of(pick.name), candidates.metadata(pick), strict=True)
    for (number, view), metadata in each:
        if metadata is None:
            yield number, unknown, " are unknown without building it; the image decides"
            continue
        if not metadata.is_settled:
            more = " are read from the sdist's egg-info; they may differ in the image"
            yield number, unknown, more
        if metadata.invalid and view.target.may_get_strict_pip:
            shown = ", ".join(f'"{text}"' for text in metadata.invalid)
            yield number, "", f" needs {shown}, which pip refuses from 24.1 on"
        extras = {extra.name for extra in pick.extras if extra.environment == number}
        if is_asked and metadata.extras is not None and (lacking := extras - metadata.extras):
            yield number, "", f" has no extra {' or '.join(sorted(lacking))}"
