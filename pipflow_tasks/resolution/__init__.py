"""A set of versions that go together, or why there is none.

The algorithm is resolvelib's, which is pip's; what it asks is answered here. A project is one
identity, whatever its extras: a pick carries the union of the extras that are asked of it, and is
picked anew when that grows. Nothing is fetched here: a catalog is handed in. ``problem`` holds the
words, ``candidates`` what there is to pick from, ``search`` resolvelib's questions, ``reasons`` the
sentences about what is held.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet
from resolvelib.resolvers import Resolution as Search
from resolvelib.resolvers import ResolutionImpossible, ResolutionTooDeep

from .candidates import Candidates, Catalog
from .problem import (
    MAX_LINES,
    MAX_ROUNDS,
    PYTHON,
    Cause,
    Conflict,
    Need,
    Pick,
    Solution,
    Waiver,
    Want,
    need_of,
)
from .reasons import remarks, why_below, why_given
from .search import Provider, Trail

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from packaging.utils import NormalizedName

    from ..finder import Bound
    from ..target import Target

__all__ = [
    "MAX_LINES",
    "Candidates",
    "Catalog",
    "Cause",
    "Conflict",
    "Need",
    "Pick",
    "Resolution",
    "Solution",
    "Waiver",
    "Want",
    "why_below",
    "why_given",
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
    ) -> None:
        """Prepare to search.

        Args:
            catalog: where files and metadata come from.
            target: what the image accepts.
            bounds: by project, what constraints and policies say.
        """
        self.candidates = Candidates(catalog, target, bounds)

    def solve(
        self, wants: Sequence[Want], *, waived: frozenset[Waiver] = frozenset()
    ) -> Solution | Conflict:
        """Find the newest versions that satisfy all wants and what these need in turn.

        Args:
            wants: what has to be satisfied; of two that clash over newness, the first has its way.
            waived: pairs of a project and one that it needs, whose needs do not count.

        Raises:
            PackageIndexError: the catalog failed.
        """
        found = self._search(wants, waived)
        if isinstance(found, Solution) or found.too_deep:
            return found
        # resolvelib jumps back further than it may at times: another order finds what it missed
        clashing = set(found.names)
        for other in (sorted(wants, key=lambda want: want.name not in clashing), wants[::-1]):
            again = self._search(other, waived)
            if isinstance(again, Solution):
                return again
        return found

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
    ) -> tuple[Solution | Conflict, frozenset[Waiver], Conflict | None]:
        """Solve as far as it goes: where wants clash, set aside the needs that make them.

        Args:
            wants: what has to be satisfied.

        Returns:
            the solution, or the conflict that no waiver settles; what was waived; and the first
            conflict that was met.
        """
        waived: frozenset[Waiver] = frozenset()
        first: Conflict | None = None
        while True:
            found = self.solve(wants, waived=waived)
            if isinstance(found, Solution):
                return found, waived, first
            first = first or found
            clashing = {
                (cause.parent.name, cause.need.name)
                for cause in found.causes
                if cause.parent is not None
            }
            if clashing <= waived:
                return found, waived, first
            waived |= clashing

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
                better = self.solve(floor, waived=waived)
                if isinstance(better, Conflict):
                    break
                solution = better
        return solution

    def _search(self, wants: Sequence[Want], waived: frozenset[Waiver]) -> Solution | Conflict:
        """Search in one order; what resolvelib loses on its way is asked for again."""
        roots = [need_of(want) for want in wants]
        provider = Provider(self.candidates, wants, waived)
        while True:
            trail = Trail()
            search = Search(provider, trail)
            try:
                state = search.resolve(roots, max_rounds=MAX_ROUNDS)
            except ResolutionImpossible as impossible:
                causes = tuple(
                    Cause(
                        need=cause.requirement,
                        parent=cause.parent or cause.requirement.by,
                        path=trail.path_to(cause.parent),
                    )
                    for cause in impossible.causes
                )
                names = {cause.need.name for cause in causes} - {PYTHON}
                return Conflict(
                    causes=causes,
                    remarks=tuple(remarks(self.candidates, causes)),
                    absent=bool(names)
                    and not any(self.candidates.releases(name).all for name in names),
                )
            except ResolutionTooDeep:
                return Conflict(causes=(), too_deep=True)
            solution, lost = self._walk(state.mapping, wants, provider)
            if not lost or any(need in roots for need in lost):
                return solution
            roots.extend(lost)

    def _walk(
        self, picks: Mapping[NormalizedName, Pick], wants: Sequence[Want], provider: Provider
    ) -> tuple[Solution, list[Need]]:
        """Follow the needs from the wants; return what is reached, and the needs not met."""
        causes = [Cause(need=need_of(want), parent=None) for want in wants]
        needs: dict[NormalizedName, list[Cause]] = {}
        lost: list[Need] = []
        for cause in causes:  # it grows on the way
            need = cause.need
            pick = picks.get(need.name)
            if pick is None or not provider.is_satisfied_by(need, pick):
                lost.append(replace(need, by=cause.parent))
                continue
            if need.name not in needs:
                needed = provider.get_dependencies(pick)
                causes.extend(Cause(need=each, parent=pick) for each in needed)
            needs.setdefault(need.name, []).append(cause)
        reached = {name: picks[name] for name in needs}
        return Solution(picks=reached, needs={n: tuple(c) for n, c in needs.items()}), lost

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
        best = next(self.candidates.matches(want.name, needs, {}), None)
        return best is not None and best.version > now

    def _is_newest(self, want: Want, solution: Solution) -> bool:
        best = self.candidates.first(need_of(want))
        return best is not None and best.version == solution.version(want.name)


def _at_least(want: Want, solution: Solution) -> Want:
    now = solution.version(want.name)
    return want if now is None else _bounded(want, f">={now.public}")


def _above(want: Want, solution: Solution) -> Want:
    now = solution.version(want.name)
    assert now is not None
    return _bounded(want, f">={now.public},!={now}")  # ">" would leave out post-releases


def _bounded(want: Want, clause: str) -> Want:
    return replace(want, specifier=want.specifier & SpecifierSet(clause, prereleases=False))
