"""A report as text: lines that begin with a word of at most nine letters, `dockerfile` apart.

What belongs to a line is below it, behind ten blanks. Several changes are in columns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from msgspec.structs import replace

from ..console import wrap_line
from ..plan import Outcome
from ..values import join_words
from .grouping import describe_all_held, describe_all_left, group_findings, group_limits
from .wording import (
    REPORTING,
    count_findings,
    describe_change,
    describe_costs,
    describe_explanation,
    describe_finding,
    describe_fix,
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
    from ..plan import Change, Origin, Plan, PlannedFor

    Entry: TypeAlias = tuple[str, str]  # the word that a line begins with, and the rest

INDENT = 10
CHECKBOX = 5
"""How wide a box to tick is, with what is before and behind it."""

MOST_COLUMN = 30
"""How wide a column is at most; what is longer moves the rest of its line."""


def write(plan: Plan, outcome: Outcome, error: PipflowError | None, *, width: int = 0) -> str:
    """Return a report as text; an error is printed to standard error alone.

    With a width, lines are wrapped that are longer; a command, which may be pasted, is not.
    """
    lines = [each for line in _lines(plan, outcome) for each in _shown(line, width)]
    return "\n".join([*lines, *([plan.suggestion] if plan.suggestion else [])])


def announce(plan: Plan, *, width: int = 0) -> str:
    """Return what is about to change and to be built, as text; why no more changes comes later."""
    changes = tuple(replace(each, newest=None, reason="") for each in plan.changes)
    planned = Outcome(status="planned", dry_run=True)
    lines: list[Entry] = [*_changes(replace(plan, changes=changes), planned)]
    if plan.builder is not None:
        lines.append(("building", join_words(plan.builder.images) or plan.builder.shown))
    return "\n".join(each for line in lines for each in _shown(line, width))


def describe_groups(groups: Sequence[Sequence[Change]], *, width: int = 0) -> list[str]:
    """Return each group of changes as lines, in columns, with the level of each.

    With a width, what is wider is without columns, and broken between words.
    """
    cells = _columns([change for group in groups for change in group])
    below = f"\n{' ' * CHECKBOX}"
    return [
        below.join(
            line for change in group for line in _choice(change, next(cells), width - CHECKBOX)
        )
        for group in groups
    ]


def _choice(change: Change, what: str, width: int) -> list[str]:
    remarks = ", ".join(filter(None, [change.level, "" if change.is_direct else "transitive"]))
    row = show(f"{what}  {remarks}".rstrip())
    if not 0 < width < len(row):
        return [row]
    return wrap_line(show(f"{' '.join(what.split())} {remarks}".rstrip()), width, "  ")


def _shown(line: str | Entry, width: int) -> list[str]:
    """Return a line, or a word and what is behind it, as lines."""
    if isinstance(line, str):
        return [show(line)]
    word, what = line
    text = show(f"{word:<{INDENT - 1}} {what}")
    return wrap_line(text, width, " " * INDENT)


def _lines(plan: Plan, outcome: Outcome) -> Iterator[str | Entry]:
    project = name_project(plan)
    if plan.chosen_for:
        yield from _environments(plan.chosen_for, project)
        yield from (("note", note) for note in list_notes(plan))
    elif project:
        yield f"{project}:"
    yield from (_origin(origin) for origin in plan.origins)
    yield from _projects(plan, outcome)
    yield from _findings(plan)
    if plan.command == "check":
        yield count_findings(plan)
    elif not (plan.changes or plan.edits or plan.command in REPORTING or outcome.failure):
        yield "nothing to change"
    yield from (("hint", hint) for hint in plan.hints)
    for title, content in show_new_files(plan, outcome):
        yield title
        yield from (f"    {line}" for line in content)
    for word, what in describe_image(plan, outcome):
        yield (word, what) if word.startswith("file") else f"{word:<{INDENT - 1}} {what}"


def _environments(environments: Sequence[PlannedFor], project: str) -> Iterator[str | Entry]:
    target, shown = environments[0].target, f"{len(environments)} environments"
    if len(environments) == 1:
        shown = f"{target} · {target.deciding_source}"
    yield f"{project}: for {shown}" if project else ("for", shown)
    for each in environments if len(environments) > 1 else ():
        yield "for", f"{each.name}: {each.target} · {each.target.deciding_source}"


def _origin(origin: Origin) -> str:
    return f"{origin.part:<10} {origin.value} · {origin.source}"


def _projects(plan: Plan, outcome: Outcome) -> Iterator[Entry]:
    """Yield changes, what is held or left alone, and paths."""
    yield from _changes(plan, outcome)
    yield from (("held", shown) for shown in describe_all_held(plan))
    yield from (("left", shown) for shown in describe_all_left(plan.left_alone))
    for path in plan.paths:
        yield "why", describe_path(path, plan)
    for explanation in plan.explanations:
        first, *others = describe_explanation(explanation)
        yield "why not", first
        yield from (("", each) for each in others)


def _changes(plan: Plan, outcome: Outcome) -> Iterator[Entry]:
    changes, limits = group_limits(each for each in plan.changes if not each.is_kept)
    for change, what in zip(changes, _columns(changes), strict=True):
        word, _ = describe_change(change)
        place = f"({change.file}:{change.line}){say_where(change.environments, plan)}"
        yield in_tense(word, plan, outcome), f"{what} {place}"
        if change.reason:
            yield "", change.reason
    yield from (("size", shown) for shown in describe_costs(plan))
    yield from (("newer", shown) for shown in limits)


def _columns(changes: Sequence[Change]) -> Iterator[str]:
    """Yield what happened to each project, in columns: the name, and the versions."""
    rows = [_cells(change) for change in changes]
    aligned = [row for row in rows if len(row) > 1]
    widths = [min(MOST_COLUMN, max(map(len, column))) for column in zip(*aligned, strict=True)]
    for row in rows:
        used = [(cell, width) for cell, width in zip(row, widths, strict=False) if width]
        yield row[0] if row not in aligned else " ".join(f"{cell:<{size}}" for cell, size in used)


def _cells(change: Change) -> tuple[str, ...]:
    """Return the columns of a change, or its sentence alone: some lines have more to say."""
    word, what = describe_change(change)
    if change.extras or change.note:
        return (what,)
    if word == "moved":
        return (change.shown, str(change.before), f"to {change.after}")
    version, _, rest = what.removeprefix(change.shown).lstrip().partition(", ")
    return (change.shown, f"{version}," if rest else version, rest)


def _findings(plan: Plan) -> Iterator[str | Entry]:
    for finding in group_findings(plan):
        yield finding.severity, describe_finding(finding)
        if finding.fix:
            fix, *lines = describe_fix(finding).split("\n")
            yield "", f"fix: {fix}"
            yield from (f"{'':{INDENT}}  {line}" for line in lines)
