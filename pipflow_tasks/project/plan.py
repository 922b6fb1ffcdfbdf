"""What a command is going to do, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from packaging.version import Version

    from ..errors import BuildError
    from ..files import Edit
    from ..images import Builder
    from ..target import Target

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
    """

    project: str
    before: Version | None
    after: Version | None
    file: str
    line: int


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
class Plan:
    """The changes a command would make.

    Attributes:
        command: the task's name.
        target: what the versions were chosen for; None where none had to be chosen.
        edits: the new bytes of each file that changes.
        changes: what moves.
        held: what stays below its newest version.
        left_alone: the lines that were not considered.
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
        error: why the build failed.
    """

    status: ImageStatus
    dry_run: bool = False
    kept: bool = False
    error: BuildError | None = None
