"""The search for a compatible set of versions: if there is one, it is found.

Projects are settled one after another, each on the newest version that those before it allow. The
dependencies of a settled version are demands on other projects; a demand knows the settled projects
that it comes from. Where demands leave a project no version, the search goes back to the last
project that has a part in that (conflict-directed backjumping; Prosser 1993) and remembers the
incompatibility. An incompatibility is not about versions but about their parts in it: dependencies
that they have, and specifiers that they do not satisfy. So one is learnt for all versions alike.
Extras are not chosen: they grow with the demands, and shrink when the search goes back.
Where the dependencies of newer versions conflict, a version with unknown dependencies is no way
around that: it is taken to have the same ones.
"""

from __future__ import annotations

from collections import Counter, deque
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace
from packaging.specifiers import SpecifierSet

from .finder import names_exactly
from .problem import PYTHON, Cause, Conflict, Pick, Solution, dependency_of, has_version_for

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from typing import TypeAlias

    from packaging.version import Version

    from .candidates import Candidates
    from .partition import Key
    from .problem import Dependency, Extra, Root, Waiver

    _Rank: TypeAlias = tuple[bool, bool, int, Key]

PATIENCE = 20
"""After how many incompatibilities a search starts again for the first time (then after twice as
many, and so on), and after how many a project that blocks others is settled last."""


class _Part(Struct, frozen=True, kw_only=True):
    """The part of a settled project in an incompatibility; every version with this part has it.

    Attributes:
        is_outside: its version does not satisfy the specifier; else it has the dependency.
        project: what it depends on, or itself.
    """

    name: Key
    is_outside: bool
    project: Key
    specifier: str
    extras: frozenset[Extra] = frozenset()


class _Incompatibility(Struct, frozen=True, kw_only=True, eq=False):
    """Parts of settled projects that can't all be true, and why.

    Attributes:
        parts: none where the roots alone conflict.
        causes: the dependencies that conflict.
        of: what rules out each version of a project, where no version is left.
        repeated: other picks of a project with the same parts; the causes are true of them, too.
    """

    parts: frozenset[_Part]
    causes: Sequence[Cause] = ()
    of: Sequence[_Incompatibility] = ()
    repeated: list[Pick] = field(default_factory=list)

    @property
    def names(self) -> frozenset[Key]:
        """The projects that have a part in it."""
        return frozenset(part.name for part in self.parts)

    def all_causes(self) -> tuple[Cause, ...]:
        """Return the dependencies that conflict, down to the last reason, each once."""
        seen: dict[int, _Incompatibility] = {}
        todo = [self]
        for incompatibility in todo:
            if id(incompatibility) not in seen:
                seen[id(incompatibility)] = incompatibility
                todo.extend(incompatibility.of)
        causes = {
            id(cause): cause
            for incompatibility in seen.values()
            for cause in incompatibility.causes
        }
        for incompatibility in seen.values():
            for pick in incompatibility.repeated:
                causes.update((id(cause), cause) for cause in incompatibility.causes_for(pick))
        return tuple(causes.values())

    def causes_for(self, pick: Pick) -> list[Cause]:
        """Return the conflicting dependencies of its project as those of another pick."""
        return [
            replace(cause, parent=pick)
            for cause in self.causes
            if cause.parent is not None and cause.parent.name == pick.name
        ]


class _Lessons(Struct, frozen=True):
    """The incompatibilities that a project had a part in, by one of its parts."""

    by_dependency: dict[_Part, dict[frozenset[_Part], _Incompatibility]]
    by_outside: dict[_Part, dict[frozenset[_Part], _Incompatibility]]


class _Demand(Struct, frozen=True, kw_only=True, eq=False):
    """A dependency that counts as long as some settled projects have their parts."""

    cause: Cause
    parts: frozenset[_Part]


