"""Find a compatible set of versions, or the few requirements that rule out every set.

Nothing is fetched here: a catalog is handed in. A project is one identity with or without extras: a
pick carries the union of those asked of it.
"""

from __future__ import annotations

from itertools import combinations, product
from typing import TYPE_CHECKING

from msgspec.structs import replace
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from .finder import names_exactly
from .partition import project_of
from .problem import (
    MAX_ROUNDS,
    PYTHON,
    Conflict,
    Extra,
    Root,
    Solution,
    dependency_of,
    group_causes,
    without_exclusions,
)
from .reasons import remarks
from .search import Search

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from .candidates import Candidates
    from .partition import Key
    from .problem import Cause, Waiver

FEW_ROUNDS = MAX_ROUNDS // 20
"""After how many rounds to give up once a search was given up."""


def solve(
    candidates: Candidates,
    roots: Sequence[Root],
    *,
    waived: frozenset[Waiver] = frozenset(),
    most_rounds: int = MAX_ROUNDS,
) -> Solution | Conflict:
    """Find the newest versions that satisfy all roots and their transitive dependencies.

    Where two roots can't both be newest, the one that depends on the other comes first, else the
    one that is listed first. Dependencies that are waived do not count.

    Raises:
        PackageIndexError: the catalog failed.
    """
    order = _order(candidates, roots)
    found = Search(candidates, roots, waived, order, most_rounds).run()
    if isinstance(found, Solution):
        return found
    names = {cause.dependency.name for cause in found.causes} - {PYTHON}
    left_out = (
        f"the dependencies of {pick} are unknown; "
        f'"{pick.project}=={pick.version}" leaves them to the image'
        for pick in found.guesses
        if pick.name in found.names
    )
    return replace(
        found,
        remarks=(*remarks(candidates, found.causes), *left_out),
        absent=bool(names) and not any(candidates.releases(name).all for name in names),
    )


def find_fewest(
    candidates: Candidates,
    conflict: Conflict,
    roots: Sequence[Root],
    *,
    waived: frozenset[Waiver] = frozenset(),
) -> Conflict:
    """Return the conflict of roots as one of those few of them that can't be left out."""
    if conflict.too_deep or conflict.absent:
        return conflict
    few = _find_few(candidates, conflict, roots, waived)
    found = solve(candidates, few, waived=waived)
    if not isinstance(found, Conflict):
        return conflict
    return _without_exclusions(candidates, _without_needless(candidates, found))


def _without_needless(candidates: Candidates, conflict: Conflict) -> Conflict:
    """Return a conflict about one project as one of two that depend on it, if these are enough."""
    names = {cause.dependency.name for cause in conflict.causes}
    if len(names) == 1 and PYTHON not in names:
        (name,) = names
        for one, other in combinations(group_causes(conflict.causes, ()), 2):
            pairs = product(one, other)
            asked = ([first.dependency, second.dependency] for first, second in pairs)
            if not any(any(candidates.fitting(name, each)) for each in asked):
                return replace(conflict, causes=(*one, *other))
    return conflict


def _without_exclusions(candidates: Candidates, conflict: Conflict) -> Conflict:
    """Return a conflict without the single versions that dependencies exclude to no effect."""
    causes: list[Cause] = []
    for cause in conflict.causes:
        name, parent = cause.dependency.name, cause.parent
        bare = without_exclusions(cause.dependency)
        others = [
            other.dependency
            for other in conflict.causes
            if other.dependency.name == name
            and (parent is None or other.parent is None or other.parent.name != parent.name)
        ]
        is_needless = others and not any(
            any(candidates.fitting(name, [bare, other])) for other in others
        )
        causes.append(replace(cause, dependency=bare) if is_needless else cause)
    return replace(conflict, causes=tuple(causes))


