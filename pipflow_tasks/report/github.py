"""A report as annotations of GitHub Actions, which shows them at the lines that they are about.

They are workflow commands, ``::error file=…,line=…,title=…::message``, escaped as GitHub documents.
A step may have ten of each kind; so errors come first, then warnings, then what moves or is held.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .grouping import describe_all_held
from .wording import (
    describe_change,
    describe_explanation,
    describe_path,
    describe_state,
    explain_finding,
    in_repository,
    in_tense,
    list_notes,
    say_where,
    show,
    summarize,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..errors import PipflowError
    from ..plan import Change, Outcome, Plan


def write(plan: Plan, outcome: Outcome, error: PipflowError | None) -> str:
    """Return a report as annotations, one a line."""
    return "\n".join(_lines(plan, outcome, error))


def _lines(plan: Plan, outcome: Outcome, error: PipflowError | None) -> Iterator[str]:
    name = in_repository(plan)

    def annotate(kind: str, title: str, text: str, file: str | None, line: int | None) -> str:
        values: dict[str, object] = {} if file is None else {"file": name(file)}
        if line is not None:
            values["line"] = line
        values["title"] = title
        shown = ",".join(f"{key}={_escaped(str(value), ':,')}" for key, value in values.items())
        return f"::{kind} {shown}::{_escaped(text)}"

    if error is not None:
        title = f"{plan.command}: {error.code}"
        hint = [f"hint: {error.hint}"] if error.hint else []
        text = "\n".join([error.message, *error.reasons, *hint])
        yield annotate("error", title, text, error.path, error.line)
    for each in plan.findings:
        kind = "notice" if each.severity == "advice" else each.severity
        yield annotate(kind, each.code, explain_finding(each, plan), each.file, each.line)
    for warning in plan.warnings:
        yield annotate("warning", plan.command, warning, None, None)
    changes = [change for change in plan.changes if not change.is_kept]
    for change in changes:
        is_there = change.after is not None
        line = change.line if is_there and (outcome.written or not change.is_new) else None
        title = f"{change.shown} {change.after}" if is_there else change.shown
        yield annotate("notice", title, _describe_change(change, plan, outcome), change.file, line)
    for held in describe_all_held(plan):
        yield annotate("notice", "held", held, None, None)
    for left in plan.left_alone:
        text = f"{left.requirement}: {left.reason}"
        yield annotate("notice", "left alone", text, left.file, left.line)
    for note in list_notes(plan):
        yield annotate("notice", plan.command, note, None, None)
    for path in plan.paths:
        yield annotate("notice", plan.command, describe_path(path, plan), None, None)
    for explanation in plan.explanations:
        text = "\n".join(describe_explanation(explanation))
        yield annotate("notice", plan.command, text, None, None)
    summary = [
        *summarize(changes, plan, outcome, has_failed=error is not None),
        *describe_state(plan, outcome),
    ]
    if summary:
        yield annotate("notice", plan.command, ". ".join(summary), None, None)


def _describe_change(change: Change, plan: Plan, outcome: Outcome) -> str:
    word, what = describe_change(change)
    level = f" ({change.level})" if change.level else ""
    limit = f"; {change.reason}" if change.reason else ""
    done = in_tense(word, plan, outcome)
    return f"{done} {what}{level}{say_where(change.environments, plan)}{limit}"


def _escaped(text: str, further: str = "") -> str:
    """Return a text as a workflow command has it; within a property with further characters."""
    shown = "\n".join(map(show, text.split("\n")))
    shown = shown.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    for character in further:
        shown = shown.replace(character, f"%{ord(character):02X}")
    return shown
