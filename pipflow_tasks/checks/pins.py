"""Checks that ask the index: pins that can't be installed, conflicts, the lock."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from typing import TYPE_CHECKING

from msgspec.structs import replace
from packaging.specifiers import SpecifierSet

from ..errors import ProjectNotFound, RequirementsError, Unsatisfiable
from ..plan import Alike, Finding
from ..planning.base_image import name_broken
from ..planning.goals import find_move
from ..planning.inputs import (
    as_given,
    environments_of,
    names_of,
    readers_of,
    releases,
    roots_of,
    roots_of_line,
    why_unseen,
)
from ..planning.lock import find_unknown
from ..planning.losses import find_losses
from ..planning.settling import settle_lock, solve_current
from ..planning.transitive import find_transitive
from ..planning.unblocking import fix_conflict, is_of_lines
from ..requirements import as_one_word
from ..resolution import Solution, project_of, solve
from ..resolution.finder import Rejection
from ..simple_api import ACTIVE
from ..values import as_plural
from . import find_in, finding_at, finding_in
from .files import contradicts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from packaging.version import Version

    from ..manifest.documents import Manifest
    from ..plan import Severity
    from ..planning.inputs import Inputs
    from ..planning.losses import Loss
    from ..planning.settlement import Settlement
    from ..planning.transitive import Found
    from ..requirements import Line
    from ..resolution import Conflict, Root
    from ..resolution.finder import Candidate, Releases
    from ..simple_api import ProjectStatus


_STATUS_FIXES = {
    "archived": "look for a project that is maintained",
    "deprecated": "look for the project that its authors recommend",
    "quarantined": "remove it until the index releases it",
}


def name_environments(inputs: Inputs, findings: Iterable[Finding]) -> Iterator[Finding]:
    """Yield findings; those at a line of the files name the environments that they are about.

    That are all that the line counts for, where a finding names none.
    """
    lines = {(line.path, line.number): line for line in inputs.manifest.lines}
    for finding in findings:
        line = lines.get((finding.file or "", finding.line or 0))
        names = finding.environments
        if line is not None and not names:
            names = environments_of(inputs, line)
        yield replace(finding, environments=names) if names else finding


def check_pins(inputs: Inputs) -> Iterator[Finding]:
    """Find pins that the image can't install, or should not."""
    roots = [(line, root) for line in inputs.manifest.lines for root in roots_of_line(inputs, line)]
    asked = [(line, root) for line, root in roots if not root.is_opaque]
    inputs.candidates.expect(project_of(root.name) for _, root in asked)
    for line, root in asked:
        if why_unseen(inputs, line):
            continue
        try:
            found = releases(inputs, root.name)
        except ProjectNotFound as error:
            told = _status_in(root, inputs).status
            code = told if told in _STATUS_FIXES else "unknown-project"
            yield finding_at(line, code, "error", error.message, error.hint)
            continue
        yield from _check_status(line, root, inputs)
        if line.pin is not None:
            yield from _check_pin(line, line.pin, root, found, inputs)


def _check_status(line: Line, root: Root, inputs: Inputs) -> Iterator[Finding]:
    """Find a project that its index advises against, as PEP 792 has it."""
    told = _status_in(root, inputs)
    if told.status in _STATUS_FIXES:
        yield finding_at(
            line,
            told.status,
            "warning",
            f"the index says that {line.spelled_name} is {told}",
            _STATUS_FIXES[told.status],
        )


def _status_in(root: Root, inputs: Inputs) -> ProjectStatus:
    """Return what the first index that advises against a project says, else that it goes on."""
    views = inputs.candidates.views_of(root.name)
    statuses = (view.catalog.status_of(project_of(root.name)) for _, view in views)
    return next((each for each in statuses if each.status in _STATUS_FIXES), ACTIVE)


