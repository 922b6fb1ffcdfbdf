"""``add``: pin projects that the files do not have yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ..manifest.documents import promote
from ..requirements import bounds_pin, change_via
from . import draft as drafts
from .choosing import digests, prefetch
from .draft import Draft, hint, join, warn
from .goals import goal_to_add, goal_to_move
from .inputs import reads
from .locking import Origin, update_lock
from .moving import candidate_for, move_goal, roots_without, settle_goals, tell_held_goal
from .requests import (
    already_there,
    is_met,
    is_read,
    require_agreement,
    require_extras,
    require_same,
)
from .unblocking import find_way

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from packaging.utils import NormalizedName

    from ..requirements import Line, Request, Sort
    from ..resolution import Root
    from .goals import Goal
    from .inputs import Inputs
    from .settling import Settlement


class AddOptions(Struct, frozen=True, kw_only=True):
    """The options of ``add``.

    Attributes:
        group: the heading of the block to write into.
        sort: how that block is sorted.
        prereleases: take pre-releases too.
        policy: write a specifier that bounds a pin behind it, as its policy.
        with_upgrades: move the pins that conflict as well.
    """

    group: str | None = None
    sort: Sort = "block"
    prereleases: bool = False
    policy: bool = True
    with_upgrades: bool = False


class _Sorted(Struct, frozen=True, kw_only=True):
    """The requests, sorted by what they mean for the files.

    Attributes:
        inputs: with the requested locked lines promoted.
        new: what the files do not have.
        promoted: goals for locked lines that have another version, each with the comment that
            its line gets.
        told: what to report of the rest.
    """

    inputs: Inputs
    new: Mapping[NormalizedName, Request]
    promoted: tuple[tuple[Goal, str], ...]
    told: Draft


def draft_add(inputs: Inputs, requests: Sequence[Request], options: AddOptions) -> Draft:
    """Pin what is new; report what is already listed.

    Raises:
        RequirementsError: a request contradicts the files.
        NoCandidate: no version of a project suits.
        VersionConflict: no versions satisfy all.
    """
    asked = _sort(inputs, requests, options)
    inputs = asked.inputs
    prefetch(inputs, asked.new)
    goals = [
        goal_to_add(inputs, request, prereleases=options.prereleases)
        for request in asked.new.values()
    ]
    wanted = [*goals, *(goal for goal, _ in asked.promoted)]
    current = roots_without(inputs, wanted)
    moving: tuple[Goal, ...] = ()
    if inputs.resolves and wanted and options.with_upgrades:
        inputs, moving, current = _free(inputs, wanted, current)
    settlement = settle_goals(inputs, [*wanted, *moving], current)
    if settlement is not None:
        inputs = settlement.inputs
    parts = [asked.told, settlement.notices if settlement is not None else Draft()]
    parts += [move_goal(inputs, goal, settlement) for goal in moving]
    parts += [
        move_goal(inputs, goal, settlement, comment=comment) for goal, comment in asked.promoted
    ]
    for request, goal in zip(asked.new.values(), goals, strict=True):
        parts.append(_write(inputs, request, goal, settlement, options))
    parts.append(_follow_up(inputs, asked.new, goals, settlement, options))
    return join(parts)


def _sort(inputs: Inputs, requests: Sequence[Request], options: AddOptions) -> _Sorted:
    new: dict[NormalizedName, Request] = {}
    promoted: list[tuple[Goal, str]] = []
    told: list[Draft] = []
    locked = {line.place for line in inputs.manifest.locked}
    for request in requests:
        lines = inputs.manifest.find(request.name)
        if lines and is_read(lines, request, inputs.target):
            lines = tuple(line for line in lines if reads(inputs, line)) or lines
            require_extras(lines, request)
            if any(line.place not in locked for line in lines):
                require_agreement(lines, request, inputs)
                told.append(hint(already_there(lines[0])))
                continue
            inputs, comment, tale = _promote(inputs, lines[0], request, policy=options.policy)
            told.append(tale)
            if not is_met(lines[0], request):
                goal = goal_to_move(
                    inputs, lines[0], request=request, prereleases=options.prereleases
                )
                promoted.append((goal, comment))
        elif request.name in new:
            require_same(new[request.name], request)
        else:
            new[request.name] = request
    return _Sorted(inputs=inputs, new=new, promoted=tuple(promoted), told=join(told))


def _promote(
    inputs: Inputs, line: Line, request: Request, *, policy: bool
) -> tuple[Inputs, str, Draft]:
    """Make a locked line a direct requirement; it keeps its policy.

    Returns:
        the new inputs, the comment that the line gets, and what to report.
    """
    assert line.name is not None
    assert line.pin is not None
    inputs = replace(
        inputs.within(inputs.limits.preferring(line.name, None)),
        manifest=promote(inputs.manifest, line),
    )
    comment = change_via(line.comment, ())
    bound = _bound_of(request) if policy else ""
    parts: list[Draft] = []
    if bound and line.policy is None:
        comment = f"# pipflow: {bound}  {comment}".rstrip()
        parts.append(_tell_policy(line.spelled_name, bound))
    told = " and ".join(line.via)
    parts.append(
        hint(f"{line.spelled_name} is a direct requirement now, no longer only via {told}")
    )
    if is_met(line, request):
        parts.append(drafts.move(line, line.pin, comment=comment))
    return inputs, comment, join(parts)


def _free(
    inputs: Inputs, wanted: Sequence[Goal], current: list[Root]
) -> tuple[Inputs, tuple[Goal, ...], list[Root]]:
    """Return goals for the conflicting pins, and the roots that are left."""
    inputs.candidates.prefetch([*(goal.root for goal in wanted), *current])
    way = find_way(inputs, wanted, current)
    if way is None:
        return inputs, (), current
    freed = {goal.root.place for goal in way.goals}
    return way.inputs, way.goals, [root for root in current if root.place not in freed]


def _write(
    inputs: Inputs,
    request: Request,
    goal: Goal,
    settlement: Settlement | None,
    options: AddOptions,
) -> Draft:
    """Write the pin of a goal that is new."""
    candidate = candidate_for(goal, settlement)
    assert candidate is not None, "an address is no goal of add"
    bound = _bound_of(request) if options.policy else ""
    version = candidate.version
    hashes = digests(inputs, goal.name, version) if inputs.manifest.uses_hashes else ()
    written = drafts.add(
        request.requirement,
        version,
        path=inputs.manifest.main,
        digests=hashes,
        comment=f"pipflow: {bound}" if bound else "",
        group=options.group,
        sort=options.sort,
    )
    return join(
        [
            drafts.warn_of(goal.name, candidate, inputs.target),
            tell_held_goal(inputs, goal, version, settlement),
            written,
            _tell_policy(goal.name, bound) if bound else Draft(),
        ]
    )


def _follow_up(
    inputs: Inputs,
    new: Mapping[NormalizedName, Request],
    goals: Sequence[Goal],
    settlement: Settlement | None,
    options: AddOptions,
) -> Draft:
    """Update the lock; where the files are not locked, report which hashes pip will want."""
    if inputs.manifest.is_locked:
        origins = [
            Origin(name=goal.root.name, path=inputs.manifest.main, group=options.group)
            for goal, request in zip(goals, new.values(), strict=True)
            if request.requirement.marker is None
            or inputs.target.applies(request.requirement.marker)
        ]
        return update_lock(inputs, settlement, origins=origins)
    if goals and inputs.manifest.uses_hashes:
        return _name_unhashed(inputs, [goal.root.name for goal in goals], settlement)
    return Draft()


def _name_unhashed(
    inputs: Inputs, names: Sequence[NormalizedName], settlement: Settlement | None
) -> Draft:
    """Report the dependencies that the files do not pin with a hash."""
    if inputs.rules.without_dependencies:
        return Draft()
    if settlement is None:
        return warn("pip will want a hash for every dependency, too")
    there = {line.name for line in inputs.manifest.lines}
    reached = list(names)
    for name in reached:  # it grows on the way
        pick = settlement.solution.picks.get(name)
        dependencies = inputs.candidates.dependencies(pick) if pick is not None else ()
        reached.extend(each.name for each in dependencies if each.name not in reached)
    missing = sorted(name for name in reached if name not in there and name not in names)
    if not missing:
        return Draft()
    return warn(
        "the file pins hashes, so pip will want one for every dependency; "
        f"missing: {', '.join(missing)}"
    )


def _bound_of(request: Request) -> str:
    """Return the specifier as typed, if it limits where a pin may move; else nothing."""
    return request.specifier if bounds_pin(request.requirement.specifier) else ""


def _tell_policy(name: str, bound: str) -> Draft:
    return hint(f"{bound} becomes the policy of {name}; --no-policy leaves it out")
