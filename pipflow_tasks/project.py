"""A project: its settings, its requirements files, its image. Plan, then apply.

A plan is made from bytes, pages and the target; making it changes nothing. ``apply`` writes the
files and builds the image, and either both happen or neither.

What one command alone needs is imported in its method, so that others start faster.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, cast

from msgspec.structs import replace

from .commands.workspace import Workspace, name_all_builds
from .environments.discovery import find_file
from .environments.lacking import find_lack
from .errors import FileError, UsageError
from .files import find_repository, show_path
from .isolation import hide_variables
from .manifest.library import Library
from .mount import (
    find_mount,
    find_only_mount,
    find_origins,
    find_root,
    read_files,
    read_run_settings,
    read_values,
)
from .plan import Change, Finding, Held, LeftAlone, Outcome, Plan
from .planning.lock import draft_lock, draft_unlock
from .planning.requests import require_same
from .planning.upgrade import (
    LEVELS,
    Level,
    UpgradeOptions,
    choosing,
    draft_outdated,
    draft_upgrade,
    draft_upgrade_all,
)
from .processes import RunSettings
from .progress import SILENT
from .requirements import split_requirements
from .settings import Settings
from .transaction import carry_out, changing, preview

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from invoke.context import Context

    from .commands.workspace import Caching
    from .engine import Installed
    from .environments.discovery import Discovery
    from .environments.environment import Environment
    from .mount import Namespace
    from .planning.draft import Draft
    from .planning.inputs import Inputs
    from .progress import Count, Progress
    from .requirements import Request, Sort
    from .target import Target

Chooser: TypeAlias = "Callable[[Sequence[tuple[Change, ...]]], Iterable[tuple[Change, ...]]]"
"""Is handed groups of changes, and returns those to make."""

__all__ = [
    "LEVELS",
    "Change",
    "Finding",
    "Held",
    "LeftAlone",
    "Level",
    "Outcome",
    "Plan",
    "Project",
]


class Project:
    """A project in a folder: requirements files, Dockerfile, settings.

    Use it as a context manager, or ``close`` it, to give the connections to the index back.
    """

    def __init__(self, workspace: Workspace, run: RunSettings, set_by: Mapping[str, str]) -> None:
        """Take a workspace; ``open`` finds it out."""
        self._workspace = workspace
        self._run = run
        self._set_by = set_by

    @classmethod
    def from_context(
        cls,
        context: Context,
        namespace: Namespace | None = None,
        *,
        file: str = "",
        verify: str = "",
        caching: Caching = "use",
        progress: Progress = SILENT,
    ) -> Project:
        """Open the project of a task, with the settings that our tasks would have.

        Args:
            context: the context of the task.
            namespace: the mounted tasks whose folder and settings count; default: the only ones.
            file: the requirements file; overrides the setting.
            verify: what is run in new images; overrides the setting.
            caching: see ``open``.
            progress: shows a build whose output Invoke hides.

        Raises:
            UsageError: a setting is not valid, there is no such folder, several namespaces are
                mounted and none is named, or ``c.cd`` or ``c.prefix`` is in force.
        """
        mount = find_only_mount() if namespace is None else find_mount(namespace)
        values = read_values(context, mount, os.environ)
        set_by = find_origins(context, mount, os.environ)
        for name, value in (("file", file), ("verify", verify)):
            if value:
                values, set_by = {**values, name: value}, {**set_by, name: f"the option --{name}"}
        settings = Settings.from_mapping(values)
        folder = "" if mount is None else mount.namespace.folder
        run = replace(read_run_settings(context), progress=progress)
        return cls.open(
            find_root(context, mount, settings.files[0]) / folder,
            settings,
            {**os.environ, **run.added},
            run=run,
            set_by=set_by,
            caching=caching,
        )

    @classmethod
    def open(
        cls,
        root: str | os.PathLike[str] = ".",
        settings: Settings | None = None,
        environment: Mapping[str, str] | None = None,
        now: datetime | None = None,
        run: RunSettings | None = None,
        set_by: Mapping[str, str] | None = None,
        caching: Caching = "use",
    ) -> Project:
        """Open the project in a folder.

        Args:
            root: the folder.
            settings: default: those of Invoke's files (``invoke.yaml`` in the folder, and the
                user's), and of ``INVOKE_PIPFLOW_*``. No tasks file is read.
            environment: variables for settings, pip's settings, index addresses and compose
                files; default: those of this process.
            now: the time that ages of releases are counted from, with its zone; default: now.
            run: how commands that build are run; default: with the output shown.
            set_by: where each setting is made, in words for ``check``, by its name.
            caching: whether to ``use`` the cache of the index, to ``ask`` for each page whether it
                is the same, to ``refresh`` all of it, or ``off``.

        Raises:
            UsageError: there is no such folder, or a setting is not valid.
        """
        folder = Path(root).resolve()
        environment = dict(os.environ) if environment is None else environment
        if not folder.is_dir():
            raise UsageError(
                f"there is no folder {root}",
                hint="the folder that namespace_for is given is relative to that of tasks.py",
            )
        if settings is None:
            context = read_files(folder)
            settings = Settings.from_mapping(read_values(context, None, environment))
            set_by = find_origins(context, None, environment)
        here = _stand(folder)
        if not settings.file and not (folder / settings.files[0]).is_file():
            library = Library(root=folder, here=here)
            found = find_file(library, settings, hide_variables(environment))
            files = found or _name_from(here, folder, settings.files[0])
        else:
            files = ",".join(_name_from(here, folder, name) for name in settings.files)
        return cls(
            Workspace(
                folder,
                here,
                dataclasses.replace(settings, file=files),
                environment,
                now or datetime.now(timezone.utc),
                caching,
            ),
            run or RunSettings(),
            {name: _show_origin(where, here) for name, where in (set_by or {}).items()},
        )

    def __enter__(self) -> Project:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections to the index, and write its cache."""
        self._workspace.close()

    @property
    def root(self) -> Path:
        """The project's folder."""
        return self._workspace.root

    @property
    def settings(self) -> Settings:
        """The project's settings; the requirements files are named from where the user stands."""
        return self._workspace.settings

    @property
    def shown(self) -> str:
        """The project's folder, relative to where the user stands; ``.`` is here."""
        return self._workspace.shown

    def count_look_ups(self) -> Count:
        """Return how many look-ups were begun so far, and how many have ended.

        Another thread may ask while a plan is made; see ``Progress``.
        """
        return self._workspace.count_look_ups()

    @property
    def image(self) -> Discovery:
        """What the project's image is made from, and what builds it, as things are now."""
        return self._workspace.discover(self._workspace.read_files())

    @property
    def target(self) -> Target:
        """What versions are chosen for, as things are now."""
        return self._workspace.find_targets(self.image)[0].target

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
        compiles: bool = False,
    ) -> Plan:
        """Plan to pin new projects at their newest version that suits.

        Where the file is compiled from others, they are edited, and the tool chooses the versions.

        Args:
            requirements: PEP 508 requirements, in one word or several.
            group: the heading of the block to write into.
            prereleases: take pre-releases too.
            policy: write a clause that can hold newer versions back as the policy of its line.
            with_upgrades: move the conflicting pins, too.
            resolve: take only versions that are compatible with the other pins.
            force: edit also a file that another tool has written.
            compiles: run pip-compile or uv, where the file is one of theirs.

        Raises:
            RequirementsError: a requirement is not valid, or contradicts the files.
            CompileError: pip-compile or uv failed.
            ProjectNotFound: the index does not have a project.
            Unsatisfiable: no version suits, or none goes together with the other pins.
            PackageIndexError: the index failed.
        """
        from .commands.compiling import find_layers, plan_sources, read_sources_of
        from .planning.add import AddOptions, draft_add
        from .planning.sources import add_to_sources, warn_of_added

        requests = _split(requirements)
        found = self._workspace.find()
        if layers := find_layers(self._workspace, found, force=force, compiles=compiles):
            inputs = self._workspace.prepare(found, resolve=True, in_any_case=True)
            sources = read_sources_of(self._workspace, found, layers[0])
            changed = add_to_sources(
                inputs,
                sources,
                requests,
                group=group,
                sort=cast("Sort", self.settings.sort),
                prereleases=prereleases,
            )
            plan = plan_sources(
                self._workspace, "add", found, layers, sources, changed, compiles=compiles
            )
            new = warn_of_added(inputs, sources, requests, self._workspace.now)
            return replace(plan, warnings=(*plan.warnings, *new))
        options = AddOptions(
            now=self._workspace.now,
            group=group,
            sort=cast("Sort", self.settings.sort),
            prereleases=prereleases,
            policy=policy,
            with_upgrades=with_upgrades,
        )
        draft = partial(draft_add, requests=requests, options=options)
        inputs, parts = self._workspace.draft(found, draft, resolve=resolve)
        return self._workspace.finish("add", parts, found, inputs, force=force)

    def plan_upgrade(
        self,
        requirements: str | Iterable[str],
        *,
        prereleases: bool = False,
        policy: bool = True,
        resolve: bool = True,
        force: bool = False,
    ) -> Plan:
        """Plan to move the pins of named projects; a specifier may also move one down.

        Args:
            requirements: PEP 508 requirements, in one word or several.
            prereleases: take pre-releases too.
            policy: write a clause that can hold newer versions back as the policy of its line.
            resolve: take only versions that are compatible with the other pins.
            force: edit also a file that another tool has written.

        Raises:
            RequirementsError: a requirement is not valid, the files do not have it, or its
                policy forbids it.
            ProjectNotFound: the index does not have a project.
            Unsatisfiable: no version suits, or none goes together with the other pins.
            PackageIndexError: the index failed.
        """
        requests = _split(requirements)
        found = self._workspace.find(must_be_there=True)
        draft = partial(draft_upgrade, requests=requests, prereleases=prereleases, policy=policy)
        inputs, parts = self._workspace.draft(found, draft, resolve=resolve)
        asked = [f"{each.requirement.name}{each.specifier}" for each in requests]
        return self._workspace.finish("upgrade", parts, found, inputs, force=force, asked=asked)

    def plan_pin(
        self,
        requirements: str | Iterable[str] = (),
        *,
        prereleases: bool = False,
        policy: bool = True,
        resolve: bool = True,
        force: bool = False,
    ) -> Plan:
        """Plan to pin every line that is not pinned.

        A pin is the version that the built image has, where an engine has the image and the
        version suits; else it is the newest one that is allowed. ``Change.taken_from`` says which.

        Args:
            requirements: the names to pin; all, where there are none.
            prereleases: take pre-releases too.
            policy: write a clause that can hold newer versions back as the policy of its line.
            resolve: take only versions that are compatible; else each alone.
            force: edit also a file that another tool has written.

        Raises:
            RequirementsError: the files do not have a name, or a policy is malformed.
            ProjectNotFound: the index does not have a project.
            Unsatisfiable: no version suits, or none goes together with the other lines.
            PackageIndexError: the index failed.
        """
        from .environments.built_image import find_installed
        from .planning.pin import draft_pin

        requests = _split(requirements)
        found = self._workspace.find(must_be_there=True)

        def ask(environment: Environment) -> Installed:
            return find_installed(
                found.discovery, environment, self.settings, self._workspace.environment
            )

        def draft(inputs: Inputs) -> Iterable[Draft]:
            return draft_pin(inputs, requests, ask, prereleases=prereleases, policy=policy)

        inputs, parts = self._workspace.draft(found, draft, resolve=resolve)
        return self._workspace.finish("pin", parts, found, inputs, force=force)

    def plan_upgrade_all(
        self,
        *,
        only: str | Iterable[str] = (),
        skip: str | Iterable[str] = (),
        level: Level = "major",
        pin: bool = False,
        prereleases: bool = False,
        resolve: bool = True,
        force: bool = False,
        choose: Chooser | None = None,
    ) -> Plan:
        """Plan to move every pin to the newest compatible version; none moves down.

        Args:
            only: what to consider: names, patterns (``boto*``), headings of blocks (``# Web``);
                all, where there are none.
            skip: what to leave alone, in the same way.
            level: the first number that may change: ``minor`` keeps the major number.
            pin: pin also what is not pinned, at the newest compatible version that its line allows.
            prereleases: take pre-releases too.
            resolve: take only versions that are compatible; else the newest of each alone.
            force: edit also a file that another tool has written.
            choose: is handed the changes, in groups that can be made alone, and returns the groups
                to make. The others stay, and the plan is made again; no choice goes further then.

        Raises:
            RequirementsError: ``only`` names a project that the files do not have, or a policy
                is malformed.
            ProjectNotFound: the index does not have a project of the files.
            PackageIndexError: the index failed.
        """
        options = UpgradeOptions(
            only=_items(only),
            skip=_items(skip),
            level=level,
            prereleases=prereleases,
            pin=pin,
            is_grouped=choose is not None,
        )
        make = partial(self._plan_upgrade_all, resolve=resolve, force=force)
        plan = make(options)
        if choose is None or not plan.groups:
            return plan
        chosen = [*choose(plan.groups)]
        if len(chosen) == len(plan.groups):
            return plan
        return make(choosing(options, plan.groups, chosen))

    def _plan_upgrade_all(self, options: UpgradeOptions, *, resolve: bool, force: bool) -> Plan:
        found = self._workspace.find(must_be_there=True)
        options = replace(options, limits=self._workspace.find_limits(found))
        draft = partial(draft_upgrade_all, options=options)
        inputs, parts = self._workspace.draft(found, draft, resolve=resolve)
        return self._workspace.finish("upgrade-all", parts, found, inputs, force=force)

    def plan_outdated(
        self,
        *,
        only: str | Iterable[str] = (),
        skip: str | Iterable[str] = (),
        level: Level = "major",
        prereleases: bool = False,
        resolve: bool = True,
    ) -> Plan:
        """Plan nothing, but report what ``plan_upgrade_all`` would move, and the policies.

        Where the requirements conflict, the plan says so.
        """
        found = self._workspace.find(must_be_there=True)
        options = UpgradeOptions(
            only=_items(only),
            skip=_items(skip),
            level=level,
            prereleases=prereleases,
            limits=self._workspace.find_limits(found),
        )
        draft = partial(draft_outdated, options=options)
        inputs, parts = self._workspace.draft(found, draft, resolve=resolve)
        plan = self._workspace.finish("outdated", parts, found, inputs, force=True)
        return replace(plan, edits=(), builder=None, lack=None)

    def plan_why(self, requirements: str | Iterable[str]) -> Plan:
        """Plan nothing, but report the paths from the requirements to projects.

        Args:
            requirements: names; what else is typed with them does not count.

        Raises:
            RequirementsError: nothing needs one of them.
            ProjectNotFound: the index does not have a project of the files.
            PackageIndexError: the index failed.
        """
        from .planning.why import draft_why

        found = self._workspace.find(must_be_there=True)
        draft = partial(draft_why, requests=_split(requirements))
        inputs, parts = self._workspace.draft(found, draft, resolve=True, in_any_case=True)
        plan = self._workspace.finish("why", parts, found, inputs, force=True)
        return replace(plan, builder=None, lack=None)

    def plan_why_not(self, requirements: str | Iterable[str]) -> Plan:
        """Plan nothing, but report what rules out versions of projects, and what takes them.

        Args:
            requirements: what to explain, such as ``urllib3==2.0``; a name alone is about the
                newest version. The files need not list the project.

        Raises:
            ProjectNotFound: the index does not have a project.
            PackageIndexError: the index failed.
        """
        from .planning.why_not import draft_why_not

        found = self._workspace.find(must_be_there=True)
        draft = partial(draft_why_not, requests=_split(requirements))
        inputs, parts = self._workspace.draft(found, draft, resolve=True, in_any_case=True)
        plan = self._workspace.finish("why-not", parts, found, inputs, force=True)
        return replace(plan, builder=None, lack=None)

    def plan_remove(
        self,
        requirements: str | Iterable[str],
        *,
        resolve: bool = True,
        force: bool = False,
        compiles: bool = False,
    ) -> Plan:
        """Plan to remove projects from the files, with the comments that belong to them.

        Where the file is compiled from others, they are edited.

        Args:
            requirements: names; with a marker, only the line with that marker.
            resolve: tell which lines that stay need them. Where that can't be looked up, they go
                all the same.
            force: edit also a file that another tool has written.
            compiles: run pip-compile or uv, where the file is one of theirs.

        Raises:
            RequirementsError: the files do not have one of them.
            CompileError: pip-compile or uv failed.
        """
        from .commands.compiling import find_layers, plan_sources, read_sources_of
        from .planning.remove import draft_remove
        from .planning.sources import remove_from_sources

        found = self._workspace.find(must_be_there=True)
        if layers := find_layers(self._workspace, found, force=force, compiles=compiles):
            sources = read_sources_of(self._workspace, found, layers[0])
            changed = remove_from_sources(layers[0], sources, _split(requirements))
            return plan_sources(
                self._workspace, "remove", found, layers, sources, changed, compiles=compiles
            )
        prepare = partial(self._workspace.prepare, found, resolve=resolve, in_any_case=True)
        requests = _split(requirements)
        draft, inputs = draft_remove(found.manifest, requests, prepare, resolve=resolve)
        sure = self._workspace.ask_for_patch(found, inputs)
        if sure is not None:
            draft, inputs = draft_remove(found.manifest, requests, lambda: sure, resolve=resolve)
        return self._workspace.finish("remove", draft, found, inputs, force=force)

    def plan_lock(self) -> Plan:
        """Plan to write a line for every transitive dependency.

        The requirements stay as they are. From then on every other plan keeps these lines
        complete: see ``lock``. A file that another tool has written keeps that tool's lock.

        Raises:
            ProjectNotFound: the index does not have a project of the files.
            VersionConflict: the requirements conflict.
            PackageIndexError: the index failed.
        """
        found = self._workspace.find(must_be_there=True)
        found = replace(found, manifest=replace(found.manifest, is_being_locked=True))
        inputs, parts = self._workspace.draft(found, draft_lock, resolve=True, in_any_case=True)
        return self._workspace.finish("lock", parts, found, inputs, force=False)

    def plan_unlock(self) -> Plan:
        """Plan to remove the locked lines."""
        found = self._workspace.find(must_be_there=True)
        draft = draft_unlock(found.manifest)
        return self._workspace.finish("unlock", draft, found, None, force=False)

    def plan_adopt(
        self,
        sources: str | Iterable[str] = (),
        *,
        direct: str | Iterable[str] = (),
        transitive: str | Iterable[str] = (),
    ) -> Plan:
        """Plan to make one locked file of what another tool wrote; no version moves.

        Args:
            sources: compiled or frozen files, or the sources that they were compiled from;
                default: the requirements file.
            direct: projects that are direct requirements, whatever the files say.
            transitive: projects that are not.

        Raises:
            RequirementsError: a file is not there, pins nothing, or is older than its sources.
            VersionConflict: the pins conflict.
            ProjectNotFound: the index does not have a project of the files.
            PackageIndexError: the index failed.
        """
        from .commands.adopting import plan_adopt

        asked = {request.name for request in _split(direct)}
        others = {request.name for request in _split(transitive)}
        return plan_adopt(self._workspace, _words(sources), asked, others)

    def plan_check(self, *, offline: bool = False, explain: bool = False) -> Plan:
        """Look for what breaks the workflow, in the Dockerfile and in the files.

        Args:
            offline: leave out what needs an index.
            explain: say for each part of the target where it comes from.
        """
        from .commands.checking import plan_check

        return plan_check(self._workspace, self._set_by, offline=offline, explain=explain)

    def plan_rebuild(self, *, no_cache: bool = False) -> Plan:
        """Plan to build the image.

        Args:
            no_cache: build every layer anew.

        Raises:
            UsageError: the project has no image, or a command that nobody can tell that.
        """
        discovery = self.image
        builder = discovery.builder
        if builder is None:
            raise UsageError(
                "there is nothing to build: no Dockerfile and no compose file with a build",
                hint="set `dockerfile`, or write a Dockerfile",
            )
        plan = Plan(
            command="rebuild",
            builder=builder.without_cache() if no_cache else builder,
            builds=tuple(self._workspace.builds_of(builder, discovery, name_all_builds(discovery))),
            lack=find_lack(discovery.builds, builder.images, self._workspace.variables),
        )
        return self._workspace.placed(plan, discovery)

    def limit_growth(self, plan: Plan, limit_bytes: int) -> Plan:
        """Return a plan with how much larger it makes what each environment installs.

        The sizes are those of the files that an installer downloads, compressed, with all
        dependencies; what is installed before is looked up for this.

        Args:
            plan: one of this project's.
            limit_bytes: by how much the largest may grow.

        Raises:
            TooLarge: it grows by more, or a size that counts is unknown.
            RequirementsError: the file is yet to be compiled.
            PackageIndexError: the index failed.
        """
        from .commands.growth import limit_growth

        return limit_growth(self._workspace, plan, limit_bytes)

    def preview(self, plan: Plan, *, rebuild: str = "") -> Outcome:
        """Return the outcome that ``apply`` would have, and do nothing.

        Raises:
            DockerfileError: the build lacks an argument or a secret that installing takes.
        """
        self._require_editable(plan)
        return preview(plan, rebuild=rebuild or self.settings.rebuild, run=self._run)

    def _require_editable(self, plan: Plan) -> None:
        """Check that no link in the repository leads to a file out of it that would be written.

        Raises:
            FileError: one does.
        """
        repository = find_repository(self.root)
        for edit in plan.edits if repository is not None else ():
            real = Path(os.path.realpath(edit.path))
            is_named = Path(os.path.normpath(edit.path)).is_relative_to(repository or "")
            if is_named and not real.is_relative_to(os.path.realpath(repository or "")):
                raise FileError(
                    f"it leads out of the repository, to {real}; files there are not edited",
                    path=edit.shown,
                    hint="to edit that file all the same, name it with --file",
                )

    def apply(
        self,
        plan: Plan,
        *,
        rebuild: str = "",
        keep: bool = False,
        before_build: Callable[[], None] | None = None,
    ) -> Outcome:
        """Write the files and build the image; a failed build puts the files back.

        Args:
            plan: one of this project's.
            rebuild: ``auto``, ``always`` or ``never``; default: the setting.
            keep: leave the files changed when the build fails.
            before_build: is called once the files are written, right before a build begins.

        Raises:
            UsageError: a build is insisted on, and no engine answers.
            DockerfileError: the build lacks an argument or a secret that installing takes.
            FileError: a file can't be written or put back, or somebody else has changed it.
            BuildError: the image was not built; the outcome in it says what state all is in.
        """
        rebuild = rebuild or self.settings.rebuild
        carry = partial(carry_out, plan, rebuild=rebuild, keep=keep, run=self._run)
        if not plan.edits and plan.command != "rebuild":
            return carry()
        self._require_editable(plan)
        with self.changing(plan.command, rebuild=rebuild, files=[edit.path for edit in plan.edits]):
            return carry(before_build=before_build)

    @contextlib.contextmanager
    def changing(
        self,
        command: str,
        *,
        rebuild: str = "",
        forgets: bool = False,
        files: Iterable[Path] | None = None,
    ) -> Iterator[None]:
        """Keep other commands out of the files from planning to the end; they wait.

        What a command that was killed has left unfinished is finished first. ``apply`` does the
        same by itself; but a plan that was made before may then be one of former files.

        Args:
            command: the task's name, which those are shown who wait.
            rebuild: as for ``apply``.
            forgets: drop what a killed command has left.
            files: those to keep; default: the requirements files, with all that they include.

        Raises:
            FileError: another command did not end in time, or files stand half written and have
                been changed since.
            BuildError: the image of the killed command can't be built; the files are as before.
        """
        with changing(
            self._workspace.read_files().files if files is None else files,
            command,
            forgets=forgets,
            rebuild="always" if command == "rebuild" else rebuild or self.settings.rebuild,
            run=self._run,
        ):
            yield

    def ask_anew(self) -> bool:
        """Let the next plan ask for every page; return whether a plan has used one unasked."""
        return self._workspace.ask_anew()


