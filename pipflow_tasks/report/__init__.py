"""A plan and what became of it, as text, JSON or Markdown."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..plan import Builder, Change, Finding, Outcome, PathStep, Plan

Format = Literal["text", "json", "markdown"]

FORMATS: tuple[Format, ...] = ("text", "json", "markdown")


def write_report(plan: Plan, outcome: Outcome, *, form: Format = "text") -> str:
    """Return the report of a command, without a final line ending."""
    if form == "json":
        return json.dumps(as_object(plan, outcome), indent=2)
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
        "paths": [
            [
                {
                    "project": step.project,
                    "version": None if step.version is None else str(step.version),
                    "requirement": step.requirement,
                    "file": step.file,
                    "line": step.line,
                }
                for step in path
            ]
            for path in plan.paths
        ],
        "warnings": [*(() if target is None else target.notes), *plan.warnings],
        "hints": list(plan.hints),
        "findings": [
            {
                "file": finding.file,
                "line": finding.line,
                "severity": finding.severity,
                "message": finding.message,
                "mend": finding.fix,
            }
            for finding in plan.findings
        ],
        "image": {
            "builder": None if builder is None else builder.name,
            "status": outcome.status,
            "services": [] if builder is None else list(builder.services),
            "undone": list(outcome.undone),
            "rebuilt": list(outcome.rebuilt),
            "ahead": list(outcome.ahead),
        },
    }


def _text(plan: Plan, outcome: Outcome) -> Iterator[str]:
    if plan.target is not None:
        yield f"for {plan.target} · {plan.target.shown_source}"
        yield from (f"note      {note}" for note in plan.target.notes)
    for change in plan.changes:
        word, what = _describe(change)
        yield f"{_tense(word, plan, outcome):<9} {what} ({change.file}:{change.line})"
    for held in plan.held:
        yield f"held      {held.project} stays at {held.version}: {held.reason}"
    for left in plan.left_alone:
        yield f"left      {left.requirement} ({left.file}:{left.line}): {left.reason}"
    for path in plan.paths:
        yield f"why       {_way(path)}"
    for finding in plan.findings:
        yield f"{finding.severity:<9} {_place(finding)}{finding.message}"
        if finding.fix:
            yield f"{'':<9} mend: {finding.fix}"
    if plan.command == "check":
        yield _count(plan)
    elif not plan.changes and not plan.edits and plan.command not in {"rebuild", "why"}:
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
    elif plan.command == "check":
        yield ""
        yield f"{_count(plan).capitalize()}."
    elif plan.command not in {"rebuild", "why"}:
        yield ""
        yield "Nothing to change."
    notes = [
        *(
            f"{f.severity}: {_place(f)}{f.message}" + (f"; mend: {f.fix}" if f.fix else "")
            for f in plan.findings
        ),
        *(_way(path) for path in plan.paths),
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


def _place(finding: Finding) -> str:
    if finding.file is None:
        return ""
    return f"{finding.file}: " if finding.line is None else f"{finding.file}:{finding.line}: "


def _count(plan: Plan) -> str:
    """Say how many findings there are."""
    told: list[str] = []
    for severity in ("error", "warning"):
        number = sum(finding.severity == severity for finding in plan.findings)
        if number:
            told.append(f"{number} {severity}{'' if number == 1 else 's'}")
    return " and ".join(told) or "nothing was found to mend"


def _way(path: Sequence[PathStep]) -> str:
    """Write a path: each project with its version, and what the line or the step before asks."""

    def told(step: PathStep) -> str:
        if step.file is None:
            return f"{step.project} {step.version or ''} ({step.requirement})"
        at = "" if step.version is None or "==" in step.requirement else f" at {step.version}"
        return f"{step.requirement}{at} ({step.file}:{step.line})"

    return " → ".join(map(told, path))


def _describe(change: Change) -> tuple[str, str]:
    if change.after is None:
        return "removed", f"{change.project} {change.before or ''}".rstrip()
    if change.before is None:
        return "added" if change.is_new else "pinned", f"{change.project} {change.after}"
    return "moved", f"{change.project} {change.before} to {change.after}"


def _tense(word: str, plan: Plan, outcome: Outcome) -> str:
    """Say what was done, or would be: of a plan that was not applied nothing was done."""
    if plan.command == "outdated" and word == "moved":
        return "can move"
    if outcome.undone:
        return "undone"
    if outcome.dry_run:
        return {"added": "to add", "removed": "to remove", "moved": "to move"}.get(word, "to pin")
    return word


def _image_lines(plan: Plan, outcome: Outcome) -> Iterator[str]:
    builder = plan.builder
    if builder is None:
        return
    if outcome.status == "planned":
        yield f"image     would be built: {builder.shown}"
    elif outcome.status == "skipped":
        yield f"image     not built, as asked; build it with: {builder.shown}"
    elif outcome.status == "no-engine":
        yield (f"image     not built: {builder.absence}; once one does: {builder.shown}")
    elif outcome.status == "built":
        yield f"image     built: {builder.shown}"
        if builder.next_step:
            yield f"next      {builder.next_step}"
    elif outcome.status == "failed":
        yield from _failure_lines(builder, outcome)


def _failure_lines(builder: Builder, outcome: Outcome) -> Iterator[str]:
    """Say what state the files and the images are in after a build that failed."""
    if outcome.failure:
        yield f"failed    {outcome.failure}"
    if outcome.kept:
        yield "files     keep their changes (--keep)"
    elif outcome.undone:
        yield f"files     as they were: {', '.join(outcome.undone)} (--keep keeps the changes)"
    if outcome.rebuilt:
        yield f"image     built again from the files as they were: {', '.join(outcome.rebuilt)}"
    if outcome.ahead:
        yield (
            f"image     may be ahead of the files: {', '.join(outcome.ahead)}; building it again "
            f"from them failed, too: {builder.shown}"
        )
