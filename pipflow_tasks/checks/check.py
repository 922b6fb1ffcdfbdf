"""What breaks the workflow, or will: in the Dockerfile, in the files, in what they ask for.

Nothing is changed here, and nothing is raised for what is found: a finding says where it is and
how to mend it.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections import Counter
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet

from ..dockerfile import hidden_by
from ..errors import DockerfileError, PipflowError, ProjectNotFound, RequirementsError, redact
from ..files import read
from ..manifest.included import find_included
from ..plan import Finding
from ..planning.goals import find_move
from ..planning.locking import find_origins, find_transitive, find_unknown
from ..planning.paths import asked_by
from ..planning.sets import fix_conflict
from ..requirements import Kind
from ..resolution import Conflict, Solution
from ..resolution.finder import Rejection, names_exactly

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..dockerfile import InstallCommand
    from ..environments.image import Build, Discovery
    from ..manifest.documents import Manifest
    from ..plan import Severity
    from ..planning.lookup import Lookup
    from ..requirements import Line
    from ..resolution.finder import Releases
    from ..target import Target


_PIP = re.compile(r"(?:\S*/)?(?:pip[0-9.]*|python[0-9.]* +-m +pip) ")


def find_in(error: PipflowError) -> Finding:
    """Take what keeps the tasks from working for a finding."""
    return Finding(
        file=error.path,
        line=error.line,
        severity="error",
        message=error.message,
        fix=error.hint,
    )


def _at(line: Line, severity: Severity, message: str, fix: str) -> Finding:
    return Finding(file=line.path, line=line.number, severity=severity, message=message, fix=fix)


# the Dockerfile


def check_image(image: Discovery, root: Path) -> Iterator[Finding]:
    """Find what keeps the image from getting what the files pin, or from doing so quickly."""
    seen: set[Finding] = set()
    for source in image.sources.values():
        try:
            found = tuple(_check_source(source, root))
        except DockerfileError as error:
            found = (find_in(error),)
        yield from (finding for finding in found if finding not in seen)
        seen.update(found)


def _check_source(source: Build, root: Path) -> Iterator[Finding]:
    dockerfile = source.read(keep_unknown=True)
    steps = source.steps(dockerfile)
    if not steps:
        yield _no_step(source, dockerfile.steps, dockerfile.stages[-1].line)
    for step in steps:
        yield from _check_cache(source, step)
        yield from _check_included(source, step)
    for step in dockerfile.steps:
        yield from _check_context(source, step, root)
    included = (path for path in sorted(source.wanted) if path.is_relative_to(source.context))
    files = (*source.files, *(path.relative_to(source.context).as_posix() for path in included))
    for file in dict.fromkeys(files) if steps else ():
        yield from _check_ignored(source, file, root)


def check_pip(image: Discovery, target: Target) -> Iterator[Finding]:
    """Find steps that use pip where the base image, as it says itself, has none.

    Only where pip is the first that is run: other commands may have brought it.
    """
    base = target.interpreter
    if base is None or base.pip is not None:
        return
    for source in image.sources.values():
        dockerfile = source.read(keep_unknown=True)
        for stage in dict.fromkeys(step.stage for step in source.steps(dockerfile)):
            first = next(
                (
                    instruction
                    for each in dockerfile.chain_of(stage)
                    for instruction in each.instructions
                    if instruction.keyword == "RUN" or "from" in dict(instruction.flags)
                ),
                None,
            )
            if first is not None and _PIP.match(" ".join(first.json or (first.arguments,))):
                yield Finding(
                    file=source.path,
                    line=first.line,
                    severity="error",
                    message=f"it starts pip, and the base image {base.image} has none",
                    fix="install pip before, or name a base image that has it",
                )


def _no_step(source: Build, others: Sequence[InstallCommand], line: int) -> Finding:
    files = " and ".join(source.files)
    message = f"nothing installs {files}, as far as can be seen"
    outside = [file for file in source.files if file.startswith("../")]
    misplaced = [
        (step, found) for step in others for found in step.misplaced if found.source in source.files
    ]
    named = sorted({file for step in others for file in (*step.sources, *step.requirements)})
    fix = f"add `COPY {source.files[0]} .` and `RUN pip install -r {source.files[0]}`"
    if outside:
        fix = f"{outside[0]} is outside of the build context; build from a folder above it"
    elif misplaced:
        step, found = misplaced[0]
        line = step.line
        message = (
            f"line {found.line} copies {found.source} to {found.target}, and line {line} looks "
            f"for {found.wanted}"
        )
        fix = f"copy it to {found.wanted}, or install `-r {found.target}`"
    elif named:
        line = others[0].line
        fix = f"it installs {', '.join(named)}: if that is the file, make the setting `file`"
    return Finding(file=source.path, line=line, severity="error", message=message, fix=fix)


def _check_cache(source: Build, step: InstallCommand) -> Iterator[Finding]:
    """Find source code that is copied before the step: its every change installs all anew."""
    for path, line in step.copied:
        folder = source.context / path
        holds_code = path == "." or any(folder.glob("*.py")) or any(folder.glob("*/*.py"))
        if folder.is_dir() and holds_code:
            yield Finding(
                file=source.path,
                line=line,
                severity="warning",
                message=f"the source ({path}) is copied before line {step.line} installs the "
                "requirements: any change of it installs all of them anew",
                fix="copy the requirements alone before that step, and the source after it",
            )
            return


def _check_context(source: Build, step: InstallCommand, root: Path) -> Iterator[Finding]:
    """Find files that are installed and are not there."""
    for path in step.sources:
        ours = path in source.files  # `add` creates that one
        if not ours and not (source.context / path).exists() and "$" not in path:
            yield Finding(
                file=source.path,
                line=step.line,
                severity="error",
                message=f"it installs {path}, which is not in the build context",
                fix=f"write the path as it is in the context, {_shown(source.context, root)}",
            )


def _check_included(source: Build, step: InstallCommand) -> Iterator[Finding]:
    """Find files that are not copied into the image with those that include them."""
    sources = [path for path, _ in step.copied]
    for file in step.sources:
        if not any(_copies(each, file) for each in sources):
            continue  # it comes from elsewhere, and so may what it includes
        named = find_included(
            [source.context / file], source.environment, ("--requirement", "--constraint")
        )
        for path in sorted(path for path in named if path.is_file()):
            included = Path(os.path.relpath(path, source.context)).as_posix()
            if not any(_copies(each, included) for each in sources):
                yield Finding(
                    file=source.path,
                    line=step.line,
                    severity="warning",
                    message=f"it installs {file}, which includes {included}, and no line before "
                    "copies that",
                    fix=f"copy {included} to where {file} looks for it",
                )


def _copies(source: str, file: str) -> bool:
    """Tell whether what COPY takes from the context, perhaps by a pattern, has a file."""
    if source == "." or file == source or file.startswith(f"{source.rstrip('/')}/"):
        return True
    folder, pattern = posixpath.split(source)
    return posixpath.dirname(file) == folder and fnmatchcase(posixpath.basename(file), pattern)


def _check_ignored(source: Build, file: str, root: Path) -> Iterator[Finding]:
    """Find a pattern that hides a requirements file from the builder."""
    ignore = source.context / ".dockerignore"
    if source.file is not None:
        own = source.file.with_name(f"{source.file.name}.dockerignore")
        ignore = own if own.is_file() else ignore
    data = read(ignore, shown=_shown(ignore, root))
    line = None if data is None else hidden_by(data.decode("utf-8", "replace"), file)
    if line is not None:
        yield Finding(
            file=_shown(ignore, root),
            line=line,
            severity="error",
            message=f"this pattern hides {file} from the builder",
            fix=f"take it out, or write `!{file}` below it",
        )


def _shown(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


# the files


def check_lines(manifest: Manifest, *, wants_hashes: bool) -> Iterator[Finding]:
    """Find what can be told of the requirements without an index.

    Args:
        manifest: the files.
        wants_hashes: the installer takes a line without a hash for an error where others have one.
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
        for line in constraints.content.lines:
            yield from _check_constraint(line)
    counted = Counter(_identity(line) for line in manifest.lines if line.name)
    for line in manifest.lines:
        yield from _check_line(line, wants_hashes=wants_hashes and manifest.uses_hashes)
        if line.name and counted[_identity(line)] > 1:
            alike = (each for each in manifest.lines if _identity(each) == _identity(line))
            first = next(alike)
            if first is not line:
                contradicts = line.pin and first.pin and line.pin != first.pin
                there = f"{redact(first.content)} ({first.place})"
                yield _at(
                    line,
                    "error" if contradicts else "warning",
                    f"{line.spelled_name} is there already: {there}",
                    "take one of the lines out",
                )


