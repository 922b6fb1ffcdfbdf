"""Checks of the requirements files that need no index."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from ..errors import RequirementsError
from ..plan import Alike
from ..planning.compiling import python_of, say_run
from ..planning.why import asked_by
from ..requirements import (
    OF_FORMATS,
    OF_REQUIREMENTS,
    Kind,
    as_one_word,
    begins_with_policy,
    is_later,
    read_foreign_policy,
    refused_error,
)
from ..resolution.finder import names_exactly
from . import find_in, finding_at, finding_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..manifest.documents import Manifest
    from ..plan import Finding
    from ..requirements import Generator, Line
    from ..target import Target


def check_lines(
    manifest: Manifest, target: Target | None, *, wants_hashes: bool
) -> Iterator[Finding]:
    """Find problems of the requirements files; the target is None where it is unknown.

    With ``wants_hashes``, the installer refuses a line without a hash where others have one.
    """
    if manifest.is_missing:
        fix = "`add` creates it; another one is named with the setting `file`"
        yield finding_in(manifest.main, None, "missing-file", "error", "there is no such file", fix)
    if target is None or target.installer == "pip":
        for constraints in manifest.constraints.values():
            for line in constraints.lines:
                yield from _check_constraint(line)
    firsts: set[tuple[str, str, str]] = set()
    for above, line in zip((None, *manifest.lines), manifest.lines, strict=False):
        key = _key_of(line)
        yield from _check_options(line, above)
        yield from _check_line(line, manifest, target, is_repeated=key in firsts)
        firsts.add(key)
        if wants_hashes and manifest.uses_hashes:
            yield from _check_hash(line)
    yield from _check_repeated(manifest)


def check_compiled(manifest: Manifest, target: Target) -> Iterator[Finding]:
    """Find files that another tool has compiled for another Python than the image's."""
    python = python_of(target)
    for path, file in manifest.requirements.items():
        generator = file.generator
        if generator is None or not generator.python or _suits(generator, python):
            continue
        message = f"it was compiled for Python {generator.python}, and the image has {python}"
        fix = f"run `{generator.command or generator.tool}` with Python {python}"
        if generator.compiling is not None:
            fix = say_run(generator.compiling, target)
        yield finding_in(path, None, "compiled-for-other-python", "warning", message, fix)


def _suits(generator: Generator, python: str) -> bool:
    """Return whether a file is for a Python; a universal one is for all later ones, too."""
    command = generator.compiling
    if command is not None and command.is_universal:
        return not is_later(generator.python, python)
    return generator.python == python


def _key_of(line: Line) -> tuple[str, str, str]:
    """Return what lines share that list one project under one marker."""
    return line.path, str(line.name or ""), str(line.marker or "")


def _check_line(
    line: Line, manifest: Manifest, target: Target | None, *, is_repeated: bool
) -> Iterator[Finding]:
    if error := refused_error(line):
        yield find_in(error, "invalid-line")
        return
    if line.kind is Kind.UNREADABLE:
        yield _find_unreadable(line, target)
        return
    if line.kind is Kind.COMMENT and begins_with_policy(line.comment):
        yield finding_at(
            line,
            "invalid-policy",
            "warning",
            "a policy on a line of its own limits nothing",
            "write it behind the requirement that it is for, in the same line",
        )
    try:
        policy = line.policy if line.name else None
    except RequirementsError as error:
        yield find_in(error, "invalid-policy")
        policy = None
    if line.requirement is None or line.requirement.url is not None:
        return
    if policy is None and (foreign := read_foreign_policy(line.comment)):
        yield _find_foreign_policy(line, *foreign)
    if not (
        line.pin is not None
        or line.has_variable
        or names_exactly(line.requirement.specifier)
        or _is_pinned_elsewhere(line, manifest)
        or is_repeated
    ):
        yield _find_unpinned(line)
    if policy and line.pin and not policy.specifier.contains(line.pin, prereleases=True):
        yield finding_at(
            line,
            "outside-policy",
            "warning",
            f"{line.spelled_name} {line.pin} is outside of its policy {policy.text}",
            f"`upgrade {as_one_word(f'{line.spelled_name}{policy.text}')}` moves it inside",
        )


def _find_foreign_policy(line: Line, shown: str, text: str) -> Finding:
    """Return the finding of another tool's comment, given ours that says the same."""
    return finding_at(
        line,
        "foreign-policy",
        "warning",
        f"`{shown}` is a comment of another tool and does not limit {line.spelled_name} here",
        f"write `# pipflow: {text}` beside it",
        Alike(
            message="comments of other tools do not limit their lines here",
            subject=line.spelled_name,
            fix="write `# pipflow: hold`, or a specifier in place of `hold`, beside each",
        ),
    )


def _find_unpinned(line: Line) -> Finding:
    return finding_at(
        line,
        "unpinned",
        "warning",
        f"{line.spelled_name} is not pinned: each build takes the newest version",
        f"`pin {line.spelled_name}` pins it",
        Alike(
            message="requirements are not pinned",
            subject=line.spelled_name,
            fix="`pin` pins them",
        ),
    )


