"""``upgrade``, ``upgrade-all`` and ``outdated``: move pins, or report which could move."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct
from msgspec.structs import replace
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from ..errors import RequirementsError, VersionConflict
from ..requirements import Kind, as_one_word
from ..resolution.finder import Bound
from .bounds import only_version, policy_bounds
from .draft import Draft, hint, leave, warn
from .goals import goal_to_move, key_for, why_left_alone, why_unmovable
from .inputs import applies, holding_lines, key_of, reads, releases, root_of, why_nowhere
from .lock import tell_unhashed, update_lock
from .moving import move_goal, version_for
from .policies import asked_of, bounds_beside, comment_with_policy, tell_policies
from .requests import error_at, require_there
from .selection import select
from .settling import settle, settle_current
from .together import group_moves

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from packaging.utils import NormalizedName
    from packaging.version import Version

    from ..plan import Change
    from ..requirements import Line, Request
    from .goals import Goal
    from .inputs import Inputs
    from .settlement import Settlement

Level = Literal["major", "minor", "patch"]
LEVELS: tuple[Level, ...] = ("major", "minor", "patch")


class UpgradeOptions(Struct, frozen=True, kw_only=True):
    """The options of ``upgrade-all`` and ``outdated``; see ``Project.plan_upgrade_all``.

    ``limits`` are the lines of sources that the files were compiled from.
    With ``is_grouped``, the plan says what moves together. Of such a plan, ``chosen`` are the
    projects that are to move, each with its version there, and ``unchosen`` are the others.
    """

    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    level: Level = "major"
    prereleases: bool = False
    pin: bool = False
    limits: tuple[Line, ...] = ()
    is_grouped: bool = False
    chosen: Mapping[NormalizedName, Version] | None = None
    unchosen: frozenset[NormalizedName] = frozenset()


def choosing(
    options: UpgradeOptions,
    groups: Iterable[tuple[Change, ...]],
    chosen: Collection[tuple[Change, ...]],
) -> UpgradeOptions:
    """Return options to make some groups of changes, and leave the projects of the others."""
    versions: dict[NormalizedName, Version] = {}
    for change in (change for group in chosen for change in group):
        name = canonicalize_name(change.project)
        assert change.after is not None
        versions[name] = max(change.after, versions.get(name, change.after))
    every = {canonicalize_name(change.project) for group in groups for change in group}
    return replace(
        options, is_grouped=False, chosen=versions, unchosen=frozenset(every - versions.keys())
    )


def draft_upgrade(
    inputs: Inputs, requests: Sequence[Request], *, prereleases: bool, policy: bool = True
) -> Iterator[Draft]:
    """Move the pins of named projects, or give them one; a specifier may also move one down.

    With ``policy``, a specifier that can hold a newer version back becomes the policy of its line.

    Raises:
        RequirementsError: the files do not have a project, or its policy is to hold.
        NoCandidate: no version of a project suits.
        VersionConflict: no versions satisfy all.
    """
    moves: list[tuple[Request, Line]] = []
    for request in requests:
        movable, left = _movable(inputs, request)
        moves += [(request, line) for line in movable]
        yield from left
    inputs.candidates.expect(request.name for request, _ in moves)
    inputs = holding_lines(inputs, (line for _, line in moves))
    goals: list[Goal] = []
    for request, line in moves:
        key = key_of(inputs, line)
        inputs = inputs.within(inputs.limits.rising(key).with_source(key))
        typed = request.specifier
        if line in inputs.manifest.locked:  # its policy counts from the start
            inputs = inputs.within(inputs.limits.unbounded(key))
        inputs = inputs.bounding(line, bounds_beside(line, typed if policy else ""))
        asked = asked_of(inputs, line, typed)
        goal = goal_to_move(
            inputs, line, typed=typed, asked=asked, must_exist=True, prereleases=prereleases
        )
        comment = comment_with_policy(line, typed, asked) if policy else None
        goals.append(replace(goal, comment=comment))
    yield from _move(settle(inputs, goals), goals)
    yield from tell_policies((goal.line, goal.comment) for goal in goals if goal.line)


def _move(
    settlement: Settlement,
    goals: Sequence[Goal],
    *,
    telling: Collection[NormalizedName] | None = (),
) -> Iterator[Draft]:
    """Move the lines of goals and the locked lines; see ``update_lock``."""
    inputs = settlement.inputs
    yield from settlement.notices
    for goal in goals:
        yield from move_goal(settlement, goal)
    comments = {goal.line.place: goal.comment for goal in goals if goal.line and goal.comment}
    yield from update_lock(settlement, telling=telling, comments=comments)
    moved = [
        key_for(inputs, goal)
        for goal in goals
        if goal.line and version_for(settlement, goal) != goal.line.pin
    ]
    if moved and inputs.resolves and inputs.manifest.uses_hashes and not inputs.manifest.is_locked:
        yield from tell_unhashed(settlement, moved)


def _movable(inputs: Inputs, request: Request) -> tuple[list[Line], list[Draft]]:
    """Return the lines of a project that can be pinned, and a report of the others.

    Raises:
        RequirementsError: there is none, or its policy is to hold.
    """
    if request.requirement.extras or request.requirement.marker:
        raise RequirementsError(
            f'"{request.requirement}" asks for more than a version',
            hint="upgrade moves versions; `add` writes an extra, a marker is changed in the file",
        )
    refused: list[tuple[Line, str]] = []
    movable: list[Line] = []
    for line in require_there(inputs.manifest, request.name):
        if reason := why_unmovable(inputs, line):
            refused.append((line, reason))
        elif line.is_held:
            raise error_at(
                line,
                f"{line.spelled_name} is held by its policy",
                hint="take `# pipflow: hold` out of the line; "
                f"then `upgrade {as_one_word(f'{line.spelled_name}{request.specifier}')}` moves it",
            )
        else:
            movable.append(line)
    if not movable:
        line, reason = refused[0]
        problem = f"{line.spelled_name} can't be moved: it is {reason}"
        raise error_at(line, problem, hint="change the line by hand")
    return movable, [leave(line, reason) for line, reason in refused]


def draft_upgrade_all(inputs: Inputs, options: UpgradeOptions) -> Iterator[Draft]:
    """Move every pin to the newest compatible set; none moves down. Pin the others if asked to.

    Raises:
        RequirementsError: an option names a project that the files do not have.
        ProjectNotFound: the index does not have a project of the files.
    """
    considered = _consider(inputs, options)
    yield from considered.notices
    pins, loose = considered.pins, considered.loose
    inputs = holding_lines(inputs, loose)
    inputs = _bound(inputs, pins, considered.skip, options)
    for line in loose:
        inputs = inputs.bounding(line, policy_bounds(line))
    for line in (*pins, *loose):
        inputs = inputs.bounding(line, _as_chosen(line, options.chosen or {}))
    inputs.candidates.expect(line.name for line in (*pins, *loose) if line.name)
    locked = {line.place for line in inputs.manifest.locked}
    pins = tuple(line for line in pins if line.place not in locked)
    if inputs.resolves:
        roots = [root for line in pins if (root := root_of(inputs, line))]
        inputs.candidates.prefetch(replace(root, specifier=SpecifierSet()) for root in roots)
    goals: list[Goal] = []
    for line in (*pins, *loose):
        releases(inputs, key_of(inputs, line), hint=f"leave it out with --skip {line.name}")
        goal = goal_to_move(inputs, line, prereleases=options.prereleases)
        comment = comment_with_policy(line, "", goal.asked) if line.pin is None else None
        goals.append(replace(goal, comment=comment))
    settlement = settle(inputs, goals, is_improving=True)
    stuck = [line for line in loose if key_of(inputs, line) in settlement.conflicting]
    yield from (leave(line, "not pinned, since it is part of a conflict") for line in stuck)
    goals = [goal for goal in goals if goal.line not in stuck]
    if options.is_grouped:
        yield Draft(together=group_moves(settlement, goals))
    yield from _move(settlement, goals, telling=considered.telling)
    yield from tell_policies(
        ((goal.line, goal.comment) for goal in goals if goal.line), is_optional=False
    )


class _Considered(Struct, frozen=True, kw_only=True):
    """The lines that may move, or get a pin, and what is to be said of the others.

    ``skip`` are projects that stay, and ``telling`` those of which the lock is to tell what holds
    them; None for all.
    """

    pins: tuple[Line, ...]
    loose: tuple[Line, ...]
    skip: frozenset[NormalizedName]
    telling: frozenset[NormalizedName] | None
    notices: tuple[Draft, ...]


def _consider(inputs: Inputs, options: UpgradeOptions) -> _Considered:
    """Return the lines that ``upgrade-all`` is about."""
    meant: frozenset[NormalizedName] | None = (
        select(inputs.manifest, options.only, "--only") or None
    )
    skip = select(inputs.manifest, options.skip, "--skip")
    lines = [line for line in inputs.manifest.lines if meant is None or line.name in meant]
    if inputs.unseen or any(each.links.are_seen for each in inputs.rules):
        # what the index lacks is left alone
        inputs.candidates.expect({each.name for each in lines if each.name and each.pin} - skip)
    notices: list[Draft] = []
    pins: list[Line] = []
    loose: list[Line] = []
    for line in lines:
        reason = "skipped" if line.name in skip else why_left_alone(inputs, line)
        if not reason and line.name in options.unchosen:
            reason = "not ticked"
        if not reason and line.pin is not None:
            reason = why_nowhere(inputs, line)
        is_loose = line.pin is None and line.requirement is not None and not reason
        if reason or (is_loose and not options.pin):
            notices.append(leave(line, reason or "not pinned"))
        if is_loose:
            loose.append(line)
        elif line.pin is not None and not reason:
            pins.append(line)
    if loose and not options.pin:
        notices.append(hint(_tell_loose(len(loose))))
        loose = []
    if options.chosen is not None:  # what was not offered stays, too
        meant, skip = frozenset(options.chosen), skip | options.unchosen
        pins, loose = ([each for each in kind if each.name in meant] for kind in (pins, loose))
    return _Considered(
        pins=tuple(pins), loose=tuple(loose), skip=skip, telling=meant, notices=tuple(notices)
    )


def draft_outdated(inputs: Inputs, options: UpgradeOptions) -> Iterator[Draft]:
    """Report what ``upgrade-all`` would move, and whether the pinned requirements conflict."""
    if inputs.resolves:
        try:
            settlement = settle_current(inputs)
        except VersionConflict as error:
            yield warn(f"{error.message}: {'; '.join(error.reasons)}")
        else:
            inputs = settlement.inputs
            yield from settlement.notices
    parts = [*draft_upgrade_all(inputs, options)]
    yield from parts
    told = {held.reason for part in parts for held in part.held}
    for line in inputs.manifest.lines:
        if line.kind is Kind.UNREADABLE:
            yield warn(f"{line.place}: not a valid line: {line.problem}")
    for line in inputs.manifest.lines:
        if line.requirement is None or line.policy is None:
            continue
        if not any("policy" in reason and f"({line.place})" in reason for reason in told):
            yield hint(f"{line.spelled_name} has the policy {line.policy.text} ({line.place})")


def _bound(
    inputs: Inputs,
    pins: Sequence[Line],
    skip: Collection[NormalizedName],
    options: UpgradeOptions,
) -> Inputs:
    """Keep out what skipped locked lines, policies, sources and the level do not allow."""
    locked = {line.place for line in inputs.manifest.locked}
    for line in inputs.manifest.locked:
        if line.name in skip and reads(inputs, line):
            inputs = inputs.bounding(line, [only_version(line, "is skipped")])
    for line in pins:
        assert line.pin is not None
        bounds = (*policy_bounds(line), *_within_level(line.pin, options.level))
        sources = (each for each in options.limits if each.name == line.name)
        inputs = inputs.bounding(line, (*bounds, *_within_sources(inputs, sources)))
        if line.place in locked and line.name is not None:
            inputs = inputs.within(inputs.limits.rising(key_of(inputs, line)))
    return inputs


def _within_sources(inputs: Inputs, limits: Iterable[Line]) -> Iterator[Bound]:
    """Yield what the sources of a compiled file keep out of one of its projects."""
    for line in limits:
        assert line.requirement is not None
        if applies(inputs, line.marker):
            specifier = line.requirement.specifier
            reason = f"does not satisfy {specifier}, which {line.place} asks for"
            yield Bound(specifier=specifier, reason=reason, is_ours=True)


def _within_level(pin: Version, level: Level) -> Iterator[Bound]:
    """Yield what ``--level`` keeps out."""
    if level == "major":
        return
    kept = (*pin.release, 0)[:1] if level == "minor" else (*pin.release, 0, 0)[:2]
    epoch = f"{pin.epoch}!" if pin.epoch else ""
    yield Bound(
        specifier=SpecifierSet(f"=={epoch}{'.'.join(map(str, kept))}.*"),
        reason=f"is more than --level={level} allows",
        is_ours=True,
    )


def _as_chosen(line: Line, chosen: Mapping[NormalizedName, Version]) -> Iterator[Bound]:
    """Yield what is newer than what was chosen: others stay, so that it might go further."""
    most = chosen.get(line.name) if line.name is not None else None
    if most is not None:
        yield Bound(
            specifier=SpecifierSet(f"<={most.public}"),
            reason=f"is newer than {most}, which was chosen",
            is_ours=True,
        )


def _tell_loose(number: int) -> str:
    """Return how many requirements are not pinned, and what pins them."""
    if number == 1:
        return "1 requirement is not pinned; `pin` pins it"
    return f"{number} requirements are not pinned; `pin` pins them"
