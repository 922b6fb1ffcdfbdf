"""Making plans: from documents and look-ups to what moves, what stays, and why."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Literal

from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name

from ..errors import RequirementsError, VersionConflict, redact
from ..finder import Bound, Candidate
from ..requirements import Kind, bounds_pin
from ..resolution import Conflict, Solution, Waiver, Want, why_below, why_given

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from packaging.version import Version

    from ..finder import Choice
    from ..requirements import Line, Request, Sort
    from ..target import Target
    from .documents import Documents
    from .draft import Draft
    from .lookup import Lookup

Level = Literal["major", "minor", "patch"]
LEVELS: tuple[Level, ...] = ("major", "minor", "patch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """A project that a command gives a version to.

    Attributes:
        name: as the user or the file spells it.
        asked: the user's own specifier; what it keeps out needs no explanation.
        typed: the same, as it was typed.
        want: what the version has to satisfy.
        choice: the newest version that suits, were the project alone.
        line: where it stands; None for a project that is new.
    """

    name: str
    asked: SpecifierSet
    want: Want
    choice: Choice
    typed: str = ""
    line: Line | None = None


class Planner:
    """Fills a draft for one command. It looks up and decides; it writes nothing."""

    def __init__(
        self, draft: Draft, documents: Documents, lookup: Lookup, *, resolve: bool
    ) -> None:
        """Prepare to fill ``draft``.

        Args:
            draft: what to fill.
            documents: the files as they stand.
            lookup: what the index has.
            resolve: take only versions that go together; else the newest of each alone.
        """
        self._draft = draft
        self._documents = documents
        self._lookup = lookup
        self._resolve = resolve

    @property
    def _target(self) -> Target:
        return self._lookup.target

    def add(
        self,
        requests: Sequence[Request],
        *,
        group: str | None,
        sort: Sort,
        prereleases: bool,
        policy: bool,
        with_upgrades: bool,
    ) -> None:
        """Pin what is new; say what is there already."""
        new: dict[NormalizedName, Request] = {}
        for request in requests:
            there = self._documents.find(request.name)
            if there:
                _require_agreement(there, request)
                self._draft.hint(_already_there(there[0]))
            elif request.name in new:
                _require_same(new[request.name], request)
            else:
                new[request.name] = request
        self._lookup.prefetch(new)
        aims = [self._aim_at(request, prereleases=prereleases) for request in new.values()]
        standing = self._standing()
        moving: list[Aim] = []
        if self._resolve and aims and with_upgrades:
            self._lookup.candidates.prefetch([*(aim.want for aim in aims), *standing])
            moving = self._find_way(aims, standing) or []
            freed = {aim.want.place for aim in moving}
            standing = [want for want in standing if want.place not in freed]
        solution = self._settle([*aims, *moving], standing)
        for aim in moving:
            self._move(aim, solution)
        for request, aim in zip(new.values(), aims, strict=True):
            candidate = self._candidate(aim, solution)
            self._draft.warn_of(aim.name, candidate, self._target)
            self._hold(aim, candidate.version, solution)
            bound = request.specifier if policy and bounds_pin(aim.asked) else ""
            digests: tuple[str, ...] = ()
            if self._documents.uses_hashes:
                digests = self._lookup.digests(aim.name, candidate.version)
            self._draft.add(
                request, candidate.version, group=group, sort=sort, digests=digests, policy=bound
            )
            if bound:
                self._draft.hint(
                    f"{bound} is written behind {aim.name} as its policy; --no-policy leaves it out"
                )
        if aims and self._documents.uses_hashes:
            self._name_unhashed([aim.want.name for aim in aims], solution)

    def upgrade(self, requests: Sequence[Request], *, prereleases: bool) -> None:
        """Move the pins of named projects; a specifier may also move one down."""
        moves = [(request, line) for request in requests for line in self._movable(request)]
        self._lookup.prefetch(request.name for request, _ in moves)
        aims: list[Aim] = []
        for request, line in moves:
            self._lookup.bound(line, _policy(line))
            aims.append(self._aim_to_move(line, request=request, prereleases=prereleases))
        solution = self._settle(aims, self._standing(without=aims))
        for aim in aims:
            self._move(aim, solution)

    def upgrade_all(
        self,
        *,
        only: Sequence[Request],
        skip: Sequence[Request],
        level: Level,
        prereleases: bool,
    ) -> None:
        """Move every pin to the newest that goes together; none moves down."""
        only_names = {request.name for request in only}
        skip_names = {request.name for request in skip}
        for name in only_names:
            require_there(self._documents, name)
        pins: list[Line] = []
        for line in self._documents.lines:
            if only_names and line.name not in only_names:
                continue
            reason = "skipped" if line.name in skip_names else self._why_left_alone(line)
            if reason:
                self._draft.leave(line, reason)
            elif line.pin is not None:
                pins.append(line)
        self._lookup.prefetch(line.name for line in pins if line.name)
        aims: list[Aim] = []
        for line in pins:
            assert line.pin is not None
            self._lookup.bound(line, (*_policy(line), *_within(line.pin, level)))
            self._lookup.files(line.name or "", hint=f"leave it out with --skip {line.name}")
            aims.append(self._aim_to_move(line, prereleases=prereleases))
        solution = self._settle(aims, self._standing(without=aims), improve=True)
        for aim in aims:
            self._move(aim, solution)

    def tell_who_needs(self, gone: Collection[NormalizedName]) -> None:
        """Say which lines that stay need a project that goes: pip will bring it back."""
        resolution = self._lookup.resolution
        wants = [want for want in self._lookup.wants() if want.name not in gone]
        resolution.candidates.prefetch(wants)
        found, _, _ = resolution.solve_around([self._as_given(want) for want in wants])
        if isinstance(found, Conflict):
            return
        for name in sorted(gone):
            needing = [str(cause.parent) for cause in found.needs.get(name, ()) if cause.parent]
            if needing:
                self._draft.warn(
                    f"{' and '.join(dict.fromkeys(needing))} still "
                    f"{'needs' if len(set(needing)) == 1 else 'need'} {name}: "
                    "pip will bring it back, not pinned"
                )

    # deciding

    def _aim_at(self, request: Request, *, prereleases: bool) -> Aim:
        """Aim at a version for a project that is new.

        Raises:
            NoCandidate: none suits, whatever else stands in the files.
        """
        requirement = request.requirement
        choice = self._lookup.choose(
            requirement.name, requirement.specifier, prereleases=prereleases
        )
        self._lookup.require(requirement.name, requirement.specifier, choice)
        want = Want(
            name=request.name,
            specifier=requirement.specifier,
            source="what was typed",
            shown=f"{requirement.name}{request.specifier}",
            extras=frozenset(canonicalize_name(extra) for extra in requirement.extras),
            prereleases=prereleases,
        )
        return Aim(name=requirement.name, asked=requirement.specifier, want=want, choice=choice)

    def _aim_to_move(self, line: Line, *, request: Request | None = None, prereleases: bool) -> Aim:
        """Aim at a version for a line; without a request for one, not below what it has."""
        assert line.requirement is not None
        asked = SpecifierSet() if request is None else request.requirement.specifier
        if line.pin is None:
            asked = asked or line.requirement.specifier
        local = None if asked or line.pin is None else line.pin.local
        choice = self._lookup.choose(line.spelled_name, asked, prereleases=prereleases, local=local)
        if request is not None:
            self._lookup.require(line.spelled_name, asked, choice)
        candidate = choice.candidate
        pin = line.pin
        if pin is not None and pin.is_prerelease and candidate and candidate.version <= pin:
            choice = self._lookup.choose(line.spelled_name, asked, prereleases=True, local=local)
        standing = self._lookup.want(line)
        assert standing is not None
        floor = SpecifierSet(f">={pin.public}", prereleases=False) if pin else SpecifierSet()
        want = replace(
            standing,
            specifier=asked or floor,
            shown=f"{line.spelled_name}{asked}"
            if asked or not pin
            else f"{standing.name} {pin} or newer",
            source="what was typed" if request is not None and asked else standing.source,
            prereleases=prereleases,
            local=local,
        )
        return Aim(
            name=line.spelled_name,
            asked=asked,
            typed=request.specifier if request is not None else "",
            want=want,
            choice=choice,
            line=line,
        )

    def _standing(self, *, without: Iterable[Aim] = ()) -> list[Want]:
        """Return what the files ask, but for the lines of some aims."""
        if not self._resolve:
            return []
        places = {aim.line.place for aim in without if aim.line is not None}
        return [want for want in self._lookup.wants() if want.place not in places]

    def _settle(
        self, aims: Sequence[Aim], standing: Sequence[Want], *, improve: bool = False
    ) -> Solution | None:
        """Find versions for the aims that go together with what stands.

        Where what stands clashes by itself, the clash is reported, and the search goes around it.

        Raises:
            VersionConflict: there are none.
        """
        if not self._resolve or not aims:
            return None
        resolution = self._lookup.resolution
        resolution.candidates.prefetch([*(aim.want for aim in aims), *standing])
        wants = [self._as_it_stands(want) for want in (*(a.want for a in aims), *standing)]
        waived = frozenset[Waiver]()
        found = resolution.solve(wants)
        if isinstance(found, Conflict):
            before = {w.place: self._as_it_stands(w) for w in self._lookup.wants()}
            _, waived, clash = resolution.solve_around(list(before.values()))
            if clash is not None:
                told = "; ".join(replace(clash, remarks=()).explain())
                self._draft.warn(f"what stands in the files does not go together: {told}")
            held = {name for pair in waived for name in pair}
            wants = [_unmoved(want, held, before) for want in wants]
            found = resolution.solve(wants, waived=waived)
        while improve and isinstance(found, Conflict):  # what takes part in it stays where it is
            held = set(found.names)
            if all(_unmoved(want, held, before) == want for want in wants):
                break
            wants = [_unmoved(want, held, before) for want in wants]
            found = resolution.solve(wants, waived=waived)
        if isinstance(found, Conflict):
            raise self._conflict(found, aims, standing)
        if improve:
            found = resolution.improve(wants, found, waived=waived)
        for pick in found.picks.values():
            if resolution.candidates.unknown.get(pick.name) == pick:
                self._draft.warn(
                    f"what {pick} needs can't be known without building it; the image decides"
                )
        return found

    def _as_it_stands(self, want: Want) -> Want:
        """Take a requirement that no version satisfies as given, and say so."""
        given = self._as_given(want)
        line = next((each for each in self._documents.lines if each.place == want.place), None)
        stands = self._lookup.want(line) if line is not None else None
        if line is None or stands is None or not given.is_opaque:
            return given
        if want.is_opaque:
            reason = self._why_unmovable(line)
            self._draft.warn(
                f"what {want.name} ({want.place}) needs can't be known: it is {reason}"
            )
        else:
            why = why_given(self._lookup.candidates, stands)
            self._draft.warn(f"{stands.shown} ({want.place}) stays as it is: {why}")
        return given

    def _as_given(self, want: Want) -> Want:
        """Take a requirement that no version satisfies for one that is: it is not made worse."""
        if want.is_opaque or next(self._lookup.candidates.matches_want(want), None) is not None:
            return want
        return replace(want, is_opaque=True)

    def _find_way(self, aims: Sequence[Aim], standing: Sequence[Want]) -> list[Aim] | None:
        """Find standing pins that, if they move as well, let the aims through; as few as need be.

        Returns:
            aims at these pins, or None where moving pins up does not help.
        """
        resolution = self._lookup.resolution
        lines = {line.place: line for line in self._documents.lines if line.pin is not None}
        moving: dict[str, Aim] = {}

        def wants_with(freed: Mapping[str, Aim]) -> list[Want]:
            left = [self._as_given(want) for want in standing if want.place not in freed]
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
                self._lookup.bound(line, _policy(line))
                moving[line.place] = self._aim_to_move(line, prereleases=False)
        for place in list(moving):
            fewer = {other: aim for other, aim in moving.items() if other != place}
            if isinstance(resolution.solve(wants_with(fewer)), Solution):
                moving = fewer
        order = list(lines)
        return sorted(moving.values(), key=lambda aim: order.index(aim.want.place))

    def _conflict(
        self, conflict: Conflict, aims: Sequence[Aim], standing: Sequence[Want]
    ) -> VersionConflict:
        names = " and ".join(aim.name for aim in aims) if len(aims) < 4 else "the requirements"
        way = self._find_way(aims, standing)
        hint = "ask for other versions"
        if way:
            words = [aim.name for aim in way]
            words += [shlex.quote(f"{a.name}{a.typed}") for a in aims if a.line is not None]
            hint = f"`upgrade {' '.join(words)}` may move what is in the way"
            if any(aim.line is None for aim in aims):
                hint += ", or --with-upgrades moves just that"
        return VersionConflict(
            f"{names} can't go together with what else is required",
            reasons=conflict.explain(),
            hint=hint,
        )

    def _candidate(self, aim: Aim, solution: Solution | None) -> Candidate:
        found = aim.choice.candidate
        if solution is not None:
            found = solution.picks[aim.want.name].candidate
        assert found is not None
        return found

    # carrying out

    def _move(self, aim: Aim, solution: Solution | None) -> None:
        """Move a line to its version, where that is another, and say what holds it."""
        line = aim.line
        assert line is not None
        candidate = aim.choice.candidate
        if solution is not None:
            pick = solution.picks.get(aim.want.name)
            candidate = pick.candidate if pick is not None else None
        if candidate and line.pin and candidate.version < line.pin and not aim.asked:
            candidate = None
        now = candidate.version if candidate else line.pin
        if candidate is not None and candidate.version != line.pin:
            digests: tuple[str, ...] = ()
            if line.option_values("--hash"):
                digests = self._lookup.digests(aim.name, candidate.version, like=line)
            self._draft.move(line, candidate.version, digests=digests)
            self._draft.warn_of(aim.name, candidate, self._target)
        if now is not None:
            self._hold(aim, now, solution)

    def _hold(self, aim: Aim, version: Version, solution: Solution | None) -> None:
        """Report the newest version, where not the user's own word alone keeps it away."""
        latest = self._lookup.newest(aim.name)
        if latest is None or latest <= version or not aim.asked.contains(latest):
            return
        best = aim.choice.candidate
        if solution is not None and best is not None and best.version > version:
            reason = why_below(self._lookup.candidates, aim.want.name, best.version, solution)
        else:
            reason = f"{latest} {aim.choice.reason_against(latest) or 'was not asked for'}"
        self._draft.hold(aim.name, version, latest, reason)

    def _name_unhashed(self, names: Sequence[NormalizedName], solution: Solution | None) -> None:
        """Name what the new requirements bring along that the files do not pin with a hash."""
        if solution is None:
            self._draft.warn("pip will want a hash for every dependency, too")
            return
        there = {line.name for line in self._documents.lines}
        reached = list(names)
        for name in reached:
            pick = solution.picks.get(name)
            needs = self._lookup.candidates.dependencies(pick) if pick is not None else ()
            reached.extend(need.name for need in needs if need.name not in reached)
        missing = sorted(name for name in reached if name not in there and name not in names)
        if missing:
            self._draft.warn(
                "the file pins hashes, so pip will want one for every dependency; "
                f"not there yet: {', '.join(missing)}"
            )

    # what may move

    def _movable(self, request: Request) -> Iterator[Line]:
        """Yield the lines of a named project that can be pinned; the others are reported.

        Raises:
            RequirementsError: there is none, or its policy is to hold.
        """
        if request.requirement.extras or request.requirement.marker:
            raise RequirementsError(
                f'"{request.requirement}" asks for more than a version',
                hint="upgrade moves versions; extras and markers are changed in the file",
            )
        refused: list[tuple[Line, str]] = []
        found = False
        for line in require_there(self._documents, request.name):
            reason = self._why_unmovable(line)
            if reason:
                refused.append((line, reason))
                continue
            if line.policy is not None and line.policy.is_hold:
                raise RequirementsError(
                    f"{line.spelled_name} is held by its policy",
                    path=line.path,
                    line=line.number,
                    hint="take `# pipflow: hold` out of the line to move it",
                )
            found = True
            yield line
        if not found:
            line, reason = refused[0]
            raise RequirementsError(
                f"{line.spelled_name} can't be moved: it is {reason}",
                path=line.path,
                line=line.number,
                hint="change the line by hand",
            )
        for line, reason in refused:
            self._draft.leave(line, reason)

    def _why_unmovable(self, line: Line) -> str:
        """Say why a line can't be pinned to a version, or nothing."""
        if line.requirement is None:
            return line.kind.value
        if line.requirement.url is not None:
            return "a URL"
        if line.has_variable:
            return "given by a variable"
        if line.requirement.marker and not self._target.applies(line.requirement.marker):
            return "excluded by its marker"
        return ""

    def _why_left_alone(self, line: Line) -> str:
        """Say why ``upgrade-all`` passes a line over; nothing for a pin, or what no one moves."""
        if line.kind is Kind.UNREADABLE:
            return f"not a valid line: {line.problem}"
        if any("://" in included for included in line.option_values("--requirement")):
            return "an included address is not followed"
        if line.kind in {Kind.BLANK, Kind.COMMENT, Kind.OPTION}:
            return ""
        return self._why_unmovable(line) or ("" if line.pin is not None else "not a pin")


