"""``pin``: give every line that is not pinned its pin, of what the built image has if it suits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from ..errors import VersionConflict
from ..resolution import Preference
from ..resolution.finder import Candidate
from .bounds import policy_bounds
from .draft import Draft, hint, leave
from .goals import choose, goal_to_move, why_left_alone
from .inputs import holding_lines, key_of, readers_of, releases
from .lock import update_lock
from .moving import move_goal, version_for, write_goal
from .policies import asked_of, comment_with_policy, tell_policies
from .requests import names_in, require_there
from .settling import settle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import TypeAlias

    from packaging.utils import NormalizedName

    from ..engine import Installed
    from ..environments.environment import Environment
    from ..requirements import Line, Request
    from .goals import Goal
    from .inputs import Inputs
    from .settlement import Settlement

    Versions: TypeAlias = Mapping[NormalizedName, Version]


def draft_pin(
    inputs: Inputs,
    requests: Sequence[Request],
    ask: Callable[[Environment], Installed],
    *,
    prereleases: bool,
    policy: bool,
) -> Iterator[Draft]:
    """Pin the lines that are not pinned, or those of the named projects.

    ``ask`` is called where there are such lines, and says what the built image of an environment
    has. For the options, see ``Project.plan_pin``.

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
        for line in (line for line in lines if line.pin is not None):
            told = f"{line.spelled_name} is pinned already, at {line.pin} ({line.place})"
            yield hint(f"{told}; `upgrade {line.spelled_name}` moves it")
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
    images = {environment.name: ask(environment) for environment in inputs.environments}
    for note in dict.fromkeys(image.note for image in images.values() if image.note):
        yield hint(f"{note}, so each pin is the newest version that is allowed")
    installed = [images[reader.environment.name].versions for reader in inputs.readers]
    yield from _pin(inputs, loose, installed, prereleases=prereleases, policy=policy)


def _pin(
    inputs: Inputs,
    loose: Sequence[Line],
    installed: Sequence[Versions],
    *,
    prereleases: bool,
    policy: bool,
) -> Iterator[Draft]:
    """Pin lines; ``installed`` are the versions that the image of each reader has."""
    inputs = _preferring(holding_lines(inputs, loose), installed)
    inputs.candidates.expect(line.name for line in loose if line.name)
    for line in loose:
        inputs = inputs.bounding(line, policy_bounds(line))
    found = [_goal_of(inputs, line, installed, prereleases=prereleases) for line in loose]
    if policy:
        found = [(_with_policy(goal), version) for goal, version in found]
    goals = [goal for goal, _ in found]
    kept = {goal.root.place: version for goal, version in found if version is not None}
    for goal in goals:
        if version := kept.get(goal.root.place):
            preference = Preference(version=version)
            inputs = inputs.within(inputs.limits.preferring(goal.root.name, preference))
    settlement = settle(inputs, goals)
    _require_no_conflict(settlement, goals)
    yield from settlement.notices
    for goal in goals:
        assert goal.line is not None
        version = version_for(settlement, goal)
        if version is None:
            yield leave(goal.line, "no version of it suits")
        elif version == kept.get(goal.root.place):
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


def _version_in(
    inputs: Inputs, line: Line, asked: SpecifierSet, installed: Sequence[Versions]
) -> Version | None:
    """Return a version that an image has of those who read a line, and that suits all of them.

    Images may have it with local labels of their own.
    """
    assert line.name is not None
    there = inputs.candidates.releases(key_of(inputs, line))
    found = [installed[number].get(line.name) for number in readers_of(inputs, line)]
    versions = dict.fromkeys(version for version in found if version is not None)
    publics = (Version(version.public) for version in versions)
    for version in dict.fromkeys((*versions, *publics)):
        bits = there.pinned(version) & there.allowed(asked)
        if any(isinstance(there.suit(each), Candidate) for each in there.among(bits)):
            return version
    return None


def _preferring(inputs: Inputs, installed: Sequence[Versions]) -> Inputs:
    """Return inputs that keep what the images have, where nothing else is kept.

    What they have of transitive dependencies counts, too: its versions suit one another.
    """
    limits = inputs.limits
    for number, versions in enumerate(installed):
        for name, version in versions.items():
            key = inputs.partition.key(name, number)
            if key not in limits.preferences:
                limits = limits.preferring(key, Preference(version=version))
    return inputs.within(limits)


def _with_policy(goal: Goal) -> Goal:
    assert goal.line is not None
    return replace(goal, comment=comment_with_policy(goal.line, "", goal.asked))


def _goal_of(
    inputs: Inputs, line: Line, installed: Sequence[Versions], *, prereleases: bool
) -> tuple[Goal, Version | None]:
    """Return the goal of a line, and the version that an image has, if that suits.

    Without resolving, the choice of the goal is that version.

    Raises:
        ProjectNotFound: the index does not have it.
        NoCandidate: no version suits.
    """
    assert line.name is not None
    key = key_of(inputs, line)
    others = f"name the others (`pin NAMES`) to leave {line.name} as it is"
    releases(inputs, key, hint=others)
    asked = asked_of(inputs, line)
    version = _version_in(inputs, line, asked, installed)
    is_kept = version is not None
    goal = goal_to_move(inputs, line, must_exist=not is_kept, prereleases=prereleases, asked=asked)
    if is_kept and not inputs.resolves:
        exact = choose(inputs, key, asked & SpecifierSet(f"=={version}"), prereleases=True)
        goal = goal if exact.candidate is None else replace(goal, choice=exact)
    return goal, version
