"""The search for versions that go together: where there is a set, one is found.

One project is settled after another, each on the newest version that all before it allow. What a
settled version needs is an ask; an ask knows the settled projects that it comes from. Where asks
leave a project without a version, the search goes back to the last project that has a part in it
(conflict-directed backjumping; Prosser 1993). What it remembers of a clash is not the versions but
their parts in it, what they need and what they are not: so one lesson is about all versions alike.
Extras are no choice of their own: they grow with the asks, and shrink when the search goes back.
Where what newer versions need clashes, one whose needs can't be known is no way around that: it is
taken for one that needs the same.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet

from .finder import names_exactly
from .problem import (
    MAX_ROUNDS,
    PYTHON,
    Cause,
    Conflict,
    Pick,
    Solution,
    dependency_of,
    has_version_for,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from packaging.utils import NormalizedName
    from packaging.version import Version

    from .candidates import Candidates
    from .problem import Dependency, Root, Waiver

PATIENCE = 20
"""After how many clashes a search begins anew for the first time (then twice as many, and so on),
and after how many a project that is in the way is settled last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """What a settled project has to do with a clash: any version of which this is true has it.

    Attributes:
        name: the project.
        is_outside: its version does not satisfy the specifier; else it has the need.
        project: what it needs, or itself.
        specifier: of the need, as text.
        extras: of the need.
    """

    name: NormalizedName
    is_outside: bool
    project: NormalizedName
    specifier: str
    extras: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Incompatibility:
    """Parts of settled projects that do not go together, and why.

    Attributes:
        parts: those; none where nothing that is wanted goes together.
        causes: the needs that clash.
        of: what stands against each version of a project, where all of them are out.
        repeated: other picks of a project with the same parts, which the causes are true of, too.
    """

    parts: frozenset[_Part]
    causes: Sequence[Cause] = ()
    of: Sequence[_Incompatibility] = ()
    repeated: list[Pick] = field(default_factory=list)

    @property
    def names(self) -> frozenset[NormalizedName]:
        """The projects that have a part in it."""
        return frozenset(part.name for part in self.parts)

    def all_causes(self) -> tuple[Cause, ...]:
        """Return the needs that clash, down to the last reason, each once."""
        seen: dict[int, _Incompatibility] = {}
        todo = [self]
        for clash in todo:
            if id(clash) not in seen:
                seen[id(clash)] = clash
                todo.extend(clash.of)
        causes = {id(cause): cause for clash in seen.values() for cause in clash.causes}
        for clash in seen.values():
            for pick in clash.repeated:
                causes.update((id(cause), cause) for cause in clash.causes_for(pick))
        return tuple(causes.values())

    def causes_for(self, pick: Pick) -> list[Cause]:
        """Return the needs of its project that clash, as those of another pick."""
        return [
            replace(cause, parent=pick)
            for cause in self.causes
            if cause.parent is not None and cause.parent.name == pick.name
        ]


@dataclass(frozen=True, slots=True)
class _Lessons:
    """The clashes that a project had a part in, by one of its parts.

    Attributes:
        by_need: where it has a need.
        by_outside: where it has none, but a version that does not satisfy a specifier.
    """

    by_need: dict[_Part, dict[frozenset[_Part], _Incompatibility]] = field(default_factory=dict)
    by_outside: dict[_Part, dict[frozenset[_Part], _Incompatibility]] = field(default_factory=dict)

    def take(self, name: NormalizedName, clash: _Incompatibility) -> None:
        """Remember a clash of a project."""
        part = min(
            (part for part in clash.parts if part.name == name),
            key=lambda part: (part.is_outside, part.project, part.specifier),
        )
        lessons = self.by_outside if part.is_outside else self.by_need
        lessons.setdefault(part, {})[clash.parts] = clash


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Ask:
    """A need that counts as long as some settled projects have their parts in it."""

    cause: Cause
    parts: frozenset[_Part]