def _unmoved(want: Want, held: Collection[NormalizedName], before: Mapping[str, Want]) -> Want:
    """Return a want as it stood before the command, if it is one of those that are held."""
    return before.get(want.place, want) if want.name in held else want


def _policy(line: Line) -> Iterator[Bound]:
    """Yield what a line's policy keeps out; ``hold`` keeps everything but the pin out."""
    policy = line.policy
    if policy is None:
        return
    if policy.is_hold:
        reason = f"is kept out by its policy, hold ({line.place})"
        yield Bound(specifier=SpecifierSet(f"=={line.pin}" if line.pin else ""), reason=reason)
    else:
        reason = f"does not satisfy its policy {policy.text} ({line.place})"
        yield Bound(specifier=policy.specifier, reason=reason)


def _within(pin: Version, level: Level) -> Iterator[Bound]:
    """Yield what ``--level`` keeps out."""
    if level == "major":
        return
    kept = (*pin.release, 0)[:1] if level == "minor" else (*pin.release, 0, 0)[:2]
    epoch = f"{pin.epoch}!" if pin.epoch else ""
    yield Bound(
        specifier=SpecifierSet(f"=={epoch}{'.'.join(map(str, kept))}.*"),
        reason=f"is more than --level={level} allows",
    )


def require_there(documents: Documents, name: str) -> tuple[Line, ...]:
    """Return the lines of a project.

    Raises:
        RequirementsError: there is none.
    """
    lines = documents.find(name)
    if lines:
        return lines
    known = {str(line.name) for line in documents.lines if line.name}
    close = get_close_matches(canonicalize_name(name), known, n=1)
    raise RequirementsError(
        f"it does not have {name}",
        path=documents.main,
        hint=f"did you mean {close[0]}?" if close else f"`add {name}` would add it",
    )