class _Choice(Struct, kw_only=True):
    """A project being settled: what is left to try, and what ruled out the rest.

    Attributes:
        mark: how many demands there were before.
        left: the picks not tried yet, newest first.
        tried: the versions of the others.
        incompatibilities: what ruled these out.
        out: by a dependency, what rules out every version that has it.
    """

    name: Key
    mark: int
    left: Iterator[Pick]
    tried: set[Version | None] = field(default_factory=set)
    incompatibilities: list[_Incompatibility] = field(default_factory=list)
    out: dict[_Part, _Incompatibility] = field(default_factory=dict)

    def take(self, incompatibility: _Incompatibility) -> None:
        """Remember what rules a version out, as long as all before stay settled."""
        self.incompatibilities.append(incompatibility)
        own = [part for part in incompatibility.parts if part.name == self.name]
        if len(own) == 1 and not own[0].is_outside:
            self.out[own[0]] = incompatibility


class Search:
    """One search, for one set of roots."""

    def __init__(
        self,
        candidates: Candidates,
        roots: Sequence[Root],
        waived: frozenset[Waiver],
        order: Sequence[Key],
        most_rounds: int,
    ) -> None:
        """Prepare to settle projects in an order; those not listed come last."""
        self._most_rounds = most_rounds
        self._candidates = candidates
        self._roots = roots
        self._waived = waived
        self._order = {name: place for place, name in enumerate(order)}
        self._rounds = 0
        self._count = 0
        self._failed: set[Key] = set()
        self._blocking: Counter[Key] = Counter()
        self._guesses: dict[Key, Pick] = {}
        self._demands: dict[Key, list[_Demand]] = {}
        self._settled: dict[Key, Pick] = {}
        self._trail: list[tuple[Key, Pick | None]] = []
        self._queue: list[_Rank] = []
        self._queued: set[_Rank] = set()
        self._learnt: dict[Key, _Lessons] = {}
        self._parts: dict[tuple[Key, Version, frozenset[Extra]], dict[_Part, None]] = {}
        self._newest: dict[_Part, Version] = {}
        self._outside: dict[tuple[_Part, Version], bool] = {}

    def run(self) -> Solution | Conflict:
        """Return the first compatible set, or the conflict that rules out every set.

        Raises:
            PackageIndexError: the catalog failed.
        """
        demands = [
            _Demand(cause=Cause(dependency=dependency_of(root), parent=None), parts=frozenset())
            for root in self._roots
        ]
        incompatibility = self._demand(demands)
        choices: list[_Choice] = []
        patience = PATIENCE
        while incompatibility is None and (name := self._next()) is not None:
            choices.append(self._open(name))
            incompatibility = self._settle(choices[-1])
            while incompatibility is not None and incompatibility.names:
                while choices[-1].name not in incompatibility.names:
                    self._take_back(choices.pop())
                choice = choices[-1]
                self._learn(incompatibility)
                self._take_back(choice)
                choice.take(incompatibility)
                incompatibility = self._settle(choice)
            if self._rounds > self._most_rounds:
                guesses = tuple(self._guesses.values())
                return Conflict(causes=(), too_deep=True, guesses=guesses)
            if self._count > patience:  # start again, with what failed first and all lessons
                while choices:
                    self._take_back(choices.pop())
                patience = 2 * self._count
        if incompatibility is not None:
            guesses = tuple(self._guesses.values())
            return Conflict(causes=incompatibility.all_causes(), guesses=guesses)
        dependencies = {
            name: tuple(demand.cause for demand in demands)
            for name, demands in self._demands.items()
            if demands
        }
        return Solution(picks=dict(self._settled), causes=dependencies)

    def _next(self) -> Key | None:
        """Return the project to settle next: one that had no version left first, blockers last."""
        while self._queue:
            rank = heappop(self._queue)
            self._queued.discard(rank)
            name = rank[-1]
            if self._demands[name] and name not in self._settled and rank == self._rank(name):
                return name
        return None

    def _enqueue(self, name: Key) -> None:
        """Let a project that is not settled be next in its turn."""
        rank = self._rank(name)
        if rank not in self._queued:
            self._queued.add(rank)
            heappush(self._queue, rank)

    def _rank(self, name: Key) -> _Rank:
        is_late = self._blocking[name] > PATIENCE
        return is_late, name not in self._failed, self._order.get(name, len(self._order)), name

    def _open(self, name: Key) -> _Choice:
        dependencies = self._asked_of(name)
        if any(dependency.is_opaque for dependency in dependencies):
            left = iter([Pick(name=name, extras=frozenset(), candidate=None)])
        else:
            left = (
                Pick(name=name, extras=frozenset(), candidate=candidate)
                for candidate in self._candidates.matches(name, dependencies)
            )
        return _Choice(name=name, mark=len(self._trail), left=left)

    def _settle(self, choice: _Choice) -> _Incompatibility | None:
        """Settle a project on the next version that is compatible, or return what is not."""
        for pick in choice.left:
            choice.tried.add(pick.version)
            if self._repeats(pick, choice):
                continue
            incompatibility = self._recall(pick) or self._suspect(pick)
            if incompatibility is None:
                self._rounds += 1
                incompatibility = self._try(pick)
                if incompatibility is None or self._rounds > self._most_rounds:
                    return None
                if choice.name in incompatibility.names:
                    self._learn(incompatibility)
                self._take_back(choice)
            if choice.name not in incompatibility.names:
                return incompatibility
            choice.take(incompatibility)
        self._failed.add(choice.name)
        parts = _parts([*choice.incompatibilities, *self._blame(choice.name, choice.tried)])
        others = frozenset(part for part in parts if part.name != choice.name)
        self._blocking.update({part.name for part in others if part.is_outside})
        return _Incompatibility(parts=others, of=choice.incompatibilities)

    def _repeats(self, pick: Pick, choice: _Choice) -> bool:
        """Return whether a pick has a dependency that ruled out another version; note it there."""
        if choice.out and pick.candidate is not None:
            for part in self._needing(pick):
                if part in choice.out:
                    choice.out[part].repeated.append(pick)
                    return True
        return False

    def _suspect(self, pick: Pick) -> _Incompatibility | None:
        """Return the incompatibility that a pick is taken to have since a newer version has it.

        Only a pick with unknown dependencies is suspected, and no pinned or named one.
        """
        lessons = self._learnt.get(pick.name)
        if lessons is None or pick.candidate is None:
            return None
        unknown = _unknown_part(pick.name)
        if unknown not in self._needing(pick):
            return None
        for part, incompatibilities in lessons.by_dependency.items():
            newest = self._newest.get(part)
            if newest is None or newest <= pick.candidate.version or part.project == PYTHON:
                continue
            for incompatibility in incompatibilities.values():
                others = frozenset(each for each in incompatibility.parts if each.name != pick.name)
                if all(self._has_part(self._settled.get(each.name), each) for each in others):
                    self._guesses.setdefault(pick.name, pick)
                    suspected = _Incompatibility(parts=others | {unknown}, of=[incompatibility])
                    self._learn(suspected)
                    return suspected
        return None

    def _is_guess(self, pick: Pick) -> bool:
        """Return whether a pick is only possible since its dependencies are unknown."""
        if self._candidates.limits.admits_all_of(pick.name):
            return False
        if not self._candidates.is_unknown(pick):
            return False
        preference = self._candidates.limits.preferences.get(pick.name)
        versions = set() if preference is None else {preference.version}
        for root in self._roots:
            if root.name == pick.name and names_exactly(root.specifier):
                return False
            if root.name == pick.name and root.pin is not None:
                versions.add(root.pin)
        return pick.version not in versions

    def _try(self, pick: Pick) -> _Incompatibility | None:
        """Settle a project on a pick: first by itself, then with each extra that is asked for."""
        self._settled[pick.name] = pick
        if pick.candidate is not None:
            self._needing(pick)  # notes the newest version with each need
        demands = list(self._demands_of(pick, frozenset()))
        for demand in self._demands[pick.name]:
            demands.extend(self._grow(self._settled[pick.name], demand))
        return self._demand(demands)

    def _demand(self, demands: Iterable[_Demand]) -> _Incompatibility | None:
        """Let demands count, and those that settled projects make in turn."""
        agenda = deque(demands)
        while agenda:
            demand = agenda.popleft()
            dependency = demand.cause.dependency
            pick = self._settled.get(dependency.name)
            self._trail.append((dependency.name, pick))
            self._demands.setdefault(dependency.name, []).append(demand)
            if pick is None:
                self._enqueue(dependency.name)
            if pick is None or not has_version_for(pick, dependency):
                if not self._can_be_met(dependency.name, self._asked_of(dependency.name)):
                    return self._exhausted(demand)
                if pick is not None:
                    name, specifier = dependency.name, str(dependency.specifier)
                    part = _Part(name=name, is_outside=True, project=name, specifier=specifier)
                    return _Incompatibility(parts=demand.parts | {part}, causes=[demand.cause])
            else:
                agenda.extend(self._grow(pick, demand))
        return None

    def _exhausted(self, last: _Demand) -> _Incompatibility:
        """Return the incompatibility of a demand that leaves a project no version."""
        name = last.cause.dependency.name
        blamed = self._blame(name)
        objecting = [
            demand.cause
            for demand in self._demands[name]
            if demand in blamed
            or not self._can_be_met(name, [demand.cause.dependency, last.cause.dependency])
        ]
        return _Incompatibility(parts=_parts(blamed), causes=objecting)

    def _grow(self, pick: Pick, demand: _Demand) -> Iterator[_Demand]:
        """Add the extras that are asked for to a settled pick; yield what these demand."""
        dependency = demand.cause.dependency
        if pick.candidate is None or dependency.extras <= pick.extras:
            return
        grown = replace(pick, extras=pick.extras | dependency.extras)
        self._settled[pick.name] = grown
        known = self._candidates.dependencies(pick)
        asking, root = demand.cause, dependency.root
        way = Cause(  # on which the extras are asked for
            dependency=dependency,
            parent=replace(grown, extras=dependency.extras),
            path=(*asking.path, asking.parent) if asking.parent is not None else (),
            beside=root.place if root is not None and root.is_beside else asking.beside,
        )
        for each in self._demands_of(grown, demand.parts):
            if each.cause.dependency not in known:
                yield replace(each, cause=replace(way, dependency=each.cause.dependency))

    def _demands_of(self, pick: Pick, parts: frozenset[_Part]) -> Iterator[_Demand]:
        """Yield what a pick demands, without what is waived; it has a part in each."""
        first = self._demands[pick.name][0].cause
        path = (*first.path, first.parent) if first.parent is not None else ()
        root = first.dependency.root
        beside = root.place if root is not None and root.is_beside else first.beside
        for dependency in self._candidates.dependencies(pick):
            if (pick.name, dependency.name) not in self._waived:
                cause = Cause(dependency=dependency, parent=pick, path=path, beside=beside)
                yield _Demand(cause=cause, parts=parts | {_part_of(pick.name, dependency)})

    def _take_back(self, choice: _Choice) -> None:
        """Unsettle a project, and take back what it demanded."""
        while len(self._trail) > choice.mark:
            name, pick = self._trail.pop()
            self._demands[name].pop()
            if pick is not None:
                self._settled[name] = pick
        self._settled.pop(choice.name, None)
        self._enqueue(choice.name)

    def _can_be_met(
        self,
        name: Key,
        dependencies: Sequence[Dependency],
        tried: Collection[Version | None] = (),
    ) -> bool:
        """Return whether a project has a version that meets dependencies, besides those tried."""
        if name == PYTHON:
            return False
        if any(dependency.is_opaque for dependency in dependencies):
            return None not in tried
        return any(
            each.version not in tried for each in self._candidates.fitting(name, dependencies)
        )

    def _asked_of(self, name: Key) -> list[Dependency]:
        return [demand.cause.dependency for demand in self._demands[name]]

    def _blame(self, name: Key, tried: Collection[Version | None] = ()) -> list[_Demand]:
        """Return a few demands, older ones first, that leave a project only the versions tried."""
        blamed = list(self._demands[name])
        for demand in reversed(self._demands[name][1:]):
            fewer = [other for other in blamed if other is not demand]
            if not self._can_be_met(name, [other.cause.dependency for other in fewer], tried):
                blamed = fewer
        return blamed

    def _learn(self, incompatibility: _Incompatibility) -> None:
        self._count += 1
        for name in incompatibility.names:
            part = min(
                (part for part in incompatibility.parts if part.name == name),
                key=lambda part: (part.is_outside, part.project, part.specifier),
            )
            learnt = self._learnt.setdefault(name, _Lessons({}, {}))
            lessons = learnt.by_outside if part.is_outside else learnt.by_dependency
            lessons.setdefault(part, {})[incompatibility.parts] = incompatibility

    def _recall(self, pick: Pick) -> _Incompatibility | None:
        """Return an incompatibility that was met before, if this pick has it again."""
        lessons = self._learnt.get(pick.name)
        if lessons is None or pick.candidate is None:
            return None

        def is_met(part: _Part) -> bool:
            return self._has_part(
                pick if part.name == pick.name else self._settled.get(part.name), part
            )

        for incompatibility in self._about(pick, lessons):
            if all(map(is_met, incompatibility.parts)):
                if causes := incompatibility.causes_for(pick):
                    parts = incompatibility.parts
                    return _Incompatibility(parts=parts, causes=causes, of=[incompatibility])
                return incompatibility
        return None

    def _about(self, pick: Pick, lessons: _Lessons) -> Iterator[_Incompatibility]:
        """Yield the lessons that a pick may have a part in; those about dependencies last."""
        for part, incompatibilities in lessons.by_outside.items():
            if self._has_part(pick, part):
                yield from incompatibilities.values()
        if lessons.by_dependency:
            for part in self._needing(pick):
                yield from lessons.by_dependency.get(part, {}).values()

    def _has_part(self, pick: Pick | None, part: _Part) -> bool:
        if pick is None or pick.candidate is None:
            return False
        if not part.is_outside:
            return part in self._needing(pick)
        key = (part, pick.candidate.version)
        if key not in self._outside:
            specifier = SpecifierSet(part.specifier)
            self._outside[key] = not specifier.contains(pick.candidate.version, prereleases=True)
        return self._outside[key]

    def _needing(self, pick: Pick) -> dict[_Part, None]:
        """Return the parts that a pick has for its dependencies, in their order."""
        assert pick.candidate is not None
        version = pick.candidate.version
        key = (pick.name, version, pick.extras)
        if key not in self._parts:
            dependencies = self._candidates.dependencies(pick)
            parts = dict.fromkeys(_part_of(pick.name, dependency) for dependency in dependencies)
            for part in parts:
                self._newest[part] = max(self._newest.get(part, version), version)
            if not parts and self._is_guess(pick):
                parts = {_unknown_part(pick.name): None}
            self._parts[key] = parts
        return self._parts[key]


def _part_of(name: Key, dependency: Dependency) -> _Part:
    """Return the part of a project that has a dependency."""
    return _Part(
        name=name,
        is_outside=False,
        project=dependency.name,
        specifier=str(dependency.specifier),
        extras=dependency.extras,
    )


def _unknown_part(name: Key) -> _Part:
    """Return the part of a project whose dependencies are unknown."""
    return _Part(name=name, is_outside=False, project=name, specifier="?")


def _parts(demands: Iterable[_Demand | _Incompatibility]) -> frozenset[_Part]:
    return frozenset[_Part]().union(*(demand.parts for demand in demands))