@dataclass(slots=True, kw_only=True)
class _Choice:
    """A project being settled: what is left to try, and what stood against the rest.

    Attributes:
        name: the project.
        mark: how many asks there were before.
        left: the picks not tried yet, newest first.
        tried: the versions of the others.
        clashes: why these are out.
        out: by a need, why every version that has it is out.
    """

    name: NormalizedName
    mark: int
    left: Iterator[Pick]
    tried: set[Version | None] = field(default_factory=set)
    clashes: list[_Incompatibility] = field(default_factory=list)
    out: dict[_Part, _Incompatibility] = field(default_factory=dict)

    def take(self, clash: _Incompatibility) -> None:
        """Remember why a version is out; all that is settled before stays as it is meanwhile."""
        self.clashes.append(clash)
        own = [part for part in clash.parts if part.name == self.name]
        if len(own) == 1 and not own[0].is_outside:
            self.out[own[0]] = clash


class Search:
    """One search, for one set of roots."""

    def __init__(
        self,
        candidates: Candidates,
        roots: Sequence[Root],
        waived: frozenset[Waiver],
        order: Sequence[NormalizedName],
        most_rounds: int = MAX_ROUNDS,
    ) -> None:
        """Prepare to search.

        Args:
            candidates: what there is to pick from.
            roots: what has to be satisfied.
            waived: pairs of a project and one that it needs, whose needs do not count.
            order: which project is settled before which; those not named come last.
            most_rounds: when to give up.
        """
        self._most_rounds = most_rounds
        self._candidates = candidates
        self._wants = roots
        self._waived = waived
        self._order = {name: place for place, name in enumerate(order)}
        self._rounds = 0
        self._clashes = 0
        self._failed: set[NormalizedName] = set()
        self._in_the_way: Counter[NormalizedName] = Counter()
        self._guesses: dict[NormalizedName, Pick] = {}
        self._asks: dict[NormalizedName, list[_Ask]] = {}
        self._settled: dict[NormalizedName, Pick] = {}
        self._trail: list[tuple[NormalizedName, Pick | None]] = []
        self._learnt: dict[NormalizedName, _Lessons] = {}
        self._parts: dict[tuple[NormalizedName, Version, frozenset[str]], dict[_Part, None]] = {}
        self._newest: dict[_Part, Version] = {}
        self._outside: dict[tuple[_Part, Version], bool] = {}

    def run(self) -> Solution | Conflict:
        """Return the first set that is found, or the conflict that rules out all.

        Raises:
            PackageIndexError: the catalog failed.
        """
        asks = [
            _Ask(cause=Cause(dependency=dependency_of(root), parent=None), parts=frozenset())
            for root in self._wants
        ]
        clash = self._ask(asks)
        choices: list[_Choice] = []
        patience = PATIENCE
        while clash is None and (name := self._next()) is not None:
            choices.append(self._open(name))
            clash = self._settle(choices[-1])
            while clash is not None and clash.names:
                while choices[-1].name not in clash.names:
                    self._take_back(choices.pop())
                choice = choices[-1]
                self._learn(clash)
                self._take_back(choice)
                choice.take(clash)
                clash = self._settle(choice)
            if self._rounds > self._most_rounds:
                return Conflict(causes=(), too_deep=True, guesses=self._left_out)
            if self._clashes > patience:  # begin anew, with what failed first and all lessons
                while choices:
                    self._take_back(choices.pop())
                patience = 2 * self._clashes
        if clash is not None:
            return Conflict(causes=clash.all_causes(), guesses=self._left_out)
        dependencies = {
            name: tuple(ask.cause for ask in asks) for name, asks in self._asks.items() if asks
        }
        return Solution(picks=dict(self._settled), causes=dependencies)

    def _next(self) -> NormalizedName | None:
        """Return the project to settle next.

        One whose version was in the way of many comes last, one that had no version left first.
        """
        left = (name for name, asks in self._asks.items() if asks and name not in self._settled)
        return min(left, key=self._preference, default=None)

    def _preference(self, name: NormalizedName) -> tuple[bool, bool, int, str]:
        is_late = self._in_the_way[name] > PATIENCE
        return is_late, name not in self._failed, self._order.get(name, len(self._order)), name

    def _open(self, name: NormalizedName) -> _Choice:
        dependencies = self._needs(name)
        if any(dependency.is_opaque for dependency in dependencies):
            left = iter([Pick(name=name, extras=frozenset(), candidate=None)])
        else:
            left = (
                Pick(name=name, extras=frozenset(), candidate=candidate)
                for candidate in self._candidates.matches(name, dependencies)
            )
        return _Choice(name=name, mark=len(self._trail), left=left)

    def _settle(self, choice: _Choice) -> _Incompatibility | None:
        """Settle a project on the next version that clashes with nothing, or say what does."""
        for pick in choice.left:
            choice.tried.add(pick.version)
            if self._repeats(pick, choice):
                continue
            clash = self._recall(pick) or self._suspect(pick)
            if clash is None:
                self._rounds += 1
                clash = self._try(pick)
                if clash is None or self._rounds > self._most_rounds:
                    return None
                if choice.name in clash.names:
                    self._learn(clash)
                self._take_back(choice)
            if choice.name not in clash.names:
                return clash
            choice.take(clash)
        self._failed.add(choice.name)
        parts = _parts([*choice.clashes, *self._blame(choice.name, choice.tried)])
        others = frozenset(part for part in parts if part.name != choice.name)
        self._in_the_way.update({part.name for part in others if part.is_outside})
        return _Incompatibility(parts=others, of=choice.clashes)

    def _repeats(self, pick: Pick, choice: _Choice) -> bool:
        """Tell whether a pick needs what has put another version out, and note it there."""
        if choice.out and pick.candidate is not None:
            for part in self._needing(pick):
                if part in choice.out:
                    choice.out[part].repeated.append(pick)
                    return True
        return False

    @property
    def _left_out(self) -> tuple[Pick, ...]:
        return tuple(self._guesses.values())

    def _suspect(self, pick: Pick) -> _Incompatibility | None:
        """Return the clash that a pick is taken to bring about since a newer version does.

        Only one whose needs can't be known is suspected, and not one that stands or was named.
        """
        lessons = self._learnt.get(pick.name)
        if lessons is None or pick.candidate is None:
            return None
        unknown = _unknown_part(pick.name)
        if unknown not in self._needing(pick):
            return None
        for part, clashes in lessons.by_need.items():
            newest = self._newest.get(part)
            if newest is None or newest <= pick.candidate.version or part.project == PYTHON:
                continue
            for clash in clashes.values():
                others = frozenset(each for each in clash.parts if each.name != pick.name)
                if all(self._has_part(self._settled.get(each.name), each) for each in others):
                    self._guesses.setdefault(pick.name, pick)
                    suspected = _Incompatibility(parts=others | {unknown}, of=[clash])
                    self._learn(suspected)
                    return suspected
        return None

    def _is_guess(self, pick: Pick) -> bool:
        """Tell whether nothing speaks for a pick but that its needs can't be known."""
        if self._candidates.limits.admits_all_of(pick.name):
            return False
        if not self._candidates.is_unknown(pick):
            return False
        preference = self._candidates.limits.preferences.get(pick.name)
        versions = set() if preference is None else {preference.version}
        for root in self._wants:
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
        asks = list(self._asks_of(pick, frozenset()))
        for ask in self._asks[pick.name]:
            asks.extend(self._grow(self._settled[pick.name], ask))
        return self._ask(asks)

    def _ask(self, asks: Iterable[_Ask]) -> _Incompatibility | None:
        """Let needs count, and what they make settled projects need in turn."""
        agenda = deque(asks)
        while agenda:
            ask = agenda.popleft()
            dependency = ask.cause.dependency
            pick = self._settled.get(dependency.name)
            self._trail.append((dependency.name, pick))
            self._asks.setdefault(dependency.name, []).append(ask)
            if pick is None or not has_version_for(pick, dependency):
                if not self._can_be_met(dependency.name, self._needs(dependency.name)):
                    return self._wipe_out(ask)
                if pick is not None:
                    part = _Part(
                        name=dependency.name,
                        is_outside=True,
                        project=dependency.name,
                        specifier=str(dependency.specifier),
                    )
                    return _Incompatibility(parts=ask.parts | {part}, causes=[ask.cause])
            else:
                agenda.extend(self._grow(pick, ask))
        return None

    def _wipe_out(self, last: _Ask) -> _Incompatibility:
        """Return the clash where an ask leaves a project no version; all who object are told."""
        name = last.cause.dependency.name
        blamed = self._blame(name)
        objecting = [
            ask.cause
            for ask in self._asks[name]
            if ask in blamed
            or not self._can_be_met(name, [ask.cause.dependency, last.cause.dependency])
        ]
        return _Incompatibility(parts=_parts(blamed), causes=objecting)

    def _grow(self, pick: Pick, ask: _Ask) -> Iterator[_Ask]:
        """Add to a settled pick the extras that are asked for; yield what these need."""
        dependency = ask.cause.dependency
        if pick.candidate is None or dependency.extras <= pick.extras:
            return
        grown = replace(pick, extras=pick.extras | dependency.extras)
        self._settled[pick.name] = grown
        known = self._candidates.dependencies(pick)
        for each in self._asks_of(grown, ask.parts):
            if each.cause.dependency not in known:
                yield each

    def _asks_of(self, pick: Pick, parts: frozenset[_Part]) -> Iterator[_Ask]:
        """Yield what a pick needs, but for what is waived; it has parts in each, besides those."""
        first = self._asks[pick.name][0].cause
        path = (*first.path, first.parent) if first.parent is not None else ()
        for dependency in self._candidates.dependencies(pick):
            if (pick.name, dependency.name) not in self._waived:
                cause = Cause(dependency=dependency, parent=pick, path=path)
                yield _Ask(cause=cause, parts=parts | {_part_of(pick.name, dependency)})

    def _take_back(self, choice: _Choice) -> None:
        """Make a project as unsettled as it was, and what it needed uncalled for."""
        while len(self._trail) > choice.mark:
            name, pick = self._trail.pop()
            self._asks[name].pop()
            if pick is not None:
                self._settled[name] = pick
        self._settled.pop(choice.name, None)

    def _can_be_met(
        self,
        name: NormalizedName,
        dependencies: Sequence[Dependency],
        tried: Collection[Version | None] = (),
    ) -> bool:
        """Tell whether a project has a version that meets needs, besides those tried."""
        if name == PYTHON:
            return False
        if any(dependency.is_opaque for dependency in dependencies):
            return None not in tried
        return any(
            each.version not in tried for each in self._candidates.fitting(name, dependencies)
        )

    def _needs(self, name: NormalizedName) -> list[Dependency]:
        return [ask.cause.dependency for ask in self._asks[name]]

    def _blame(self, name: NormalizedName, tried: Collection[Version | None] = ()) -> list[_Ask]:
        """Return the few asks, older ones first, that leave a project but the versions tried."""
        blamed = list(self._asks[name])
        for ask in reversed(self._asks[name][1:]):
            fewer = [other for other in blamed if other is not ask]
            if not self._can_be_met(name, [other.cause.dependency for other in fewer], tried):
                blamed = fewer
        return blamed

    def _learn(self, clash: _Incompatibility) -> None:
        self._clashes += 1
        for name in clash.names:
            self._learnt.setdefault(name, _Lessons()).take(name, clash)

    def _recall(self, pick: Pick) -> _Incompatibility | None:
        """Return a clash that was met before, if this pick would bring it about again."""
        lessons = self._learnt.get(pick.name)
        if lessons is None or pick.candidate is None:
            return None
        for clash in self._about(pick, lessons):
            if all(
                self._has_part(
                    pick if part.name == pick.name else self._settled.get(part.name), part
                )
                for part in clash.parts
            ):
                causes = clash.causes_for(pick)
                return (
                    _Incompatibility(parts=clash.parts, causes=causes, of=[clash])
                    if causes
                    else clash
                )
        return None

    def _about(self, pick: Pick, lessons: _Lessons) -> Iterator[_Incompatibility]:
        """Yield the lessons that a pick may have a part in; what it needs is looked at last."""
        for part, clashes in lessons.by_outside.items():
            if self._has_part(pick, part):
                yield from clashes.values()
        if lessons.by_need:
            for part in self._needing(pick):
                yield from lessons.by_need.get(part, {}).values()

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
        """Return the parts that a pick has for what it needs, in that order."""
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


def _part_of(name: NormalizedName, dependency: Dependency) -> _Part:
    """Return the part of a project that has a need."""
    return _Part(
        name=name,
        is_outside=False,
        project=dependency.name,
        specifier=str(dependency.specifier),
        extras=dependency.extras,
    )


def _unknown_part(name: NormalizedName) -> _Part:
    """Return the part of a project that needs nobody knows what."""
    return _Part(name=name, is_outside=False, project=name, specifier="?")


def _parts(asks: Iterable[_Ask | _Incompatibility]) -> frozenset[_Part]:
    return frozenset[_Part]().union(*(ask.parts for ask in asks))