def _check_line(line: Line, *, wants_hashes: bool) -> Iterator[Finding]:
    if line.kind is Kind.UNREADABLE:
        yield _at(line, "error", f"pip can't read this line: {line.problem}", "correct it")
        return
    try:
        policy = line.policy if line.name else None
    except RequirementsError as error:
        yield find_in(error)
        policy = None
    if line.requirement is None or line.requirement.url is not None:
        return
    if line.pin is None and not line.has_variable and not names_exactly(line.requirement.specifier):
        yield _at(
            line,
            "warning",
            f"{line.spelled_name} is not a pin: the image gets what is newest when it is built",
            f"`upgrade {line.spelled_name}` pins it",
        )
    bound = SpecifierSet() if policy is None else policy.specifier
    if policy is not None and line.pin and not bound.contains(line.pin, prereleases=True):
        yield _at(
            line,
            "warning",
            f"{line.spelled_name} {line.pin} is outside of its policy {policy.text}",
            f'`upgrade "{line.spelled_name}{policy.text}"` moves it inside',
        )
    if wants_hashes and not line.option_values("--hash"):
        yield _at(
            line,
            "error",
            f"{line.spelled_name} has no hash, and where one line has, pip wants one for each",
            "`lock` writes it anew"
            if line.via
            else f'take it out, and `add "{asked_by(line)}"` writes it with its hashes',
        )