def _find_unreadable(line: Line, target: Target | None) -> Finding:
    """Return the finding of a line that is not valid; a legacy version is, for an old pip."""
    if line.is_legacy and target is not None and target.installer == "pip":
        fix = "write a version as PEP 440 has it"
        if not target.may_get_strict_pip:
            message = f"the tasks leave this line alone: {line.problem}"
            return finding_at(line, "legacy-version", "warning", message, fix)
        if target.pip is not None and not target.refuses_invalid_metadata:
            message = f"pip refuses this line from 24.1 on: {line.problem}"
            return finding_at(line, "legacy-version", "warning", message, fix)
    message = f"pip can't read this line: {line.problem}"
    return finding_at(line, "invalid-line", "error", message, "correct it")


def _is_pinned_elsewhere(line: Line, manifest: Manifest) -> bool:
    """Return whether another line or a constraint pins the project wherever a line counts."""
    constraints = (each for file in manifest.constraints.values() for each in file.lines)
    others = (*manifest.lines, *manifest.siblings, *constraints)
    return any(
        other.name == line.name
        and other.requirement is not None
        and names_exactly(other.requirement.specifier)
        and (other.marker is None or other.marker == line.marker)
        for other in others
    )


def _check_hash(line: Line) -> Iterator[Finding]:
    """Find a requirement without a hash, where pip wants one for each."""
    if line.requirement is None or line.requirement.url or line.option_values("--hash"):
        return
    asked = asked_by(line)
    add = "remove it and run `add {}`, which writes its hashes"
    every = "where one line has one, pip wants one for each"
    yield finding_at(
        line,
        "missing-hash",
        "error",
        f"{line.spelled_name} has no hash; {every}",
        "run `lock`" if line.via else add.format(as_one_word(asked)),
        Alike(
            message=f"requirements have no hash; {every}",
            subject=asked,
            fix="" if line.via else add.replace("it", "them", 1).replace("its", "their"),
        ),
    )


def _check_repeated(manifest: Manifest) -> Iterator[Finding]:
    """Find projects that a file lists several times under the same marker, or that conflict so."""
    there: dict[tuple[str, str, str], list[Line]] = {}
    for line in manifest.lines:
        if line.name is not None:
            there.setdefault(_key_of(line), []).append(line)
    for first, *others in there.values():
        for line in others:
            place = f"{first.shown} ({first.place})"
            if contradicts(first, line):
                message = f"{line.shown} conflicts with {place}"
                yield finding_at(line, "conflict", "error", message, "remove one of the lines")
            else:
                message = f"{line.spelled_name} is already listed: {place}"
                yield finding_at(line, "repeated", "warning", message, _fix_repeated(first, line))


def contradicts(first: Line, other: Line) -> bool:
    """Return whether a pin of two lines is a version that the other line does not allow."""
    one, two = first.requirement, other.requirement
    if one is None or two is None or first.has_variable or other.has_variable:
        return False
    return any(
        pin is not None and not specifier.contains(pin, prereleases=True)
        for pin, specifier in ((first.pin, two.specifier), (other.pin, one.specifier))
    )


def _fix_repeated(first: Line, other: Line) -> str:
    """Return the one line that says what two do, where they differ in their extras."""
    one, two = first.requirement, other.requirement
    has_variable = first.has_variable or other.has_variable
    if one is None or two is None or one.url or two.url or has_variable or one.extras == two.extras:
        return "remove one of the lines"
    pin = first.pin or other.pin
    both = Requirement(str(one))
    both.extras = one.extras | two.extras
    both.specifier = one.specifier & two.specifier if pin is None else SpecifierSet(f"=={pin}")
    return f"write `{both}` in one line"


def _check_options(line: Line, above: Line | None) -> Iterator[Finding]:
    """Find options that pip ignores on their line."""
    if line.is_stray:
        what = "hash" if line.option_values("--hash") else "option"
        fix = "remove this line"
        if above is not None and above.requirement is not None and above.path == line.path:
            only = " if every requirement has hashes" if what == "hash" else ""
            fix = f"{fix}, or end line {line.number - 1} with a backslash{only}"
        message = f"this {what} belongs to no requirement and is ignored"
        yield finding_at(line, "stray-option", "warning", message, fix)
    heeded = OF_REQUIREMENTS | OF_FORMATS | {"--editable"}
    ignored = [name for name, _ in line.options if name not in heeded]
    if ignored and line.kind not in {Kind.OPTION, Kind.UNREADABLE}:
        message = f"pip ignores {' and '.join(dict.fromkeys(ignored))} behind a requirement"
        fix = "write it on a line of its own"
        yield finding_at(line, "ignored-option", "warning", message, fix)


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
        fix = "write a name and a specifier, such as `flask<3`"
        yield finding_at(line, "invalid-constraint", "error", problem, fix)