def _stand(root: Path) -> Path:
    """Return the folder that names are relative to: the current one, above or below the root."""
    here = Path.cwd()
    return here if root.is_relative_to(here) or here.is_relative_to(root) else root


def _name_from(here: Path, root: Path, name: str) -> str:
    """Return the name of a file, relative to where the user stands; one file has one name."""
    path = Path(os.path.normpath(root / name))
    inside = path.parent.resolve() / path.name  # the folders may be links
    if not path.is_relative_to(root) and inside.is_relative_to(root):
        path = inside
    return show_path(path, here)


def _show_origin(where: str, here: Path) -> str:
    """Return where a setting is made, with the name that a file has for the user."""
    path = Path(where)
    return show_path(path, here) if path.is_absolute() and path.is_relative_to(here) else where


def _words(names: str | Iterable[str]) -> tuple[str, ...]:
    """Return the names of files, which are separated by commas or spaces."""
    text = names if isinstance(names, str) else " ".join(names)
    return tuple(text.replace(",", " ").split())


def _items(chosen: str | Iterable[str]) -> tuple[str, ...]:
    """Return names, patterns and headings, which commas separate.

    Raises:
        UsageError: there is something, and it names nothing.
    """
    items = (chosen,) if isinstance(chosen, str) else tuple(chosen)
    if any(items) and not any(item.strip(" ,") for item in items):
        raise UsageError("no package is named", hint="name some, or leave the option out")
    return tuple(item for item in items if item.strip(" ,"))


def _split(requirements: str | Iterable[str]) -> tuple[Request, ...]:
    text = requirements if isinstance(requirements, str) else ", ".join(requirements)
    asked: dict[tuple[str, str], Request] = {}
    for request in split_requirements(text):
        key = (request.name, str(request.requirement.marker or ""))
        require_same(asked.setdefault(key, request), request)
    return tuple(asked.values())
