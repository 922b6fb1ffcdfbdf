"""``upgrade``: move the pins of named projects; a specifier may also move one down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import RequirementsError
from .bounds import is_held, policy_bounds
from .choosing import prefetch
from .draft import Draft, join, leave
from .goals import goal_to_move, why_unmovable
from .locking import update_lock
from .moving import move_goal, roots_without, settle_goals
from .requests import require_there

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..requirements import Line, Request
    from .goals import Goal
    from .inputs import Inputs


def draft_upgrade(inputs: Inputs, requests: Sequence[Request], *, prereleases: bool) -> Draft:
    """Move the pins of named projects, or give them one.

    Raises:
        RequirementsError: the files do not have a project, or its policy is to hold.
        NoCandidate: no version of a project suits.
        VersionConflict: no versions satisfy all.
    """
    moves: list[tuple[Request, Line]] = []
    told: list[Draft] = []
    for request in requests:
        lines, left = _movable(inputs, request)
        moves += [(request, line) for line in lines]
        told.append(left)
    prefetch(inputs, (request.name for request, _ in moves))
    goals: list[Goal] = []
    for request, line in moves:
        inputs = inputs.within(inputs.limits.rising(request.name))
        inputs = inputs.bounding(line, policy_bounds(line))
        goals.append(goal_to_move(inputs, line, request=request, prereleases=prereleases))
    settlement = settle_goals(inputs, goals, roots_without(inputs, goals))
    if settlement is not None:
        inputs = settlement.inputs
        told.append(settlement.notices)
    moved = [move_goal(inputs, goal, settlement) for goal in goals]
    return join([*told, *moved, update_lock(inputs, settlement)])


def _movable(inputs: Inputs, request: Request) -> tuple[list[Line], Draft]:
    """Return the lines of a project that can be pinned, and a report of the others.

    Raises:
        RequirementsError: there is none, or its policy is to hold.
    """
    if request.requirement.extras or request.requirement.marker:
        raise RequirementsError(
            f'"{request.requirement}" asks for more than a version',
            hint="upgrade moves versions; extras and markers are changed in the file",
        )
    refused: list[tuple[Line, str]] = []
    movable: list[Line] = []
    for line in require_there(inputs.manifest, request.name):
        reason = why_unmovable(inputs, line)
        if reason:
            refused.append((line, reason))
            continue
        if is_held(line):
            raise RequirementsError(
                f"{line.spelled_name} is held by its policy",
                path=line.path,
                line=line.number,
                hint="take `# pipflow: hold` out of the line to move it",
            )
        movable.append(line)
    if not movable:
        line, reason = refused[0]
        raise RequirementsError(
            f"{line.spelled_name} can't be moved: it is {reason}",
            path=line.path,
            line=line.number,
            hint="change the line by hand",
        )
    return movable, join(leave(line, reason) for line, reason in refused)
