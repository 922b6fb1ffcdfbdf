"""A report as Markdown, for a pull request: a table of what moved, then what is held and why.

What is meant for a terminal is left out: commands that build, use an image or undo a change. Text
is data, whoever wrote it: it can neither add markup nor address anybody (GitHub Flavored Markdown).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ..errors import BuildError
from .grouping import describe_all_held, describe_all_left, group_findings, group_limits
from .markup import as_cell, as_code, as_html, as_link, as_markdown
from .wording import (
    describe_change,
    describe_costs,
    describe_explanation,
    describe_finding,
    describe_fix,
    describe_path,
    describe_state,
    list_notes,
    name_project,
    say_where,
    show,
    show_new_files,
    summarize,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ..errors import PipflowError
    from ..plan import Change, Finding, Outcome, Plan


def write(plan: Plan, outcome: Outcome, error: PipflowError | None) -> str:
    """Return a report as Markdown."""
    parts = [part for part in map(list, _parts(plan, outcome, error)) if part]
    return "\n\n".join("\n".join(part) for part in parts)


def _parts(plan: Plan, outcome: Outcome, error: PipflowError | None) -> Iterator[Iterable[str]]:
    """Yield the parts of a report, each as its lines; an empty one is left out."""
    place = name_project(plan)
    yield [f"### {plan.command}{f' in {as_markdown(place)}' if place else ''}"]
    if error is not None:
        yield from _failure(error)
    changes, limits = group_limits(each for each in plan.changes if not each.is_kept)
    yield _summary(changes, plan, outcome, has_failed=error is not None)
    yield _table(plan, [change for change in changes if change.is_direct])
    transitive = [change for change in changes if not change.is_direct]
    yield _folded(_count(transitive, "transitive dependency"), _table(plan, transitive))
    yield _list(map(as_markdown, describe_costs(plan)))
    yield _list(
        f"**{f.severity}** {as_markdown(describe_finding(f))}{_fix(f)}"
        for f in group_findings(plan)
    )
    limited = (f"{each.shown} {each.after}: {each.reason}" for each in changes if each.reason)
    held = [*limited, *limits, *describe_all_held(plan)]
    yield _titled("**Held back**", map(as_markdown, held))
    yield _list(as_markdown(describe_path(path, plan)) for path in plan.paths)
    for each in plan.explanations:
        first, *reasons = describe_explanation(each)
        yield [as_markdown(first), "", *_list(map(as_markdown, reasons))]
    yield _titled("**Warnings**", map(as_markdown, plan.warnings))
    quoted = [replace(left, requirement=as_code(left.requirement)) for left in plan.left_alone]
    left = describe_all_left(quoted)
    yield _folded(_count(quoted, "line", "left alone"), _list(map(as_markdown, left)))
    yield _folded("Details", _details(plan))
    for title, content in show_new_files(plan, outcome):
        yield _folded(title, _block(map(show, content)))
    title, _, lines = plan.suggestion.partition("\n")
    yield [as_markdown(title), "", *_block(map(show, lines.split("\n")), "yaml")] if title else []


def _failure(error: PipflowError) -> Iterator[Iterable[str]]:
    yield [f"**Failed:** {as_markdown(f'{error.where}{error.message}')}"]
    yield _list(map(as_markdown, error.reasons))
    is_build = isinstance(error, BuildError)  # whose hint is the builder's output on the terminal
    yield [f"Hint: {as_markdown(error.hint)}"] if error.hint and not is_build else []


def _summary(
    changes: Sequence[Change], plan: Plan, outcome: Outcome, *, has_failed: bool
) -> Iterator[str]:
    """Yield in few sentences what changed, for what, and what became of the image."""
    for sentence in summarize(changes, plan, outcome, has_failed=has_failed):
        yield f"{sentence}."
    if len(plan.chosen_for) == 1:
        yield f"Versions are for {as_markdown(str(plan.chosen_for[0].target))}."
    for sentence in describe_state(plan, outcome):
        yield f"{as_markdown(sentence)}."


def _table(plan: Plan, changes: Sequence[Change]) -> Iterator[str]:
    """Yield a table of changes; with their files, where these are several."""
    if not changes:
        return
    has_files = len(plan.files) > 1 or len({change.file for change in changes}) > 1
    titles = ["package", "from", "to", "level", "released", "links", *["file"] * has_files]
    yield _row(titles)
    yield f"|{'---|' * len(titles)}"
    for change in changes:
        name = f"{change.shown}{say_where(change.environments, plan)}"
        place = [as_cell(f"{change.file}:{change.line}")] * has_files
        versions = (as_cell(str(each or "")) for each in (change.before, change.after))
        uploaded = "" if change.uploaded is None else f"{change.uploaded:%Y-%m-%d}"
        yield _row([as_cell(name), *versions, _level(change), uploaded, _links(change), *place])


def _level(change: Change) -> str:
    note = f", {change.note}" if change.note else ""
    if change.level is not None:
        return as_cell(f"{change.level}{note}")
    if change.taken_from is not None:
        return "pinned, as in the image" if change.taken_from == "image" else "pinned"
    extras = f" [{','.join(change.extras)}]" if change.extras else ""
    return as_cell(f"{describe_change(change)[0]}{extras}{note}")


def _links(change: Change) -> str:
    """Return links to pages about a release, from its metadata."""
    urls = dict(change.urls)
    wanted = {"changelog": urls.get("changelog", urls.get("release_notes"))}
    wanted |= {kind: urls.get(kind) for kind in ("source", "compare")}
    return " · ".join(f"[{kind}]({as_link(url)})" for kind, url in wanted.items() if url)


def _fix(finding: Finding) -> str:
    """Return what to do about a finding, as what follows within its item of a list."""
    if not finding.fix:
        return ""
    sentence, *lines = describe_fix(finding).split("\n")
    block = _block(map(show, lines), "dockerfile") if lines else []
    return "".join([f"  \n  fix: {as_markdown(sentence)}", *(f"\n  {line}" for line in block)])


def _details(plan: Plan) -> Iterator[str]:
    """Yield what a reviewer seldom needs: environments, where the target comes from, hints."""
    if len(plan.chosen_for) > 1:
        yield from ("| environment | versions are for |", "|---|---|")
        yield from (_row([as_cell(e.name), as_cell(str(e.target))]) for e in plan.chosen_for)
        yield ""
    if plan.origins:
        yield from ("| part | value | source |", "|---|---|---|")
        yield from (_row(map(as_cell, (o.part, o.value, o.source))) for o in plan.origins)
        yield ""
    hints = (" ".join(hint.split()) for hint in plan.hints)
    yield from _list(map(as_markdown, (*list_notes(plan), *hints)))


def _count(items: Sequence[object], noun: str, rest: str = "") -> str:
    """Return how many there are, as the summary of what is folded."""
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{len(items)} {noun if len(items) == 1 else plural} {rest}".rstrip()


def _row(cells: Iterable[str]) -> str:
    """Return a row of a table, whose cells are Markdown already."""
    return f"| {' | '.join(cells)} |"


def _list(items: Iterable[str]) -> list[str]:
    return [f"- {item}" for item in items]


def _titled(title: str, items: Iterable[str]) -> list[str]:
    """Return a list below a title, if there is anything in it."""
    lines = _list(items)
    return [title, "", *lines] if lines else []


def _folded(summary: str, lines: Iterable[str]) -> list[str]:
    """Return lines that are shown when the summary is clicked, if there are any."""
    content = [*lines]
    if not content:
        return []
    return [f"<details><summary>{as_html(summary)}</summary>", "", *content, "", "</details>"]


def _block(lines: Iterable[str], language: str = "") -> list[str]:
    """Return a block of code, whose fence is longer than any within."""
    content = [*lines]
    runs = (len(run) for line in content for run in re.findall("`+", line))
    fence = "`" * max(3, 1 + max(runs, default=0))
    return [f"{fence}{language}", *content, fence]