def _check_pin(
    line: Line, pin: Version, root: Root, there: Releases, inputs: Inputs
) -> Iterator[Finding]:
    exact = SpecifierSet(f"=={pin}")  # without a local label, it takes any
    version = next(there.among(there.allowed(exact)), None)
    shown = f"{line.spelled_name} {pin}"
    if version is None:
        message, fix = f"the index has no {shown}", _fix_pin(line, root, inputs)
        yield finding_at(line, "unknown-version", "error", message, fix)
        return
    each = [*inputs.candidates.suit_each(root.name, version)]
    told: dict[tuple[str, str], list[int]] = {}
    for number, own in each:
        for problem in _problems_of(own):
            told.setdefault(problem, []).append(number)
    found = there.examine(version, exact, inputs.limits.constraints.get(root.name, ()))
    if isinstance(found, Rejection) and not any(kind == "unsuitable" for kind, _ in told):
        told = {("unsuitable", found.reason): [number for number, _ in each]}
    findings = [
        (_pin_finding(line, root, inputs, *what), numbers) for what, numbers in told.items()
    ]
    findings += [
        (_loss_finding(line, loss), [*loss.readers])
        for loss in find_losses(inputs, root.name, version)
    ]
    for finding, numbers in findings:
        is_of_all = len(numbers) == len(each)
        yield finding if is_of_all else replace(finding, environments=names_of(inputs, numbers))


def _loss_finding(line: Line, loss: Loss) -> Finding:
    """Return that a pin has less than the release before it; that one is older, but may be safe."""
    name = line.spelled_name
    back = as_one_word(f"{name}=={loss.earlier}")
    fix = f"check that the release is the project's own; `upgrade {back}` goes back"
    return finding_at(line, loss.code, "warning", f"{name} {line.pin} {loss.reason}", fix)


