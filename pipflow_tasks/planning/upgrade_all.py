"""``upgrade-all`` and ``outdated``: move every pin to the newest compatible set, or report it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from ..errors import VersionConflict
from ..requirements import Kind
from .bounds import only_version, policy_bounds, within_level
from .choosing import prefetch, prefetch_newest, releases
from .draft import Draft, hint, join, leave, warn
from .goals import goal_to_move, why_unmovable
from .locking import tell_held_locked, update_lock
from .moving import move_goal, roots_without, settle_goals
from .requests import require_names, require_there
from .settling import settle_current

if TYPE_CHECKING:
    from packaging.utils import NormalizedName

    from ..requirements import Line, Request
    from .bounds import Level
    from .goals import Goal
    from .inputs import Inputs


class UpgradeOptions(Struct, frozen=True, kw_only=True):
    """The options of ``upgrade-all`` and ``outdated``.

    Attributes:
        only: the names to consider; all, where there are none.
        skip: names to leave alone.
        level: the first number of a version that may change.
        prereleases: take pre-releases too.
    """

    only: tuple[Request, ...] = ()
    skip: tuple[Request, ...] = ()
    level: Level = "major"
    prereleases: bool = False


def draft_upgrade_all(inputs: Inputs, options: UpgradeOptions) -> Draft:
    """Move every pin to the newest compatible set; none moves down.

    Raises:
        RequirementsError: an option names a project that the files do not have.
        ProjectNotFound: the index does not have a project of the files.
    """
    only = _names(options.only, "--only")
    skip = _names(options.skip, "--skip")
    for name in only | skip:
        require_there(inputs.manifest, name)
    locked = {line.place for line in inputs.manifest.locked}
    pins, told = _consider(inputs, only, skip)
    inputs = _bound(inputs, pins, skip, options.level)
    prefetch(inputs, (line.name for line in pins if line.name))
    pins = [line for line in pins if line.place not in locked]
    if inputs.resolves:
        prefetch_newest(inputs, pins)
    goals: list[Goal] = []
    for line in pins:
        releases(inputs, line.name or "", hint=f"leave it out with --skip {line.name}")
        goals.append(goal_to_move(inputs, line, prereleases=options.prereleases))
    settlement = settle_goals(inputs, goals, roots_without(inputs, goals), is_improving=True)
    parts = [told]
    if settlement is not None:
        inputs = settlement.inputs
        parts.append(settlement.notices)
    parts += [move_goal(inputs, goal, settlement) for goal in goals]
    parts.append(update_lock(inputs, settlement))
    if settlement is not None:
        parts.append(tell_held_locked(settlement, only))
    return join(parts)


def draft_outdated(inputs: Inputs, options: UpgradeOptions) -> Draft:
    """Report what ``upgrade-all`` would move, and whether the pinned requirements conflict."""
    conflict = Draft()
    if inputs.resolves:
        try:
            settlement = settle_current(inputs)
            inputs, conflict = settlement.inputs, settlement.notices
        except VersionConflict as error:
            conflict = warn(f"{error.message}: {'; '.join(error.reasons)}")
    policies = (
        f"policy    {line.spelled_name} {line.policy.text} ({line.place})"
        for line in inputs.manifest.lines
        if line.requirement is not None and line.policy is not None
    )
    return join([conflict, draft_upgrade_all(inputs, options), hint(*policies)])


def _names(requests: tuple[Request, ...], option: str) -> frozenset[NormalizedName]:
    require_names(requests, option)
    return frozenset(request.name for request in requests)


def _consider(
    inputs: Inputs, only: frozenset[NormalizedName], skip: frozenset[NormalizedName]
) -> tuple[list[Line], Draft]:
    """Return the pins that may move, and a report of the other lines."""
    pins: list[Line] = []
    left: list[Draft] = []
    for line in inputs.manifest.lines:
        if only and line.name not in only:
            continue
        reason = "skipped" if line.name in skip else _why_left_alone(inputs, line)
        if reason:
            left.append(leave(line, reason))
        elif line.pin is not None:
            pins.append(line)
    return pins, join(left)


def _bound(
    inputs: Inputs, pins: list[Line], skip: frozenset[NormalizedName], level: Level
) -> Inputs:
    """Keep out what skipped locked lines, policies and the level do not allow."""
    locked = {line.place for line in inputs.manifest.locked}
    for line in inputs.manifest.locked:
        if line.name in skip:
            inputs = inputs.bounding(line, [only_version(line, "is skipped")])
    for line in pins:
        assert line.pin is not None
        inputs = inputs.bounding(line, (*policy_bounds(line), *within_level(line.pin, level)))
        if line.place in locked and line.name is not None:
            inputs = inputs.within(inputs.limits.rising(line.name))
    return inputs


def _why_left_alone(inputs: Inputs, line: Line) -> str:
    """Return why a line is left alone; nothing for a pin, or a line without requirement."""
    if line.kind is Kind.UNREADABLE:
        return f"not a valid line: {line.problem}"
    manifest = inputs.manifest
    if line.option_values("--requirement"):
        if line in manifest.unread:
            return "an address that only the image can reach"
        if line.place in {address.place for address in manifest.addresses}:
            return "files at an address are not edited"
    if line.kind in {Kind.BLANK, Kind.COMMENT, Kind.OPTION}:
        return ""
    return why_unmovable(inputs, line) or ("" if line.pin is not None else "not pinned")
