"""A plan in the making: the documents as edited so far, and what is to be reported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from ..errors import RequirementsError, redact
from ..files import Edit
from .plan import Change, Held, LeftAlone, Plan

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from packaging.version import Version

    from ..finder import Candidate
    from ..images import Builder
    from ..requirements import Line, Request, Sort
    from ..target import Target
    from .documents import Documents


@dataclass(frozen=True, slots=True, kw_only=True)
class _Move:
    project: str
    before: Version | None
    after: Version | None
    path: str
    line: int


class Draft:
    """Edits to requirements files, gathered until the plan is complete."""

    def __init__(self, command: str, documents: Documents) -> None:
        """Begin a plan on the documents as they are."""
        self._command = command
        self._documents = documents
        self._contents = {
            path: document.content for path, document in documents.requirements.items()
        }
        self._moves: list[_Move] = []
        self._held: list[Held] = []
        self._left_alone: list[LeftAlone] = []
        self._warnings: list[str] = []
        self._hints: list[str] = []

    def find(self, name: str) -> tuple[Line, ...]:
        """Return the lines of a project, those of this plan among them."""
        return tuple(line for content in self._contents.values() for line in content.find(name))

    def add(
        self,
        request: Request,
        version: Version,
        *,
        group: str | None,
        sort: Sort,
        digests: Sequence[str] = (),
        policy: str = "",
    ) -> None:
        """Write a new pin, with the extras and the marker of what was asked for."""
        pinned = Requirement(str(request.requirement))
        pinned.specifier = SpecifierSet(f"=={version}")
        path = self._documents.main
        self._contents[path] = self._contents[path].with_requirement(
            pinned, group=group, sort=sort, digests=digests, policy=policy
        )
        self._moves.append(
            _Move(project=pinned.name, before=None, after=version, path=path, line=0)
        )

    def move(self, line: Line, version: Version, *, digests: Sequence[str] = ()) -> None:
        """Pin a line to another version."""
        self._contents[line.path] = self._contents[line.path].with_pin(
            line, version, digests=digests
        )
        self._moves.append(
            _Move(
                project=line.spelled_name,
                before=line.pin,
                after=version,
                path=line.path,
                line=line.number,
            )
        )

    def remove(self, lines: Collection[Line]) -> None:
        """Take lines out."""
        for path, content in self._contents.items():
            gone = [line for line in lines if line.path == path]
            self._contents[path] = content.without(gone)
        self._moves.extend(
            _Move(
                project=line.spelled_name,
                before=line.pin,
                after=None,
                path=line.path,
                line=line.number,
            )
            for line in lines
        )

    def hold(self, project: str, version: Version, newest: Version, reason: str) -> None:
        """Report that a project stays below its newest version."""
        self._held.append(Held(project=project, version=version, newest=newest, reason=reason))

    def leave(self, line: Line, reason: str) -> None:
        """Report a line that is not considered."""
        self._left_alone.append(
            LeftAlone(
                requirement=redact(line.content), file=line.path, line=line.number, reason=reason
            )
        )

    def warn(self, warning: str) -> None:
        """Report what the user should know before trusting the result."""
        if warning not in self._warnings:
            self._warnings.append(warning)

    def hint(self, hint: str) -> None:
        """Report what else the user may want to know or to do."""
        if hint not in self._hints:
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

    def finish(self, *, target: Target | None, builder: Builder | None, force: bool) -> Plan:
        """Return the plan.

        Args:
            target: what the versions were chosen for.
            builder: what builds the image.
            force: edit also a file that another tool has written.

        Raises:
            RequirementsError: such a file would change, and ``force`` is not given.
        """
        return Plan(
            command=self._command,
            target=target,
            edits=tuple(edit for path in self._contents if (edit := self._edit(path, force=force))),
            changes=tuple(self._change(move) for move in self._moves),
            held=tuple(self._held),
            left_alone=tuple(self._left_alone),
            warnings=tuple(self._warnings),
            hints=tuple(self._hints),
            builder=builder,
        )

    def _edit(self, path: str, *, force: bool) -> Edit | None:
        document = self._documents.requirements[path]
        after = self._contents[path].to_bytes()
        if after == (document.before or b""):
            return None
        generator = document.content.generator
        if generator is not None and not force:
            source = generator.source
            raise RequirementsError(
                f"it was written by {generator.tool}{f' from {source}' if source else ''}, "
                "which would overwrite an edit",
                path=path,
                hint=f"change {source or 'its source'} and run "
                f"`{generator.command or generator.tool}`, or edit it anyway with --force",
            )
        return Edit(path=document.file, shown=path, before=document.before, after=after)

    def _change(self, move: _Move) -> Change:
        """Number an added line as the finished file has it."""
        line = move.line or self._contents[move.path].find(move.project)[-1].number
        return Change(
            project=move.project, before=move.before, after=move.after, file=move.path, line=line
        )
