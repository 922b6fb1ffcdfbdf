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
    Dependency,
    Pick,
    Preference,
    Root,
    Solution,
    Waiver,
    dependency_of,
    has_version_for,
)
from .reasons import Reason, remarks, why_below, why_by_itself, why_never, why_none_given
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
    "Dependency",
    "Pick",
    "Preference",
    "Reason",
    "Resolution",
    "Root",
    "Solution",
    "Waiver",
    "dependency_of",
    "has_version_for",
    "why_below",
    "why_by_itself",
    "why_never",
    "why_none_given",
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
        standing: Callable[[NormalizedName], Preference | None] = lambda _: None,
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
        roots: Sequence[Root],
        *,
        waived: frozenset[Waiver] = frozenset(),
        most_rounds: int = MAX_ROUNDS,
    ) -> Solution | Conflict:
        """Find the newest versions that satisfy all wants and what these need in turn.

        Args:
            roots: what has to be satisfied; of two that clash over newness, the one that needs the
                other has its way, else the first.
            waived: pairs of a project and one that it needs, whose needs do not count.
            most_rounds: when to give up.

        Raises:
            PackageIndexError: the catalog failed.
        """
        order = self._order(roots)
        found = Search(self.candidates, roots, waived, order, most_rounds).run()
        if isinstance(found, Solution):
            return found
        self._has_given_up |= found.too_deep
        names = {cause.dependency.name for cause in found.causes} - {PYTHON}
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

    def conflicting(
        self, roots: Sequence[Root], *, waived: frozenset[Waiver] = frozenset()
    ) -> tuple[Root, ...]:
        """Return wants that clash, of which none can be left out.

        Args:
            roots: wants that have no solution.
            waived: as for ``solve``.
        """
        left = list(roots)
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
        self, roots: Sequence[Root]
    ) -> tuple[Solution | Conflict, frozenset[Waiver], tuple[Conflict, ...]]:
        """Solve as far as it goes: where wants clash, set aside the needs that make them.

        Args:
            roots: what has to be satisfied.

        Returns:
            the solution, or the conflict that no waiver settles; what was waived; and the
            conflicts that were met.
        """
        waived: frozenset[Waiver] = frozenset()
        met: list[Conflict] = []
        while True:
            found = self.solve(roots, waived=waived)
            if isinstance(found, Solution):
                return found, waived, tuple(met)
            few = self.conflicting(roots, waived=waived)
            found = self._explain(few, roots, waived) or found
            met.append(found)
            conflicting = {
                (cause.parent.name, cause.dependency.name)
                for cause in found.causes
                if cause.parent is not None
            }
            if conflicting <= waived:
                return found, waived, tuple(met)
            waived |= conflicting

    def _explain(
        self, few: Sequence[Root], roots: Sequence[Root], waived: frozenset[Waiver]
    ) -> Conflict | None:
        """Return the conflict of a few wants, with what is asked of the projects it is about."""
        found = self.solve(few, waived=waived)
        if isinstance(found, Conflict):
            names = {cause.dependency.name for cause in found.causes}
            told = [root for root in roots if root in few or root.name in names]
            found = self.solve(told, waived=waived)
        return found if isinstance(found, Conflict) else None

    def improve(
        self, roots: Sequence[Root], solution: Solution, *, waived: frozenset[Waiver] = frozenset()
    ) -> Solution:
        """Raise every want as far as it goes without another falling.

        Args:
            roots: those that ``solution`` solves.
            solution: where to begin.
            waived: as for ``solve``.
        """
        settled = {root.name: root for root in roots if not root.is_opaque}
        for root in roots:
            while self._may_rise(root, solution, settled):
                floor = [_at_least(other, solution) for other in roots]
                place = roots.index(root)
                floor[place] = _above(root, solution)
                rounds = MAX_ROUNDS // 20 if self._has_given_up else MAX_ROUNDS
                better = self.solve(floor, waived=waived, most_rounds=rounds)
                if isinstance(better, Conflict):
                    break
                solution = better
        return solution

    def forbid(
        self,
        name: NormalizedName,
        roots: Sequence[Root],
        solution: Solution,
        *,
        waived: frozenset[Waiver] = frozenset(),
    ) -> Conflict | None:
        """Return the conflict that a newer version of a project would make, told by few wants.

        Args:
            name: one of those that are wanted.
            roots: those that ``solution`` solves.
            solution: what was found.
            waived: as for ``solve``.
        """
        floor = [
            _above(root, solution) if root.name == name else _at_least(root, solution)
            for root in roots
        ]
        if isinstance(self.solve(floor, waived=waived), Solution):
            return None
        return self._explain(self.conflicting(floor, waived=waived), floor, waived)

    def improve_needed(
        self, roots: Sequence[Root], solution: Solution, *, waived: frozenset[Waiver] = frozenset()
    ) -> Solution:
        """Raise what the wants bring along as far as it goes without anything falling.

        Args:
            roots: those that ``solution`` solves.
            solution: where to begin.
            waived: as for ``solve``.
        """
        asked = {root.name for root in roots}
        needed = [
            Root(name=name, specifier=SpecifierSet(), source="", shown=name, is_transitive=True)
            for name, pick in solution.picks.items()
            if name not in asked and pick.candidate is not None
        ]
        better = self.improve([*roots, *needed], solution, waived=waived)
        by_name = {
            name: tuple(
                c for c in causes if not (c.dependency.root and c.dependency.root.is_transitive)
            )
            for name, causes in better.causes.items()
        }
        return Solution(
            picks=better.picks,
            causes={name: causes for name, causes in by_name.items() if causes},
        )

    def _order(self, roots: Sequence[Root]) -> list[NormalizedName]:
        """Put pins first, then what needs others before these: so needs bound what comes later."""
        newest = self.candidates.prefetch(roots)
        seen: set[NormalizedName] = set()
        order: list[NormalizedName] = []
        todo = [(root.name, False) for root in roots]
        while todo:
            name, is_done = todo.pop()
            if is_done:
                order.append(name)
            elif name not in seen:
                seen.add(name)
                todo.append((name, True))
                if name in newest:
                    dependencies = self.candidates.dependencies(newest[name])
                    todo.extend((dependency.name, False) for dependency in dependencies)
        order.reverse()
        pins = {root.name for root in roots if root.is_opaque or names_exactly(root.specifier)}
        return sorted(order, key=lambda name: name not in pins)

    def _may_rise(
        self, root: Root, solution: Solution, settled: Mapping[NormalizedName, Root]
    ) -> bool:
        """Tell whether a search may find a newer version; not where a settled pick forbids it.

        A want that has its newest version can't rise, and must not fall: what it needs is settled.
        """
        now = solution.version(root.name)
        if root.is_opaque or now is None:
            return False
        dependencies = [dependency_of(root)]
        for cause in solution.causes.get(root.name, ()):
            parent = settled.get(cause.parent.name) if cause.parent is not None else None
            if parent is not None and self._is_newest(parent, solution):
                dependencies.append(cause.dependency)
        best = next(self.candidates.fitting(root.name, dependencies), None)
        return best is not None and best.version > now

    def _is_newest(self, root: Root, solution: Solution) -> bool:
        best = self.candidates.first(dependency_of(root))
        return best is not None and best.version == solution.version(root.name)


def _at_least(root: Root, solution: Solution) -> Root:
    now = solution.version(root.name)
    return root if now is None else replace(root, least=Version(now.public))


def _above(root: Root, solution: Solution) -> Root:
    return replace(_at_least(root, solution), better_than=solution.version(root.name))
