"""Sets of versions for a command: its aims, beside what stands in the files."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice, takewhile
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet

from ..errors import VersionConflict, redact
from ..requirements import Kind
from ..resolution import (
    Conflict,
    Solution,
    Waiver,
    Want,
    has_version_for,
    need_of,
    why_below,
    why_by_itself,
    why_given,
    why_never,
)
from .aims import TYPED, aim_to_move, find_move, why_unmovable
from .bounds import policy_bounds

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from packaging.utils import NormalizedName

    from ..manifest.documents import Documents
    from ..resolution import Reason
    from .aims import Aim
    from .draft import Draft
    from .lookup import Lookup

MOST_CLASHES = 4
"""How many clashes of what stands are told."""

MOST_TOLD = 8
"""Of how many newer versions it is asked why they are not taken."""


class Sets:
    """Finds sets, or says what stands against one; what is odd about them goes into the draft.

    Attributes:
        clashing: the projects that were left where they are, since they clash as they stand.
        waived: the pairs of a project and one that it needs that clash.
    """

    def __init__(self, draft: Draft, documents: Documents, lookup: Lookup) -> None:
        """Prepare to find sets for the files as they stand."""
        self._draft = draft
        self._documents = documents
        self._lookup = lookup
        self.clashing: frozenset[NormalizedName] = frozenset()
        self.waived: frozenset[Waiver] = frozenset()
        self._settled: Sequence[Want] = ()

    def settle(
        self, aims: Sequence[Aim], standing: Sequence[Want], *, improve: bool = False
    ) -> Solution:
        """Find versions for the aims that go together with what stands.

        Where what stands clashes by itself, the clash is reported, and the search goes around it.

        Raises:
            VersionConflict: there are none.
        """
        resolution = self._lookup.resolution
        resolution.candidates.prefetch([*(aim.want for aim in aims), *standing])
        wants = [self._as_it_stands(aim.want) for aim in aims] + self._as_they_stand(standing)
        waived = frozenset[Waiver]()
        found = resolution.solve(wants)
        if isinstance(found, Conflict) and found.too_deep:
            found = self._start_from_standing(wants) or found
            improve = True
        if isinstance(found, Conflict):
            before = {want.place: want for want in self._as_they_stand(self._lookup.wants())}
            if self._admit_for(list(before.values())):
                found = resolution.solve(wants)
        if isinstance(found, Conflict):
            _, waived, clashes = resolution.solve_around(list(before.values()))
            if clashes:
                self._warn_of_clashes(clashes)
                _, still, _ = resolution.solve_around(wants)
                ways = [still, waived] if still < waived else [waived]  # some of it may be mended
                aimed = wants
                for waived in ways:
                    self.clashing = held = frozenset(name for pair in waived for name in pair)
                    wants = [_unmoved(want, held, before) for want in aimed]
                    found = resolution.solve(wants, waived=waived)
                    if isinstance(found, Solution):
                        break
        while improve and isinstance(found, Conflict):  # what takes part in it stays where it is
            for held in (frozenset(found.names), frozenset(want.name for want in wants)):
                fewer = [_unmoved(want, held, before) for want in wants]
                if fewer != wants:
                    break
            else:
                break
            wants = fewer
            found = resolution.solve(wants, waived=waived)
        if isinstance(found, Conflict):
            raise self._conflict(found, aims, standing)
        if improve:
            found = resolution.improve(wants, found, waived=waived)
            if self._documents.is_locked:
                found = resolution.improve_needed(wants, found, waived=waived)
        self._warn_of_picks(found)
        self._settled, self.waived = wants, waived
        return found

    def why_stays(self, name: NormalizedName, solution: Solution) -> str:
        """Say why a project has no newer version in a set that was settled, as a clause.

        The newest version is told of whose reason is one of what is taken with it: what no index
        has keeps nothing where it is.
        """
        candidates = self._lookup.candidates
        now = solution.version(name)
        if now is None:  # the line counts for met: no version satisfies it
            if len(self._documents.find(name)) > 1:
                return "another line of it stands in the way"
            return "nothing newer goes together with what else is required"
        fitting = (candidate.version for candidate in candidates.fitting(name, []))
        newer = list(islice(takewhile(lambda each: each > now, fitting), MOST_TOLD))
        beside = {line.place for line in self._documents.beside}
        for cause in solution.needs.get(name, ()):
            is_beside = cause.need.want is not None and cause.need.want.place in beside
            if is_beside and not any(cause.need.specifier.contains(each, True) for each in newer):
                return str(cause)
        newest = now
        reason: Reason | None = None
        for version in newer:
            newest = max(version, newest)
            found = why_below(candidates, name, version, solution)
            reason = reason if found is None or (reason and not found.blamed) else found
            if reason is not None and reason.blamed is not None:
                break
        if reason is None or self._is_circular(name, reason, solution):
            resolution = self._lookup.resolution
            clash = resolution.forbid(name, self._settled, solution, waived=self.waived)
            if clash is not None:
                never = why_never(candidates, name, clash, solution)
                reason = never or reason or why_by_itself(name, clash)
        if reason is None and name in self.clashing:
            return "it is part of what does not go together"
        if reason is None:
            return f"{newest} does not go together with the other pins"
        return reason.text

    def _is_circular(self, name: NormalizedName, reason: Reason, solution: Solution) -> bool:
        """Tell whether the project that is blamed would blame this one in turn."""
        other = reason.blamed
        now = None if other is None else solution.version(other)
        if other is None or now is None or all(w.name != other for w in self._settled):
            return False
        best = next(self._lookup.candidates.fitting(other, []), None)
        if best is None or best.version <= now:
            return False
        back = why_below(self._lookup.candidates, other, best.version, solution)
        return back is not None and back.blamed == name

    def _start_from_standing(self, wants: Sequence[Want]) -> Solution | None:
        """Return the set that stands, to move its pins one by one; None where it is none."""
        found = self._lookup.resolution.solve(self._as_they_stand(self._lookup.wants()))
        if isinstance(found, Conflict) or not all(
            want.name in found.picks and has_version_for(found.picks[want.name], need_of(want))
            for want in wants
        ):
            return None
        self._draft.warn("the search for the newest set was given up: pins moved one by one")
        return found

    def stand(self, *, waive: bool = True) -> Solution:
        """Find the versions of the files as they stand.

        Args:
            waive: report a clash among them, and go around it; else it is an error.

        Raises:
            VersionConflict: they clash, and there is no way around it.
        """
        resolution = self._lookup.resolution
        standing = self._lookup.wants()
        resolution.candidates.prefetch(standing)
        wants = self._as_they_stand(standing)
        lost = [
            was
            for was, want in zip(standing, wants, strict=True)
            if want.is_opaque and not was.is_opaque
        ]
        if lost and not waive:
            candidates = self._lookup.candidates
            raise VersionConflict(
                "what stands in the files can't be installed",
                reasons=[f"{w.shown} ({w.source}): {why_given(candidates, w)}" for w in lost],
                hint=self._hint_to_move({want.place for want in lost}),
            )
        found, self.waived, clashes = resolution.solve_around(wants)
        if clashes and self._admit_for(wants):
            found, self.waived, clashes = resolution.solve_around(wants)
        if clashes and not waive:
            found = clashes[0]
        if isinstance(found, Conflict):
            raise VersionConflict(
                "what stands in the files does not go together",
                reasons=found.explain(),
                hint=mend_clash(self._documents, found),
            )
        self._warn_of_clashes(clashes)
        self._warn_of_picks(found)
        return found

    def _hint_to_move(self, places: Collection[str]) -> str:
        lines = [line for line in self._documents.lines if line.place in places and line.pin]
        moves = [find_move(self._lookup, line) for line in lines]
        words = " ".join(move[0] for move in moves if move is not None)
        if not words:
            return "take these lines out, or pin what suits"
        return f'`upgrade "{words}"` moves what has a version that suits'

    def _admit_for(self, standing: Sequence[Want]) -> bool:
        """Admit what else is not taken where what stands needs it; tell whether there was such."""
        picks = self._lookup.admit_for(standing)
        for pick in picks:
            assert pick.candidate is not None
            if pick.candidate.too_young:
                self._draft.warn(f"{pick} {pick.candidate.too_young}, and no older one will do")
        return bool(picks)

    def find_way(self, aims: Sequence[Aim], standing: Sequence[Want]) -> list[Aim] | None:
        """Find standing pins that, if they move as well, let the aims through; as few as need be.

        Returns:
            aims at these pins, or None where moving pins up does not help.
        """
        resolution = self._lookup.resolution
        lines = {line.place: line for line in self._documents.lines if line.pin is not None}
        moving: dict[str, Aim] = {}

        def wants_with(freed: Mapping[str, Aim]) -> list[Want]:
            left = [self._lookup.as_given(want) for want in standing if want.place not in freed]
            return [*(aim.want for aim in (*aims, *freed.values())), *left]

        while isinstance(resolution.solve(wants_with(moving)), Conflict):
            clash = resolution.clashing(wants_with(moving))
            freed = [
                lines[want.place]
                for want in clash
                if want.place in lines
                and want.place not in moving
                and all(aim.want.place != want.place for aim in aims)
            ]
            if not freed:
                return None
            for line in freed:
                self._lookup.bound(line, policy_bounds(line))
                moving[line.place] = aim_to_move(self._lookup, line, prereleases=False)
        for place in list(moving):
            fewer = {other: aim for other, aim in moving.items() if other != place}
            if isinstance(resolution.solve(wants_with(fewer)), Solution):
                moving = fewer
        order = list(lines)
        return sorted(moving.values(), key=lambda aim: order.index(aim.want.place))

    def _conflict(
        self, conflict: Conflict, aims: Sequence[Aim], standing: Sequence[Want]
    ) -> VersionConflict:
        bound = name_bound(self._documents, conflict)
        moving = dict.fromkeys(aim.name for aim in aims)
        names = " and ".join(moving) if 0 < len(moving) < 4 else "the requirements"
        way = self.find_way(aims, standing)
        hint = "ask for other versions"
        if bound:
            hint = f"{hint}, or change the policy of {bound}"
        if way:
            words = [aim.name for aim in way]
            words += [f"{aim.name}{aim.typed}" for aim in aims if aim.line is not None]
            told = " ".join(words)
            told = told if told == way[0].name else f'"{told}"'  # one word, for Invoke
            hint = f"`upgrade {told}` may move what is in the way"
            if any(aim.line is None for aim in aims):
                hint += ", or --with-upgrades moves just that"
                if not self._helps(way, aims, standing):
                    hint = f"--with-upgrades moves what is in the way: {' and '.join(words)}"
        return VersionConflict(
            f"{names} can't go together with what else is required",
            reasons=conflict.explain(),
            hint=hint,
        )

    def _helps(self, way: Sequence[Aim], aims: Sequence[Aim], standing: Sequence[Want]) -> bool:
        """Tell whether the aims get through where some pins have moved without them, before."""
        places = {aim.want.place for aim in way}
        left = [self._lookup.as_given(want) for want in standing if want.place not in places]
        moved = self._lookup.resolution.solve([*(aim.want for aim in way), *left])
        if isinstance(moved, Conflict):
            return False
        pins = [
            replace(aim.want, specifier=SpecifierSet(f"=={moved.version(aim.want.name)}"))
            for aim in way
        ]
        found = self._lookup.resolution.solve([*(aim.want for aim in aims), *pins, *left])
        return isinstance(found, Solution)

    def _as_they_stand(self, wants: Iterable[Want]) -> list[Want]:
        """Take requirements as they stand; a line that contradicts one before it does not count."""
        taken: list[Want] = []
        for want in map(self._as_it_stands, wants):
            alike = [other for other in taken if other.name == want.name and not other.is_opaque]
            needs = [need_of(each) for each in (*alike, want)]
            if alike and not any(self._lookup.candidates.fitting(want.name, needs)):
                told = "; ".join(f"{each.shown} ({each.source})" for each in (*alike, want))
                self._draft.warn(f"what stands in the files does not go together: {told}")
                want = replace(want, is_opaque=True)
            taken.append(want)
        return taken

    def _as_it_stands(self, want: Want) -> Want:
        """Take a requirement that no version satisfies as it stands in its line, and say so."""
        given = self._lookup.as_given(want)
        line = next((each for each in self._documents.lines if each.place == want.place), None)
        stands = self._lookup.want(line) if line is not None else None
        if line is None or stands is None or (given is want and not want.is_opaque):
            return given
        if want.is_opaque:
            reason = why_unmovable(self._lookup, line)
            self._draft.warn(
                f"what {want.name} ({want.place}) needs can't be known: it is {reason}"
            )
            return want
        why = why_given(self._lookup.candidates, stands)
        self._draft.warn(f"{stands.shown} ({want.place}) stays as it is: {why}")
        return self._lookup.as_given(stands)

    def _warn_of_unnamed(self) -> None:
        for line in self._documents.lines:
            if line.kind in {Kind.EDITABLE, Kind.REFERENCE} and line.name is None:
                told = f"what {redact(line.content)} ({line.place}) needs can't be known"
                self._draft.warn(f"{told}: it is {line.kind.value}")

    def _warn_of_clashes(self, clashes: Sequence[Conflict]) -> None:
        what = "what stands in the files does not go together"
        for clash in clashes[:MOST_CLASHES]:
            self._draft.warn(f"{what}: {'; '.join(replace(clash, remarks=()).explain())}")
        if left := len(clashes[MOST_CLASHES:]):
            self._draft.warn(f"{what} in {left} more place{'s' if left > 1 else ''}; see `check`")

    def _warn_of_picks(self, solution: Solution) -> None:
        self._warn_of_unnamed()
        for pick in solution.picks.values():
            if pick.candidate is None:
                continue
            if self._lookup.candidates.is_unknown(pick):
                self._draft.warn(
                    f"what {pick} needs can't be known without building it; the image decides"
                )
            elif not self._lookup.candidates.is_settled(pick):
                self._draft.warn(
                    f"what {pick} needs is known as its author's machine noted it in the source "
                    "distribution; the image decides"
                )
            if invalid := self._lookup.candidates.invalid(pick):
                told = ", ".join(f'"{text}"' for text in invalid)
                self._draft.warn(f"{pick} needs {told}, which pip refuses from 24.1 on")
            self._draft.note_wheels(pick.name, pick.candidate, self._lookup.target)
            asked = any(cause.need.want for cause in solution.needs.get(pick.name, ()))
            if asked and (lacking := self._lookup.candidates.lacking_extras(pick)):
                self._draft.warn(f"{pick} has no extra {' or '.join(lacking)}")


def _unmoved(want: Want, held: Collection[NormalizedName], before: Mapping[str, Want]) -> Want:
    """Return a want as it stood before the command, if it is one of those that are held."""
    is_typed = want.source == TYPED  # that is not given up without a word
    return before.get(want.place, want) if want.name in held and not is_typed else want


def name_bound(documents: Documents, conflict: Conflict) -> str:
    """Name the pins that take part in a conflict and that a policy bounds, with their places."""
    places = {cause.need.want.place for cause in conflict.causes if cause.need.want is not None}
    bound = (
        line
        for line in documents.lines
        if line.place in places and line.pin is not None and line.policy is not None
    )
    return ", ".join(f"{line.spelled_name} ({line.place})" for line in bound)


def mend_clash(documents: Documents, conflict: Conflict) -> str:
    """Say what may mend a clash of what stands in the files."""
    mend = "`upgrade-all` mends it where newer versions agree"
    bound = name_bound(documents, conflict)
    return f"{mend}, as far as the policy of {bound} lets it" if bound else mend