def _check_constraint(line: Line) -> Iterator[Finding]:
    """Find what pip takes for no constraint."""
    problem = ""
    if line.kind is Kind.UNREADABLE:
        problem = f"pip can't read this line: {line.problem}"
    elif line.kind is Kind.EDITABLE or (line.kind is Kind.REFERENCE and line.name is None):
        problem = f"pip refuses {line.kind.value} as a constraint"
    elif line.requirement is not None and line.requirement.extras:
        problem = f"pip refuses extras in a constraint: {line.spelled_name} has some"
    if problem:
        yield _at(line, "error", problem, "write a name and a specifier, such as `flask<3`")


def _identity(line: Line) -> tuple[str, str | None, str]:
    """Return what two lines have in common where one of them is too many."""
    marker = "" if line.requirement is None else str(line.requirement.marker or "")
    return line.path, line.name, marker


# what the index has


def check_pins(manifest: Manifest, lookup: Lookup) -> Iterator[Finding]:
    """Find pins that the image can't install, or should not."""
    lines = [line for line in manifest.lines if (w := lookup.root(line)) and not w.is_opaque]
    lookup.prefetch(line.name for line in lines if line.name)
    for line in lines:
        assert line.name is not None
        try:
            releases = lookup.releases(line.name)
        except ProjectNotFound as error:
            yield _at(line, "error", error.message, error.hint)
            continue
        if line.pin is not None:
            yield from _check_pin(line, releases, lookup)


def _check_pin(line: Line, releases: Releases, lookup: Lookup) -> Iterator[Finding]:
    assert line.pin is not None
    pin = SpecifierSet(f"=={line.pin}")  # without a local label, it takes any
    version = next(releases.among(releases.allowed(pin)), None)
    shown = f"{line.spelled_name} {line.pin}"
    if version is None:
        yield _at(line, "error", f"the index has no {shown}", _fix_pin(line, lookup))
        return
    found = releases.examine(version, pin, tuple(lookup.constraints(line.spelled_name)))
    if isinstance(found, Rejection):
        yield _at(line, "error", f"{shown} {found.reason}", _fix_pin(line, lookup))
        return
    if found.yanked is not None:
        why = f": {found.yanked}" if found.yanked else ""
        yield _at(line, "warning", f"{shown} was yanked{why}", _fix_pin(line, lookup))
    if found.from_source:
        message = f"{shown} {found.from_source}: the image builds it from source"
        yield _at(line, "warning", message, _fix_pin(line, lookup, by_wheel=True))


