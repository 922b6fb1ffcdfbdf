"""What the index says of the pins, and of the requirements together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet

from ..errors import ProjectNotFound, RequirementsError
from ..plan import Finding
from ..planning.goals import find_move
from ..planning.locking import find_origins, find_transitive, find_unknown
from ..planning.sets import fix_conflict
from ..resolution import Conflict, Solution
from ..resolution.finder import Rejection
from .findings import finding_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..manifest.documents import Manifest
    from ..planning.lookup import Lookup
    from ..requirements import Line
    from ..resolution.finder import Releases


def check_pins(manifest: Manifest, lookup: Lookup) -> Iterator[Finding]:
    """Find pins that the image can't install, or should not."""
    lines = [line for line in manifest.lines if (w := lookup.root(line)) and not w.is_opaque]
    lookup.prefetch(line.name for line in lines if line.name)
    for line in lines:
        assert line.name is not None
        try:
            releases = lookup.releases(line.name)
        except ProjectNotFound as error:
            yield finding_at(line, "error", error.message, error.hint)
            continue
        if line.pin is not None:
            yield from _check_pin(line, releases, lookup)


def _check_pin(line: Line, releases: Releases, lookup: Lookup) -> Iterator[Finding]:
    assert line.pin is not None
    pin = SpecifierSet(f"=={line.pin}")  # without a local label, it takes any
    version = next(releases.among(releases.allowed(pin)), None)
    shown = f"{line.spelled_name} {line.pin}"
    if version is None:
        yield finding_at(line, "error", f"the index has no {shown}", _fix_pin(line, lookup))
        return
    found = releases.examine(version, pin, tuple(lookup.constraints(line.spelled_name)))
    if isinstance(found, Rejection):
        yield finding_at(line, "error", f"{shown} {found.reason}", _fix_pin(line, lookup))
        return
    if found.yanked is not None:
        why = f": {found.yanked}" if found.yanked else ""
        yield finding_at(line, "warning", f"{shown} was yanked{why}", _fix_pin(line, lookup))
    if found.from_source:
        message = f"{shown} {found.from_source}: the image builds it from source"
        yield finding_at(line, "warning", message, _fix_pin(line, lookup, by_wheel=True))


def _fix_pin(line: Line, lookup: Lookup, *, by_wheel: bool = False) -> str:
    """Say which command moves a pin that should not stay, or what keeps it.

    Args:
        line: the pin.
        lookup: what the index has.
        by_wheel: only a newer version that has a wheel is better.
    """
    assert line.pin is not None
    root = lookup.root(line)
    try:
        policy = line.policy
    except RequirementsError:  # told by itself
        return "correct its policy"
    if root is None or (policy is not None and policy.is_hold):
        return "take `# pipflow: hold` out of the line, so that it may move"
    move = find_move(lookup, line)
    if by_wheel and (move is None or move[1].from_source or move[1].version <= line.pin):
        return ""
    if move is None:
        return "no version suits" if policy is None else "no version suits its policy"
    allowed = SpecifierSet() if policy is None else policy.specifier
    other = replace(root, specifier=allowed & SpecifierSet(f"!={line.pin}"))
    others = [lookup.as_given(each) for each in lookup.roots() if each.place != line.place]
    found = lookup.resolution.solve([other, *others])
    pick = found.picks.get(root.name) if isinstance(found, Solution) else None
    best = None if pick is None else pick.version
    if by_wheel and pick is not None and pick.candidate and pick.candidate.from_source:
        return ""
    if best is None:
        more = "; `upgrade-all` may move them" if move[1].version > line.pin else ""
        return f"the other requirements keep it from {move[1].version}{more}"
    if best > line.pin:
        return f"`upgrade {line.spelled_name}` moves it to {best}"
    return "" if by_wheel else f'`upgrade "{line.spelled_name}=={best}"` moves it to {best}'


def check_together(manifest: Manifest, lookup: Lookup, *, wants_hashes: bool) -> Iterator[Finding]:
    """Find requirements that do not go together, and a closure that is not complete.

    Args:
        manifest: the files.
        lookup: what the index has.
        wants_hashes: as for ``check_lines``.
    """
    roots = lookup.roots()
    resolution = lookup.resolution
    resolution.candidates.prefetch(roots)
    roots = [lookup.as_given(root) for root in roots]
    found, _, clashes = resolution.solve_around(roots)
    if clashes and lookup.admit_for(roots):
        found, _, clashes = resolution.solve_around(roots)
    for clash in clashes:
        places = [
            cause.dependency.root.place
            for cause in clash.causes
            if cause.dependency.root is not None
        ]
        line = next((line for line in manifest.lines if line.place in places), None)
        yield Finding(
            file=manifest.main if line is None else line.path,
            line=None if line is None else line.number,
            severity="error",
            message=f"the requirements do not go together: {'; '.join(clash.explain())}",
            fix=fix_conflict(manifest, clash),
        )
    if clashes or isinstance(found, Conflict):
        return
    needed = find_transitive(find_origins(manifest, lookup), found, manifest, lookup)
    unknown = find_unknown(found, manifest, lookup) if manifest.is_locked else ()
    for pick in unknown:
        for line in manifest.find(pick.name):
            yield finding_at(
                line,
                "warning",
                f"what {pick} needs is not locked, for it can't be known without building it",
                f"write a line for all that it needs, with `# via {pick.name}` behind it",
            )
    if manifest.is_locked:
        wanted = {name: new.version for name, new in needed.items() if new.version is not None}
        there = {line.name: line.pin for line in manifest.locked if line.name is not None}
        stale = [n for n in sorted({*wanted, *there}) if wanted.get(n) != there.get(n)]
        if stale:
            yield Finding(
                file=manifest.main,
                line=None,
                severity="warning",
                message=f"the closure is not what is needed: {', '.join(stale)}",
                fix="`lock` writes it anew",
            )
    elif needed and wants_hashes and manifest.uses_hashes:
        yield Finding(
            file=manifest.main,
            line=None,
            severity="error",
            message="where one line has a hash, pip wants one for all that is brought along, too: "
            + ", ".join(needed),
            fix="`lock` writes these lines",
        )
