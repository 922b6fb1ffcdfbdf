"""Checks of the requirements files that need no index."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import RequirementsError, redact
from ..plan import Finding
from ..planning.why import asked_by
from ..requirements import OF_FORMATS, OF_REQUIREMENTS, Kind, as_one_word, refused_error
from ..resolution.finder import names_exactly
from . import find_in, finding_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..manifest.documents import Manifest
    from ..requirements import Line


def check_lines(manifest: Manifest, *, wants_hashes: bool) -> Iterator[Finding]:
    """Find problems of the requirements files.

    With ``wants_hashes``, the installer refuses a line without a hash where others have one.
    """
    if manifest.is_missing:
        yield Finding(
            file=manifest.main,
            line=None,
            severity="error",
            message="there is no such file",
            fix="`add` creates it; another one is named with the setting `file`",
        )
    for constraints in manifest.constraints.values():
        for line in constraints.lines:
            yield from _check_constraint(line)
    there: dict[tuple[str, str, str], Line] = {}
    for above, line in zip((None, *manifest.lines), manifest.lines, strict=False):
        yield from _check_options(line, above)
        yield from _check_line(line, wants_hashes=wants_hashes and manifest.uses_hashes)
        if line.name is None:
            continue
        first = there.setdefault((line.path, line.name, str(line.marker or "")), line)
        if first is not line:
            contradicts = line.pin and first.pin and line.pin != first.pin
            yield finding_at(
                line,
                "error" if contradicts else "warning",
                f"{line.spelled_name} is already listed: {redact(first.content)} ({first.place})",
                "remove one of the lines",
            )


def _check_line(line: Line, *, wants_hashes: bool) -> Iterator[Finding]:
    if error := refused_error(line):
        yield find_in(error)
        return
    if line.kind is Kind.UNREADABLE:
        yield finding_at(line, "error", f"pip can't read this line: {line.problem}", "correct it")
        return
    try:
        policy = line.policy if line.name else None
    except RequirementsError as error:
        yield find_in(error)
        policy = None
    if line.requirement is None or line.requirement.url is not None:
        return
    if line.pin is None and not line.has_variable and not names_exactly(line.requirement.specifier):
        yield finding_at(
            line,
            "warning",
            f"{line.spelled_name} is not pinned: each build takes the newest version",
            f"`upgrade {line.spelled_name}` pins it",
        )
    if policy and line.pin and not policy.specifier.contains(line.pin, prereleases=True):
        yield finding_at(
            line,
            "warning",
            f"{line.spelled_name} {line.pin} is outside of its policy {policy.text}",
            f"`upgrade {as_one_word(f'{line.spelled_name}{policy.text}')}` moves it inside",
        )
    if wants_hashes and not line.option_values("--hash"):
        yield finding_at(
            line,
            "error",
            f"{line.spelled_name} has no hash; where one line has one, pip wants one for each",
            "run `lock`"
            if line.via
            else f"remove it and run `add {as_one_word(asked_by(line))}`, which writes its hashes",
        )


def _check_options(line: Line, above: Line | None) -> Iterator[Finding]:
    """Find options that pip ignores on their line."""
    if line.is_stray:
        what = "hash" if line.option_values("--hash") else "option"
        fix = "remove the line"
        if above is not None and above.requirement is not None and above.path == line.path:
            fix = f"end line {line.number - 1} with a backslash"
        message = f"this {what} belongs to no requirement and is ignored"
        yield finding_at(line, "warning", message, fix)
    heeded = OF_REQUIREMENTS | OF_FORMATS | {"--editable"}
    ignored = [name for name, _ in line.options if name not in heeded]
    if ignored and line.kind not in {Kind.OPTION, Kind.UNREADABLE}:
        message = f"pip ignores {' and '.join(dict.fromkeys(ignored))} behind a requirement"
        yield finding_at(line, "warning", message, "write it on a line of its own")


def _check_constraint(line: Line) -> Iterator[Finding]:
    """Find lines that pip refuses as constraints."""
    problem = ""
    if line.kind is Kind.UNREADABLE:
        problem = f"pip can't read this line: {line.problem}"
    elif line.kind is Kind.EDITABLE or (line.kind is Kind.REFERENCE and line.name is None):
        problem = f"pip refuses {line.kind.value} as a constraint"
    elif line.requirement is not None and line.requirement.extras:
        problem = f"pip refuses extras in a constraint: {line.spelled_name} has some"
    if problem:
        yield finding_at(line, "error", problem, "write a name and a specifier, such as `flask<3`")
