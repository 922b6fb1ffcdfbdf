"""Findings, held projects and lines that are alike, together: for people, not for JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace

from ..plan import Finding
from ..values import as_plural
from .wording import say_where

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

    from ..plan import Change, Held, LeftAlone, Plan, Replacement

    Item = TypeVar("Item")

MANY = 3
"""How many that are alike are reported as one."""


def group_findings(plan: Plan) -> Iterator[Finding]:
    """Yield the findings; those that are alike as one, at the place of the first.

    One that has lines to write stays alone, so that they are shown. Of several that change the same
    lines, the first says to what.
    """

    def key(finding: Finding) -> Hashable:
        alike = finding.alike
        if alike is None or finding.replacement is not None:
            return None
        where = finding.environments
        return finding.file, finding.severity, alike.message, alike.fix or finding.fix, where

    changed: dict[str | None, list[Replacement]] = {}
    for found in _group(plan.findings, key):
        finding = found[0] if len(found) == 1 else _join(found)
        where = say_where(finding.environments, plan)
        finding = replace(finding, message=f"{finding.message}{where}") if where else finding
        new, others = finding.replacement, changed.setdefault(finding.file, [])
        if new is None:
            yield finding
        elif any(new.first <= other.last and other.first <= new.last for other in others):
            again = "; once the fix above is made, `check` shows the lines"
            yield replace(finding, replacement=None, fix=f"{finding.fix}{again}")
        else:
            others.append(new)
            yield finding


def _join(findings: Sequence[Finding]) -> Finding:
    first, subjects = findings[0], [each.alike.subject for each in findings if each.alike]
    assert first.alike is not None
    fix = first.fix
    if any(each.fix != fix for each in findings):
        fix = first.alike.fix.format(f'"{" ".join(subjects)}"')
    return Finding(
        code=first.code,
        file=first.file,
        line=None,
        severity=first.severity,
        message=f"{len(findings)} {first.alike.message}: {', '.join(subjects)}",
        environments=first.environments,
        fix=fix,
    )


def describe_all_held(plan: Plan) -> Iterator[str]:
    """Yield which projects are held, and why; those that are held for one reason together."""
    for group in _group(plan.held, _reason_against_newest):
        if len(group) == 1:
            held, where = group[0], say_where(group[0].environments, plan)
            yield f"{held.shown} at {held.version}{where}: {held.reason}"
        else:
            shown = (f"{each.shown} {each.newest} (at {each.version})" for each in group)
            yield _describe_newer(group, shown)


def group_limits(changes: Iterable[Change]) -> tuple[tuple[Change, ...], tuple[str, ...]]:
    """Return changes, and why many of them do not get their newest version for one reason.

    These lose the reason of their own.
    """
    alone: list[Change] = []
    limits: list[str] = []
    every = tuple(changes)
    for group in _group(every, _reason_against_newest):
        if len(group) == 1:
            alone.append(group[0])
        else:
            limits.append(_describe_newer(group, (f"{c.project} {c.newest}" for c in group)))
            alone += (replace(change, reason="") for change in group)
    order = [(change.file, change.line, change.project) for change in every]
    alone.sort(key=lambda each: order.index((each.file, each.line, each.project)))
    return tuple(alone), tuple(limits)


def _describe_newer(group: Sequence[Held | Change], shown: Iterable[str]) -> str:
    reason = as_plural(str(_reason_against_newest(group[0])))
    return f"{len(group)} versions {reason}: {', '.join(shown)}"


def _reason_against_newest(held: Held | Change) -> str | None:
    """Return the reason without the version, where it is about the newest version itself."""
    start = f"{held.newest} "
    return held.reason.removeprefix(start) if held.reason.startswith(start) else None


def describe_all_left(left: Iterable[LeftAlone]) -> Iterator[str]:
    """Yield which lines are left alone, and why; those with one reason together."""
    for group in _group(left, lambda each: each.reason):
        shown = [f"{each.requirement} ({each.file}:{each.line})" for each in group]
        if len(group) == 1:
            yield f"{shown[0]}: {group[0].reason}"
        else:
            yield f"{len(group)} lines, {group[0].reason}: {', '.join(shown)}"


def _group(
    items: Iterable[Item], key: Callable[[Item], Hashable | None]
) -> Iterator[tuple[Item, ...]]:
    """Yield items, many with one key together; without a key, each is alone."""
    every = tuple(items)
    alike: dict[Hashable, list[Item]] = {}
    for item in every:
        if key(item) is not None:
            alike.setdefault(key(item), []).append(item)
    for item in every:
        group = alike.get(key(item), [item])
        if len(group) < MANY:
            yield (item,)
        elif item is group[0]:
            yield tuple(group)
