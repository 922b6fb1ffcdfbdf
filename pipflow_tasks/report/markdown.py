"""A report as Markdown, for the description of a change: a table, then a list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from .grouping import describe_all_held, describe_all_left, group_findings, group_limits
from .wording import (
    REPORTING,
    count_findings,
    describe_explanation,
    describe_finding,
    describe_image,
    describe_path,
    describe_source,
    list_notes,
    name_project,
    say_where,
    show,
    show_new_files,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..errors import PipflowError
    from ..plan import Change, Finding, Outcome, Plan


def write(plan: Plan, outcome: Outcome, error: PipflowError | None) -> str:
    """Return a report as Markdown."""
    lines = map(show, _lines(plan, outcome))
    return "\n".join([*lines, *_suggestion(plan)])


def _lines(plan: Plan, outcome: Outcome) -> Iterator[str]:
    project = name_project(plan)
    start = f"### {plan.command} in {project}" if project else f"### {plan.command}"
    targets = [str(each.target) for each in plan.chosen_for]
    if len(targets) == 1:
        start = f"{start} for {targets[0]}"
    yield start
    if len(targets) > 1:
        yield from ("", "| environment | versions are for |", "|---|---|")
        yield from (_cells(each.name, each.target) for each in plan.chosen_for)
    if plan.origins:
        yield from ("", "| part | value | source |", "|---|---|---|")
        yield from (_cells(o.part, o.value, o.source) for o in plan.origins)
    changes = [change for change in plan.changes if not change.is_kept]
    if changes:
        yield from ("", "| project | from | to | file |", "|---|---|---|---|")
        yield from (_row(change, plan) for change in changes)
    elif plan.command == "check":
        yield from ("", f"{count_findings(plan).capitalize()}.")
    elif not plan.edits and plan.command not in REPORTING:
        yield from ("", "Nothing to change.")
    notes = [*_notes(plan, outcome)]
    if notes:
        yield ""
    yield from (f"- {note}" for note in notes)
    for title, content in show_new_files(plan, outcome):
        fence = "`" * 3
        yield from ("", title, "", fence, *content, fence)


def _suggestion(plan: Plan) -> Iterator[str]:
    first, _, lines = plan.suggestion.partition("\n")
    if first:
        yield from ("", first, "", "```yaml", lines, "```")


def _cells(*values: object) -> str:
    """Return a row of a table."""
    return f"| {' | '.join(str(value).replace('|', chr(92) + '|') for value in values)} |"


def _row(change: Change, plan: Plan) -> str:
    before, after = change.before or "", f"{change.after or ''}{describe_source(change)}"
    extras = f" +[{','.join(change.extras)}]" if change.extras else ""
    place = f"{change.file}:{change.line}{say_where(change.environments, plan)}"
    return _cells(f"{change.project}{extras}", before, after, place)


def _notes(plan: Plan, outcome: Outcome) -> Iterator[str]:
    """Yield the rest, one sentence each."""
    yield from map(_finding, group_findings(plan))
    yield from (describe_path(path, plan) for path in plan.paths)
    yield from ("; ".join(describe_explanation(each)) for each in plan.explanations)
    changes, limits = group_limits(each for each in plan.changes if not each.is_kept)
    limited = (change for change in changes if change.reason)
    yield from (f"{each.project} {each.after}: {each.reason}" for each in limited)
    yield from limits
    yield from (f"held: {shown}" for shown in describe_all_held(plan))
    quoted = (replace(left, requirement=f"`{left.requirement}`") for left in plan.left_alone)
    yield from (f"left alone: {shown}" for shown in describe_all_left(quoted))
    yield from (f"note: {note}" for note in list_notes(plan))
    yield from (f"warning: {warning}" for warning in plan.warnings)
    yield from plan.hints
    for word, what in describe_image(plan, outcome):
        yield f"undo: `{what}`" if word == "undo" else " ".join(f"{word} {what}".split())


def _finding(finding: Finding) -> str:
    fix = f"; fix: {finding.fix}" if finding.fix else ""
    return f"{finding.severity}: {describe_finding(finding)}{fix}"
