"""The sentences that several formats share."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ..errors import as_line, redact
from ..files import repository_of, show_path
from ..plan import SEVERITIES, BuiltSize
from ..values import join_words, say_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from ..plan import (
        Builder,
        Change,
        Cost,
        Explanation,
        Finding,
        Outcome,
        PathStep,
        Plan,
        PlannedBuild,
        Replacement,
    )


REPORTING = frozenset({"rebuild", "why", "why-not"})
"""Commands that have nothing to change in any case."""


LARGE_BYTES = 50_000_000
"""Below this, a report for people does not say what a change costs."""

MANY_PACKAGES = 20
"""From so many new packages on, it does although sizes are unknown."""

MOST_UNKNOWN = 3


_TO_DO: Mapping[str, str] = MappingProxyType(
    {
        "added": "to add",
        "changed": "to change",
        "moved": "to move",
        "pinned": "to pin",
        "removed": "to remove",
    }
)
"""How a report says of changes that they would be made."""


def show(text: str) -> str:
    """Return what a report says in a line: as one, escaped, and with secrets hidden."""
    return as_line(redact(text))


def in_repository(plan: Plan) -> Callable[[str], str]:
    """Return what names a file of a report as it is in the repository.

    Reports name files as seen from the current folder. Without a repository, a file is named as
    seen from the project.
    """
    here = Path.cwd()
    root = repository_of(Path(here / plan.folder).resolve())
    return lambda name: show_path(here / name, root)


def name_project(plan: Plan) -> str:
    """Return which project a report is about, by what is not the current folder's own.

    That are its files or else its folder, its services, and, where no target names it, its
    Dockerfile.
    """
    folder = "" if plan.folder == "." else f"{plan.folder}/"
    files = _unless_usual(plan.files, f"{folder}requirements.txt")
    place = " and ".join(files) or folder.rstrip("/")
    services = plan.services if plan.builder is None else plan.builder.services
    if place and services:
        place = f"{place} ({', '.join(services)})"
    built = _unless_usual(plan.dockerfiles, f"{folder}Dockerfile")
    return ", ".join(filter(None, [place, *([] if plan.chosen_for else built)]))


def _unless_usual(names: Sequence[str], usual: str) -> Sequence[str]:
    """Return names, or none where the only one is the usual one."""
    return () if {*names} == {usual} else names


def list_notes(plan: Plan) -> tuple[str, ...]:
    """Return what was assumed of the targets."""
    return tuple(dict.fromkeys(note for each in plan.chosen_for for note in each.target.notes))


def say_where(names: Sequence[str], plan: Plan) -> str:
    """Return which environments something is about, where it is not about all; with a space."""
    every = [each.name for each in plan.environments]
    is_of_all = not names or set(names).issuperset(every)
    return "" if is_of_all else f" ({', '.join(names)})"


def describe_change(change: Change) -> tuple[str, str]:
    """Return what happened to a project, in a word, and the rest of the sentence."""
    name = change.project if change.extras else change.shown
    word, what = "moved", f"{name} {change.before} to {change.after}"
    if change.after is None:
        word, what = "removed", f"{name} {change.before or ''}".rstrip()
    elif change.before is None:
        word, what = "added" if change.is_new else "pinned", f"{name} {change.after}"
    elif change.note and change.before == change.after:
        word, what = "changed", f"{name} {change.after}"
    if change.note:
        return word, f"{what}: {change.note}"
    if not change.extras:
        return word, what + describe_source(change)
    extras = f"the extra{'s' if len(change.extras) > 1 else ''} {' and '.join(change.extras)}"
    if change.before == change.after:
        return "added", f"{extras} to {change.project} {change.after}"
    return word, f"{what} with {extras}{describe_source(change)}"


def describe_source(change: Change) -> str:
    """Return where a line that was not pinned has its version from, as the end of a sentence."""
    if change.taken_from is None:
        return ""
    is_from_image = change.taken_from == "image"
    return ", which the image has" if is_from_image else ", the newest that is allowed"


def describe_costs(plan: Plan) -> Iterator[str]:
    """Yield what the changes make larger, where that is much, or was asked for.

    Environments of which the same is said are named together.
    """
    told: dict[str, list[str]] = {}
    for cost in plan.costs:
        for said in _describe_cost(cost):
            told.setdefault(said, []).append(cost.environment)
    for said, names in told.items():
        yield f"{said}{say_where(names, plan)}"


def _describe_cost(cost: Cost) -> Iterator[str]:
    if cost.growth_bytes is not None:
        word = "more" if cost.growth_bytes >= 0 else "less"
        size = say_size(abs(cost.growth_bytes))
        yield f"{size} {word} than before, compressed, dependencies included"
    is_many = bool(cost.unknown) and len(cost.downloads) >= MANY_PACKAGES
    if is_many or cost.size_bytes >= LARGE_BYTES:
        yield _describe_new(cost)


def _describe_new(cost: Cost) -> str:
    """Return how many packages are new, and how large; with the largest, if it is much of it."""
    number, first, unknown = len(cost.downloads), cost.downloads[0], cost.unknown
    count = "1 new package" if number == 1 else f"{number} new packages, dependencies included"
    least = "at least " if unknown else ""
    parts = []
    if number > 1 and 10 * (first.size_bytes or 0) >= cost.size_bytes > 0:
        parts.append(f"largest: {first.shown}, {say_size(first.size_bytes or 0)}")
    if unknown:
        named = [*unknown[:MOST_UNKNOWN], *(["others"] if len(unknown) > MOST_UNKNOWN else [])]
        parts.append(f"unknown: {', '.join(named)}")
    told = f" ({'; '.join(parts)})" if parts else ""
    return f"{count}: {least}{say_size(cost.size_bytes)} to download, compressed{told}"


def describe_finding(finding: Finding) -> str:
    """Return where a finding is, and what it is."""
    if finding.file is None:
        return finding.message
    place = finding.file if finding.line is None else f"{finding.file}:{finding.line}"
    return f"{place}: {finding.message}"


def explain_finding(finding: Finding, plan: Plan) -> str:
    """Return what a finding is, where it is not about all environments in which, and its fix."""
    fix = f"\nfix: {describe_fix(finding)}" if finding.fix else ""
    return f"{finding.message}{say_where(finding.environments, plan)}{fix}"


def describe_fix(finding: Finding) -> str:
    """Return what to do about a finding, with the lines to write, one below the other."""
    if finding.replacement is None:
        return finding.fix
    return "\n".join(
        [f"{finding.fix}; {introduce_lines(finding.replacement)}", *finding.replacement.lines]
    )


def count_findings(plan: Plan) -> str:
    """Return how many findings there are."""
    counts: list[str] = []
    for severity in SEVERITIES:
        number = sum(finding.severity == severity for finding in plan.findings)
        one, many = ("piece of advice", "pieces of advice")
        if severity != "advice":
            one, many = severity, f"{severity}s"
        counts += [f"{number} {one if number == 1 else many}"] * bool(number)
    return join_words(counts) or "no problems found"


def introduce_lines(replacement: Replacement) -> str:
    """Return what to do with the lines of a replacement: what is said above them."""
    first, last = replacement.first, replacement.last
    place = f"line {first}" if first == last else f"lines {first} to {last}"
    if not replacement.lines:
        return f"remove {place}"
    return f"write in place of {place}:"


def show_new_files(plan: Plan, outcome: Outcome) -> Iterator[tuple[str, list[str]]]:
    """Yield each file that a dry run of ``adopt`` would write: a title, and its lines."""
    for edit in plan.edits if outcome.dry_run and plan.command == "adopt" else ():
        text = edit.after.decode("utf-8", "replace")
        yield f"{edit.shown} would be:", text.splitlines()


def describe_path(path: Sequence[PathStep], plan: Plan) -> str:
    """Return a path: each project with its version, and what the line or the step before asks.

    Behind it are the environments that have it, where others do not.
    """

    def describe(step: PathStep) -> str:
        if step.file is None:
            asked = "" if step.requirement == step.project else f" ({step.requirement})"
            return f"{step.project} {step.version or ''}".rstrip() + asked
        at = "" if step.version is None or "==" in step.requirement else f" at {step.version}"
        return f"{step.requirement}{at} ({step.file}:{step.line})"

    return f"{' → '.join(map(describe, path))}{say_where(path[0].environments, plan)}"


def describe_explanation(explanation: Explanation) -> list[str]:
    """Return what rules out what was asked about, and what to do, line by line."""
    asked, reasons, fix = explanation.requirement, explanation.reasons, explanation.fix
    if not fix:
        return [f"{asked}: {'; '.join(reasons)}"]
    if explanation.is_possible:
        return [f"{asked}: nothing rules it out; {fix}", *reasons]
    return [asked, *reasons, f"fix: {fix}"]


def in_tense(word: str, plan: Plan, outcome: Outcome) -> str:
    """Return what was done, or what would be done by a plan that was not applied."""
    if plan.command == "outdated" and word == "moved":
        return "can move"
    if outcome.undone:
        return "undone"
    return word if outcome.written else _TO_DO[word]


def count_changes(changes: Iterable[Change], plan: Plan, outcome: Outcome) -> str:
    """Return how many packages moved, were added, pinned and removed."""
    words = [describe_change(change)[0] for change in changes]
    kinds = [kind for kind in ("moved", "added", "pinned", "changed", "removed") if kind in words]
    outcome = replace(outcome, undone=())
    counts = [(words.count(kind), in_tense(kind, plan, outcome)) for kind in kinds]
    first, *others = (f"{number} {word}" for number, word in counts)
    noun = "package" if counts[0][0] == 1 else "packages"
    return ", ".join([first.replace(" ", f" {noun} ", 1), *others])


def summarize(
    changes: Sequence[Change], plan: Plan, outcome: Outcome, *, has_failed: bool
) -> Iterator[str]:
    """Yield how many packages changed, or how many findings there are, in a sentence."""
    if changes:
        yield count_changes(changes, plan, outcome)
    elif plan.command == "check":
        yield count_findings(plan).capitalize()
    elif not plan.edits and plan.command not in REPORTING and not has_failed:
        yield "Nothing to change"


def describe_state(plan: Plan, outcome: Outcome) -> Iterator[str]:
    """Yield what became of files and image, without commands: a sentence each."""
    yield from outcome.remarks
    yield from outcome.left
    if outcome.status == "failed":
        if outcome.kept:
            yield "The build failed; the files keep their changes"
        elif outcome.undone:
            yield f"The build failed; as before: {', '.join(outcome.undone)}"
        if outcome.moved:
            yield f"May have been built from the changed files: {', '.join(outcome.moved)}"
        if outcome.rebuilt:
            yield f"Built again from the files as they were: {', '.join(outcome.rebuilt)}"
        if outcome.ahead:
            yield f"May be ahead of the files: {', '.join(outcome.ahead)}"
    elif plan.builder is not None and outcome.status == "no-engine":
        yield f"The image was not built: {plan.builder.absence}"
    elif plan.builder is not None:
        said = {"planned": "would be", "skipped": "was not", "built": "was"}.get(outcome.status)
        sizes = "; ".join(describe_sizes(plan, outcome))
        yield from [f"The image {said} built{sizes and f': {sizes}'}"] if said else []
    yield from (f"The image is {said}" for said in _tell_unverified(plan, outcome))


def is_verified(plan: Plan, outcome: Outcome) -> bool | None:
    """Return whether ``verify`` has passed in the new images; None: there is nothing to verify."""
    is_built = plan.builder is not None and outcome.status == "built"
    has_none = plan.builder is not None and is_built and not plan.builder.trials
    if not plan.verifies or has_none or not (plan.edits or plan.command == "rebuild"):
        return None
    return is_built


def _tell_unverified(plan: Plan, outcome: Outcome) -> Iterator[str]:
    """Yield that ``verify`` had no image to run in, where requirements have changed."""
    is_changed = bool(outcome.written) and not all(edit.is_silent for edit in plan.edits)
    if plan.verifies and is_changed and outcome.status not in {"built", "failed"}:
        yield "not verified: `verify` runs in a new image, and none was built"


def pair_sizes(plan: Plan, outcome: Outcome) -> Iterator[tuple[PlannedBuild, Sequence[BuiltSize]]]:
    """Yield the builds of a plan that has any, each with the sizes of its images."""
    builds = plan.builds if plan.builder is not None else ()
    unknown = [tuple(BuiltSize(image=names[0]) for names in each.images) for each in builds]
    yield from zip(builds, outcome.sizes or unknown, strict=True)


def describe_sizes(plan: Plan, outcome: Outcome) -> Iterator[str]:
    """Yield how large images are now, and were before, where the engine can say; several named."""
    every = [size for _, sizes in pair_sizes(plan, outcome) for size in sizes]
    for size in every:
        if size.after_bytes is not None:
            name = f"{size.image}: " if len(every) > 1 else ""
            before = ""
            if size.before_bytes is not None:
                is_same = size.before_bytes == size.after_bytes
                before = ", as before" if is_same else f", {say_size(size.before_bytes)} before"
            yield f"{name}{say_size(size.after_bytes)}{before}"


def describe_image(plan: Plan, outcome: Outcome) -> Iterator[tuple[str, str]]:
    """Yield what happened to files and image, and what to do next: a first word, a sentence."""
    yield from _describe_state(plan, outcome)
    yield from (("image", said) for said in _tell_unverified(plan, outcome))
    if outcome.undo:
        yield "undo", outcome.undo
    elif outcome.written and not outcome.dry_run:
        files = join_words(outcome.written)
        yield (
            "undo",
            f"by hand: no single command leads back, and git does not have {files} as before",
        )


def _describe_state(plan: Plan, outcome: Outcome) -> Iterator[tuple[str, str]]:
    builder = plan.builder
    yield from (("file", remark) for remark in outcome.remarks)
    if outcome.status == "failed":
        yield from _describe_failure(builder, outcome)
    if builder is None:
        return
    if outcome.status == "planned":
        yield "image", f"would be built: {builder.shown}"
    elif outcome.status == "skipped":
        yield "image", f"not built, as requested; build it with: {builder.shown}"
    elif outcome.status == "no-engine":
        yield "image", f"not built: {builder.absence}; once one does: {builder.shown}"
    elif outcome.status == "built":
        yield "image", f"built: {builder.shown}"
        yield from (("image", size) for size in describe_sizes(plan, outcome))
        if builder.next_step:
            yield "next", builder.next_step


def _describe_failure(builder: Builder | None, outcome: Outcome) -> Iterator[tuple[str, str]]:
    """Yield the state of the files and the images after a failed build.

    Without a builder, it is the build of an earlier command that was ended.
    """
    if outcome.kept:
        yield "files", "keep their changes (--keep)"
        if outcome.moved:
            yield "image", f"may have been built from them: {', '.join(outcome.moved)}"
    elif outcome.undone:
        way = "" if builder is None else " (--keep keeps the changes)"
        yield "files", f"as they were: {', '.join(outcome.undone)}{way}"
    yield from (("file", sentence) for sentence in outcome.left)
    if outcome.rebuilt:
        yield "image", f"built again from the files as they were: {', '.join(outcome.rebuilt)}"
    if outcome.ahead:
        command = "" if builder is None else f": {builder.shown}"
        reason = f"building it again from them failed, too{command}"
        if outcome.interrupted:
            reason = f"build it with{command}" if command else "`rebuild` builds it"
        yield "image", f"may be ahead of the files: {', '.join(outcome.ahead)}; {reason}"
