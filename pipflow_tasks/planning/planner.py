"""Making plans: from documents and look-ups to what moves, what stays, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from ..errors import RequirementsError, VersionConflict
from ..requirements import Kind, bounds_pin, change_via
from ..resolution import Conflict, Preference
from .asked import (
    already_there,
    close_hint,
    is_met,
    is_read,
    require_agreement,
    require_extras,
    require_names,
    require_same,
    require_there,
)
from .bounds import only_version, policy_bounds, within_level
from .goals import goal_to_add, goal_to_move, why_unmovable
from .locking import (
    Origin,
    find_asking,
    find_origins,
    find_transitive,
    find_unknown,
    name_open_ends,
    say_need,
    write_locked,
)
from .paths import find_paths
from .sets import Sets

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from packaging.utils import NormalizedName
    from packaging.version import Version

    from ..manifest.documents import Manifest
    from ..requirements import Line, Request, Sort
    from ..resolution import Root, Solution
    from ..resolution.finder import Candidate, Choice
    from ..target import Target
    from .bounds import Level
    from .draft import Draft
    from .goals import Goal
    from .locking import Transitive
    from .lookup import Lookup


ANY = SpecifierSet()


class Planner:
    """Fills a draft for one command. It looks up and decides; it writes nothing."""

    def __init__(self, draft: Draft, manifest: Manifest, lookup: Lookup, *, resolve: bool) -> None:
        """Prepare to fill ``draft``.

        Args:
            draft: what to fill.
            manifest: the files as they stand.
            lookup: what the index has.
            resolve: take only versions that go together; else the newest of each alone.
        """
        self._draft = draft
        self._manifest = manifest
        self._lookup = lookup
        self._resolve = resolve
        self._sets = Sets(draft, manifest, lookup)

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
        taken: list[tuple[Goal, str]] = []
        locked = {line.place for line in self._manifest.locked}
        for request in requests:
            there = self._manifest.find(request.name)
            if there and is_read(there, request, self._target):
                there = tuple(line for line in there if self._lookup.reads(line)) or there
                require_extras(there, request)
                if all(line.place in locked for line in there):
                    comment = self._promote(there[0], request, policy=policy)
                    if not is_met(there[0], request):
                        taken.append((self._aim_at(there[0], request, prereleases), comment))
                else:
                    require_agreement(there, request, self._lookup)
                    self._draft.hint(already_there(there[0]))
            elif request.name in new:
                require_same(new[request.name], request)
            else:
                new[request.name] = request
        self._lookup.prefetch(new)
        goals = [
            goal_to_add(self._lookup, request, prereleases=prereleases) for request in new.values()
        ]
        wanted = [*goals, *(goal for goal, _ in taken)]
        standing = self._standing(without=wanted)
        moving: list[Goal] = []
        if self._resolve and wanted and with_upgrades:
            self._lookup.candidates.prefetch([*(goal.root for goal in wanted), *standing])
            moving = self._sets.find_way(wanted, standing) or []
            freed = {goal.root.place for goal in moving}
            standing = [root for root in standing if root.place not in freed]
        solution = self._settle([*wanted, *moving], standing)
        for goal in moving:
            self._move(goal, solution)
        for goal, comment in taken:
            self._move(goal, solution, comment=comment)
        for request, goal in zip(new.values(), goals, strict=True):
            candidate = self._candidate(goal, solution)
            self._draft.warn_of(goal.name, candidate, self._target)
            self._hold(goal, candidate.version, solution)
            bound = _bound_of(request) if policy else ""
            digests: tuple[str, ...] = ()
            if self._manifest.uses_hashes:
                digests = self._lookup.digests(goal.name, candidate.version)
            self._draft.add(
                request.requirement,
                candidate.version,
                digests=digests,
                comment=f"pipflow: {bound}" if bound else "",
                group=group,
                sort=sort,
            )
            if bound:
                self._tell_policy(goal.name, bound)
        if self._manifest.is_locked:
            main = self._manifest.main
            new_origins = [
                Origin(name=goal.root.name, path=main, group=group)
                for goal, request in zip(goals, new.values(), strict=True)
                if request.requirement.marker is None
                or self._target.applies(request.requirement.marker)
            ]
            self._update_lock(solution, origins=new_origins)
        elif goals and self._manifest.uses_hashes:
            self._name_unhashed([goal.root.name for goal in goals], solution)

    def upgrade(self, requests: Sequence[Request], *, prereleases: bool) -> None:
        """Move the pins of named projects; a specifier may also move one down."""
        moves = [(request, line) for request in requests for line in self._movable(request)]
        self._lookup.prefetch(request.name for request, _ in moves)
        goals: list[Goal] = []
        for request, line in moves:
            self._lookup.let_rise(request.name)
            self._lookup.bound(line, policy_bounds(line))
            goals.append(self._aim_at(line, request, prereleases))
        solution = self._settle(goals, self._standing(without=goals))
        for goal in goals:
            self._move(goal, solution)
        self._update_lock(solution)

    def upgrade_all(
        self,
        *,
        only: Sequence[Request],
        skip: Sequence[Request],
        level: Level,
        prereleases: bool,
    ) -> None:
        """Move every pin to the newest that goes together; none moves down."""
        require_names(only, "--only")
        require_names(skip, "--skip")
        only_names = {request.name for request in only}
        skip_names = {request.name for request in skip}
        for name in only_names | skip_names:
            require_there(self._manifest, name)
        pins: list[Line] = []
        locked = {line.place for line in self._manifest.locked}
        for line in self._manifest.lines:
            if only_names and line.name not in only_names:
                continue
            reason = "skipped" if line.name in skip_names else self._why_left_alone(line)
            if reason:
                self._draft.leave(line, reason)
            elif line.pin is not None:
                pins.append(line)
            if line.place in locked and line.name in skip_names:
                self._lookup.bound(line, [only_version(line, "is skipped")])
        for line in pins:
            assert line.pin is not None
            self._lookup.bound(line, (*policy_bounds(line), *within_level(line.pin, level)))
            if line.place in locked and line.name is not None:
                self._lookup.let_rise(line.name)
        self._lookup.prefetch(line.name for line in pins if line.name)
        pins = [line for line in pins if line.place not in locked]
        if self._resolve:
            self._lookup.look_ahead(pins)
        goals: list[Goal] = []
        for line in pins:
            self._lookup.releases(line.name or "", hint=f"leave it out with --skip {line.name}")
            goals.append(goal_to_move(self._lookup, line, prereleases=prereleases))
        solution = self._settle(goals, self._standing(without=goals), improve=True)
        for goal in goals:
            self._move(goal, solution)
        self._update_lock(solution, tell_held=True, considered=only_names)

    def remove(self, lines: Sequence[Line]) -> None:
        """Take lines out of files that are locked; what they alone have brought goes with them.

        Raises:
            RequirementsError: a line is there because another needs it.
        """
        for line in lines:
            if line.via:
                found = self._sets.stand() if self._resolve else None
                asking = " ".join(find_asking(line, self._manifest, found))
                asking = f'"{asking}"' if " " in asking else asking  # one word, for Invoke
                raise RequirementsError(
                    f"{line.spelled_name} is there because {say_need(line.via)} it",
                    path=line.path,
                    line=line.number,
                    hint=f"`remove {asking}` would take it out with what has brought it along",
                )
            if line.name and line.pin:
                kept = Preference(version=line.pin)  # should it be needed all the same
                self._lookup.standing[line.name] = kept
        self._draft.remove(lines)
        places = {line.place for line in lines}
        gone = {line.name for line in lines if line.name}
        gone -= {line.name for line in self._manifest.direct if line.place not in places}
        solution = self._settle([], [w for w in self._standing() if w.place not in places])
        self._update_lock(solution, gone=gone)

    def lock(self) -> None:
        """Write a line for everything that the requirements bring along.

        Raises:
            VersionConflict: the requirements do not go together.
        """
        found = self._sets.stand(waive=False)
        for warning in name_open_ends(self._manifest, self._lookup):
            self._draft.warn(warning)
        if not self._write_locked(found, find_origins(self._manifest, self._lookup)):
            self._draft.hint("the requirements bring nothing along: there is nothing to lock")

    def why(self, requests: Sequence[Request]) -> None:
        """Show the ways from the lines to projects, as the files stand.

        Raises:
            RequirementsError: nothing needs one of them.
        """
        solution = self._sets.stand()
        for request in requests:
            lines = (*self._manifest.direct, *self._manifest.siblings)
            paths = list(find_paths(request.name, solution, lines))
            if not paths:
                self._sets.stand(waive=False)  # a clash may hide the way
                unknown = find_unknown(solution, self._manifest, self._lookup)
                told = " and ".join(map(str, unknown))
                raise RequirementsError(
                    f"nothing needs {request.name}, for {self._target}"
                    + (f", as far as is known: what {told} needs is not" if unknown else ""),
                    path=self._manifest.main,
                    hint=close_hint(request.name, solution.picks),
                )
            for path in paths:
                self._draft.show(path)

    def explain_conflict(self) -> None:
        """Warn where what stands in the files does not go together."""
        if self._resolve:
            try:
                self._sets.stand()
            except VersionConflict as conflict:
                self._draft.warn(f"{conflict.message}: {'; '.join(conflict.reasons)}")

    def tell_who_needs(self, gone: Collection[NormalizedName]) -> None:
        """Say which lines that stay need a project that goes: pip will bring it back."""
        resolution = self._lookup.resolution
        roots = [root for root in self._lookup.roots() if root.name not in gone]
        resolution.candidates.prefetch(roots)
        found, _, _ = resolution.solve_around([self._lookup.as_given(root) for root in roots])
        if isinstance(found, Conflict):
            return
        for pick in find_unknown(found, self._manifest, self._lookup):
            if pick.name not in gone:
                self._draft.warn(f"whether {pick} needs {' or '.join(sorted(gone))} is not known")
        for name in sorted(gone):
            needing = [str(cause.parent) for cause in found.causes.get(name, ()) if cause.parent]
            if needing:
                then = "pip will bring it back, not pinned"
                if place := self._lookup.without_dependencies:
                    then = f"{place} installs without dependencies, so the image will lack it"
                self._draft.warn(f"{say_need(needing)} {name} still: {then}")

    # deciding

    def _standing(self, *, without: Iterable[Goal] = ()) -> list[Root]:
        """Return what the files ask, but for the lines of some aims."""
        if not self._resolve:
            return []
        places = {goal.line.place for goal in without if goal.line is not None}
        return [root for root in self._lookup.roots() if root.place not in places]

    def _settle(
        self, goals: Sequence[Goal], standing: Sequence[Root], *, improve: bool = False
    ) -> Solution | None:
        """Find versions for the aims that go together with what stands; None where none is asked.

        Raises:
            VersionConflict: there are none.
        """
        if not self._resolve or not (goals or self._manifest.is_locked):
            return None
        return self._sets.settle(goals, standing, improve=improve)

    def _update_lock(
        self,
        solution: Solution | None,
        *,
        origins: Sequence[Origin] = (),
        gone: Collection[NormalizedName] = (),
        tell_held: bool = False,
        considered: Collection[NormalizedName] = (),
    ) -> None:
        """Let the closure follow, where the files have one.

        Args:
            solution: what was found; without one, the closure stays as it is.
            origins: requirements that come.
            gone: those that go.
            tell_held: report what stays below its newest version.
            considered: of these alone, where there are any.
        """
        if not self._manifest.is_locked:
            return
        if solution is None:
            self._draft.warn(
                "what the requirements bring along was not looked at; `lock` does that"
            )
            return
        there = [r for r in find_origins(self._manifest, self._lookup) if r.name not in gone]
        transitive = self._write_locked(solution, [*there, *origins])
        if not transitive:
            self._draft.hint("nothing is brought along any more, so the file is no longer locked")
        for name in gone:
            if name in transitive:
                who = say_need(transitive[name].parents)
                self._draft.hint(f"{name} stays as a part of the closure: {who} it")
        if tell_held:
            for name, new in transitive.items():
                if new.candidate is not None and (not considered or name in considered):
                    choice = self._lookup.choose(name, ANY)
                    self._tell_held(name, new.candidate.version, choice, solution)

    def _write_locked(
        self, solution: Solution, origins: Sequence[Origin]
    ) -> Mapping[NormalizedName, Transitive]:
        for pick in find_unknown(solution, self._manifest, self._lookup):
            self._draft.warn(
                f"what {pick} needs is not locked, for it can't be known; a line with "
                f"`# via {pick.name}` stays"
            )
        waived = self._sets.waived
        transitive = find_transitive(origins, solution, self._manifest, self._lookup, waived)
        write_locked(self._draft, self._manifest, self._lookup, transitive)
        return transitive

    def _aim_at(self, line: Line, request: Request, prereleases: bool) -> Goal:
        return goal_to_move(self._lookup, line, request=request, prereleases=prereleases)

    def _promote(self, line: Line, request: Request, *, policy: bool) -> str:
        """Make a line of the closure one of the user's own; return what its comment becomes.

        It keeps a policy that it has.
        """
        assert line.name is not None
        assert line.pin is not None
        self._manifest.promoted.add(line.place)
        self._lookup.standing.pop(line.name, None)
        comment = change_via(line.comment, ())
        bound = _bound_of(request) if policy else ""
        if bound and line.policy is None:
            comment = f"# pipflow: {bound}  {comment}".rstrip()
            self._tell_policy(line.spelled_name, bound)
        told = " and ".join(line.via)
        self._draft.hint(f"{line.spelled_name} is your own now, and no longer because of {told}")
        if is_met(line, request):
            self._draft.move(line, line.pin, comment=comment)
        return comment

    def _tell_policy(self, name: str, bound: str) -> None:
        self._draft.hint(
            f"{bound} is written behind {name} as its policy; --no-policy leaves it out"
        )

    def _candidate(self, goal: Goal, solution: Solution | None) -> Candidate:
        found = goal.choice.candidate
        if solution is not None:
            found = solution.picks[goal.root.name].candidate
        assert found is not None
        return found

    # carrying out

    def _move(self, goal: Goal, solution: Solution | None, *, comment: str | None = None) -> None:
        """Move a line to its version, where that is another, and say what holds it."""
        line = goal.line
        assert line is not None
        candidate = goal.choice.candidate
        if solution is not None:
            pick = solution.picks.get(goal.root.name)
            candidate = pick.candidate if pick is not None else None
        if candidate and line.pin and candidate.version < line.pin and not goal.asked:
            candidate = None
        now = candidate.version if candidate else line.pin
        is_kept = solution is not None and line in self._manifest.locked
        if candidate is not None and candidate.version != line.pin and not is_kept:
            digests: tuple[str, ...] = ()
            if line.option_values("--hash"):
                digests = self._lookup.digests(goal.name, candidate.version, like=line)
            self._draft.move(line, candidate.version, digests=digests, comment=comment)
            self._draft.warn_of(goal.name, candidate, self._target)
        if now is not None:
            self._hold(goal, now, solution)

    def _hold(self, goal: Goal, version: Version, solution: Solution | None) -> None:
        """Report what keeps a newer version away, where it is not the user's own word alone."""
        newer = (each for each in goal.choice.rejections if each.version > version)
        if passed_over := next((each for each in newer if each.by_old_pip), None):
            told = f"{goal.name} {passed_over.version} {passed_over.reason}"
            self._draft.warn(f"{told}; upgrade pip before the install step")
        self._tell_held(goal.name, version, goal.choice, solution, asked=goal.asked)

    def _tell_held(
        self,
        name: str,
        version: Version,
        choice: Choice,
        solution: Solution | None,
        *,
        asked: SpecifierSet = ANY,
    ) -> None:
        """Report the newest version that was asked for, where there is an older one, and why."""
        latest = self._lookup.releases(name).newest(asked)
        if latest is None or latest <= version:
            return
        best = choice.candidate
        if solution is not None and best is not None and best.version > version:
            reason = self._sets.why_stays(canonicalize_name(name), solution)
        else:
            reason = f"{latest} {choice.reason_against(latest) or 'was not asked for'}"
        self._draft.hold(name, version, latest, reason)

    def _name_unhashed(self, names: Sequence[NormalizedName], solution: Solution | None) -> None:
        """Name what the new requirements bring along that the files do not pin with a hash."""
        if self._lookup.without_dependencies:
            return
        if solution is None:
            self._draft.warn("pip will want a hash for every dependency, too")
            return
        there = {line.name for line in self._manifest.lines}
        reached = list(names)
        for name in reached:
            pick = solution.picks.get(name)
            dependencies = self._lookup.candidates.dependencies(pick) if pick is not None else ()
            reached.extend(
                dependency.name for dependency in dependencies if dependency.name not in reached
            )
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
        for line in require_there(self._manifest, request.name):
            reason = why_unmovable(self._lookup, line)
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

    def _why_left_alone(self, line: Line) -> str:
        """Say why ``upgrade-all`` passes a line over; nothing for a pin, or what no one moves."""
        if line.kind is Kind.UNREADABLE:
            return f"not a valid line: {line.problem}"
        manifest = self._manifest
        if line.option_values("--requirement"):
            if line in manifest.unread:
                return "an address that only the image can ask"
            if line.place in {address.place for address in manifest.addresses}:
                return "what stands at an address is not edited"
        if line.kind in {Kind.BLANK, Kind.COMMENT, Kind.OPTION}:
            return ""
        return why_unmovable(self._lookup, line) or ("" if line.pin is not None else "not a pin")


def _bound_of(request: Request) -> str:
    """Return what was typed, where it says something about where a pin may go; else nothing."""
    return request.specifier if bounds_pin(request.requirement.specifier) else ""
