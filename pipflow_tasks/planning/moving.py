"""Give lines the versions that were settled, and report why newer ones are not taken."""

from __future__ import annotations

from itertools import islice, takewhile
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet

from ..errors import RequirementsError
from ..plan import Held
from ..resolution import project_of, rule_out, why_below, why_by_itself, why_never
from ..values import as_plural
from .draft import Draft, move, warn, warn_of
from .goals import key_for
from .inputs import each_of, environments_in, releases

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from packaging.version import Version

    from ..requirements import Line
    from ..resolution import Key, Reason
    from ..resolution.finder import Candidate, Choice, Rejection
    from .goals import Goal
    from .inputs import Inputs
    from .settling import Settlement

MOST_EXAMINED = 8
"""For how many newer versions the reason against them is looked for."""

ANY = SpecifierSet()


def digests(
    inputs: Inputs, key: Key, version: Version, *, like: Line | None = None
) -> tuple[str, ...]:
    """Return ``sha256:...`` of every file of a version, as pip-compile writes them.

    Each platform may take another file of it. There are none for a line ``like`` one without
    hashes, nor for a new line of files that use none; that line also decides the algorithm.

    Raises:
        RequirementsError: the index does not have this digest of every file.
    """
    written = like.option_values("--hash") if like is not None else ()
    if not (written if like is not None else inputs.manifest.uses_hashes):
        return ()
    algorithm = written[0].partition(":")[0] if written else "sha256"
    files = releases(inputs, key).files.get(version, ())
    lacking = [file.filename for file in files if algorithm not in file.hashes]
    if lacking or not files:
        raise RequirementsError(
            f"the index gives no {algorithm} of {', '.join(lacking) or project_of(key)}, "
            "and the file pins hashes",
            path=like.path if like is not None else inputs.manifest.main,
            line=like.number if like is not None else None,
            hint="use an index that gives hashes, or write this version by hand",
        )
    return tuple(sorted({f"{algorithm}:{file.hashes[algorithm]}" for file in files}))


def candidate_for(settlement: Settlement, goal: Goal) -> Candidate | None:
    """Return the candidate that a goal gets: the settled one, else the newest that suits."""
    if not settlement.inputs.resolves:
        return goal.choice.candidate
    pick = settlement.solution.picks.get(key_for(settlement.inputs, goal))
    return None if pick is None else pick.candidate


def move_goal(settlement: Settlement, goal: Goal) -> Iterator[Draft]:
    """Move a line to its version, and report what holds it."""
    version = version_for(settlement, goal)
    if version is not None:
        yield from write_goal(settlement, goal)
        yield from tell_held_goal(settlement, goal, version)


def version_for(settlement: Settlement, goal: Goal) -> Version | None:
    """Return the version that the line of a goal gets or keeps."""
    assert goal.line is not None
    candidate, pin = candidate_for(settlement, goal), goal.line.pin
    if pin is not None and goal.asked == SpecifierSet(f"=={pin}"):
        return pin  # the candidate may have a label
    if candidate is None or (pin and candidate.version < pin and not goal.asked):
        return pin
    return candidate.version


def write_goal(settlement: Settlement, goal: Goal) -> Iterator[Draft]:
    """Give a line its version, comment and extras, unless it has them or follows the lock."""
    inputs, line = settlement.inputs, goal.line
    assert line is not None
    version = version_for(settlement, goal)
    if version is None or (inputs.resolves and line in inputs.manifest.locked):
        return
    if version != line.pin:
        key = key_for(inputs, goal)
        hashes = digests(inputs, key, version, like=line)
        yield move(line, version, digests=hashes, comment=goal.comment, extras=goal.extras)
        candidate = candidate_for(settlement, goal)
        assert candidate is not None
        each = each_of(inputs, key, candidate)
        yield from warn_of(goal.name, candidate, each)
    elif goal.comment is not None or goal.extras:
        yield move(line, version, comment=goal.comment, extras=goal.extras)


def tell_held_goal(settlement: Settlement, goal: Goal, version: Version) -> Iterator[Draft]:
    """Report what holds a project below its newest version, unless the request does."""
    newer = (each for each in goal.choice.rejections if each.version > version)
    if skipped := next((each for each in newer if each.by_old_pip), None):
        told = f"{goal.name} {skipped.version} {skipped.reason}"
        yield warn(f"{told}; upgrade pip before the install step")
    key = key_for(settlement.inputs, goal)
    yield from tell_held(settlement, goal.name, key, version, goal.choice, asked=goal.asked)