def _find_few(
    candidates: Candidates, conflict: Conflict, roots: Sequence[Root], waived: frozenset[Waiver]
) -> tuple[Root, ...]:
    """Return those of roots that conflict, of the projects of a conflict where these are enough."""
    named = [root for root in roots if root.name in conflict.names]
    is_enough = isinstance(solve(candidates, named, waived=waived), Conflict)
    return find_conflicting(candidates, named if is_enough else roots, waived=waived)


def find_conflicting(
    candidates: Candidates, roots: Sequence[Root], *, waived: frozenset[Waiver] = frozenset()
) -> tuple[Root, ...]:
    """Return those of roots without solution that conflict, none of which can be left out."""
    left = list(roots)
    size = len(left)
    while size > 1:  # what is needed among more is needed among fewer: one pass a size
        size //= 2
        for start in range(len(left) - 1, -1, -size):
            fewer = left[: max(start - size + 1, 0)] + left[start + 1 :]
            if isinstance(solve(candidates, fewer, waived=waived), Conflict):
                left = fewer
    return tuple(left)


def solve_around(
    candidates: Candidates, roots: Sequence[Root]
) -> tuple[Solution | Conflict, frozenset[Waiver], tuple[Conflict, ...]]:
    """Solve as far as possible: where roots conflict, waive the dependencies that conflict.

    Returns:
        the solution, or a conflict that no waiver resolves; what was waived; and the conflicts
        on the way.
    """
    waived: frozenset[Waiver] = frozenset()
    met: list[Conflict] = []
    while True:
        found = solve(candidates, roots, waived=waived)
        if isinstance(found, Solution):
            return found, waived, _in_order(met, roots)
        few = _find_few(candidates, found, roots, waived)
        found = _explain(candidates, few, roots, waived) or found
        met.append(found)
        conflicting = {
            (cause.parent.name, cause.dependency.name)
            for cause in found.causes
            if cause.parent is not None
        }
        if conflicting <= waived:
            return found, waived, _in_order(met, roots)
        waived |= conflicting


def _in_order(conflicts: Sequence[Conflict], roots: Sequence[Root]) -> tuple[Conflict, ...]:
    """Return conflicts in the order of the last root that takes part in each."""
    places = {root.name: place for place, root in enumerate(roots)}

    def last(conflict: Conflict) -> int:
        starts = (cause.start or cause.dependency.name for cause in conflict.causes)
        return max((places.get(name, 0) for name in starts), default=0)

    return tuple(sorted(conflicts, key=last))


def _explain(
    candidates: Candidates, few: Sequence[Root], roots: Sequence[Root], waived: frozenset[Waiver]
) -> Conflict | None:
    """Return the conflict of a few roots, with all roots of the projects that it is about."""
    found = solve(candidates, few, waived=waived)
    if isinstance(found, Conflict):
        names = {cause.dependency.name for cause in found.causes}
        named = [root for root in roots if root in few or root.name in names]
        found = solve(candidates, named, waived=waived)
    return found if isinstance(found, Conflict) else None


def improve(
    candidates: Candidates,
    roots: Sequence[Root],
    solution: Solution,
    *,
    waived: frozenset[Waiver] = frozenset(),
    with_dependencies: bool = False,
    most_rounds: int = MAX_ROUNDS,
) -> Solution:
    """Raise every root of a solution as far as it goes without another falling.

    Transitive dependencies are raised afterwards, ``with_dependencies``. Once a search was given up
    after ``most_rounds``, the others may take few.
    """
    better, most_rounds = _raise(candidates, roots, solution, waived, most_rounds)
    if not with_dependencies:
        return better
    transitive = _transitive(better, {root.name for root in roots})
    better, _ = _raise(candidates, [*roots, *transitive], better, waived, most_rounds)
    others: dict[Key, tuple[Cause, ...]] = {}
    for name, causes in better.causes.items():
        if kept := tuple(each for each in causes if each.dependency.root not in transitive):
            others[name] = kept
    return replace(better, causes=others)


