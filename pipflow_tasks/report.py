"""A plan and what became of it, as text, JSON or Markdown."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .project.plan import Change, Outcome, Plan

Format = Literal["text", "json", "markdown"]

FORMATS: tuple[Format, ...] = ("text", "json", "markdown")


def write_report(plan: Plan, outcome: Outcome, *, form: Format = "text") -> str:
    """Return the report of a command, without a final line ending."""
    if form == "json":
        return json.dumps(as_object(plan, outcome), indent=2, ensure_ascii=False)
    lines = _markdown(plan, outcome) if form == "markdown" else _text(plan, outcome)
    return "\n".join(lines)


def as_object(plan: Plan, outcome: Outcome) -> dict[str, Any]:
    """Return a report as the object that ``--format json`` prints; the same keys for every task."""
    target = plan.target
    builder = plan.builder
    return {
        "schema": 1,
        "command": plan.command,
        "dry_run": outcome.dry_run,
        "target": {}
        if target is None
        else {
            "python": target.python,
            "platforms": [platform.name for platform in target.platforms],
            "libc": target.libc,
            "pip": None if target.pip is None else str(target.pip),
            "source": target.source,
        },
        "changes": [
            {
                "project": change.project,
                "from": None if change.before is None else str(change.before),
                "to": None if change.after is None else str(change.after),
                "file": change.file,
                "line": change.line,
            }
            for change in plan.changes
        ],
        "held": [
            {
                "project": held.project,
                "version": str(held.version),
                "newest": str(held.newest),
                "reason": held.reason,
            }
            for held in plan.held
        ],
        "left_alone": [
            {
                "requirement": left.requirement,
                "file": left.file,
                "line": left.line,
                "reason": left.reason,
            }
            for left in plan.left_alone
        ],
        "warnings": [*(() if target is None else target.notes), *plan.warnings],
        "findings": [],
        "image": {
            "builder": None if builder is None else builder.name,
            "status": outcome.status,
            "services": [] if builder is None else list(builder.services),
        },
    }


def _text(plan: Plan, outcome: Outcome) -> Iterator[str]:
    if plan.target is not None:
        yield f"for {plan.target} · {plan.target.source}"
        yield from (f"note      {note}" for note in plan.target.notes)
    for change in plan.changes:
        word, what = _describe(change)
        yield f"{_tense(word, plan, outcome):<9} {what} ({change.file}:{change.line})"
    for held in plan.held:
        yield f"held      {held.project} stays at {held.version}: {held.reason}"
    for left in plan.left_alone:
        yield f"left      {left.requirement} ({left.file}:{left.line}): {left.reason}"
    if not plan.changes and plan.command != "rebuild":
        yield "nothing to change"
    yield from plan.hints
    yield from _image_lines(plan, outcome)


def _markdown(plan: Plan, outcome: Outcome) -> Iterator[str]:
    title = f"### {plan.command}"
    if plan.target is not None:
        title += f" for {plan.target}"
    yield title
    if plan.changes:
        yield ""
        yield "| project | from | to | file |"
        yield "|---|---|---|---|"
        for change in plan.changes:
            yield (
                f"| {change.project} | {change.before or ''} | {change.after or ''} "
                f"| {change.file}:{change.line} |"
            )
    else:
        yield ""
        yield "Nothing to change."
    notes = [
        *(f"held: {h.project} stays at {h.version}: {h.reason}" for h in plan.held),
        *(
            f"left alone: `{a.requirement}` ({a.file}:{a.line}): {a.reason}"
            for a in plan.left_alone
        ),
        *(f"note: {note}" for note in (plan.target.notes if plan.target else ())),
        *(f"warning: {warning}" for warning in plan.warnings),
        *plan.hints,
        *(" ".join(line.split()) for line in _image_lines(plan, outcome)),
    ]
    if notes:
        yield ""
    for note in notes:
        yield f"- {note}"


def _describe(change: Change) -> tuple[str, str]:
    if change.after is None:
        return "removed", f"{change.project} {change.before or ''}".rstrip()
    if change.before is None:
        return "added", f"{change.project} {change.after}"
    return "moved", f"{change.project} {change.before} to {change.after}"


def _tense(word: str, plan: Plan, outcome: Outcome) -> str:
    """Say what was done, or would be: of a plan that was not applied nothing was done."""
    if plan.command == "outdated":
        return "can move"
    undone = outcome.status == "failed" and not outcome.kept
    if outcome.dry_run or undone:
        return {"added": "to add", "removed": "to remove", "moved": "to move"}[word]
    return word


def _image_lines(plan: Plan, outcome: Outcome) -> Iterator[str]:
    builder = plan.builder
    if outcome.status == "failed":
        yield (
            "image     not built; the files keep their changes (--keep)"
            if outcome.kept
            else "image     not built; the files are as they were"
        )
    if builder is None:
        return
    if outcome.status == "planned":
        yield f"image     would be built: {builder.shown}"
    elif outcome.status == "skipped":
        yield f"image     not built, as asked; build it with: {builder.shown}"
    elif outcome.status == "no-engine":
        yield (
            f"image     not built: no engine answers `{builder.program}`; "
            f"once one does: {builder.shown}"
        )
    elif outcome.status == "built":
        yield f"image     built: {builder.shown}"
        yield f"next      {builder.next_step}"