def _problems_of(own: Candidate | Rejection) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a version in an environment: a code, and the end of a sentence."""
    if isinstance(own, Rejection):
        yield "unsuitable", own.reason
        return
    if own.why_yanked:
        yield "yanked", own.why_yanked
    if own.from_source:
        yield "built-from-source", own.from_source


def _pin_finding(line: Line, root: Root, inputs: Inputs, kind: str, reason: str) -> Finding:
    shown = f"{line.spelled_name} {line.pin}"
    fix = _fix_pin(line, root, inputs, by_wheel=kind == "built-from-source")
    if kind != "built-from-source":
        severity: Severity = "error" if kind == "unsuitable" else "warning"
        return finding_at(line, kind, severity, f"{shown} {reason}", fix)
    message = f"{shown} {reason}: the image builds it from source"
    alike = f"pins {as_plural(reason)}, so the image builds them from source"
    return finding_at(line, kind, "warning", message, fix, Alike(message=alike, subject=shown))


def _fix_pin(line: Line, root: Root, inputs: Inputs, *, by_wheel: bool = False) -> str:
    """Return which command moves a pin that should not stay, or what holds it.

    With ``by_wheel``, only a newer version with a wheel is better.
    """
    assert line.pin is not None
    name = line.spelled_name
    inputs = inputs.within(inputs.limits.with_source(root.name))
    try:
        if line.is_held:
            return "take `# pipflow: hold` out of the line, so that it may move"
    except RequirementsError:  # a finding of its own
        return "correct its policy"
    newest = find_move(inputs, line)
    if by_wheel and (newest is None or newest.from_source or newest.version <= line.pin):
        return ""
    if newest is None:
        return "no version suits" if line.policy is None else "no version suits its policy"
    allowed = line.allowed_by_policy & SpecifierSet(f"!={line.pin}")
    others = [as_given(inputs, each) for each in roots_of(inputs) if each.place != line.place]
    found = solve(inputs.candidates, [replace(root, specifier=allowed), *others])
    pick = found.picks.get(root.name) if isinstance(found, Solution) else None
    if by_wheel and pick is not None and pick.candidate and pick.candidate.from_source:
        return ""
    if pick is None or pick.version is None:
        more = "; `upgrade-all` may move them" if newest.version > line.pin else ""
        return f"the other requirements keep it from {newest.version}{more}"
    if pick.version > line.pin:
        return f"`upgrade {name}` moves it to {pick.version}"
    if by_wheel:
        return ""
    return f"`upgrade {as_one_word(f'{name}=={pick.version}')}` moves it to {pick.version}"


def check_together(inputs: Inputs, *, wants_hashes: bool) -> Iterator[Finding]:
    """Find requirements that conflict, and a lock that is out of date; see ``check_lines``."""
    current = roots_of(inputs)
    inputs.candidates.prefetch(current)
    settlement, conflicts = solve_current(inputs, [as_given(inputs, root) for root in current])
    for conflict in conflicts:
        if not _is_found_by_lines(inputs.manifest, conflict):
            yield _conflict_finding(inputs, conflict)
    for broken in name_broken(inputs, settlement.solution):
        fix = "pin a version that suits both, or take another base image"
        yield finding_in(None, None, "base-image-conflict", "warning", broken, fix)
    if conflicts:
        return
    try:
        settlement = settle_lock(settlement)
    except Unsatisfiable as error:
        message = f"{error.message}: {'; '.join(error.reasons)}".rstrip(": ")
        yield replace(find_in(error), message=message)
        return
    inputs = settlement.inputs
    transitive = find_transitive(settlement)
    if inputs.manifest.is_locked:
        yield from _check_lock(settlement, transitive)
    elif transitive.lines and wants_hashes and inputs.manifest.uses_hashes:
        names = ", ".join(dict.fromkeys(new.name for new in transitive.lines))
        message = (
            f"where one line has a hash, pip wants one for each transitive dependency, too: {names}"
        )
        fix = "run `lock`, which writes these lines"
        yield finding_in(inputs.manifest.main, None, "missing-hash", "error", message, fix)


def _is_found_by_lines(manifest: Manifest, conflict: Conflict) -> bool:
    """Return whether ``check_lines`` has found that lines of one project contradict each other."""
    if not is_of_lines(conflict):
        return False
    places = {root.place for root in conflict.roots}
    lines = [line for line in manifest.lines if line.place in places]
    return any(
        first.path == other.path and first.marker == other.marker and contradicts(first, other)
        for first, other in combinations(lines, 2)
    )


def _conflict_finding(inputs: Inputs, conflict: Conflict) -> Finding:
    manifest = inputs.manifest
    places = {root.place for root in conflict.roots}
    line = next((line for line in manifest.lines if line.place in places), None)
    parts = [{*inputs.partition.part_of(name)} for name in conflict.names]
    readers = {*range(len(inputs.readers))}.intersection(*parts)
    return Finding(
        code="conflict",
        file=manifest.main if line is None else line.path,
        line=None if line is None else line.number,
        severity="error",
        message=f"the requirements conflict: {'; '.join(conflict.explain())}",
        fix=fix_conflict(inputs, conflict),
        environments=names_of(inputs, readers) if len(readers) < len(inputs.readers) else (),
    )


def _check_lock(settlement: Settlement, transitive: Found) -> Iterator[Finding]:
    """Find dependencies that can't be locked, and locked lines that are out of date."""
    manifest = settlement.inputs.manifest
    for project, shown in find_unknown(settlement.inputs, settlement.solution):
        for line in manifest.find(project):
            yield finding_at(
                line,
                "unlocked-dependencies",
                "warning",
                f"the dependencies of {shown} are not locked: they are unknown without building it",
                f"write a line for all that it needs, with `# via {project}` behind it",
            )
    wanted = Counter(
        (new.name, new.readers, new.version) for new in transitive.lines if new.version is not None
    )
    there = Counter(
        (line.name, readers, line.pin)
        for line in manifest.locked
        if line.name is not None
        and line.pin is not None
        and (readers := readers_of(settlement.inputs, line))
    )
    paths = {new.name: new.origin.path for new in transitive.lines}
    paths |= {line.name: line.path for line in manifest.locked if line.name is not None}
    stale: dict[str, set[str]] = {}
    for name, *_ in (wanted - there) + (there - wanted):
        stale.setdefault(paths[name], set()).add(name)
    for join in transitive.joins:
        stale.setdefault(join.path, set()).add(join.project)
    for path in sorted(stale):
        message = f"the lock is out of date: {', '.join(sorted(stale[path]))}"
        yield finding_in(path, None, "stale-lock", "warning", message, "run `lock`")
