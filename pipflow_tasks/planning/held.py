"""Why a project is held below its newest version."""

from __future__ import annotations

from itertools import islice, takewhile
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from ..resolution import rule_out, why_below, why_by_itself, why_never
from .choosing import releases
from .draft import Draft, hold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from packaging.utils import NormalizedName
    from packaging.version import Version

    from ..resolution import Reason
    from ..resolution.finder import Choice
    from .inputs import Inputs
    from .settling import Settlement

MOST_EXAMINED = 8
"""For how many newer versions the reason against them is looked for."""

ANY = SpecifierSet()


def tell_held(
    inputs: Inputs,
    name: str,
    version: Version,
    choice: Choice,
    settlement: Settlement | None,
    *,
    asked: SpecifierSet = ANY,
) -> Draft:
    """Report why a project is held below the newest version that was asked for.

    Args:
        inputs: the inputs of the command.
        name: the project.
        version: the one that it has or gets.
        choice: the newest version that suits by itself.
        settlement: the set that it is part of, if one was settled.
        asked: the specifier that was asked for.
    """
    latest = releases(inputs, name).newest(asked)
    if latest is None or latest <= version:
        return Draft()
    best = choice.candidate
    if settlement is not None and best is not None and best.version > version:
        reason = why_held(settlement, canonicalize_name(name))
    else:
        reason = f"{latest} {choice.reason_against(latest) or 'was not asked for'}"
    return hold(name, version, latest, reason)


def why_held(settlement: Settlement, name: NormalizedName) -> str:
    """Return why a project has no newer version in a settlement, as a clause.

    The reason is about the newest version that another picked project rules out.
    """
    inputs, solution = settlement.inputs, settlement.solution
    now = solution.version(name)
    if now is None:  # the line counts as met: no version satisfies it
        if len(inputs.manifest.find(name)) > 1:
            return "another line of it conflicts"
        return "no newer version is compatible with the other requirements"
    fitting = (candidate.version for candidate in inputs.candidates.fitting(name, []))
    newer = list(islice(takewhile(lambda each: each > now, fitting), MOST_EXAMINED))
    if sibling := _why_sibling(settlement, name, newer):
        return sibling
    newest, reason = _why_below_all(settlement, name, newer)
    if reason is None or _is_circular(settlement, name, reason):
        reason = _why_never(settlement, name, reason)
    if reason is not None:
        return reason.text
    if name in settlement.conflicting:
        return "it is part of a conflict"
    return f"{newest or now} conflicts with the other pins"


def _why_sibling(settlement: Settlement, name: NormalizedName, newer: Sequence[Version]) -> str:
    """Return the requirement of another file of the image that allows no newer version."""
    siblings = {line.place for line in settlement.inputs.manifest.siblings}
    for cause in settlement.solution.causes.get(name, ()):
        root = cause.dependency.root
        allows = cause.dependency.specifier.contains
        if root is not None and root.place in siblings and not any(allows(v, True) for v in newer):
            return str(cause)
    return ""


def _why_below_all(
    settlement: Settlement, name: NormalizedName, newer: Sequence[Version]
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


def _why_never(
    settlement: Settlement, name: NormalizedName, reason: Reason | None
) -> Reason | None:
    """Return the reason against every newer version, else the given one."""
    candidates, solution = settlement.inputs.candidates, settlement.solution
    conflict = rule_out(candidates, name, settlement.roots, solution, waived=settlement.waived)
    if conflict is None:
        return reason
    never = why_never(candidates, name, conflict, solution)
    return never or reason or why_by_itself(name, conflict)


def _is_circular(settlement: Settlement, name: NormalizedName, reason: Reason) -> bool:
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
