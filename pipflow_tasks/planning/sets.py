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
    Root,
    Solution,
    Waiver,
    dependency_of,
    has_version_for,
    why_below,
    why_by_itself,
    why_never,
    why_none_given,
)
from .bounds import policy_bounds
from .goals import TYPED, find_move, goal_to_move, why_unmovable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from packaging.utils import NormalizedName

    from ..manifest.documents import Manifest
    from ..resolution import Reason
    from .draft import Draft
    from .goals import Goal
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

    def __init__(self, draft: Draft, manifest: Manifest, lookup: Lookup) -> None:
        """Prepare to find sets for the files as they stand."""
        self._draft = draft
        self._manifest = manifest
        self._lookup = lookup
        self.conflicting: frozenset[NormalizedName] = frozenset()
        self.waived: frozenset[Waiver] = frozenset()
        self._settled: Sequence[Root] = ()

    def settle(
        self, goals: Sequence[Goal], standing: Sequence[Root], *, improve: bool = False
    ) -> Solution:
        """Find versions for the aims that go together with what stands.

        Where what stands clashes by itself, the clash is reported, and the search goes around it.

        Raises:
            VersionConflict: there are none.
        """
        resolution = self._lookup.resolution
        resolution.candidates.prefetch([*(goal.root for goal in goals), *standing])
        roots = [self._as_it_stands(goal.root) for goal in goals] + self._as_they_stand(standing)
        waived = frozenset[Waiver]()
        found = resolution.solve(roots)
        if isinstance(found, Conflict) and found.too_deep:
            found = self._start_from_standing(roots) or found
            improve = True
        if isinstance(found, Conflict):
            before = {root.place: root for root in self._as_they_stand(self._lookup.roots())}
            if self._admit_for(list(before.values())):
                found = resolution.solve(roots)
        if isinstance(found, Conflict):
            _, waived, clashes = resolution.solve_around(list(before.values()))
            if clashes:
                self._warn_of_clashes(clashes)
                _, still, _ = resolution.solve_around(roots)
                ways = [still, waived] if still < waived else [waived]  # some of it may be mended
                aimed = roots
                for waived in ways:
                    self.conflicting = held = frozenset(name for pair in waived for name in pair)
                    roots = [_unmoved(root, held, before) for root in aimed]
                    found = resolution.solve(roots, waived=waived)
                    if isinstance(found, Solution):
                        break
        while improve and isinstance(found, Conflict):  # what takes part in it stays where it is
            for held in (frozenset(found.names), frozenset(root.name for root in roots)):
                fewer = [_unmoved(root, held, before) for root in roots]
                if fewer != roots:
                    break
            else:
                break
            roots = fewer
            found = resolution.solve(roots, waived=waived)
        if isinstance(found, Conflict):
            raise self._conflict(found, goals, standing)
        if improve:
            found = resolution.improve(roots, found, waived=waived)
            if self._manifest.is_locked:
                found = resolution.improve_needed(roots, found, waived=waived)
        self._warn_of_picks(found)
        self._settled, self.waived = roots, waived
        return found

    def why_stays(self, name: NormalizedName, solution: Solution) -> str:
        """Say why a project has no newer version in a set that was settled, as a clause.

        The newest version is told of whose reason is one of what is taken with it: what no index
        has keeps nothing where it is.
        """
        candidates = self._lookup.candidates
        now = solution.version(name)
        if now is None:  # the line counts for met: no version satisfies it
            if len(self._manifest.find(name)) > 1:
                return "another line of it stands in the way"
            return "nothing newer goes together with what else is required"
        fitting = (candidate.version for candidate in candidates.fitting(name, []))
        newer = list(islice(takewhile(lambda each: each > now, fitting), MOST_TOLD))
        siblings = {line.place for line in self._manifest.siblings}
        for cause in solution.causes.get(name, ()):
            is_sibling = (
                cause.dependency.root is not None and cause.dependency.root.place in siblings
            )
            if is_sibling and not any(
                cause.dependency.specifier.contains(each, True) for each in newer
            ):
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
        if reason is None and name in self.conflicting:
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

    def _start_from_standing(self, roots: Sequence[Root]) -> Solution | None:
        """Return the set that stands, to move its pins one by one; None where it is none."""
        found = self._lookup.resolution.solve(self._as_they_stand(self._lookup.roots()))
        if isinstance(found, Conflict) or not all(
            root.name in found.picks
            and has_version_for(found.picks[root.name], dependency_of(root))
            for root in roots
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
        standing = self._lookup.roots()
        resolution.candidates.prefetch(standing)
        roots = self._as_they_stand(standing)
        lost = [
            was
            for was, root in zip(standing, roots, strict=True)
            if root.is_opaque and not was.is_opaque
        ]
        if lost and not waive:
            candidates = self._lookup.candidates
            raise VersionConflict(
                "what stands in the files can't be installed",
                reasons=[f"{w.shown} ({w.source}): {why_none_given(candidates, w)}" for w in lost],
                hint=self._hint_to_move({root.place for root in lost}),
            )
        found, self.waived, clashes = resolution.solve_around(roots)
        if clashes and self._admit_for(roots):
            found, self.waived, clashes = resolution.solve_around(roots)
        if clashes and not waive:
            found = clashes[0]
        if isinstance(found, Conflict):
            raise VersionConflict(
                "what stands in the files does not go together",
                reasons=found.explain(),
                hint=fix_conflict(self._manifest, found),
            )
        self._warn_of_clashes(clashes)
        self._warn_of_picks(found)
        return found

    def _hint_to_move(self, places: Collection[str]) -> str:
        lines = [line for line in self._manifest.lines if line.place in places and line.pin]
        moves = [find_move(self._lookup, line) for line in lines]
        words = " ".join(move[0] for move in moves if move is not None)
        if not words:
            return "take these lines out, or pin what suits"
        return f'`upgrade "{words}"` moves what has a version that suits'

    def _admit_for(self, standing: Sequence[Root]) -> bool:
        """Admit what else is not taken where what stands needs it; tell whether there was such."""
        picks = self._lookup.admit_for(standing)
        for pick in picks:
            assert pick.candidate is not None
            if pick.candidate.too_young:
                self._draft.warn(f"{pick} {pick.candidate.too_young}, and no older one will do")
        return bool(picks)

    def find_way(self, goals: Sequence[Goal], standing: Sequence[Root]) -> list[Goal] | None:
        """Find standing pins that, if they move as well, let the aims through; as few as need be.

        Returns:
            aims at these pins, or None where moving pins up does not help.
        """
        resolution = self._lookup.resolution
        lines = {line.place: line for line in self._manifest.lines if line.pin is not None}
        moving: dict[str, Goal] = {}

        def roots_with(freed: Mapping[str, Goal]) -> list[Root]:
            left = [self._lookup.as_given(root) for root in standing if root.place not in freed]
            return [*(goal.root for goal in (*goals, *freed.values())), *left]

        while isinstance(resolution.solve(roots_with(moving)), Conflict):
            clash = resolution.conflicting(roots_with(moving))
            freed = [
                lines[root.place]
                for root in clash
                if root.place in lines
                and root.place not in moving
                and all(goal.root.place != root.place for goal in goals)
            ]
            if not freed:
                return None
            for line in freed:
                self._lookup.bound(line, policy_bounds(line))
                moving[line.place] = goal_to_move(self._lookup, line, prereleases=False)
        for place in list(moving):
            fewer = {other: goal for other, goal in moving.items() if other != place}
            if isinstance(resolution.solve(roots_with(fewer)), Solution):
                moving = fewer
        order = list(lines)
        return sorted(moving.values(), key=lambda goal: order.index(goal.root.place))

    def _conflict(
        self, conflict: Conflict, goals: Sequence[Goal], standing: Sequence[Root]
    ) -> VersionConflict:
        bound = name_bound(self._manifest, conflict)
        moving = dict.fromkeys(goal.name for goal in goals)
        names = " and ".join(moving) if 0 < len(moving) < 4 else "the requirements"
        way = self.find_way(goals, standing)
        hint = "ask for other versions"
        if bound:
            hint = f"{hint}, or change the policy of {bound}"
        if way:
            words = [goal.name for goal in way]
            words += [f"{goal.name}{goal.typed}" for goal in goals if goal.line is not None]
            told = " ".join(words)
            told = told if told == way[0].name else f'"{told}"'  # one word, for Invoke
            hint = f"`upgrade {told}` may move what is in the way"
            if any(goal.line is None for goal in goals):
                hint += ", or --with-upgrades moves just that"
                if not self._helps(way, goals, standing):
                    hint = f"--with-upgrades moves what is in the way: {' and '.join(words)}"
        return VersionConflict(
            f"{names} can't go together with what else is required",
            reasons=conflict.explain(),
            hint=hint,
        )

    def _helps(self, way: Sequence[Goal], goals: Sequence[Goal], standing: Sequence[Root]) -> bool:
        """Tell whether the aims get through where some pins have moved without them, before."""
        places = {goal.root.place for goal in way}
        left = [self._lookup.as_given(root) for root in standing if root.place not in places]
        moved = self._lookup.resolution.solve([*(goal.root for goal in way), *left])
        if isinstance(moved, Conflict):
            return False
        pins = [
            replace(goal.root, specifier=SpecifierSet(f"=={moved.version(goal.root.name)}"))
            for goal in way
        ]
        found = self._lookup.resolution.solve([*(goal.root for goal in goals), *pins, *left])
        return isinstance(found, Solution)

    def _as_they_stand(self, roots: Iterable[Root]) -> list[Root]:
        """Take requirements as they stand; a line that contradicts one before it does not count."""
        taken: list[Root] = []
        for root in map(self._as_it_stands, roots):
            alike = [other for other in taken if other.name == root.name and not other.is_opaque]
            dependencies = [dependency_of(each) for each in (*alike, root)]
            if alike and not any(self._lookup.candidates.fitting(root.name, dependencies)):
                told = "; ".join(f"{each.shown} ({each.source})" for each in (*alike, root))
                self._draft.warn(f"what stands in the files does not go together: {told}")
                root = replace(root, is_opaque=True)
            taken.append(root)
        return taken

    def _as_it_stands(self, root: Root) -> Root:
        """Take a requirement that no version satisfies as it stands in its line, and say so."""
        given = self._lookup.as_given(root)
        line = next((each for each in self._manifest.lines if each.place == root.place), None)
        stands = self._lookup.root(line) if line is not None else None
        if line is None or stands is None or (given is root and not root.is_opaque):
            return given
        if root.is_opaque:
            reason = why_unmovable(self._lookup, line)
            self._draft.warn(
                f"what {root.name} ({root.place}) needs can't be known: it is {reason}"
            )
            return root
        why = why_none_given(self._lookup.candidates, stands)
        self._draft.warn(f"{stands.shown} ({root.place}) stays as it is: {why}")
        return self._lookup.as_given(stands)

    def _warn_of_unnamed(self) -> None:
        for line in self._manifest.lines:
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
            asked = any(cause.dependency.root for cause in solution.causes.get(pick.name, ()))
            if asked and (lacking := self._lookup.candidates.lacking_extras(pick)):
                self._draft.warn(f"{pick} has no extra {' or '.join(lacking)}")


def _unmoved(root: Root, held: Collection[NormalizedName], before: Mapping[str, Root]) -> Root:
    """Return a want as it stood before the command, if it is one of those that are held."""
    is_typed = root.source == TYPED  # that is not given up without a word
    return before.get(root.place, root) if root.name in held and not is_typed else root


def name_bound(manifest: Manifest, conflict: Conflict) -> str:
    """Name the pins that take part in a conflict and that a policy bounds, with their places."""
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


def fix_conflict(manifest: Manifest, conflict: Conflict) -> str:
    """Say what may mend a clash of what stands in the files."""
    fix = "`upgrade-all` mends it where newer versions agree"
    bound = name_bound(manifest, conflict)
    return f"{fix}, as far as the policy of {bound} lets it" if bound else fix
