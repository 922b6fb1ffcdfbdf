"""A set of versions that go together, or why there is none.

Nothing is fetched here: a catalog is handed in. A project is one identity, whatever its extras: a
pick carries the union of those asked of it. ``problem`` holds the words, ``candidates`` what there
is to pick from, ``search`` the search, ``reasons`` the sentences about what is held.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from .candidates import Candidates, Catalog
from .finder import ADMIT_ALL, names_exactly
from .problem import (
    MAX_LINES,
    MAX_ROUNDS,
    PYTHON,
    Cause,
    Conflict,
    Need,
    Pick,
    Solution,
    Standing,
    Waiver,
    Want,
    has_version_for,
    need_of,
)
from .reasons import Reason, remarks, why_below, why_by_itself, why_given, why_never
from .search import Search

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from packaging.utils import NormalizedName

    from ..target import Target
    from .finder import Admission, Bound

__all__ = [
    "MAX_LINES",
    "Candidates",
    "Catalog",
    "Cause",
    "Conflict",
    "Need",
    "Pick",
    "Reason",
    "Resolution",
    "Solution",
    "Standing",
    "Waiver",
    "Want",
    "has_version_for",
    "need_of",
    "why_below",
    "why_by_itself",
    "why_given",
    "why_never",
]


class Resolution:
    """The search for sets that go together, for one catalog and target.

    Attributes:
        candidates: what there is to pick from; it is kept from one search to the next.
    """

    def __init__(
        self,
        catalog: Catalog,
        target: Target,
        bounds: Callable[[NormalizedName], Sequence[Bound]],
        standing: Callable[[NormalizedName], Standing | None] = lambda _: None,
        admission: Callable[[NormalizedName], Admission] = lambda _: ADMIT_ALL,
    ) -> None:
        """Prepare to search.

        Args:
            catalog: where files and metadata come from.
            target: what the image accepts.
            bounds: by project, what constraints and policies say.
            standing: by project, the version that it has without being asked for.
            admission: by project, which files are taken.
        """
        self.candidates = Candidates(catalog, target, bounds, standing, admission)
        self._has_given_up = False

    def solve(
        self,
        wants: Sequence[Want],
        *,
        waived: frozenset[Waiver] = frozenset(),
        most_rounds: int = MAX_ROUNDS,
    ) -> Solution | Conflict:
        """Find the newest versions that satisfy all wants and what these need in turn.

        Args:
            wants: what has to be satisfied; of two that clash over newness, the one that needs the
                other has its way, else the first.
            waived: pairs of a project and one that it needs, whose needs do not count.
            most_rounds: when to give up.

        Raises:
            PackageIndexError: the catalog failed.
        """
        order = self._order(wants)
        found = Search(self.candidates, wants, waived, order, most_rounds).run()
        if isinstance(found, Solution):
            return found
        self._has_given_up |= found.too_deep
        names = {cause.need.name for cause in found.causes} - {PYTHON}
        left_out = (
            f"what {pick} needs can't be known; "
            f'"{pick.name}=={pick.version}" leaves it to the image'
            for pick in found.guesses
            if pick.name in found.names
        )
        return replace(
            found,
            remarks=(*remarks(self.candidates, found.causes), *left_out),
            absent=bool(names) and not any(self.candidates.releases(name).all for name in names),
        )

    def clashing(
        self, wants: Sequence[Want], *, waived: frozenset[Waiver] = frozenset()
    ) -> tuple[Want, ...]:
        """Return wants that clash, of which none can be left out.

        Args:
            wants: wants that have no solution.
            waived: as for ``solve``.
        """
        left = list(wants)
        size = max(len(left) // 2, 1)
        while True:
            for start in range(len(left) - 1, -1, -size):
                fewer = left[: max(start - size + 1, 0)] + left[start + 1 :]
                if isinstance(self.solve(fewer, waived=waived), Conflict):
                    left = fewer
                    break
            else:
                if size == 1:
                    return tuple(left)
                size = max(size // 2, 1)

    def solve_around(
        self, wants: Sequence[Want]
    ) -> tuple[Solution | Conflict, frozenset[Waiver], tuple[Conflict, ...]]:
        """Solve as far as it goes: where wants clash, set aside the needs that make them.

        Args:
            wants: what has to be satisfied.

        Returns:
            the solution, or the conflict that no waiver settles; what was waived; and the
            conflicts that were met.
        """
        waived: frozenset[Waiver] = frozenset()
        met: list[Conflict] = []
        while True:
            found = self.solve(wants, waived=waived)
            if isinstance(found, Solution):
                return found, waived, tuple(met)
            few = self.clashing(wants, waived=waived)
            found = self._explain(few, wants, waived) or found
            met.append(found)
            clashing = {
                (cause.parent.name, cause.need.name)
                for cause in found.causes
                if cause.parent is not None
            }
            if clashing <= waived:
                return found, waived, tuple(met)
            waived |= clashing

    def _explain(
        self, few: Sequence[Want], wants: Sequence[Want], waived: frozenset[Waiver]
    ) -> Conflict | None:
        """Return the conflict of a few wants, with what is asked of the projects it is about."""
        found = self.solve(few, waived=waived)
        if isinstance(found, Conflict):
            names = {cause.need.name for cause in found.causes}
            told = [want for want in wants if want in few or want.name in names]
            found = self.solve(told, waived=waived)
        return found if isinstance(found, Conflict) else None

    def improve(
        self, wants: Sequence[Want], solution: Solution, *, waived: frozenset[Waiver] = frozenset()
    ) -> Solution:
        """Raise every want as far as it goes without another falling.

        Args:
            wants: those that ``solution`` solves.
            solution: where to begin.
            waived: as for ``solve``.
        """
        settled = {want.name: want for want in wants if not want.is_opaque}
        for want in wants:
            while self._may_rise(want, solution, settled):
                floor = [_at_least(other, solution) for other in wants]
                place = wants.index(want)
                floor[place] = _above(want, solution)
                rounds = MAX_ROUNDS // 20 if self._has_given_up else MAX_ROUNDS
                better = self.solve(floor, waived=waived, most_rounds=rounds)
                if isinstance(better, Conflict):
                    break
                solution = better
        return solution

    def forbid(
        self,
        name: NormalizedName,
        wants: Sequence[Want],
        solution: Solution,
        *,
        waived: frozenset[Waiver] = frozenset(),
    ) -> Conflict | None:
        """Return the conflict that a newer version of a project would make, told by few wants.

        Args:
            name: one of those that are wanted.
            wants: those that ``solution`` solves.
            solution: what was found.
            waived: as for ``solve``.
        """
        floor = [
            _above(want, solution) if want.name == name else _at_least(want, solution)
            for want in wants
        ]
        if isinstance(self.solve(floor, waived=waived), Solution):
            return None
        return self._explain(self.clashing(floor, waived=waived), floor, waived)

    def improve_needed(
        self, wants: Sequence[Want], solution: Solution, *, waived: frozenset[Waiver] = frozenset()
    ) -> Solution:
        """Raise what the wants bring along as far as it goes without anything falling.

        Args:
            wants: those that ``solution`` solves.
            solution: where to begin.
            waived: as for ``solve``.
        """
        asked = {want.name for want in wants}
        needed = [
            Want(name=name, specifier=SpecifierSet(), source="", shown=name, is_brought=True)
            for name, pick in solution.picks.items()
            if name not in asked and pick.candidate is not None
        ]
        better = self.improve([*wants, *needed], solution, waived=waived)
        needs = {
            name: tuple(c for c in causes if not (c.need.want and c.need.want.is_brought))
            for name, causes in better.needs.items()
        }
        return Solution(
            picks=better.picks, needs={n: causes for n, causes in needs.items() if causes}
        )

    def _order(self, wants: Sequence[Want]) -> list[NormalizedName]:
        """Put pins first, then what needs others before these: so needs bound what comes later."""
        newest = self.candidates.prefetch(wants)
        seen: set[NormalizedName] = set()
        order: list[NormalizedName] = []
        todo = [(want.name, False) for want in wants]
        while todo:
            name, is_done = todo.pop()
            if is_done:
                order.append(name)
            elif name not in seen:
                seen.add(name)
                todo.append((name, True))
                if name in newest:
                    needs = self.candidates.dependencies(newest[name])
                    todo.extend((need.name, False) for need in needs)
        order.reverse()
        pins = {want.name for want in wants if want.is_opaque or names_exactly(want.specifier)}
        return sorted(order, key=lambda name: name not in pins)

    def _may_rise(
        self, want: Want, solution: Solution, settled: Mapping[NormalizedName, Want]
    ) -> bool:
        """Tell whether a search may find a newer version; not where a settled pick forbids it.

        A want that has its newest version can't rise, and must not fall: what it needs is settled.
        """
        now = solution.version(want.name)
        if want.is_opaque or now is None:
            return False
        needs = [need_of(want)]
        for cause in solution.needs.get(want.name, ()):
            parent = settled.get(cause.parent.name) if cause.parent is not None else None
            if parent is not None and self._is_newest(parent, solution):
                needs.append(cause.need)
        best = next(self.candidates.fitting(want.name, needs), None)
        return best is not None and best.version > now

    def _is_newest(self, want: Want, solution: Solution) -> bool:
        best = self.candidates.first(need_of(want))
        return best is not None and best.version == solution.version(want.name)


def _at_least(want: Want, solution: Solution) -> Want:
    now = solution.version(want.name)
    return want if now is None else replace(want, least=Version(now.public))


def _above(want: Want, solution: Solution) -> Want:
    return replace(_at_least(want, solution), better_than=solution.version(want.name))
