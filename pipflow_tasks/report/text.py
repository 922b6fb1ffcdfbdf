"""A report as text: lines that begin with a word of at most nine letters, `dockerfile` apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .grouping import describe_all_held, describe_all_left, group_findings, group_limits
from .wording import (
    REPORTING,
    count_findings,
    describe_change,
    describe_explanation,
    describe_finding,
    describe_image,
    describe_path,
    in_tense,
    list_notes,
    name_project,
    say_where,
    show,
    show_new_files,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..errors import PipflowError
    from ..plan import Origin, Outcome, Plan, PlannedFor


def write(plan: Plan, outcome: Outcome, error: PipflowError | None) -> str:
    """Return a report as text; an error is printed to standard error alone."""
    lines = map(show, _lines(plan, outcome))
    return "\n".join([*lines, *([plan.suggestion] if plan.suggestion else [])])


def _lines(plan: Plan, outcome: Outcome) -> Iterator[str]:
    project = name_project(plan)
    if plan.chosen_for:
        yield from _environments(plan.chosen_for, project)
        yield from (_line("note", note) for note in list_notes(plan))
    elif project:
        yield f"{project}:"
    yield from (_origin(origin) for origin in plan.origins)
    yield from _projects(plan, outcome)
    yield from _findings(plan)
    if plan.command == "check":
        yield count_findings(plan)
    elif not plan.changes and not plan.edits and plan.command not in REPORTING:
        yield "nothing to change"
    yield from (_line("hint", hint) for hint in plan.hints)
    for title, content in show_new_files(plan, outcome):
        yield title
        yield from (f"    {line}" for line in content)
    yield from (_line(word, what) for word, what in describe_image(plan, outcome))


def _environments(environments: Sequence[PlannedFor], project: str) -> Iterator[str]:
    start = f"{project}: for" if project else "for"
    if len(environments) == 1:
        target = environments[0].target
        yield f"{start} {target} · {target.deciding_source}"
        return
    yield f"{start} {len(environments)} environments"
    for each in environments:
        yield _line("for", f"{each.name}: {each.target} · {each.target.deciding_source}")


def _line(word: str, what: str) -> str:
    return f"{word:<9} {what}"


def _origin(origin: Origin) -> str:
    return f"{origin.part:<10} {origin.value} · {origin.source}"


def _projects(plan: Plan, outcome: Outcome) -> Iterator[str]:
    """Yield changes, what is held or left alone, and paths."""
    changes, limits = group_limits(each for each in plan.changes if not each.is_kept)
    for change in changes:
        word, what = describe_change(change)
        limit = f"; {change.reason}" if change.reason else ""
        where = say_where(change.environments, plan)
        place = f"({change.file}:{change.line}){where}"
        yield _line(in_tense(word, plan, outcome), f"{what} {place}{limit}")
    yield from (_line("newer", shown) for shown in limits)
    yield from (_line("held", shown) for shown in describe_all_held(plan))
    yield from (_line("left", shown) for shown in describe_all_left(plan.left_alone))
    for path in plan.paths:
        yield _line("why", describe_path(path, plan))
    for explanation in plan.explanations:
        first, *others = describe_explanation(explanation)
        yield _line("why not", first)
        yield from (_line("", each) for each in others)


def _findings(plan: Plan) -> Iterator[str]:
    for finding in group_findings(plan):
        yield _line(finding.severity, describe_finding(finding))
        if finding.fix:
            yield _line("", f"fix: {finding.fix}")
