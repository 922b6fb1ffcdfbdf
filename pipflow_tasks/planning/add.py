"""``add``: pin projects that the files do not have yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace
from packaging.specifiers import SpecifierSet

from ..errors import Unsatisfiable
from ..manifest.documents import promote
from ..requirements import Addition, change_via
from ..resolution import in_each, project_of
from ..resolution.finder import Bound
from . import draft as drafts
from .bounds import policy_bounds
from .costs import find_costs
from .draft import Draft, hint, warn
from .goals import goal_to_add, goal_to_move, key_for, roots_without, why_unmovable
from .inputs import applies, holding_lines, key_of, readers_of, readers_of_new, reads
from .lock import tell_unhashed, update_lock
from .moving import candidate_for, digests, move_goal, tell_held_goal, warn_of
from .names import warn_of_new
from .policies import asked_of, comment_with_policy, policy_of, tell_new_policies, tell_policies
from .requests import (
    already_there,
    is_met,
    missing_extras,
    provides,
    require_agreement,
    require_free,
    require_same,
    taken_error,
)
from .settling import settle
from .transitive import origin_of
from .unblocking import find_way

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from packaging.utils import NormalizedName

    from ..requirements import Line, Request, Sort
    from .goals import Goal
    from .inputs import Inputs
    from .settlement import Settlement


class AddOptions(Struct, frozen=True, kw_only=True):
    """The options of ``add``; see ``Project.plan_add``.

    ``group`` is the heading of the block to write into, ``sort`` says how that block is sorted.
    ``now`` is what the age of a new project is counted from; without it, nothing is said of that.
    """

    group: str | None = None
    sort: Sort = "block"
    prereleases: bool = False
    policy: bool = True
    with_upgrades: bool = False
    now: datetime | None = None


def draft_add(inputs: Inputs, requests: Sequence[Request], options: AddOptions) -> Iterator[Draft]:
    """Pin what is new or not pinned, and write what a listed line lacks of a request.

    Raises:
        RequirementsError: a request contradicts the files.
        NoCandidate: no version of a project suits.
        VersionConflict: no versions satisfy all.
    """
    new: dict[NormalizedName, Request] = {}
    goals: list[Goal] = []
    listed: dict[str, Request] = {}
    told: list[Draft] = []
    for request in requests:
        lines = _lines_of(inputs, request)
        if not lines:
            require_same(new.setdefault(request.name, request), request)
            inputs, more = _replacing(inputs, request)
            told += more
            continue
        for line in lines:
            require_same(listed.setdefault(line.place, request), request)
        locked = {line.place for line in inputs.manifest.locked}
        require_agreement((each for each in lines if each.place not in locked), request, inputs)
        for line in lines:
            complete = _promote if line.place in locked else _complete
            inputs, goal, more = complete(inputs, line, request, options)
            goals += [] if goal is None else [goal]
            told += more
    typed = {place: request.specifier for place, request in listed.items() if options.policy}
    yield from _pin(inputs, new, goals, told, typed, options)


def _lines_of(inputs: Inputs, request: Request) -> tuple[Line, ...]:
    """Return the lines that give what is asked for; none where a new line is to be written.

    A line that a person asked for counts before locked lines. A new line takes the place of locked
    lines that some only of those read who get it, or that one version for all can replace.

    Raises:
        RequirementsError: lines that a person asked for reach some only of those who get it.
    """
    marker = request.requirement.marker
    found = inputs.manifest.find(request.name)
    locked = {line.place for line in inputs.manifest.locked}
    direct = tuple(line for line in found if line.place not in locked)
    if direct and provides(inputs, direct, request):
        found = direct
    elif not found or not provides(inputs, found, request):
        require_free(inputs, direct, request)
        return ()
    alike = tuple(line for line in found if marker is not None and line.marker == marker)
    readers = {*readers_of_new(inputs, marker)}
    read = (line for line in found if not readers.isdisjoint(readers_of(inputs, line)))
    lines = alike or tuple(read) or found
    full = tuple(line for line in lines if not missing_extras(line, request))
    lines = full if full and provides(inputs, full, request) else lines
    is_apart = len(lines) > 1 and not any(line in direct for line in lines)
    return () if is_apart and _can_be_one(inputs, request) else lines


def _can_be_one(inputs: Inputs, request: Request) -> bool:
    """Return whether a version suits all who read the locked lines of a project."""
    inputs, _ = _replacing(inputs, request)
    try:
        settle(inputs, [goal_to_add(inputs, request, prereleases=False)])
    except Unsatisfiable:
        return False
    return True


def _replacing(inputs: Inputs, request: Request) -> tuple[Inputs, list[Draft]]:
    """Return the inputs with one version of a new project, in place of its locked lines.

    Nobody gets a lower version than these have, unless one is asked for.
    """
    name = request.name
    readers = readers_of_new(inputs, request.requirement.marker)
    meant = {*readers}
    lines = [
        line
        for line in inputs.manifest.locked
        if line.name == name and not meant.isdisjoint(readers_of(inputs, line))
    ]
    inputs = inputs.holding(name, readers)
    key = inputs.partition.key(name, readers[0])
    limits = inputs.limits.preferring(key, None)
    for line in lines if not request.specifier else ():
        assert line.pin is not None, "a locked line has a pin"
        reason = f"is older than {line.pin}, which the lock has ({line.place})"
        limits = limits.bounding(
            key, [Bound(specifier=SpecifierSet(f">={line.pin.public}"), reason=reason)]
        )
    via = " and ".join(dict.fromkeys(parent for line in lines for parent in line.via))
    told = f"{name} is a direct requirement now, no longer only via {via}"
    return inputs.within(limits), [hint(told)] if lines else []


def _complete(
    inputs: Inputs, line: Line, request: Request, options: AddOptions
) -> tuple[Inputs, Goal | None, list[Draft]]:
    """Return what a listed line lacks of a request: a pin, an extra, a policy; and the report."""
    extras = missing_extras(line, request)
    is_pinnable = line.pin is None and not why_unmovable(inputs, line)
    if line.pin is None and not is_pinnable:
        return inputs, None, [hint(already_there(line))]
    asked = asked_of(inputs, line, request.specifier, replaces=False)
    inputs = _keeping(inputs, line, request)
    comment = None
    if options.policy:
        comment = comment_with_policy(line, request.specifier, asked)
    told = [*tell_policies([(line, comment)])]
    if is_pinnable:
        inputs = holding_lines(inputs, [line]).bounding(line, policy_bounds(line))
        goal = goal_to_move(
            inputs,
            line,
            typed=request.specifier,
            asked=asked,
            must_exist=True,
            prereleases=options.prereleases,
        )
        return inputs, _with_extras(goal, extras, comment), told
    assert line.pin is not None
    if extras and reads(inputs, line):
        return inputs, _keep(inputs, line, extras, comment), told
    if extras or comment is not None:
        told.append(drafts.move(line, line.pin, comment=comment, extras=extras))
    if not extras:
        told.append(hint(already_there(line)))
    if line.is_held and policy_of(request.specifier):
        told.append(hint(f"the policy of {line.spelled_name} is still hold ({line.place})"))
    return inputs, None, told


def _keeping(inputs: Inputs, line: Line, request: Request) -> Inputs:
    """Return the inputs where a pin that satisfies a request does so wherever it moves."""
    if line.pin is None or not request.specifier:
        return inputs
    reason = f"does not satisfy {request.specifier}, which is asked for"
    bound = Bound(specifier=request.requirement.specifier, reason=reason, is_ours=True)
    return inputs.bounding(line, [bound])


def _keep(inputs: Inputs, line: Line, extras: tuple[str, ...], comment: str | None) -> Goal:
    """Return the goal of a line that keeps its version and gets extras."""
    exact = SpecifierSet(f"=={line.pin}")
    goal = goal_to_move(inputs, line, typed=str(exact), asked=exact, prereleases=True)
    return _with_extras(goal, extras, comment)


def _with_extras(goal: Goal, extras: tuple[str, ...], comment: str | None) -> Goal:
    asked = goal.root.extras | in_each(goal.readers, extras)
    return replace(goal, root=replace(goal.root, extras=asked), extras=extras, comment=comment)


def _promote(
    inputs: Inputs, line: Line, request: Request, options: AddOptions
) -> tuple[Inputs, Goal | None, list[Draft]]:
    """Make a locked line a direct requirement: return its goal, and what to report."""
    assert line.pin is not None
    extras = missing_extras(line, request)
    key = key_of(inputs, line)
    free = inputs.limits.preferring(key, None).with_source(key)
    unbound = inputs.within(free)
    inputs = replace(unbound, manifest=promote(inputs.manifest, line))
    direct = replace(line, comment=change_via(line.comment, ()))
    typed = request.specifier if options.policy else ""
    comment = comment_with_policy(direct, typed, asked_of(inputs, line, typed))
    told = [*tell_policies([(direct, comment)])]
    comment = direct.comment if comment is None else comment
    via = " and ".join(line.via)
    told.append(hint(f"{line.spelled_name} is a direct requirement now, no longer only via {via}"))
    if not reads(inputs, line):
        require_agreement([line], request, inputs)
    elif extras and is_met(line, request):
        return inputs, _keep(inputs, line, extras, comment), told
    if is_met(line, request):
        told.append(drafts.move(line, line.pin, comment=comment, extras=extras))
        return _keeping(inputs, line, request), None, told
    goal = goal_to_move(
        inputs,
        line,
        typed=request.specifier,
        must_exist=True,
        prereleases=options.prereleases,
    )
    return inputs, _with_extras(goal, extras, comment), told


def _pin(
    inputs: Inputs,
    new: Mapping[NormalizedName, Request],
    listed: Sequence[Goal],
    told: Sequence[Draft],
    typed: Mapping[str, str],
    options: AddOptions,
) -> Iterator[Draft]:
    """Pin new projects, and give listed lines their version, their extras and their comment.

    ``told`` is what else becomes of listed lines, and ``typed`` what was asked of them.
    """
    inputs.candidates.expect(new)
    prereleases = options.prereleases
    goals = [goal_to_add(inputs, request, prereleases=prereleases) for request in new.values()]
    if options.now is not None:
        unlisted = (goal for goal in goals if not inputs.manifest.find(project_of(goal.root.name)))
        added = [(goal.name, goal.root.name) for goal in unlisted]
        yield warn(*warn_of_new(inputs, added, options.now))
    wanted = [*goals, *listed]
    moving: tuple[Goal, ...] = ()
    if inputs.resolves and wanted and options.with_upgrades:
        current = roots_without(inputs, wanted)
        inputs.candidates.prefetch([*(goal.root for goal in wanted), *current])
        inputs, moving = find_way(inputs, wanted, current, typed)
        told, moving = _merge(told, moving)
    yield from told
    settlement = settle(inputs, [*wanted, *moving])
    yield from settlement.notices
    for goal in (*moving, *listed):
        yield from move_goal(settlement, goal)
    for request, goal in zip(new.values(), goals, strict=True):
        yield from _write(settlement, request, goal, options)
    yield Draft(costs=tuple(find_costs(settlement, [*wanted, *moving])))
    if inputs.manifest.is_locked:
        origins = [
            origin_of(inputs, goal, options.group)
            for request, goal in zip(new.values(), goals, strict=True)
            if applies(inputs, request.requirement.marker)
        ]
        yield from update_lock(settlement, added=origins)
    elif wanted and inputs.manifest.uses_hashes:
        inputs = settlement.inputs
        yield from tell_unhashed(settlement, [key_for(inputs, goal) for goal in wanted])


def _merge(told: Sequence[Draft], moving: Sequence[Goal]) -> tuple[list[Draft], tuple[Goal, ...]]:
    """Let a line that moves get its new comment with its version, and not be reported as kept."""
    lines = [goal.line for goal in moving if goal.line is not None]
    places, stale = {line.place for line in lines}, {already_there(line) for line in lines}
    comments = {pin.line.place: pin.comment for draft in told for pin in draft.pins}
    left = [
        replace(
            draft,
            pins=tuple(pin for pin in draft.pins if pin.line.place not in places),
            hints=tuple(each for each in draft.hints if each not in stale),
        )
        for draft in told
    ]
    return left, tuple(
        replace(goal, comment=comments.get(goal.line.place, goal.comment))
        for goal in moving
        if goal.line is not None
    )


def _write(
    settlement: Settlement, request: Request, goal: Goal, options: AddOptions
) -> Iterator[Draft]:
    """Write the pin of a goal that is new.

    Raises:
        RequirementsError: another line gives an address, or no version that suits.
    """
    inputs = settlement.inputs
    candidate = candidate_for(settlement, goal)
    if candidate is None:
        raise taken_error(inputs, request, goal.readers)
    bound = policy_of(request.specifier) if options.policy else ""
    key = key_for(inputs, goal)
    hashes = digests(inputs, key, candidate.version)
    yield from warn_of(inputs, goal.name, key, candidate, asked=goal.asked)
    yield from tell_held_goal(settlement, goal, candidate.version)
    written = Addition(
        requirement=request.requirement,
        digests=hashes,
        comment=f"pipflow: {bound}" if bound else "",
        group=options.group,
        sort=options.sort,
    )
    yield drafts.add(inputs.manifest.main, candidate.version, written)
    if bound:
        yield tell_new_policies([(goal.name, bound)])
