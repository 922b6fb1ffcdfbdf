"""A project: its settings, its requirements files, its image. Plan, then apply.

A plan is made from bytes, pages and the target; making it changes nothing. ``apply`` writes the
files and builds the image, and either both happen or neither.
"""

from __future__ import annotations

import os
from dataclasses import replace
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from ..errors import BuildError, RequirementsError, UsageError
from ..files import lock
from ..finder import Bound
from ..images import interruptible
from ..index import PackageIndex
from ..pip_settings import read_pip_settings
from ..requirements import Kind, bounds_pin, split_requirements
from ..settings import Settings
from .documents import read_documents
from .draft import Draft
from .image import find_image, find_target
from .lookup import Lookup, index_urls
from .plan import Change, Held, LeftAlone, Outcome, Plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from packaging.version import Version

    from ..finder import Candidate, Choice
    from ..requirements import Line, Request, Sort
    from ..target import Target
    from .documents import Documents
    from .image import Image

__all__ = ["LEVELS", "Change", "Held", "LeftAlone", "Level", "Outcome", "Plan", "Project"]

Level = Literal["major", "minor", "patch"]
LEVELS: tuple[Level, ...] = ("major", "minor", "patch")


class Project:
    """What stands in one folder: requirements files, Dockerfile, settings.

    Use it as a context manager, or ``close`` it, to give the connections to the index back.
    """

    def __init__(self, root: Path, settings: Settings, environment: Mapping[str, str]) -> None:
        """Take a project as it is; ``open`` fills in what is left out."""
        self.root = root
        self.settings = settings
        self._environment = environment
        self._index: PackageIndex | None = None
        self._assumptions: tuple[str, ...] = ()

    @classmethod
    def open(
        cls,
        root: str | os.PathLike[str] = ".",
        settings: Settings | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Project:
        """Open the project in a folder.

        Args:
            root: the folder.
            settings: default: all of them at their defaults.
            environment: variables for pip's settings, index addresses and compose files; default:
                those of this process.
        """
        return cls(
            Path(root).resolve(),
            settings or Settings(),
            dict(os.environ) if environment is None else environment,
        )

    def __enter__(self) -> Project:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections to the index."""
        if self._index is not None:
            self._index.close()
            self._index = None

    @cached_property
    def image(self) -> Image:
        """What the project's image is made from, and what builds it."""
        return find_image(self.root, self.settings, self._environment)

    @cached_property
    def target(self) -> Target:
        """What versions are chosen for."""
        target, warnings = find_target(self.image, self.settings, self._environment)
        self._assumptions += warnings
        return target

    def plan_add(
        self,
        requirements: str | Iterable[str],
        *,
        group: str | None = None,
        prereleases: bool = False,
        policy: bool = True,
        force: bool = False,
    ) -> Plan:
        """Plan to pin projects that the files do not have yet, at the newest that suits.

        Args:
            requirements: PEP 508 requirements, in one word or several.
            group: the heading of the block to write into.
            prereleases: take pre-releases too.
            policy: write a specifier that bounds the pin behind it, as its policy.
            force: edit also a file that another tool has written.

        Raises:
            RequirementsError: a requirement makes no sense, or contradicts the files.
            ProjectNotFound: the index does not have a project.
            NoCandidate: no version suits.
            PackageIndexError: the index failed.
        """
        requests = _split(requirements)
        documents = self._read()
        draft = Draft("add", documents)
        for request in requests:
            _require_agreement(draft.find(request.name), request)
        lookup = self._look_up(documents)
        lookup.prefetch(request.name for request in requests if not draft.find(request.name))
        for request in requests:
            there = draft.find(request.name)
            if there:
                _require_agreement(there, request)
                draft.hint(_already_there(there[0]))
                continue
            name, specifier = request.requirement.name, request.requirement.specifier
            choice = lookup.choose(name, specifier, prereleases=prereleases)
            candidate = lookup.require(name, specifier, choice)
            draft.warn_of(name, candidate, self.target)
            _hold(draft, name, candidate.version, lookup, choice, specifier)
            bound = request.specifier if policy and bounds_pin(specifier) else ""
            draft.add(
                request,
                candidate.version,
                group=group,
                sort=cast("Sort", self.settings.sort),
                digests=lookup.digests(name, candidate.version) if documents.uses_hashes else (),
                policy=bound,
            )
            if bound:
                draft.hint(
                    f"{bound} is written behind {name} as its policy; --no-policy leaves it out"
                )
        return self._finish(draft, force=force)

    def plan_upgrade(
        self,
        requirements: str | Iterable[str],
        *,
        prereleases: bool = False,
        force: bool = False,
    ) -> Plan:
        """Plan to move the pins of named projects; a specifier may also move one down.

        Args:
            requirements: PEP 508 requirements, in one word or several.
            prereleases: take pre-releases too.
            force: edit also a file that another tool has written.

        Raises:
            RequirementsError: a requirement makes no sense, the files do not have it, or its
                policy forbids it.
            ProjectNotFound: the index does not have a project.
            NoCandidate: no version suits.
            PackageIndexError: the index failed.
        """
        requests = _split(requirements)
        documents = self._read(must_be_there=True)
        draft = Draft("upgrade", documents)
        moves = [
            (request, line)
            for request in requests
            for line in self._movable(documents, request, draft)
        ]
        lookup = self._look_up(documents)
        lookup.prefetch(request.name for request, _ in moves)
        for request, line in moves:
            assert line.requirement is not None
            asked = request.requirement.specifier
            own = line.requirement.specifier if line.pin is None else SpecifierSet()
            choice = lookup.choose(
                request.name,
                asked or own,
                prereleases=prereleases,
                local=None if asked else _local(line),
                bounds=_policy(line),
            )
            candidate = lookup.require(line.spelled_name, asked or own, choice)
            rises = line.pin is None or candidate.version > line.pin
            self._move(draft, line, candidate if rises or asked else None, lookup)
            now = candidate.version if rises or asked else line.pin
            assert now is not None
            _hold(draft, line.spelled_name, now, lookup, choice, asked or own)
        return self._finish(draft, force=force)

    def plan_upgrade_all(
        self,
        *,
        only: str | Iterable[str] = (),
        skip: str | Iterable[str] = (),
        level: Level = "major",
        prereleases: bool = False,
        force: bool = False,
    ) -> Plan:
        """Plan to move every pin to the newest version that suits; none moves down.

        Args:
            only: the names to consider; all, where there are none.
            skip: names to leave alone.
            level: the first number that may change: ``minor`` keeps the major number.
            prereleases: take pre-releases too.
            force: edit also a file that another tool has written.

        Raises:
            RequirementsError: ``only`` names a project that the files do not have, or a policy
                is malformed.
            ProjectNotFound: the index does not have a project of the files.
            PackageIndexError: the index failed.
        """
        documents = self._read(must_be_there=True)
        draft = Draft("upgrade-all", documents)
        only_names = {request.name for request in _split(only)}
        skip_names = {request.name for request in _split(skip)}
        for name in only_names:
            _require_there(documents, name)
        pins: list[Line] = []
        for line in documents.lines:
            if only_names and line.name not in only_names:
                continue
            reason = "skipped" if line.name in skip_names else self._why_left_alone(line)
            if reason:
                draft.leave(line, reason)
            elif line.pin is not None:
                pins.append(line)
        lookup = self._look_up(documents)
        lookup.prefetch(line.name for line in pins if line.name)
        for line in pins:
            self._raise_pin(draft, line, lookup, level=level, prereleases=prereleases)
        return self._finish(draft, force=force)

    def plan_outdated(
        self,
        *,
        only: str | Iterable[str] = (),
        skip: str | Iterable[str] = (),
        level: Level = "major",
        prereleases: bool = False,
    ) -> Plan:
        """Tell what ``plan_upgrade_all`` would move, and the policies; change nothing."""
        plan = self.plan_upgrade_all(
            only=only, skip=skip, level=level, prereleases=prereleases, force=True
        )
        policies = tuple(
            f"policy    {line.spelled_name} {line.policy.text} ({line.place})"
            for line in self._read().lines
            if line.requirement is not None and line.policy is not None
        )
        return replace(
            plan, command="outdated", edits=(), builder=None, hints=(*plan.hints, *policies)
        )

    def plan_remove(self, requirements: str | Iterable[str], *, force: bool = False) -> Plan:
        """Plan to take projects out of the files, with the comments that belong to them.

        Args:
            requirements: names; with a marker, only the line with that marker.
            force: edit also a file that another tool has written.

        Raises:
            RequirementsError: the files do not have one of them.
        """
        documents = self._read(must_be_there=True)
        draft = Draft("remove", documents)
        gone: dict[str, Line] = {}
        for request in _split(requirements):
            for line in _removable(documents, request):
                gone[line.place] = line
        draft.remove(tuple(gone.values()))
        return self._finish(draft, force=force, with_target=False)

    def plan_rebuild(self) -> Plan:
        """Plan to build the image.

        Raises:
            UsageError: the project has no image.
        """
        builder = self.image.builder
        if builder is None:
            raise UsageError(
                "there is nothing to build: no Dockerfile and no compose file with a build",
                hint="make the setting `dockerfile`, or write a Dockerfile",
            )
        return Plan(command="rebuild", builder=builder)

    def preview(self, plan: Plan, *, rebuild: str = "") -> Outcome:
        """Tell what ``apply`` would do, and do nothing."""
        wanted = bool(plan.edits) or plan.command == "rebuild"
        if not wanted or plan.builder is None:
            return Outcome(status="unchanged", dry_run=True)
        never = (rebuild or self.settings.rebuild) == "never"
        return Outcome(status="skipped" if never else "planned", dry_run=True)

    def apply(
        self, plan: Plan, *, rebuild: str = "", keep: bool = False, no_cache: bool = False
    ) -> Outcome:
        """Write the files and build the image; a failed build puts the files back.

        Args:
            plan: one of this project's.
            rebuild: ``auto``, ``always`` or ``never``; default: the setting.
            keep: leave the files changed when the build fails.
            no_cache: build every layer anew.

        Raises:
            UsageError: a build is insisted on, and no engine answers.
            FileError: a file can't be written or put back, or somebody else has changed it.
        """
        is_rebuild = plan.command == "rebuild"
        mode = "always" if is_rebuild else rebuild or self.settings.rebuild
        builder = plan.builder
        if not plan.edits and not is_rebuild:
            return Outcome(status="unchanged")
        if builder is None or mode == "never":
            self._write(plan)
            return Outcome(status="unchanged" if builder is None else "skipped")
        if not builder.answers():
            if mode == "always":
                raise UsageError(
                    f"no engine answers `{builder.program}`; nothing was changed",
                    hint="start the engine, or leave the image out with --no-rebuild",
                )
            self._write(plan)
            return Outcome(status="no-engine")
        with lock(self.root), interruptible():
            try:
                for edit in plan.edits:
                    edit.apply()
                builder.build(no_cache=no_cache)
            except BuildError as error:
                if not keep:
                    _revert(plan)
                return Outcome(status="failed", kept=keep, error=error)
            except BaseException:
                _revert(plan)
                raise
        return Outcome(status="built")

    def _write(self, plan: Plan) -> None:
        with lock(self.root), interruptible():
            try:
                for edit in plan.edits:
                    edit.apply()
            except BaseException:
                _revert(plan)
                raise

    def _read(self, *, must_be_there: bool = False) -> Documents:
        documents = read_documents(self.root, self.settings.files, self._environment)
        if must_be_there and documents.is_missing:
            raise RequirementsError(
                "there is no such file",
                path=documents.main,
                hint="`add` creates it; another one is named with --file or the setting `file`",
            )
        return documents

    def _look_up(self, documents: Documents) -> Lookup:
        if self._index is None:
            pip = read_pip_settings(self._environment)
            self._assumptions += pip.notes
            self._index = PackageIndex(
                index_urls(documents, self.settings, pip, self._environment),
                timeout_seconds=self.settings.timeout_seconds,
            )
        return Lookup(documents, self._index, self.target)

    def _finish(self, draft: Draft, *, force: bool, with_target: bool = True) -> Plan:
        target = self.target if with_target else None
        for warning in self._assumptions:
            draft.warn(warning)
        return draft.finish(target=target, builder=self.image.builder, force=force)

    def _movable(self, documents: Documents, request: Request, draft: Draft) -> Iterator[Line]:
        """Yield the lines of a named project that can be pinned; the others are reported.

        Raises:
            RequirementsError: there is none, or its policy is to hold.
        """
        if request.requirement.extras or request.requirement.marker:
            raise RequirementsError(
                f'"{request.requirement}" asks for more than a version',
                hint="upgrade moves versions; extras and markers are changed in the file",
            )
        refused: list[tuple[Line, str]] = []
        found = False
        for line in _require_there(documents, request.name):
            reason = self._why_unmovable(line)
            if reason:
                refused.append((line, reason))
                continue
            if line.policy is not None and line.policy.is_hold:
                raise RequirementsError(
                    f"{line.spelled_name} is held by its policy",
                    path=line.path,
                    line=line.number,
                    hint="take `# pipflow: hold` out of the line to move it",
                )
            found = True
            yield line
        if not found:
            line, reason = refused[0]
            raise RequirementsError(
                f"{line.spelled_name} can't be moved: it is {reason}",
                path=line.path,
                line=line.number,
                hint="change the line by hand",
            )
        for line, reason in refused:
            draft.leave(line, reason)

    def _why_unmovable(self, line: Line) -> str:
        """Say why a line can't be pinned to a version, or nothing."""
        if line.requirement is None:
            return line.kind.value
        if line.requirement.url is not None:
            return "a URL"
        if line.has_variable:
            return "given by a variable"
        if line.requirement.marker and not self.target.applies(line.requirement.marker):
            return "excluded by its marker"
        return ""

    def _why_left_alone(self, line: Line) -> str:
        """Say why ``upgrade-all`` passes a line over; nothing for a pin, or what no one moves."""
        if line.kind is Kind.UNREADABLE:
            return f"not a valid line: {line.problem}"
        if any("://" in included for included in line.option_values("--requirement")):
            return "an included address is not followed"
        if line.kind in {Kind.BLANK, Kind.COMMENT, Kind.OPTION}:
            return ""
        return self._why_unmovable(line) or ("" if line.pin is not None else "not a pin")

    def _raise_pin(
        self, draft: Draft, line: Line, lookup: Lookup, *, level: Level, prereleases: bool
    ) -> None:
        """Move a pin up, as far as it may, and say what holds it."""
        assert line.name is not None
        assert line.pin is not None
        bounds = (*_policy(line), *_within(line.pin, level))
        hint = f"leave it out with --skip {line.name}"
        lookup.files(line.name, hint=hint)
        choice = lookup.choose(
            line.name, SpecifierSet(), prereleases=prereleases, local=_local(line), bounds=bounds
        )
        if line.pin.is_prerelease and choice.candidate and choice.candidate.version <= line.pin:
            choice = lookup.choose(line.name, SpecifierSet(), prereleases=True, bounds=bounds)
        candidate = choice.candidate
        if candidate is None and not (line.policy and line.policy.is_hold):
            draft.warn(f"no version of {line.name} suits; {line.place} stays as it is")
        if candidate is not None and candidate.version <= line.pin:
            candidate = None
        self._move(draft, line, candidate, lookup)
        now = line.pin if candidate is None else candidate.version
        _hold(draft, line.spelled_name, now, lookup, choice, SpecifierSet())

    def _move(self, draft: Draft, line: Line, candidate: Candidate | None, lookup: Lookup) -> None:
        """Move a line, where there is something to move it to."""
        if candidate is None or candidate.version == line.pin:
            return
        draft.warn_of(line.spelled_name, candidate, self.target)
        digests: tuple[str, ...] = ()
        if line.option_values("--hash"):
            digests = lookup.digests(line.spelled_name, candidate.version, like=line)
        draft.move(line, candidate.version, digests=digests)


def _split(requirements: str | Iterable[str]) -> tuple[Request, ...]:
    text = requirements if isinstance(requirements, str) else ", ".join(requirements)
    return split_requirements(text)


def _policy(line: Line) -> Iterator[Bound]:
    """Yield what a line's policy keeps out; ``hold`` keeps everything out."""
    policy = line.policy
    if policy is not None:
        reason = f"does not satisfy its policy {policy.text} ({line.place})"
        if policy.is_hold:
            reason = f"is kept out by its policy, hold ({line.place})"
        yield Bound(
            specifier=SpecifierSet("<0") if policy.is_hold else policy.specifier, reason=reason
        )


def _within(pin: Version, level: Level) -> Iterator[Bound]:
    """Yield what ``--level`` keeps out."""
    if level == "major":
        return
    kept = (*pin.release, 0)[:1] if level == "minor" else (*pin.release, 0, 0)[:2]
    epoch = f"{pin.epoch}!" if pin.epoch else ""
    yield Bound(
        specifier=SpecifierSet(f"=={epoch}{'.'.join(map(str, kept))}.*"),
        reason=f"is more than --level={level} allows",
    )


def _local(line: Line) -> str | None:
    """A pin of ``2.0+cpu`` moves among the builds for ``cpu``."""
    return None if line.pin is None else line.pin.local


def _hold(
    draft: Draft,
    project: str,
    version: Version,
    lookup: Lookup,
    choice: Choice,
    asked: SpecifierSet,
) -> None:
    """Report the newest version, where something else than the user's own word keeps it away."""
    latest = lookup.newest(project)
    if latest is None or latest <= version or not asked.contains(latest):
        return
    reason = choice.reason_against(latest) or "was not asked for"
    draft.hold(project, version, latest, f"{latest} {reason}")


def _require_there(documents: Documents, name: str) -> tuple[Line, ...]:
    lines = documents.find(name)
    if lines:
        return lines
    known = {str(line.name) for line in documents.lines if line.name}
    close = get_close_matches(canonicalize_name(name), known, n=1)
    raise RequirementsError(
        f"it does not have {name}",
        path=documents.main,
        hint=f"did you mean {close[0]}?" if close else f"`add {name}` would add it",
    )


def _removable(documents: Documents, request: Request) -> tuple[Line, ...]:
    """Return the lines that a name, or a name with a marker, means."""
    requirement = request.requirement
    if requirement.specifier or requirement.extras:
        raise RequirementsError(
            f'"{requirement}" is more than a name',
            hint=f"remove takes names: `remove {requirement.name}`",
        )
    lines = _require_there(documents, requirement.name)
    if requirement.marker is None:
        return lines
    chosen = tuple(
        line
        for line in lines
        if line.requirement is not None and str(line.requirement.marker) == str(requirement.marker)
    )
    if not chosen:
        there = "; ".join(f"{line.content} ({line.place})" for line in lines)
        raise RequirementsError(
            f'no line of {requirement.name} has the marker "{requirement.marker}"',
            path=lines[0].path,
            hint=f"there are: {there}",
        )
    return chosen


def _require_agreement(lines: Iterable[Line], request: Request) -> None:
    """Check that what is asked for is what the files already say.

    Raises:
        RequirementsError: it is not.
    """
    requirement = request.requirement
    for line in lines:
        if line.requirement is None:
            continue
        missing = requirement.extras - line.requirement.extras
        if missing:
            raise RequirementsError(
                f"{requirement.name} is there without [{','.join(sorted(missing))}]",
                path=line.path,
                line=line.number,
                hint="write the extra into that line",
            )
        specifier = requirement.specifier
        if line.pin is not None:
            agrees = specifier.contains(line.pin, prereleases=True)
        else:
            agrees = not specifier or specifier == line.requirement.specifier
        if not agrees:
            raise RequirementsError(
                f'"{line.content}" is there and contradicts "{requirement}"',
                path=line.path,
                line=line.number,
                hint=f'`upgrade "{requirement.name}{request.specifier}"` would move it',
            )


def _already_there(line: Line) -> str:
    name = line.spelled_name
    if line.pin is not None:
        return f"{name} is there already, at {line.pin} ({line.place}); `upgrade {name}` moves it"
    return f"{name} is there already, not pinned ({line.place}); `upgrade {name}` pins it"


def _revert(plan: Plan) -> None:
    for edit in plan.edits:
        edit.revert()