def tell_held(
    settlement: Settlement,
    name: str,
    key: Key,
    version: Version,
    choice: Choice,
    *,
    asked: SpecifierSet = ANY,
) -> Iterator[Draft]:
    """Report why a project is held below the newest version that was asked for.

    ``name`` is the project's, as it is written; ``choice`` is the newest version that suits by
    itself.
    """
    inputs = settlement.inputs
    latest = releases(inputs, key).newest(asked)
    if latest is None or latest <= version:
        return
    best = choice.candidate
    if inputs.resolves and best is not None and best.version > version:
        reason = _why_held(settlement, key)
    else:
        reason = _why_passed_over(name, latest, choice)
    held = Held(
        project=name,
        version=version,
        newest=latest,
        reason=reason,
        environments=environments_in(inputs, key),
    )
    yield Draft(held=(held,))


def _why_passed_over(name: str, latest: Version, choice: Choice) -> str:
    """Return why the newest version does not suit by itself, as a clause."""
    alike = list(takewhile(lambda each: each.loses_wheel, _from(latest, choice)))
    if not alike:
        return f"{latest} {choice.reason_against(latest) or 'was not asked for'}"
    last = alike[-1]
    told = f"{latest} {last.reason}"
    if len(alike) > 1:
        told = f"{last.version} and newer {as_plural(last.reason)}"
    return f"{told}; `upgrade {name}` takes source"


def _from(latest: Version, choice: Choice) -> Iterator[Rejection]:
    """Yield the rejections of a version and of all final ones before it."""
    older = (each for each in choice.rejections if each.version <= latest)
    return (each for each in older if not each.version.is_prerelease)


def _why_held(settlement: Settlement, name: Key) -> str:
    """Return why a project has no newer version in a settlement, as a clause.

    The reason is about the newest version that another picked project rules out.
    """
    inputs, solution = settlement.inputs, settlement.solution
    now = solution.version(name)
    if now is None:  # the line counts as met: no version satisfies it
        if len(inputs.manifest.find(project_of(name))) > 1:
            return "another line of it conflicts"
        return "no newer version is compatible with the other requirements"
    fitting = (candidate.version for candidate in inputs.candidates.fitting(name, []))
    newer = list(islice(takewhile(lambda each: each > now, fitting), MOST_EXAMINED))
    if sibling := _why_sibling(settlement, name, newer):
        return sibling
    newest, reason = _why_below_all(settlement, name, newer)
    if reason is None or _is_circular(settlement, name, reason):
        candidates = inputs.candidates
        conflict = rule_out(candidates, name, settlement.roots, solution, waived=settlement.waived)
        if conflict is not None:
            never = why_never(candidates, name, conflict, solution)
            reason = never or reason or why_by_itself(name, conflict)
    if reason is not None:
        return reason.text
    if name in settlement.conflicting:
        return "it is part of a conflict"
    return f"{newest or now} conflicts with the other pins"


def _why_sibling(settlement: Settlement, name: Key, newer: Sequence[Version]) -> str:
    """Return the requirement of another file of the image that allows no newer version."""
    siblings = {line.place for line in settlement.inputs.manifest.siblings}
    for cause in settlement.solution.causes.get(name, ()):
        root = cause.dependency.root
        allows = cause.dependency.specifier.contains
        if root is not None and root.place in siblings and not any(allows(v, True) for v in newer):
            return str(cause)
    return ""


def _why_below_all(
    settlement: Settlement, name: Key, newer: Sequence[Version]
) -> tuple[Version | None, Reason | None]:
    """Return the newest of the versions examined, and the best reason against one of them."""
    newest: Version | None = None
    reason: Reason | None = None
    for version in newer:
        newest = version if newest is None else max(version, newest)
        found = why_below(settlement.inputs.candidates, name, version, settlement.solution)
        reason = reason if found is None or (reason and not found.blamed) else found
        if reason is not None and reason.blamed is not None:
            break
    return newest, reason


def _is_circular(settlement: Settlement, name: Key, reason: Reason) -> bool:
    """Return whether the project that is blamed would blame this one in turn."""
    candidates, solution = settlement.inputs.candidates, settlement.solution
    other = reason.blamed
    now = None if other is None else solution.version(other)
    if other is None or now is None or all(root.name != other for root in settlement.roots):
        return False
    best = next(candidates.fitting(other, []), None)
    if best is None or best.version <= now:
        return False
    back = why_below(candidates, other, best.version, solution)
    return back is not None and back.blamed == name
