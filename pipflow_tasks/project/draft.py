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
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from packaging.version import Version

    from ..finder import Candidate
    from ..images import Builder
    from ..requirements import Line, Request, RequirementsFile, Sort
    from ..target import Target
    from .documents import Documents


@dataclass(frozen=True, slots=True, kw_only=True)
class _Addition:
    requirement: Requirement
    version: Version
    group: str | None
    sort: Sort
    digests: Sequence[str]
    policy: str


class Draft:
    """Edits to requirements files, gathered until the plan is complete."""

    def __init__(self, command: str, documents: Documents) -> None:
        """Begin a plan on the documents as they are."""
        self._command = command
        self._documents = documents
        self._pins: list[tuple[Line, Version, Sequence[str]]] = []
        self._gone: list[Line] = []
        self._additions: list[_Addition] = []
        self._held: list[Held] = []
        self._left_alone: list[LeftAlone] = []
        self._warnings: list[str] = []
        self._hints: list[str] = []

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
        requirement = Requirement(str(request.requirement))
        requirement.specifier = SpecifierSet(f"=={version}")
        self._additions.append(
            _Addition(
                requirement=requirement,
                version=version,
                group=group,
                sort=sort,
                digests=digests,
                policy=policy,
            )
        )

    def move(self, line: Line, version: Version, *, digests: Sequence[str] = ()) -> None:
        """Pin a line to another version."""
        self._pins.append((line, version, digests))

    def remove(self, lines: Collection[Line]) -> None:
        """Take lines out."""
        self._gone.extend(lines)

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
        pinned = {path: self._pinned(path) for path in self._documents.requirements}
        contents = {path: self._content(path, content) for path, content in pinned.items()}
        edits = (self._edit(path, content, force=force) for path, content in contents.items())
        return Plan(
            command=self._command,
            target=target,
            edits=tuple(edit for edit in edits if edit is not None),
            changes=tuple(self._changes(pinned, contents)),
            held=tuple(self._held),
            left_alone=tuple(self._left_alone),
            warnings=tuple(self._warnings),
            hints=tuple(self._hints),
            builder=builder,
        )

    def _content(self, path: str, content: RequirementsFile) -> RequirementsFile:
        """Return a file as the plan leaves it, given it with its pins moved."""
        gone = [line for line in self._gone if line.path == path]
        if gone:
            content = content.without(gone)
        if path == self._documents.main:
            for addition in self._additions:
                content = content.with_requirement(
                    addition.requirement,
                    group=addition.group,
                    sort=addition.sort,
                    digests=addition.digests,
                    policy=addition.policy,
                )
        return content

    def _pinned(self, path: str) -> RequirementsFile:
        """Return a file with its pins moved, and nothing added or removed yet."""
        content = self._documents.requirements[path].content
        return content.with_pins(pin for pin in self._pins if pin[0].path == path)

    def _edit(self, path: str, content: RequirementsFile, *, force: bool) -> Edit | None:
        document = self._documents.requirements[path]
        after = content.to_bytes()
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

    def _changes(
        self, pinned: Mapping[str, RequirementsFile], contents: Mapping[str, RequirementsFile]
    ) -> Iterator[Change]:
        """Yield what moves; lines are numbered as the finished file has them."""
        for addition in self._additions:
            main = self._documents.main
            yield Change(
                project=addition.requirement.name,
                before=None,
                after=addition.version,
                file=main,
                line=next(
                    line.number
                    for line in contents[main].find(addition.requirement.name)
                    if line.pin == addition.version
                ),
            )
        for line, version, _ in self._pins:
            yield Change(
                project=line.spelled_name,
                before=line.pin,
                after=version,
                file=line.path,
                line=self._number(line, pinned[line.path], contents[line.path]),
            )
        for line in self._gone:
            yield Change(
                project=line.spelled_name,
                before=line.pin,
                after=None,
                file=line.path,
                line=line.number,
            )

    def _number(self, line: Line, pinned: RequirementsFile, content: RequirementsFile) -> int:
        """Return where a pinned line stands in the finished file, which may have been sorted."""
        before = self._documents.requirements[line.path].content.lines
        place = next(i for i, each in enumerate(before) if each.number == line.number)
        text = pinned.lines[place].text
        if place < len(content.lines) and content.lines[place].text == text:
            return content.lines[place].number
        return next(each.number for each in content.lines if each.text == text)