def find_removable(documents: Documents, request: Request) -> tuple[Line, ...]:
    """Return the lines that a name, or a name with a marker, means.

    Raises:
        RequirementsError: there is none, or more than a name was typed.
    """
    requirement = request.requirement
    if requirement.specifier or requirement.extras:
        raise RequirementsError(
            f'"{requirement}" is more than a name',
            hint=f"remove takes names: `remove {requirement.name}`",
        )
    lines = require_there(documents, requirement.name)
    if requirement.marker is None:
        return lines
    chosen = tuple(
        line
        for line in lines
        if line.requirement is not None and str(line.requirement.marker) == str(requirement.marker)
    )
    if not chosen:
        there = "; ".join(f"{redact(line.content)} ({line.place})" for line in lines)
        raise RequirementsError(
            f'no line of {requirement.name} has the marker "{requirement.marker}"',
            path=lines[0].path,
            hint=f"there are: {there}",
        )
    return chosen


def _require_agreement(lines: Iterable[Line], request: Request) -> None:
    """Check that what is asked for is what the files already say.

    Raises:
        RequirementsError: it is not.
    """
    requirement = request.requirement
    for line in lines:
        if line.requirement is None:
            continue
        missing = requirement.extras - line.requirement.extras
        if missing:
            raise RequirementsError(
                f"{requirement.name} is there without [{','.join(sorted(missing))}]",
                path=line.path,
                line=line.number,
                hint="write the extra into that line",
            )
        specifier = requirement.specifier
        if line.pin is not None:
            agrees = specifier.contains(line.pin, prereleases=True)
        else:
            agrees = not specifier or specifier == line.requirement.specifier
        if not agrees:
            raise RequirementsError(
                f'"{redact(line.content)}" is there and contradicts "{requirement}"',
                path=line.path,
                line=line.number,
                hint="change the line by hand"
                if line.requirement.url is not None
                else f'`upgrade "{requirement.name}{request.specifier}"` would move it',
            )


def _require_same(first: Request, second: Request) -> None:
    """Check that a project that is named twice is asked for alike.

    Raises:
        RequirementsError: it is not.
    """
    if str(first.requirement) != str(second.requirement):
        raise RequirementsError(
            f'"{first.requirement}" and "{second.requirement}" name one project',
            hint="ask for it once",
        )


def _already_there(line: Line) -> str:
    name = line.spelled_name
    if line.pin is not None:
        return f"{name} is there already, at {line.pin} ({line.place}); `upgrade {name}` moves it"
    return f"{name} is there already, not pinned ({line.place}); `upgrade {name}` pins it"
