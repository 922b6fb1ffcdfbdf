"""Answers to resolvelib's questions, and a record of how it came to each project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from packaging.utils import NormalizedName
from resolvelib import AbstractProvider, BaseReporter

from ..finder import names_exactly
from .problem import PYTHON, Need, Pick, satisfies

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from .candidates import Candidates
    from .problem import Waiver, Want


class Provider(AbstractProvider[Need, Pick, NormalizedName]):
    """Answers resolvelib's questions."""

    def __init__(
        self, candidates: Candidates, wants: Sequence[Want], waived: frozenset[Waiver]
    ) -> None:
        self._candidates = candidates
        self._order = {want.name: place for place, want in reversed(list(enumerate(wants)))}
        self._waived = waived
        self._met: dict[tuple[int, int], tuple[bool, Need, Pick]] = {}

    def identify(self, requirement_or_candidate: Need | Pick) -> NormalizedName:
        """Return the project: extras make no identity of their own."""
        return requirement_or_candidate.name

    def get_preference(
        self, identifier: NormalizedName, *_: Any, **questions: Any
    ) -> tuple[bool, int, str]:
        """Settle what is pinned first, then wants in their order, then the rest by name."""
        needs = [information.requirement for information in questions["information"][identifier]]
        is_pinned = any(need.is_opaque or names_exactly(need.specifier) for need in needs)
        return (not is_pinned, self._order.get(identifier, len(self._order)), identifier)

    def narrow_requirement_selection(
        self, identifiers: Iterable[NormalizedName], *_: Any, **questions: Any
    ) -> Iterable[NormalizedName]:
        """After a conflict, settle the projects that took part in it before others."""
        names = list(identifiers)
        causes = questions["backtrack_causes"]
        if not causes:
            return names
        involved = {cause.requirement.name for cause in causes}
        involved.update(cause.parent.name for cause in causes if cause.parent is not None)
        return [name for name in names if name in involved] or names

    def find_matches(
        self,
        identifier: NormalizedName,
        requirements: Mapping[NormalizedName, Iterator[Need]],
        incompatibilities: Mapping[NormalizedName, Iterator[Pick]],
    ) -> Callable[[], Iterator[Pick]] | list[Pick]:
        """Return the picks that meet all needs, newest first, looked up as they are tried."""
        needs = list(requirements[identifier])
        extras = frozenset[str]().union(*(need.extras for need in needs))
        if identifier == PYTHON:
            return []
        if any(need.is_opaque for need in needs):
            return [Pick(name=identifier, extras=extras, candidate=None)]
        without = {
            pick.candidate.version: pick.extras
            for pick in incompatibilities[identifier]
            if pick.candidate is not None
        }

        def picks() -> Iterator[Pick]:
            for candidate in self._candidates.matches(identifier, needs, without):
                yield Pick(name=identifier, extras=extras, candidate=candidate)

        return picks

    def is_satisfied_by(self, requirement: Need, candidate: Pick) -> bool:
        """Tell whether a pick meets a need; resolvelib asks the same again in every round."""
        key = (id(requirement), id(candidate))
        if key not in self._met:  # the objects are kept, so that their ids stay theirs
            self._met[key] = (satisfies(candidate, requirement), requirement, candidate)
        return self._met[key][0]

    def get_dependencies(self, candidate: Pick) -> list[Need]:
        """Return what a pick needs, but for what is waived."""
        return [
            need
            for need in self._candidates.dependencies(candidate)
            if (candidate.name, need.name) not in self._waived
        ]


class Trail(BaseReporter[Need, Pick, NormalizedName]):
    """Remembers how the search came to each project."""

    def __init__(self) -> None:
        self._parents: dict[NormalizedName, Pick | None] = {}

    def adding_requirement(self, requirement: Need, parent: Pick | None) -> None:
        """Note who asks for a project; a want counts more than any pick."""
        if parent is None or self._parents.get(requirement.name, parent) is not None:
            self._parents[requirement.name] = parent

    def path_to(self, pick: Pick | None) -> tuple[Pick, ...]:
        """Return the picks that led to one, from a want on."""
        path: list[Pick] = []
        while pick is not None:
            pick = self._parents.get(pick.name)
            if pick is None or any(pick.name == each.name for each in path):
                break
            path.insert(0, pick)
        return tuple(path)
