"""A project: its settings, its requirements files, its image. Plan, then apply.

A plan is made from bytes, pages and the target; making it changes nothing. ``apply`` writes the
files and builds the image, and either both happen or neither.
"""

from __future__ import annotations

import os
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, cast

from ..errors import BuildError, PipflowError, RequirementsError, UsageError
from ..files import lock
from ..images import interruptible
from ..index import PackageIndex
from ..pip_settings import read_pip_settings
from ..requirements import split_requirements
from ..settings import Settings
from .documents import read_documents
from .draft import Draft
from .image import find_image, find_target
from .lookup import Lookup, index_urls
from .plan import Change, Held, LeftAlone, Outcome, Plan
from .planner import LEVELS, Level, Planner, find_removable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..requirements import Line, Request, Sort
    from ..target import Target
    from .documents import Documents
    from .image import Image

__all__ = ["LEVELS", "Change", "Held", "LeftAlone", "Level", "Outcome", "Plan", "Project"]


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
        with_upgrades: bool = False,
        resolve: bool = True,
        force: bool = False,
    ) -> Plan:
        """Plan to pin projects that the files do not have yet, at the newest that suits.

        Args:
            requirements: PEP 508 requirements, in one word or several.
            group: the heading of the block to write into.
            prereleases: take pre-releases too.
            policy: write a specifier that bounds the pin behind it, as its policy.
            with_upgrades: move the standing pins that are in the way.
            resolve: take only versions that go together with the standing pins.
            force: edit also a file that another tool has written.

        Raises:
            RequirementsError: a requirement makes no sense, or contradicts the files.
            ProjectNotFound: the index does not have a project.
            Unsatisfiable: no version suits, or none goes together with the standing pins.
            PackageIndexError: the index failed.
        """
        requests = _split(requirements)
        documents = self._read()
        draft = Draft("add", documents)
        self._planner(draft, documents, resolve=resolve).add(
            requests,
            group=group,
            sort=cast("Sort", self.settings.sort),
            prereleases=prereleases,
            policy=policy,
            with_upgrades=with_upgrades,
        )
        return self._finish(draft, force=force)

    def plan_upgrade(
        self,
        requirements: str | Iterable[str],
        *,
        prereleases: bool = False,
        resolve: bool = True,
        force: bool = False,
    ) -> Plan:
        """Plan to move the pins of named projects; a specifier may also move one down.

        Args:
            requirements: PEP 508 requirements, in one word or several.
            prereleases: take pre-releases too.
            resolve: take only versions that go together with the standing pins.
            force: edit also a file that another tool has written.

        Raises:
            RequirementsError: a requirement makes no sense, the files do not have it, or its
                policy forbids it.
            ProjectNotFound: the index does not have a project.
            Unsatisfiable: no version suits, or none goes together with the standing pins.
            PackageIndexError: the index failed.
        """
        requests = _split(requirements)
        documents = self._read(must_be_there=True)
        draft = Draft("upgrade", documents)
        self._planner(draft, documents, resolve=resolve).upgrade(requests, prereleases=prereleases)
        return self._finish(draft, force=force)

    def plan_upgrade_all(
        self,
        *,
        only: str | Iterable[str] = (),
        skip: str | Iterable[str] = (),
        level: Level = "major",
        prereleases: bool = False,
        resolve: bool = True,
        force: bool = False,
    ) -> Plan:
        """Plan to move every pin to the newest versions that go together; none moves down.

        Args:
            only: the names to consider; all, where there are none.
            skip: names to leave alone.
            level: the first number that may change: ``minor`` keeps the major number.
            prereleases: take pre-releases too.
            resolve: take only versions that go together; else the newest of each alone.
            force: edit also a file that another tool has written.

        Raises:
            RequirementsError: ``only`` names a project that the files do not have, or a policy
                is malformed.
            ProjectNotFound: the index does not have a project of the files.
            PackageIndexError: the index failed.
        """
        documents = self._read(must_be_there=True)
        draft = Draft("upgrade-all", documents)
        self._planner(draft, documents, resolve=resolve).upgrade_all(
            only=_split(only), skip=_split(skip), level=level, prereleases=prereleases
        )
        return self._finish(draft, force=force)

    def plan_outdated(
        self,
        *,
        only: str | Iterable[str] = (),
        skip: str | Iterable[str] = (),
        level: Level = "major",
        prereleases: bool = False,
        resolve: bool = True,
    ) -> Plan:
        """Tell what ``plan_upgrade_all`` would move, and the policies; change nothing."""
        plan = self.plan_upgrade_all(
            only=only,
            skip=skip,
            level=level,
            prereleases=prereleases,
            resolve=resolve,
            force=True,
        )
        policies = tuple(
            f"policy    {line.spelled_name} {line.policy.text} ({line.place})"
            for line in self._read().lines
            if line.requirement is not None and line.policy is not None
        )
        return replace(
            plan, command="outdated", edits=(), builder=None, hints=(*plan.hints, *policies)
        )

    def plan_remove(
        self, requirements: str | Iterable[str], *, resolve: bool = True, force: bool = False
    ) -> Plan:
        """Plan to take projects out of the files, with the comments that belong to them.

        Args:
            requirements: names; with a marker, only the line with that marker.
            resolve: tell which lines that stay need them. Where that can't be looked up, they go
                all the same.
            force: edit also a file that another tool has written.

        Raises:
            RequirementsError: the files do not have one of them.
        """
        documents = self._read(must_be_there=True)
        draft = Draft("remove", documents)
        gone: dict[str, Line] = {}
        for request in _split(requirements):
            for line in find_removable(documents, request):
                gone[line.place] = line
        draft.remove(tuple(gone.values()))
        left = {line.name for line in documents.lines if line.place not in gone}
        names = {line.name for line in gone.values() if line.name} - left
        if resolve and names:
            try:
                self._planner(draft, documents, resolve=True).tell_who_needs(names)
            except PipflowError as error:
                draft.warn(f"what else needs it was not looked up: {error.message}")
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
        self,
        plan: Plan,
        *,
        rebuild: str = "",
        keep: bool = False,
        no_cache: bool = False,
        echo: bool = False,
    ) -> Outcome:
        """Write the files and build the image; a failed build puts the files back.

        Args:
            plan: one of this project's.
            rebuild: ``auto``, ``always`` or ``never``; default: the setting.
            keep: leave the files changed when the build fails.
            no_cache: build every layer anew.
            echo: print the build command to standard error before it runs.

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
                builder.build(no_cache=no_cache, echo=echo)
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

    def _planner(self, draft: Draft, documents: Documents, *, resolve: bool) -> Planner:
        if self._index is None:
            pip = read_pip_settings(self._environment)
            self._assumptions += pip.notes
            self._index = PackageIndex(
                index_urls(documents, self.settings, pip, self._environment),
                timeout_seconds=self.settings.timeout_seconds,
            )
        lookup = Lookup(documents, self._index, self.target)
        return Planner(draft, documents, lookup, resolve=resolve)

    def _finish(self, draft: Draft, *, force: bool, with_target: bool = True) -> Plan:
        target = self.target if with_target else None
        for warning in self._assumptions:
            draft.warn(warning)
        return draft.finish(target=target, builder=self.image.builder, force=force)


def _split(requirements: str | Iterable[str]) -> tuple[Request, ...]:
    text = requirements if isinstance(requirements, str) else ", ".join(requirements)
    return split_requirements(text)


def _revert(plan: Plan) -> None:
    """Put every file back, also where a signal comes in between; only the first one raises."""
    try:
        for edit in plan.edits:
            edit.revert()
    except BuildError:
        for edit in plan.edits:
            edit.revert()
