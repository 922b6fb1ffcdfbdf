"""A plan in the making: the documents as edited so far, and what is to be reported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from ..errors import RequirementsError, redact
from ..plan import Change, Edit, Held, LeftAlone, Plan
from ..requirements import Addition, Pin

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from packaging.utils import NormalizedName
    from packaging.version import Version

    from ..manifest.documents import Manifest
    from ..plan import Builder, PathStep
    from ..requirements import Line, RequirementsFile, Sort
    from ..resolution.finder import Candidate
    from ..target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class _Addition:
    path: str
    version: Version
    written: Addition


class Draft:
    """Edits to requirements files, gathered until the plan is complete."""

    def __init__(self, command: str, manifest: Manifest) -> None:
        """Begin a plan on the documents as they are."""
        self._command = command
        self._manifest = manifest
        self._pins: list[Pin] = []
        self._gone: list[Line] = []
        self._additions: list[_Addition] = []
        self._held: list[Held] = []
        self._left_alone: list[LeftAlone] = []
        self._paths: list[tuple[PathStep, ...]] = []
        self._warnings: list[str] = []
        self._hints: list[str] = []
        self._undated: dict[str, Version] = {}
        self._wheels: dict[str, str] = {}

    def add(
        self,
        requirement: Requirement,
        version: Version,
        *,
        path: str = "",
        digests: Sequence[str] = (),
        comment: str = "",
        group: str | None = None,
        near: NormalizedName | None = None,
        sort: Sort = "block",
    ) -> None:
        """Write a new pin, with the extras and the marker of what was asked for.

        ``path`` is a file of the documents, by default the main one; for the rest see
        ``requirements.Addition``.
        """
        pinned = Requirement(str(requirement))
        pinned.specifier = SpecifierSet(f"=={version}")
        written = Addition(
            requirement=pinned,
            digests=digests,
            comment=comment,
            group=group,
            near=near,
            sort=sort,
        )
        self._additions.append(
            _Addition(path=path or self._manifest.main, version=version, written=written)
        )

    def move(
        self,
        line: Line,
        version: Version,
        *,
        digests: Sequence[str] = (),
        comment: str | None = None,
    ) -> None:
        """Pin a line to another version, or change what its comment says; see ``Pin``."""
        self._pins.append(Pin(line=line, version=version, digests=digests, comment=comment))

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

    def show(self, path: tuple[PathStep, ...]) -> None:
        """Report a way that leads from a line to a project."""
        self._paths.append(path)

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
                f"{project} {candidate.version} {candidate.from_source}; "
                "the image will build it from source"
            )
        self.note_wheels(project, candidate, target)
        if candidate.undated:
            self._undated[project] = candidate.version
        if candidate.yanked is not None:
            why = f": {candidate.yanked}" if candidate.yanked else ""
            self.warn(f"{project} {candidate.version} was yanked{why}")

    def note_wheels(self, project: str, candidate: Candidate, target: Target) -> None:
        """Note what the image builds although there is a wheel, which its pip is too old for."""
        if candidate.from_source and target.pip is not None:
            wheels = (file for file in candidate.files if file.is_wheel)
            tags = [target.wants_newer_pip(file.tags) for file in wheels]
            if tag := next(filter(None, tags), ""):
                self._wheels[f"{canonicalize_name(project)} {candidate.version}"] = tag

    def _warn_of_old_pip(self, pip: Version) -> None:
        """Report which wheels the image's pip is too old for."""
        shown = ", ".join(f"{name} ({tag})" for name, tag in self._wheels.items())
        many = len(self._wheels) > 1
        self.warn(
            f"pip {pip.major}.{pip.minor} of the image is too old for the wheel"
            f"{'s' if many else ''} of {shown}, so {'they are' if many else 'it is'} built from "
            "source; upgrade pip before the install step"
        )

    def finish(self, *, target: Target | None, builder: Builder | None, force: bool) -> Plan:
        """Return the plan.

        Args:
            target: what the versions were chosen for.
            builder: what builds the image.
            force: edit also a file that another tool has written.

        Raises:
            RequirementsError: such a file would change, and ``force`` is not given.
        """
        if self._wheels and target is not None and target.pip is not None:
            self._warn_of_old_pip(target.pip)
        if self._undated:
            shown = ", ".join(f"{name} {version}" for name, version in self._undated.items())
            self.warn(
                f"the index does not tell when {shown} "
                f"{'were' if len(self._undated) > 1 else 'was'} uploaded; "
                "for the setting cooldown_days that counts as old enough"
            )
        contents = {path: self._content(path) for path in self._manifest.requirements}
        edits = (self._edit(path, content, force=force) for path, content in contents.items())
        return Plan(
            command=self._command,
            target=target,
            edits=tuple(edit for edit in edits if edit is not None),
            changes=tuple(self._changes(contents)),
            held=tuple(self._held),
            left_alone=tuple(self._left_alone),
            paths=tuple(self._paths),
            warnings=tuple(self._warnings),
            hints=tuple(self._hints),
            builder=builder,
        )

    def _content(self, path: str) -> RequirementsFile:
        """Return a file as the plan leaves it."""
        before = self._manifest.requirements[path].content
        content = before.with_pins(pin for pin in self._pins if pin.line.path == path)
        numbers = {line.number for line in self._gone if line.path == path}
        # moved pins may shift the numbers, not the order
        gone = [
            new
            for old, new in zip(before.lines, content.lines, strict=True)
            if old.number in numbers
        ]
        if gone:
            content = content.without(gone)
        written = [each.written for each in self._additions if each.path == path]
        return content.with_requirements(written) if written else content

    def _edit(self, path: str, content: RequirementsFile, *, force: bool) -> Edit | None:
        document = self._manifest.requirements[path]
        after = content.to_bytes()
        if after == (document.before or b""):
            return None
        generator = document.content.generator
        if generator is not None and not force:
            source = generator.source
            forced = "" if self._command == "lock" else ", or edit it anyway with --force"
            raise RequirementsError(
                f"it was written by {generator.tool}{f' from {source}' if source else ''}, "
                "which would overwrite an edit",
                path=path,
                hint=f"change {source or 'its source'} and run "
                f"`{generator.command or generator.tool}`{forced}",
            )
        return Edit(path=document.file, shown=path, before=document.before, after=after)

    def _changes(self, contents: Mapping[str, RequirementsFile]) -> Iterator[Change]:
        """Yield what moves; lines are numbered as the finished file has them."""
        told: set[str] = set()

        def number(path: str, requirement: Requirement, version: Version) -> int:
            for line in contents[path].find(requirement.name):
                there = line.requirement
                is_same = there is not None and there.marker == requirement.marker
                if is_same and line.pin == version and line.place not in told:
                    told.add(line.place)
                    return line.number
            raise AssertionError(f"{requirement.name} {version} is not in {path}")

        for addition in self._additions:
            requirement = addition.written.requirement
            yield Change(
                project=requirement.name,
                before=None,
                after=addition.version,
                file=addition.path,
                line=number(addition.path, requirement, addition.version),
                is_new=True,
            )
        for pin in self._pins:
            line = pin.line
            if pin.version == line.pin:  # its comment changes, no more
                continue
            assert line.requirement is not None
            yield Change(
                project=line.spelled_name,
                before=line.pin,
                after=pin.version,
                file=line.path,
                line=number(line.path, line.requirement, pin.version),
            )
        for line in self._gone:
            yield Change(
                project=line.spelled_name,
                before=line.pin,
                after=None,
                file=line.path,
                line=line.number,
            )