def _transitive(solution: Solution, asked: Collection[Key]) -> list[Root]:
    """Return a root for each project of a solution that is not asked for."""
    return [
        Root(
            name=name,
            specifier=SpecifierSet(),
            source="",
            shown=project_of(name),
            is_transitive=True,
        )
        for name, pick in solution.picks.items()
        if name not in asked and pick.candidate is not None
    ]


def _raise(
    candidates: Candidates,
    roots: Sequence[Root],
    solution: Solution,
    waived: frozenset[Waiver],
    most_rounds: int,
) -> tuple[Solution, int]:
    """Raise roots one after another; return how many rounds a further search may take, too."""
    settled = {root.name: root for root in roots if not root.is_opaque}
    for place, root in enumerate(roots):
        while _may_rise(candidates, root, solution, settled):
            floor = [_at_least(other, solution) for other in roots]
            floor[place] = replace(floor[place], better_than=solution.version(root.name))
            better = solve(candidates, floor, waived=waived, most_rounds=most_rounds)
            if isinstance(better, Conflict):
                most_rounds = min(most_rounds, FEW_ROUNDS) if better.too_deep else most_rounds
                break
            solution = better
    return solution, most_rounds


def rule_out(
    candidates: Candidates,
    name: Key,
    version: Version,
    roots: Sequence[Root],
    solution: Solution,
    *,
    waived: frozenset[Waiver] = frozenset(),
) -> Conflict | None:
    """Return the conflict that another version of a project would make, with few roots.

    The other roots keep their versions or get newer ones; where that is possible, the transitive
    dependencies do so, too. None where even that is.
    """
    extras = frozenset[Extra]().union(*(root.extras for root in roots if root.name == name))
    tried = Root(
        name=name,
        specifier=SpecifierSet(f"=={version}"),
        source="",
        shown=f"{project_of(name)} {version}",
        extras=extras,
    )
    kept = (root for root in roots if root.name != name or root.is_beside)
    others = [_at_least(root, solution) for root in kept]
    asked = {root.name for root in roots}
    rest = [_at_least(root, solution) for root in _transitive(solution, {*asked, name})]
    for floor in ([tried, *others], [tried, *others, *rest]):
        found = solve(candidates, floor, waived=waived)
        if isinstance(found, Conflict):
            return find_fewest(candidates, found, floor, waived=waived)
    return None


def _order(candidates: Candidates, roots: Sequence[Root]) -> list[Key]:
    """Put pins first, then each project before its dependencies, which it bounds."""
    newest = candidates.prefetch(roots)
    seen: set[Key] = set()
    order: list[Key] = []
    todo = [(root.name, False) for root in roots]
    while todo:
        name, is_done = todo.pop()
        if is_done:
            order.append(name)
        elif name not in seen:
            seen.add(name)
            todo.append((name, True))
            if name in newest:
                dependencies = candidates.dependencies(newest[name])
                todo.extend((dependency.name, False) for dependency in dependencies)
    order.reverse()
    pins = {root.name for root in roots if root.is_opaque or names_exactly(root.specifier)}
    return sorted(order, key=lambda name: name not in pins)


def _may_rise(
    candidates: Candidates, root: Root, solution: Solution, settled: Mapping[Key, Root]
) -> bool:
    """Return whether a search may find a newer version of a root.

    It can't where a root with its newest version forbids it: that one must not fall.
    """
    now = solution.version(root.name)
    if root.is_opaque or now is None:
        return False
    dependencies = [dependency_of(root)]
    for cause in solution.causes.get(root.name, ()):
        parent = settled.get(cause.parent.name) if cause.parent is not None else None
        newest = None if parent is None else candidates.first(dependency_of(parent))
        if parent and newest and newest.version == solution.version(parent.name):
            dependencies.append(cause.dependency)
    best = next(candidates.fitting(root.name, dependencies), None)
    return best is not None and best.version > now


def _at_least(root: Root, solution: Solution) -> Root:
    now = solution.version(root.name)
    return root if now is None else replace(root, least=Version(now.public))
