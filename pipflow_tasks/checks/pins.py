"""Checks that ask the index: pins that can't be installed, conflicts, the lock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace
from packaging.specifiers import SpecifierSet

from ..errors import ProjectNotFound, RequirementsError
from ..plan import Finding
from ..planning.choosing import releases
from ..planning.goals import find_move
from ..planning.inputs import allowed_by_policy, as_given, is_held, root_of, roots_of
from ..planning.lock import find_transitive, find_unknown
from ..planning.settling import solve_current
from ..planning.unblocking import fix_conflict
from ..requirements import as_one_word
from ..resolution import Solution, solve
from ..resolution.finder import Rejection
from . import finding_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from packaging.utils import NormalizedName

    from ..manifest.documents import Manifest
    from ..planning.inputs import Inputs
    from ..planning.lock import Transitive
    from ..planning.settling import Settlement
    from ..requirements import Line
    from ..resolution import Conflict
    from ..resolution.finder import Releases


def check_pins(inputs: Inputs) -> Iterator[Finding]:
    """Find pins that the image can't install, or should not."""
    lines = [
        line
        for line in inputs.manifest.lines
        if (root := root_of(inputs, line)) and not root.is_opaque
    ]
    inputs.candidates.catalog.prefetch(line.name for line in lines if line.name)
    for line in lines:
        assert line.name is not None
        try:
            found = releases(inputs, line.name)
        except ProjectNotFound as error:
            yield finding_at(line, "error", error.message, error.hint)
            continue
        if line.pin is not None:
            yield from _check_pin(line, found, inputs)


def _check_pin(line: Line, there: Releases, inputs: Inputs) -> Iterator[Finding]:
    assert line.pin is not None
    assert line.name is not None
    pin = SpecifierSet(f"=={line.pin}")  # without a local label, it takes any
    version = next(there.among(there.allowed(pin)), None)
    shown = f"{line.spelled_name} {line.pin}"
    if version is None:
        yield finding_at(line, "error", f"the index has no {shown}", _fix_pin(line, inputs))
        return
    found = there.examine(version, pin, inputs.limits.constraints.get(line.name, ()))
    if isinstance(found, Rejection):
        yield finding_at(line, "error", f"{shown} {found.reason}", _fix_pin(line, inputs))
        return
    if found.yanked is not None:
        why = f": {found.yanked}" if found.yanked else ""
        yield finding_at(line, "warning", f"{shown} was yanked{why}", _fix_pin(line, inputs))
    if found.from_source:
        message = f"{shown} {found.from_source}: the image builds it from source"
        yield finding_at(line, "warning", message, _fix_pin(line, inputs, by_wheel=True))


def _fix_pin(line: Line, inputs: Inputs, *, by_wheel: bool = False) -> str:
    """Return which command moves a pin that should not stay, or what holds it.

    Args:
        line: the pin.
        inputs: what the index has, within limits.
        by_wheel: only a newer version with a wheel is better.
    """
    assert line.pin is not None
    root = root_of(inputs, line)
    try:
        must_stay = root is None or is_held(line)
    except RequirementsError:  # a finding of its own
        return "correct its policy"
    if root is None or must_stay:
        return "take `# pipflow: hold` out of the line, so that it may move"
    move = find_move(inputs, line)
    if by_wheel and (move is None or move[1].from_source or move[1].version <= line.pin):
        return ""
    if move is None:
        return "no version suits" if line.policy is None else "no version suits its policy"
    allowed = allowed_by_policy(line) & SpecifierSet(f"!={line.pin}")
    other = replace(root, specifier=allowed)
    others = [as_given(inputs, each) for each in roots_of(inputs) if each.place != line.place]
    found = solve(inputs.candidates, [other, *others])
    pick = found.picks.get(root.name) if isinstance(found, Solution) else None
    best = None if pick is None else pick.version
    if by_wheel and pick is not None and pick.candidate and pick.candidate.from_source:
        return ""
    if best is None:
        more = "; `upgrade-all` may move them" if move[1].version > line.pin else ""
        return f"the other requirements keep it from {move[1].version}{more}"
    if best > line.pin:
        return f"`upgrade {line.spelled_name}` moves it to {best}"
    return (
        ""
        if by_wheel
        else f"`upgrade {as_one_word(f'{line.spelled_name}=={best}')}` moves it to {best}"
    )


def check_together(inputs: Inputs, *, wants_hashes: bool) -> Iterator[Finding]:
    """Find requirements that conflict, and a lock that is out of date; see ``check_lines``."""
    current = roots_of(inputs)
    inputs.candidates.prefetch(current)
    settlement, conflicts = solve_current(inputs, [as_given(inputs, root) for root in current])
    for conflict in conflicts:
        yield _conflict_finding(inputs.manifest, conflict)
    if conflicts:
        return
    transitive = find_transitive(settlement)
    if inputs.manifest.is_locked:
        yield from _check_lock(settlement, transitive)
    elif transitive and wants_hashes and inputs.manifest.uses_hashes:
        yield Finding(
            file=inputs.manifest.main,
            line=None,
            severity="error",
            message="where one line has a hash, pip wants one for each transitive dependency, too: "
            + ", ".join(transitive),
            fix="run `lock`, which writes these lines",
        )


def _conflict_finding(manifest: Manifest, conflict: Conflict) -> Finding:
    roots = [cause.dependency.root for cause in conflict.causes]
    places = {root.place for root in roots if root is not None}
    line = next((line for line in manifest.lines if line.place in places), None)
    return Finding(
        file=manifest.main if line is None else line.path,
        line=None if line is None else line.number,
        severity="error",
        message=f"the requirements conflict: {'; '.join(conflict.explain())}",
        fix=fix_conflict(manifest, conflict),
    )


def _check_lock(
    settlement: Settlement, transitive: Mapping[NormalizedName, Transitive]
) -> Iterator[Finding]:
    """Find dependencies that can't be locked, and locked lines that are out of date."""
    manifest = settlement.inputs.manifest
    for pick in find_unknown(settlement.inputs, settlement.solution):
        for line in manifest.find(pick.name):
            yield finding_at(
                line,
                "warning",
                f"the dependencies of {pick} are not locked: they are unknown without building it",
                f"write a line for all that it needs, with `# via {pick.name}` behind it",
            )
    wanted = {name: new.version for name, new in transitive.items() if new.version is not None}
    there = {line.name: line.pin for line in manifest.locked if line.name is not None}
    stale = [name for name in sorted({*wanted, *there}) if wanted.get(name) != there.get(name)]
    if stale:
        yield Finding(
            file=manifest.main,
            line=None,
            severity="warning",
            message=f"the lock is out of date: {', '.join(stale)}",
            fix="run `lock`",
        )