def _fix_pin(line: Line, lookup: Lookup, *, by_wheel: bool = False) -> str:
    """Say which command moves a pin that should not stay, or what keeps it.

    Args:
        line: the pin.
        lookup: what the index has.
        by_wheel: only a newer version that has a wheel is better.
    """
    assert line.pin is not None
    root = lookup.root(line)
    try:
        policy = line.policy
    except RequirementsError:  # told by itself
        return "correct its policy"
    if root is None or (policy is not None and policy.is_hold):
        return "take `# pipflow: hold` out of the line, so that it may move"
    move = find_move(lookup, line)
    if by_wheel and (move is None or move[1].from_source or move[1].version <= line.pin):
        return ""
    if move is None:
        return "no version suits" if policy is None else "no version suits its policy"
    allowed = SpecifierSet() if policy is None else policy.specifier
    other = replace(root, specifier=allowed & SpecifierSet(f"!={line.pin}"))
    others = [lookup.as_given(each) for each in lookup.roots() if each.place != line.place]
    found = lookup.resolution.solve([other, *others])
    pick = found.picks.get(root.name) if isinstance(found, Solution) else None
    best = None if pick is None else pick.version
    if by_wheel and pick is not None and pick.candidate and pick.candidate.from_source:
        return ""
    if best is None:
        more = "; `upgrade-all` may move them" if move[1].version > line.pin else ""
        return f"the other requirements keep it from {move[1].version}{more}"
    if best > line.pin:
        return f"`upgrade {line.spelled_name}` moves it to {best}"
    return "" if by_wheel else f'`upgrade "{line.spelled_name}=={best}"` moves it to {best}'


def check_together(manifest: Manifest, lookup: Lookup, *, wants_hashes: bool) -> Iterator[Finding]:
    """Find requirements that do not go together, and a closure that is not complete.

    Args:
        manifest: the files.
        lookup: what the index has.
        wants_hashes: as for ``check_lines``.
    """
    roots = lookup.roots()
    resolution = lookup.resolution
    resolution.candidates.prefetch(roots)
    roots = [lookup.as_given(root) for root in roots]
    found, _, clashes = resolution.solve_around(roots)
    if clashes and lookup.admit_for(roots):
        found, _, clashes = resolution.solve_around(roots)
    for clash in clashes:
        places = [
            cause.dependency.root.place
            for cause in clash.causes
            if cause.dependency.root is not None
        ]
        line = next((line for line in manifest.lines if line.place in places), None)
        yield Finding(
            file=manifest.main if line is None else line.path,
            line=None if line is None else line.number,
            severity="error",
            message=f"the requirements do not go together: {'; '.join(clash.explain())}",
            fix=fix_conflict(manifest, clash),
        )
    if clashes or isinstance(found, Conflict):
        return
    needed = find_transitive(find_origins(manifest, lookup), found, manifest, lookup)
    unknown = find_unknown(found, manifest, lookup) if manifest.is_locked else ()
    for pick in unknown:
        for line in manifest.find(pick.name):
            yield _at(
                line,
                "warning",
                f"what {pick} needs is not locked, for it can't be known without building it",
                f"write a line for all that it needs, with `# via {pick.name}` behind it",
            )
    if manifest.is_locked:
        wanted = {name: new.version for name, new in needed.items() if new.version is not None}
        there = {line.name: line.pin for line in manifest.locked if line.name is not None}
        stale = [n for n in sorted({*wanted, *there}) if wanted.get(n) != there.get(n)]
        if stale:
            yield Finding(
                file=manifest.main,
                line=None,
                severity="warning",
                message=f"the closure is not what is needed: {', '.join(stale)}",
                fix="`lock` writes it anew",
            )
    elif needed and wants_hashes and manifest.uses_hashes:
        yield Finding(
            file=manifest.main,
            line=None,
            severity="error",
            message="where one line has a hash, pip wants one for all that is brought along, too: "
            + ", ".join(needed),
            fix="`lock` writes these lines",
        )
