"""``pin``: give every line that is not pinned its pin, of what the built image has if it suits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace
from packaging.specifiers import SpecifierSet

from ..errors import VersionConflict
from ..resolution import Preference
from .draft import Draft, hint, leave
from .goals import choose, goal_to_move, why_left_alone
from .inputs import policy_bounds, releases
from .lock import update_lock
from .moving import move_goal, version_for, write_goal
from .policies import asked_of, comment_with_policy, tell_policies
from .requests import names_in, require_there
from .settling import settle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from packaging.utils import NormalizedName

    from ..engine import Installed
    from ..requirements import Line, Request
    from .goals import Goal
    from .inputs import Inputs
    from .settling import Settlement


class PinOptions(Struct, frozen=True, kw_only=True):
    """The options of ``pin``; see ``Project.plan_pin``."""

    prereleases: bool = False
    policy: bool = True


def draft_pin(
    inputs: Inputs, requests: Sequence[Request], options: PinOptions, ask: Callable[[], Installed]
) -> Iterator[Draft]:
    """Pin the lines that are not pinned, or those of the named projects.

    ``ask`` is called where there are such lines, and says what the built image has.

    Raises:
        RequirementsError: the files do not have a project that is named.
        NoCandidate: no version of a project suits.
        VersionConflict: no versions satisfy all.
    """
    names = names_in(requests, "pin")
    for name in names:
        require_there(inputs.manifest, name)
    lines = [line for line in inputs.manifest.lines if not names or line.name in names]
    if names:
        yield from (hint(_tell_pinned(line)) for line in lines if line.pin is not None)
    loose: list[Line] = []
    for line in lines:
        if line.pin is not None:
            continue
        if reason := why_left_alone(inputs, line):
            yield leave(line, reason)
        elif line.requirement is not None:
            loose.append(line)
    if not loose:
        if not names:
            yield hint("every requirement that can be pinned is pinned")
        return
    image = ask()
    if image.note:
        yield hint(f"{image.note}, so each pin is the newest version that is allowed")
    yield from _pin(inputs, loose, options, image)


def _tell_pinned(line: Line) -> str:
    name = line.spelled_name
    return f"{name} is pinned already, at {line.pin} ({line.place}); `upgrade {name}` moves it"


def _pin(
    inputs: Inputs, loose: Sequence[Line], options: PinOptions, image: Installed
) -> Iterator[Draft]:
    inputs = _preferring(inputs, image)
    inputs.candidates.catalog.prefetch(line.name for line in loose if line.name)
    for line in loose:
        inputs = inputs.bounding(line, policy_bounds(line))
    goals = [_goal_of(inputs, line, options, image) for line in loose]
    settlement = settle(inputs, goals)
    _require_no_conflict(settlement, goals)
    yield from settlement.notices
    for goal in goals:
        assert goal.line is not None
        version = version_for(settlement, goal)
        if version is not None and version == image.versions.get(goal.root.name):
            yield Draft(from_image=(goal.line.place,))
            yield from write_goal(settlement, goal)
        else:
            yield from move_goal(settlement, goal)
    yield from update_lock(settlement)
    yield from tell_policies((goal.line, goal.comment) for goal in goals if goal.line)


def _require_no_conflict(settlement: Settlement, goals: Sequence[Goal]) -> None:
    """Raise VersionConflict where a goal takes part in a conflict that the search went around."""
    names = {goal.root.name for goal in goals}
    broken = {pair for pair in settlement.waived if not names.isdisjoint(pair)}
    if not broken:
        return
    conflict = settlement.again(settlement.roots, settlement.waived - broken).conflict
    if conflict is not None:
        raise VersionConflict(
            conflict,
            asked=[goal.root for goal in goals],
            projects=tuple(goal.name for goal in goals if goal.root.name in conflict.names),
            hint="change one of these lines, or pin the others: `pin NAMES`",
        )


def _preferring(inputs: Inputs, image: Installed) -> Inputs:
    """Return inputs that keep what the image has, where nothing else is kept.

    What it has of transitive dependencies counts, too: its versions suit one another.
    """
    limits = inputs.limits
    for name, version in image.versions.items():
        if name not in limits.preferences:
            limits = limits.preferring(name, Preference(version=version))
    return inputs.within(limits)


def _goal_of(inputs: Inputs, line: Line, options: PinOptions, image: Installed) -> Goal:
    """Return the goal of a line; without resolving, its choice is what the image has if it suits.

    Raises:
        ProjectNotFound: the index does not have it.
        NoCandidate: no version suits.
    """
    name: NormalizedName | None = line.name
    assert name is not None
    others = f"name the others (`pin NAMES`) to leave {name} as it is"
    there = releases(inputs, name, hint=others)
    asked = asked_of(inputs, line)
    version = image.versions.get(name)
    is_kept = version is not None and bool(there.pinned(version) & there.allowed(asked))
    goal = goal_to_move(
        inputs, line, must_exist=not is_kept, prereleases=options.prereleases, asked=asked
    )
    if is_kept and not inputs.resolves:
        exact = choose(inputs, name, asked & SpecifierSet(f"=={version}"), prereleases=True)
        goal = goal if exact.candidate is None else replace(goal, choice=exact)
    return replace(goal, comment=comment_with_policy(line, "", asked) if options.policy else None)
