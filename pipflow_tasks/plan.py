"""What a command is going to do, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from packaging.version import Version

    from .engine import Builder
    from .files import Edit
    from .target import Target

Severity = Literal["error", "warning"]
ImageStatus = Literal["built", "failed", "unchanged", "planned", "skipped", "no-engine"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A project that comes, goes or moves.

    Attributes:
        project: its name as the file spells it.
        before: the version it had; None where it is new, or was not pinned.
        after: the version it gets; None where it goes.
        file: the file it stands in.
        line: where: in the new file, or in the old one where it goes.
        is_new: the line comes with it.
    """

    project: str
    before: Version | None
    after: Version | None
    file: str
    line: int
    is_new: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A project that stays below its newest version; the reason is a clause of its own."""

    project: str
    version: Version
    newest: Version
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftAlone:
    """A line that the command does not move, and why."""

    requirement: str
    file: str
    line: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PathStep:
    """A step on the way from a line to a project.

    Attributes:
        project: what is needed.
        version: the one that is taken; None where an address stands for it.
        requirement: what is asked of it, by the line or by the step before.
        file: where the line stands; None behind the first step.
        line: its number there.
    """

    project: str
    version: Version | None
    requirement: str
    file: str | None
    line: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that breaks the workflow (an error), or may.

    Attributes:
        file: where it is, or None.
        line: its 1-based line there, or None.
        severity: an error keeps the image from being built, or the tasks from working.
        message: what it is.
        fix: what to do about it, or an empty string.
    """

    file: str | None
    line: int | None
    severity: Severity
    message: str
    fix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The changes a command would make.

    Attributes:
        command: the task's name.
        target: what the versions were chosen for; None where none had to be chosen.
        edits: the new bytes of each file that changes.
        changes: what moves.
        held: what stays below its newest version.
        left_alone: the lines that were not considered.
        paths: why a project is there: the ways that lead to it from the lines.
        findings: what breaks the workflow, or may.
        warnings: what the user should know before trusting the result.
        hints: what else the user may want to do.
        builder: what builds the image; None where the project has no image.
    """

    command: str
    target: Target | None = None
    edits: tuple[Edit, ...] = ()
    changes: tuple[Change, ...] = ()
    held: tuple[Held, ...] = ()
    left_alone: tuple[LeftAlone, ...] = ()
    paths: tuple[tuple[PathStep, ...], ...] = ()
    findings: tuple[Finding, ...] = ()
    warnings: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    builder: Builder | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a plan.

    Attributes:
        status: what became of the image.
        dry_run: nothing was done.
        kept: the files keep their changes although the build failed.
        undone: the files that were put back because the build failed.
        rebuilt: the images that were built again from them, since they might have been ahead.
        ahead: the images that may be ahead of their files still: that build failed, too.
        failure: why the image was not built, or an empty string.
    """

    status: ImageStatus
    dry_run: bool = False
    kept: bool = False
    undone: tuple[str, ...] = ()
    rebuilt: tuple[str, ...] = ()
    ahead: tuple[str, ...] = ()
    failure: str = ""
