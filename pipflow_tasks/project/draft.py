"""A plan in the making: the documents as edited so far, and what is to be reported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from ..errors import redact
from ..files import Edit, read
from ..requirements import RequirementsFile
from .plan import Change, Held, LeftAlone, Plan

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from packaging.version import Version

    from ..finder import Candidate
    from ..images import Builder
    from ..requirements import Line, Sort
    from ..target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class _Move:
    project: str
    before: Version | None
    after: Version | None
    line: int


class Draft:
    """Edits to one requirements file, gathered until the plan is complete.

    Attributes:
        document: the file as the plan would leave it.
    """

    def __init__(self, command: str, path: Path, shown: str) -> None:
        """Read the file and begin a plan on it.

        Raises:
            FileError: the file can't be read.
            RequirementsError: it is in the middle of a merge.
        """
        self._command = command
        self._path = path
        self._before = read(path, shown=shown)
        self.document = RequirementsFile.from_bytes(self._before or b"", path=shown)
        self.document.require_resolved()
        self._moves: list[_Move] = []
        self._held: list[Held] = []
        self._left_alone: list[LeftAlone] = []
        self._warnings: list[str] = []
        self._hints: list[str] = []

    @property
    def is_missing(self) -> bool:
        """Whether there is no file yet."""
        return self._before is None

    def add(
        self, requirement: Requirement, version: Version, *, group: str | None, sort: Sort
    ) -> None:
        """Write a new pin, with the extras and the marker of what was asked for."""
        pinned = Requirement(str(requirement))
        pinned.specifier = SpecifierSet(f"=={version}")
        self.document = self.document.with_requirement(pinned, group=group, sort=sort)
        self._moves.append(_Move(project=requirement.name, before=None, after=version, line=0))

    def move(self, line: Line, version: Version) -> None:
        """Pin a line to another version."""
        self.document = self.document.with_pin(line, version)
        self._moves.append(
            _Move(project=_name(line), before=line.pin, after=version, line=line.number)
        )

    def remove(self, lines: Collection[Line]) -> None:
        """Take lines out, all at once, so that their numbers are those of the old file."""
        self.document = self.document.without(lines)
        self._moves.extend(
            _Move(project=_name(line), before=line.pin, after=None, line=line.number)
            for line in lines
        )

    def hold(self, project: str, version: Version, newest: Version, reason: str) -> None:
        """Report that a project stays below its newest version."""
        self._held.append(Held(project=project, version=version, newest=newest, reason=reason))

    def leave(self, line: Line, reason: str) -> None:
        """Report a line that is not considered."""
        self._left_alone.append(
            LeftAlone(
                requirement=redact(line.content),
                file=self.document.path,
                line=line.number,
                reason=reason,
            )
        )

    def warn(self, warning: str) -> None:
        """Report what the user should know before trusting the result."""
        if warning not in self._warnings:
            self._warnings.append(warning)

    def hint(self, hint: str) -> None:
        """Report what else the user may want to do."""
        self._hints.append(hint)

    def warn_of(self, project: str, candidate: Candidate, target: Target) -> None:
        """Report what is unusual about a candidate."""
        if candidate.from_source:
            self.warn(
                f"{project} {candidate.version} has no wheel for {target}; "
                "the image will build it from source"
            )
        if candidate.yanked is not None:
            why = f": {candidate.yanked}" if candidate.yanked else ""
            self.warn(f"{project} {candidate.version} was yanked{why}")

    def finish(self, *, target: Target | None, builder: Builder | None) -> Plan:
        """Return the plan."""
        after = self.document.to_bytes()
        edits: tuple[Edit, ...] = ()
        if after != (self._before or b""):
            edits = (
                Edit(
                    path=self._path,
                    shown=self.document.path,
                    before=self._before,
                    after=after,
                ),
            )
        return Plan(
            command=self._command,
            target=target,
            edits=edits,
            changes=tuple(self._change(move) for move in self._moves),
            held=tuple(self._held),
            left_alone=tuple(self._left_alone),
            warnings=tuple(self._warnings),
            hints=tuple(self._hints),
            builder=builder,
        )

    def _change(self, move: _Move) -> Change:
        return Change(
            project=move.project,
            before=move.before,
            after=move.after,
            file=self.document.path,
            line=move.line or self._line_of(move.project),
        )

    def _line_of(self, project: str) -> int:
        return self.document.find(canonicalize_name(project))[-1].number


def _name(line: Line) -> str:
    """Return the project's name as the line spells it."""
    return line.requirement.name if line.requirement is not None else str(line.name)
