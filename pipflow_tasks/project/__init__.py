"""A project: its settings, its requirements file, its image. Plan, then apply.

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

from ..errors import (
    BuildError,
    NoCandidate,
    ProjectNotFound,
    RequirementsError,
    UsageError,
)
from ..files import lock
from ..finder import choose, newest, summarise
from ..images import interruptible
from ..index import PackageIndex
from ..pip_settings import read_pip_settings
from ..requirements import Kind, expand_variables, split_requirements
from ..settings import Settings
from .draft import Draft
from .image import find_image, find_target
from .plan import Change, Held, LeftAlone, Outcome, Plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from packaging.requirements import Requirement
    from packaging.version import Version

    from ..finder import Candidate, Choice
    from ..requirements import Line, RequirementsFile, Sort
    from ..simple_api import DistributionFile
    from ..target import Target
    from .image import Image

__all__ = ["LEVELS", "Change", "Held", "LeftAlone", "Level", "Outcome", "Plan", "Project"]

Level = Literal["major", "minor", "patch"]
LEVELS: tuple[Level, ...] = ("major", "minor", "patch")


class Project:
    """What stands in one folder: requirements file, Dockerfile, settings.

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
    ) -> Plan:
        """Plan to pin projects that the file does not have yet, at the newest that suits.

        Args:
            requirements: PEP 508 requirements, in one word or several.
            group: the heading of the block to write into.
            prereleases: take pre-releases too.

        Raises:
            RequirementsError: a requirement makes no sense, or contradicts the file.
            ProjectNotFound: the index does not have a project.
            NoCandidate: no version suits.
            PackageIndexError: the index failed.
        """
        wanted = _split(requirements)
        draft = self._begin("add")
        document = draft.document
        index = self._index_for(document)
        index.prefetch(canonicalize_name(r.name) for r in wanted if not document.find(r.name))
        for requirement in wanted:
            there = draft.document.find(requirement.name)
            if there:
                _require_agreement(there, requirement, document.path)
                draft.hint(_already_there(there[0]))
                continue
            _require_no_hashes(document)
            files = self._files(requirement.name, document)
            choice = choose(
                files,
                specifier=requirement.specifier,
                target=self.target,
                prereleases=prereleases,
            )
            candidate = self._require_candidate(requirement, choice)
            draft.warn_of(requirement.name, candidate, self.target)
            _hold(draft, requirement.name, candidate.version, files, choice, requirement.specifier)
            draft.add(
                requirement,
                candidate.version,
                group=group,
                sort=cast("Sort", self.settings.sort),
            )
        return self._finish(draft)

    def plan_upgrade(self, requirements: str | Iterable[str], *, prereleases: bool = False) -> Plan:
        """Plan to move the pins of named projects; a specifier may also move one down.

        Args:
            requirements: PEP 508 requirements, in one word or several.
            prereleases: take pre-releases too.

        Raises:
            RequirementsError: a requirement makes no sense, or the file does not have it.
            ProjectNotFound, NoCandidate, PackageIndexError: as for ``plan_add``.
        """
        wanted = _split(requirements)
        draft = self._begin("upgrade")
        document = self._require_file(draft)
        moves = [
            (requirement, line)
            for requirement in wanted
            for line in self._movable(document, requirement, draft)
        ]
        self._index_for(document).prefetch(canonicalize_name(r.name) for r, _ in moves)
        for requirement, line in moves:
            assert line.requirement is not None
            own = line.requirement.specifier if line.pin is None else SpecifierSet()
            specifier = requirement.specifier or own
            files = self._files(requirement.name, document)
            choice = choose(
                files,
                specifier=specifier,
                target=self.target,
                prereleases=prereleases,
                local=None if requirement.specifier else _local(line),
            )
            candidate = self._require_candidate(requirement, choice)
            rises = line.pin is None or candidate.version > line.pin or requirement.specifier
            self._move(draft, line, candidate if rises else None, files, choice, specifier)
        return self._finish(draft)

    def plan_upgrade_all(
        self,
        *,
        only: str | Iterable[str] = (),
        skip: str | Iterable[str] = (),
        level: Level = "major",
        prereleases: bool = False,
    ) -> Plan:
        """Plan to move every pin to the newest version that suits; none moves down.

        Args:
            only: the names to consider; all, where there are none.
            skip: names to leave alone.
            level: the first number that may change: ``minor`` keeps the major number.
            prereleases: take pre-releases too.

        Raises:
            RequirementsError: ``only`` names a project that the file does not have.
            ProjectNotFound: the index does not have a project of the file.
            PackageIndexError: the index failed.
        """
        draft = self._begin("upgrade-all")
        document = self._require_file(draft)
        only_names = {canonicalize_name(r.name) for r in _split(only)}
        skip_names = {canonicalize_name(r.name) for r in _split(skip)}
        for name in only_names:
            _require_there(document, name)
        pins: list[Line] = []
        for line in document.lines:
            if only_names and line.name not in only_names:
                continue
            reason = "skipped" if line.name in skip_names else self._why_left_alone(line)
            if reason:
                draft.leave(line, reason)
            elif line.pin is not None:
                pins.append(line)
        self._index_for(document).prefetch(line.name for line in pins if line.name)
        for line in pins:
            assert line.name is not None
            assert line.pin is not None
            files = self._files(line.name, document, hint=f"leave it out with --skip {line.name}")
            specifier = _within(line.pin, level)
            choice = choose(
                files,
                specifier=specifier,
                target=self.target,
                prereleases=prereleases,
                local=_local(line),
            )
            candidate = choice.candidate
            if candidate is not None and candidate.version <= line.pin and line.pin.is_prerelease:
                choice = choose(files, specifier=specifier, target=self.target, prereleases=True)
                candidate = choice.candidate
            if candidate is None:
                draft.warn(
                    f"no version of {line.name} suits {self.target}; "
                    f"{document.path}:{line.number} stays as it is"
                )
            elif candidate.version <= line.pin:
                candidate = None
            self._move(draft, line, candidate, files, choice, SpecifierSet())
        return self._finish(draft)

    def plan_remove(self, names: str | Iterable[str]) -> Plan:
        """Plan to take projects out of the file, with the comments that belong to them.

        Raises:
            RequirementsError: the file does not have one of them.
        """
        draft = self._begin("remove")
        document = self._require_file(draft)
        gone: dict[int, Line] = {}
        for requirement in _split(names):
            if requirement.specifier or requirement.extras or requirement.marker:
                raise RequirementsError(
                    f'"{requirement}" is more than a name',
                    hint=f"remove takes names: `remove {requirement.name}`",
                )
            for line in _require_there(document, requirement.name):
                gone[line.number] = line
        draft.remove(tuple(gone.values()))
        return self._finish(draft, with_target=False)

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

    def plan_outdated(
        self,
        *,
        only: str | Iterable[str] = (),
        skip: str | Iterable[str] = (),
        level: Level = "major",
        prereleases: bool = False,
    ) -> Plan:
        """Tell what ``plan_upgrade_all`` would move; the plan itself changes nothing."""
        plan = self.plan_upgrade_all(only=only, skip=skip, level=level, prereleases=prereleases)
        return replace(plan, command="outdated", edits=(), builder=None)

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

    def _begin(self, command: str) -> Draft:
        return Draft(command, self.root / self.settings.file, self.settings.file)

    def _finish(self, draft: Draft, *, with_target: bool = True) -> Plan:
        target = self.target if with_target else None
        for warning in self._assumptions:
            draft.warn(warning)
        return draft.finish(target=target, builder=self.image.builder)

    def _require_file(self, draft: Draft) -> RequirementsFile:
        if draft.is_missing:
            raise RequirementsError(
                "there is no such file",
                path=draft.document.path,
                hint="`add` creates it; another one is named with --file or the setting `file`",
            )
        return draft.document

    def _index_for(self, document: RequirementsFile) -> PackageIndex:
        """Open the indexes that the file, the settings or pip name, in this order."""
        if self._index is None:
            if any(name == "--no-index" for line in document.lines for name, _ in line.options):
                raise UsageError(
                    f"{document.path} says --no-index, so no index can be asked for versions"
                )
            pip = read_pip_settings(self._environment)
            self._assumptions += pip.notes
            in_file = [self._expand(url) for url in document.option_values("--index-url")]
            extras = [self._expand(url) for url in document.option_values("--extra-index-url")]
            main = [*in_file, self.settings.index_url or pip.index_url][0]
            extras += [*self.settings.extra_index_url.split(), *pip.extra_index_urls]
            self._index = PackageIndex(
                tuple(dict.fromkeys([main, *extras])), timeout_seconds=self.settings.timeout_seconds
            )
        return self._index

    def _expand(self, url: str) -> str:
        expanded = expand_variables(url, self._environment)
        if "${" in expanded:
            raise UsageError(
                "an index address in the requirements file uses a variable that is not set",
                hint=f"set {expanded[expanded.index('${') :].partition('}')[0]}}} and try again",
            )
        return expanded

    def _files(
        self, name: str, document: RequirementsFile, *, hint: str = ""
    ) -> tuple[DistributionFile, ...]:
        try:
            return self._index_for(document).files(canonicalize_name(name))
        except ProjectNotFound as error:
            known = [str(line.name) for line in document.requirements if line.name != name]
            close = get_close_matches(canonicalize_name(name), known, n=1, cutoff=0.75)
            if close and not hint:
                hint = f"did you mean {close[0]}, which {document.path} has already?"
            raise ProjectNotFound(error.message, url=error.url, hint=hint or error.hint) from error

    def _require_candidate(self, requirement: Requirement, choice: Choice) -> Candidate:
        if choice.candidate is not None:
            return choice.candidate
        asked = f" that satisfies {requirement.specifier}" if requirement.specifier else ""
        raise NoCandidate(
            f"no version of {requirement.name}{asked} suits {self.target}",
            project=requirement.name,
            reasons=summarise(choice.rejections) or ["the index lists no usable file"],
            hint="ask for another version, or change the base image",
        )

    def _movable(
        self, document: RequirementsFile, requirement: Requirement, draft: Draft
    ) -> Iterator[Line]:
        """Yield the lines of a named project that can be pinned; the others are reported.

        Raises:
            RequirementsError: there is none.
        """
        if requirement.extras or requirement.marker:
            raise RequirementsError(
                f'"{requirement}" asks for more than a version',
                hint="upgrade moves versions; extras and markers are changed in the file",
            )
        refused: list[tuple[Line, str]] = []
        found = False
        for line in _require_there(document, requirement.name):
            reason = self._why_unmovable(line)
            if reason:
                refused.append((line, reason))
            else:
                found = True
                yield line
        if not found:
            line, reason = refused[0]
            raise RequirementsError(
                f"{requirement.name} can't be moved: it is {reason}",
                path=document.path,
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
        if line.option_values("--hash"):
            return "a pin with hashes"
        return ""

    def _why_left_alone(self, line: Line) -> str:
        """Say why ``upgrade-all`` passes a line over; nothing for a pin, or what no one moves."""
        if line.kind is Kind.UNREADABLE:
            return f"not a valid line: {line.problem}"
        if line.kind is Kind.OPTION and line.option_values("--requirement"):
            return "an included file"
        if line.kind in {Kind.BLANK, Kind.COMMENT, Kind.OPTION}:
            return ""
        return self._why_unmovable(line) or ("" if line.pin is not None else "not a pin")

    def _move(
        self,
        draft: Draft,
        line: Line,
        candidate: Candidate | None,
        files: Iterable[DistributionFile],
        choice: Choice,
        specifier: SpecifierSet,
    ) -> None:
        """Move a line, where there is something to move it to, and say what holds it."""
        assert line.requirement is not None
        project = line.requirement.name
        now = line.pin
        if candidate is not None and candidate.version != line.pin:
            draft.warn_of(project, candidate, self.target)
            draft.move(line, candidate.version)
            now = candidate.version
        if now is not None:
            _hold(draft, project, now, files, choice, specifier)


def _split(requirements: str | Iterable[str]) -> tuple[Requirement, ...]:
    text = requirements if isinstance(requirements, str) else ", ".join(requirements)
    return split_requirements(text)


def _hold(
    draft: Draft,
    project: str,
    version: Version,
    files: Iterable[DistributionFile],
    choice: Choice,
    asked: SpecifierSet,
) -> None:
    """Report the newest version, where something else than the user's own word keeps it away."""
    latest = newest(files)
    if latest is None or latest <= version or not asked.contains(latest):
        return
    draft.hold(project, version, latest, choice.reason_against(latest) or "was not asked for")


def _require_there(document: RequirementsFile, name: str) -> tuple[Line, ...]:
    lines = document.find(name)
    if lines:
        return lines
    known = [str(line.name) for line in document.requirements]
    close = get_close_matches(canonicalize_name(name), known, n=1)
    raise RequirementsError(
        f"it does not have {name}",
        path=document.path,
        hint=f"did you mean {close[0]}?" if close else f"`add {name}` would add it",
    )


def _require_agreement(lines: Iterable[Line], requirement: Requirement, path: str) -> None:
    """Check that what is asked for is what the file already says.

    Raises:
        RequirementsError: it is not.
    """
    for line in lines:
        if line.requirement is None:
            continue
        missing = requirement.extras - line.requirement.extras
        if missing:
            raise RequirementsError(
                f"{requirement.name} is there without [{','.join(sorted(missing))}]",
                path=path,
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
                path=path,
                line=line.number,
                hint=f'`upgrade "{requirement.name}{specifier}"` would move it',
            )


def _already_there(line: Line) -> str:
    shown = line.requirement.name if line.requirement is not None else str(line.name)
    if line.pin is not None:
        return f"{shown} is there already, at {line.pin}; `upgrade {shown}` would move it"
    return f"{shown} is there already, not pinned; `upgrade {shown}` would pin it"


def _require_no_hashes(document: RequirementsFile) -> None:
    for line in document.lines:
        if any(name in {"--hash", "--require-hashes"} for name, _ in line.options):
            raise RequirementsError(
                "the file pins hashes, and a new line would have none",
                path=document.path,
                line=line.number,
                hint="add the line with its hashes by hand",
            )


def _local(line: Line) -> str | None:
    """A pin of ``2.0+cpu`` moves among the builds for ``cpu``."""
    return None if line.pin is None else line.pin.local


def _within(pin: Version, level: Level) -> SpecifierSet:
    if level == "major":
        return SpecifierSet()
    kept = (*pin.release, 0)[:1] if level == "minor" else (*pin.release, 0, 0)[:2]
    epoch = f"{pin.epoch}!" if pin.epoch else ""
    return SpecifierSet(f"=={epoch}{'.'.join(map(str, kept))}.*")


def _revert(plan: Plan) -> None:
    for edit in plan.edits:
        edit.revert()
