"""``add``: pin projects that the files do not have yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ..manifest.documents import promote
from ..requirements import Addition, bounds_pin, change_via
from . import draft as drafts
from .draft import Draft, hint, warn
from .goals import goal_to_add, goal_to_move, roots_without
from .inputs import reads
from .lock import Origin, update_lock
from .moving import candidate_for, digests, move_goal, tell_held_goal
from .requests import (
    already_there,
    is_met,
    is_read,
    require_agreement,
    require_extras,
    require_same,
)
from .settling import settle
from .unblocking import find_way

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from packaging.utils import NormalizedName

    from ..requirements import Line, Request, Sort
    from .goals import Goal
    from .inputs import Inputs
    from .settling import Settlement


class AddOptions(Struct, frozen=True, kw_only=True):
    """The options of ``add``; see ``Project.plan_add``.

    ``group`` is the heading of the block to write into, ``sort`` says how that block is sorted.
    """

    group: str | None = None
    sort: Sort = "block"
    prereleases: bool = False
    policy: bool = True
    with_upgrades: bool = False


def draft_add(inputs: Inputs, requests: Sequence[Request], options: AddOptions) -> Iterator[Draft]:
    """Pin what is new; report what is already listed.

    Raises:
        RequirementsError: a request contradicts the files.
        NoCandidate: no version of a project suits.
        VersionConflict: no versions satisfy all.
    """
    new: dict[NormalizedName, Request] = {}
    promoted: list[tuple[Goal, str]] = []
    locked = {line.place for line in inputs.manifest.locked}
    for request in requests:
        lines = inputs.manifest.find(request.name)
        if not lines or not is_read(lines, request, inputs.target):
            require_same(new.setdefault(request.name, request), request)
            continue
        lines = tuple(line for line in lines if reads(inputs, line)) or lines
        line = lines[0]
        require_extras(lines, request)
        if any(each.place not in locked for each in lines):
            require_agreement(lines, request, inputs)
            yield hint(already_there(line))
            continue
        free = inputs.limits.preferring(request.name, None).taking_source(request.name)
        unbound = inputs.within(free)
        inputs = replace(unbound, manifest=promote(inputs.manifest, line))
        comment, told = _describe(line, request, _bound_of(request, options))
        yield from told
        if not is_met(line, request):
            goal = goal_to_move(inputs, line, request=request, prereleases=options.prereleases)
            promoted.append((goal, comment))
    yield from _pin(inputs, new, promoted, options)


def _describe(line: Line, request: Request, bound: str) -> tuple[str, list[Draft]]:
    """Return the comment of a line that is promoted, and what to report; it keeps its policy."""
    assert line.pin is not None
    comment = change_via(line.comment, ())
    told: list[Draft] = []
    if bound and line.policy is None:
        comment = f"# pipflow: {bound}  {comment}".rstrip()
        told.append(_tell_policy(line.spelled_name, bound))
    via = " and ".join(line.via)
    told.append(hint(f"{line.spelled_name} is a direct requirement now, no longer only via {via}"))
    if is_met(line, request):
        told.append(drafts.move(line, line.pin, comment=comment))
    return comment, told


def _pin(
    inputs: Inputs,
    new: Mapping[NormalizedName, Request],
    promoted: Sequence[tuple[Goal, str]],
    options: AddOptions,
) -> Iterator[Draft]:
    """Pin new projects, and locked lines that get another version and the comment beside them."""
    inputs.candidates.catalog.prefetch(new)
    prereleases = options.prereleases
    goals = [goal_to_add(inputs, request, prereleases=prereleases) for request in new.values()]
    wanted = [*goals, *(goal for goal, _ in promoted)]
    moving: tuple[Goal, ...] = ()
    if inputs.resolves and wanted and options.with_upgrades:
        current = roots_without(inputs, wanted)
        inputs.candidates.prefetch([*(goal.root for goal in wanted), *current])
        inputs, moving = find_way(inputs, wanted, current)
    settlement = settle(inputs, [*wanted, *moving])
    yield from settlement.notices
    for goal in moving:
        yield from move_goal(settlement, goal)
    for goal, comment in promoted:
        yield from move_goal(settlement, goal, comment=comment)
    for request, goal in zip(new.values(), goals, strict=True):
        yield from _write(settlement, request, goal, options)
    if inputs.manifest.is_locked:
        yield from _lock(settlement, new, options)
    elif goals and inputs.manifest.uses_hashes:
        yield from _name_unhashed(settlement, new)


def _write(
    settlement: Settlement, request: Request, goal: Goal, options: AddOptions
) -> Iterator[Draft]:
    """Write the pin of a goal that is new."""
    inputs = settlement.inputs
    candidate = candidate_for(settlement, goal)
    assert candidate is not None, "an address is no goal of add"
    bound = _bound_of(request, options)
    hashes = digests(inputs, goal.name, candidate.version)
    yield from drafts.warn_of(goal.name, candidate, inputs.target)
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
        yield _tell_policy(goal.name, bound)


def _lock(
    settlement: Settlement, new: Mapping[NormalizedName, Request], options: AddOptions
) -> Iterator[Draft]:
    inputs = settlement.inputs
    markers = {name: request.requirement.marker for name, request in new.items()}
    added = [
        Origin(name=name, path=inputs.manifest.main, group=options.group)
        for name, marker in markers.items()
        if marker is None or inputs.target.applies(marker)
    ]
    yield from update_lock(settlement, added=added)


def _name_unhashed(settlement: Settlement, names: Collection[NormalizedName]) -> Iterator[Draft]:
    """Report the dependencies that the files do not pin with a hash."""
    inputs = settlement.inputs
    if inputs.rules.without_dependencies:
        return
    if not inputs.resolves:
        yield warn("pip will want a hash for every dependency, too")
        return
    there = {line.name for line in inputs.manifest.lines}
    reached = list(names)
    for name in reached:  # it grows on the way
        pick = settlement.solution.picks.get(name)
        dependencies = inputs.candidates.dependencies(pick) if pick is not None else ()
        reached.extend(each.name for each in dependencies if each.name not in reached)
    if missing := sorted(name for name in reached if name not in there and name not in names):
        yield warn(
            "the file pins hashes, so pip will want one for every dependency; "
            f"missing: {', '.join(missing)}"
        )


def _bound_of(request: Request, options: AddOptions) -> str:
    """Return the specifier as typed, if it becomes the policy of its pin; else nothing."""
    bounds = options.policy and bounds_pin(request.requirement.specifier)
    return request.specifier if bounds else ""


def _tell_policy(name: str, bound: str) -> Draft:
    return hint(f"{bound} becomes the policy of {name}; --no-policy leaves it out")
