"""A project: its settings, its requirements files, its image. Plan, then apply.

A plan is made from bytes, pages and the target; making it changes nothing. ``apply`` writes the
files and builds the image, and either both happen or neither.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

from msgspec import Struct
from msgspec.structs import replace
from packaging.utils import canonicalize_name

from .checks import find_in, fix_at_the_source
from .checks.compiled import check_compiled
from .checks.dockerfile import check_builds, check_pip
from .checks.files import check_lines
from .checks.origins import OriginReader, suggest_settings
from .checks.paths import check_paths
from .checks.pins import check_pins, check_together, name_environments
from .engine.compiling import compile_in_copy
from .environments.built_image import find_installed
from .environments.declared import read_declared
from .environments.discovery import builder_for, explain_unreached, find_builds, find_file
from .environments.environment import complete_manifest, find_environments
from .environments.indexes import note_several
from .environments.lacking import find_lack
from .environments.parts import name_parts
from .environments.target import find_targets
from .errors import (
    DockerfileError,
    FileError,
    PackageIndexError,
    PipflowError,
    RequirementsError,
    UsageError,
)
from .files import find_repository, repository_of, show_path
from .index import PackageIndex
from .index.cache import Cache, cache_folder
from .index.pip_settings import read_pip_settings
from .isolation import hide_variables
from .manifest.compiled import read_sources
from .manifest.documents import join
from .manifest.library import Library, read_more
from .manifest.reading import read_manifest
from .manifest.sources import find_compiled, find_dependents, find_elsewhere
from .mount import (
    find_mount,
    find_only_mount,
    find_origins,
    find_root,
    read_files,
    read_run_settings,
    read_values,
)
from .plan import (
    Builder,
    Change,
    Edit,
    Finding,
    Held,
    LeftAlone,
    Origin,
    Outcome,
    Plan,
    PlannedBuild,
    PlannedFor,
)
from .planning.add import AddOptions, draft_add
from .planning.adopt import (
    ALL_DIRECT,
    draft_adopt,
    find_roles,
    find_sources,
    find_steps,
    keep_installed,
    leave_unread,
    list_adopted,
    write_adopted,
)
from .planning.assumptions import note_looked_up, say_assumed, turns_on_patch, without_platform
from .planning.compiling import image_command, require_for_image, tell_commands
from .planning.draft import edit_of, finish, warn
from .planning.inputs import Inputs, environments_of, prepare
from .planning.lock import draft_lock, draft_unlock
from .planning.pin import PinOptions, draft_pin
from .planning.readers import Served
from .planning.release_facts import with_facts
from .planning.remove import draft_remove
from .planning.requests import require_same
from .planning.settling import settle_current
from .planning.sources import (
    add_to_sources,
    compare_pins,
    remove_from_sources,
    tell_edits,
)
from .planning.upgrade import (
    LEVELS,
    Level,
    UpgradeOptions,
    draft_outdated,
    draft_upgrade,
    draft_upgrade_all,
)
from .planning.why import draft_why
from .planning.why_not import draft_why_not
from .processes import RunSettings
from .requirements import RequirementsFile, split_requirements
from .settings import Settings
from .transaction import carry_out, changing, find_unfinished, preview, require_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from invoke.context import Context

    from .engine import Installed
    from .environments.build import Build
    from .environments.discovery import Discovery
    from .environments.environment import Environment
    from .environments.rules import InstallRules
    from .environments.target import FoundTarget
    from .manifest.addresses import Address
    from .manifest.compiled import Adopted
    from .manifest.documents import Manifest
    from .manifest.sources import Compiled
    from .mount import Namespace
    from .planning.draft import Draft
    from .requirements import CompileCommand, Line, Request, Sort
    from .target import Target

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


Caching: TypeAlias = Literal["use", "ask", "refresh", "off"]


class Project:
    """A project in a folder: requirements files, Dockerfile, settings.

    Use it as a context manager, or ``close`` it, to give the connections to the index back.
    """

    def __init__(
        self,
        root: Path,
        here: Path,
        settings: Settings,
        environment: Mapping[str, str],
        now: datetime,
        run: RunSettings,
        set_by: Mapping[str, str],
        caching: Caching,
    ) -> None:
        """Take a project as it is; ``open`` fills in what is left out."""
        self._caching = caching
        self._set_by = set_by
        self.root = root
        self._here = here
        self.settings = settings
        self._environment = environment
        self._variables = hide_variables(environment)
        self._now = now
        self._run = run
        self._indexes: dict[tuple[object, ...], PackageIndex] = {}

    @classmethod
    def from_context(
        cls,
        context: Context,
        namespace: Namespace | None = None,
        *,
        file: str = "",
        caching: Caching = "use",
    ) -> Project:
        """Open the project of a task, with the settings that our tasks would have.

        Args:
            context: the context of the task.
            namespace: the mounted tasks whose folder and settings count; default: the only ones.
            file: the requirements file; overrides the setting.
            caching: see ``open``.

        Raises:
            UsageError: a setting is not valid, there is no such folder, several namespaces are
                mounted and none is named, or ``c.cd`` or ``c.prefix`` is in force.
        """
        mount = find_only_mount() if namespace is None else find_mount(namespace)
        values = read_values(context, mount, os.environ)
        set_by = find_origins(context, mount, os.environ)
        if file:
            values, set_by = {**values, "file": file}, {**set_by, "file": "the option --file"}
        settings = Settings.from_mapping(values)
        folder = "" if mount is None else mount.namespace.folder
        run = read_run_settings(context)
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
            folder,
            here,
            dataclasses.replace(settings, file=files),
            environment,
            now or datetime.now(timezone.utc),
            run or RunSettings(),
            {name: _show_origin(where, here) for name, where in (set_by or {}).items()},
            caching,
        )

    def __enter__(self) -> Project:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections to the index, and write its cache."""
        for index in self._indexes.values():
            index.close()
            index.save()
        self._indexes.clear()

    @property
    def shown(self) -> str:
        """The project's folder, relative to where the user stands; ``.`` is here."""
        return show_path(self.root, self._here)

    @property
    def image(self) -> Discovery:
        """What the project's image is made from, and what builds it, as things are now."""
        return self._discover(self._read_files())

    @property
    def target(self) -> Target:
        """What versions are chosen for, as things are now."""
        return self._find_targets(self.image)[0].target

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
        requests = _split(requirements)
        found = self._find()
        if layers := self._find_layers(found, force=force, compiles=compiles):
            inputs = self._prepare(found, resolve=True, in_any_case=True)
            sources = self._read_sources(found, layers[0])
            changed = add_to_sources(
                inputs,
                sources,
                requests,
                group=group,
                sort=cast("Sort", self.settings.sort),
                prereleases=prereleases,
            )
            return self._plan_sources("add", found, layers, sources, changed, compiles=compiles)
        options = AddOptions(
            group=group,
            sort=cast("Sort", self.settings.sort),
            prereleases=prereleases,
            policy=policy,
            with_upgrades=with_upgrades,
        )
        draft = partial(draft_add, requests=requests, options=options)
        inputs, parts = self._draft(found, draft, resolve=resolve)
        return self._finish("add", parts, found, inputs, force=force)

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
        found = self._find(must_be_there=True)
        draft = partial(draft_upgrade, requests=requests, prereleases=prereleases, policy=policy)
        inputs, parts = self._draft(found, draft, resolve=resolve)
        asked = [f"{each.requirement.name}{each.specifier}" for each in requests]
        return self._finish("upgrade", parts, found, inputs, force=force, asked=asked)

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
        requests = _split(requirements)
        found = self._find(must_be_there=True)
        options = PinOptions(prereleases=prereleases, policy=policy)

        def ask(environment: Environment) -> Installed:
            return find_installed(found.discovery, environment, self.settings, self._environment)

        def draft(inputs: Inputs) -> Iterable[Draft]:
            return draft_pin(inputs, requests, options, ask)

        inputs, parts = self._draft(found, draft, resolve=resolve)
        return self._finish("pin", parts, found, inputs, force=force)

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
    ) -> Plan:
        """Plan to move every pin to the newest compatible version; none moves down.

        Args:
            only: the names to consider; all, where there are none.
            skip: names to leave alone.
            level: the first number that may change: ``minor`` keeps the major number.
            pin: pin also what is not pinned, at the newest compatible version that its line allows.
            prereleases: take pre-releases too.
            resolve: take only versions that are compatible; else the newest of each alone.
            force: edit also a file that another tool has written.

        Raises:
            RequirementsError: ``only`` names a project that the files do not have, or a policy
                is malformed.
            ProjectNotFound: the index does not have a project of the files.
            PackageIndexError: the index failed.
        """
        found = self._find(must_be_there=True)
        options = UpgradeOptions(
            only=_split(only), skip=_split(skip), level=level, prereleases=prereleases, pin=pin
        )
        draft = partial(draft_upgrade_all, options=options)
        inputs, parts = self._draft(found, draft, resolve=resolve)
        return self._finish("upgrade-all", parts, found, inputs, force=force)

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
        found = self._find(must_be_there=True)
        options = UpgradeOptions(
            only=_split(only), skip=_split(skip), level=level, prereleases=prereleases
        )
        draft = partial(draft_outdated, options=options)
        inputs, parts = self._draft(found, draft, resolve=resolve)
        plan = self._finish("outdated", parts, found, inputs, force=True)
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
        found = self._find(must_be_there=True)
        draft = partial(draft_why, requests=_split(requirements))
        inputs, parts = self._draft(found, draft, resolve=True, in_any_case=True)
        plan = self._finish("why", parts, found, inputs, force=True)
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
        found = self._find(must_be_there=True)
        draft = partial(draft_why_not, requests=_split(requirements))
        inputs, parts = self._draft(found, draft, resolve=True, in_any_case=True)
        plan = self._finish("why-not", parts, found, inputs, force=True)
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
        found = self._find(must_be_there=True)
        if layers := self._find_layers(found, force=force, compiles=compiles):
            sources = self._read_sources(found, layers[0])
            changed = remove_from_sources(layers[0], sources, _split(requirements))
            return self._plan_sources("remove", found, layers, sources, changed, compiles=compiles)
        prepare = partial(self._prepare, found, resolve=resolve, in_any_case=True)
        requests = _split(requirements)
        draft, inputs = draft_remove(found.manifest, requests, prepare, resolve=resolve)
        sure = self._ask_for_patch(found, inputs)
        if sure is not None:
            draft, inputs = draft_remove(found.manifest, requests, lambda: sure, resolve=resolve)
        return self._finish("remove", draft, found, inputs, force=force)

    def plan_lock(self) -> Plan:
        """Plan to write a line for every transitive dependency.

        The requirements stay as they are. From then on every other plan keeps these lines
        complete: see ``lock``. A file that another tool has written keeps that tool's lock.

        Raises:
            ProjectNotFound: the index does not have a project of the files.
            VersionConflict: the requirements conflict.
            PackageIndexError: the index failed.
        """
        found = self._find(must_be_there=True)
        found = replace(found, manifest=replace(found.manifest, is_being_locked=True))
        inputs, parts = self._draft(found, draft_lock, resolve=True, in_any_case=True)
        return self._finish("lock", parts, found, inputs, force=False)

    def plan_unlock(self) -> Plan:
        """Plan to remove the locked lines."""
        found = self._find(must_be_there=True)
        draft = draft_unlock(found.manifest)
        return self._finish("unlock", draft, found, None, force=False)

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
        found = replace(self._find(), is_adopted=True)
        library = found.discovery.library
        main = found.manifest.main
        names = _words(sources)
        adopted = read_sources(library, main, names, self._variables, read_declared)
        found, is_read = self._with_builds(found, adopted)
        targets = [each.target for each in self._find_targets_of(found)]
        adopted = leave_unread(adopted, targets)
        adopted = keep_installed(adopted, found.discovery.builds, library, main)
        asked = {request.name for request in _split(direct)}
        others = {request.name for request in _split(transitive)}
        content = write_adopted(adopted, ALL_DIRECT)
        plain = self._with_content(found, content)
        inputs = self._prepare(plain, resolve=True, in_any_case=True)
        inputs = replace(inputs, sources=find_sources(adopted, content))
        roles = find_roles(inputs, adopted, asked, others)
        result = self._with_content(found, write_adopted(adopted, roles))
        result = replace(result, manifest=replace(result.manifest, is_being_locked=True))
        draft = partial(draft_adopt, adopted=adopted, roles=roles)
        inputs, parts = self._draft(result, draft, resolve=True, in_any_case=True)
        plan = self._finish("adopt", parts, result, inputs, force=False)
        plan = replace(
            plan,
            changes=(*plan.changes, *list_adopted(plan.edits, plan.changes, inputs)),
            findings=tuple(find_steps(found.discovery.builds, library, adopted, main)),
        )
        return plan if is_read else replace(plan, builder=None, lack=None)

    def _with_builds(self, found: _Found, adopted: Adopted) -> tuple[_Found, bool]:
        """Return the builds that install what is adopted, where none installs the main file."""
        builds = found.discovery.builds
        if not builds or any(build.installing for build in builds):
            return found, True
        settings = dataclasses.replace(self.settings, file=",".join(adopted.compiled))
        others = find_builds(found.discovery.library, settings, self._variables)
        if not any(build.installing for build in others.builds):
            return found, True
        return replace(found, discovery=others, files=settings.file), False

    def _with_content(self, found: _Found, content: RequirementsFile) -> _Found:
        """Return the same with another content of the main file, which is not written."""
        library = found.discovery.library
        path = library.path_of(content.path)
        file = replace(library.files[path], content=content)
        library = replace(library, files=MappingProxyType({**library.files, path: file}))
        library = read_more(library, (content.path,), self._variables)
        manifest = read_manifest(library, (content.path,), self._variables)
        discovery = replace(found.discovery, library=library)
        return replace(found, manifest=manifest, discovery=discovery)

    def _find_layers(self, found: _Found, *, force: bool, compiles: bool) -> tuple[Compiled, ...]:
        """Return the main file and others that are compiled from its sources; else nothing.

        Raises:
            UsageError: something is to be compiled, and the main file is not.
        """
        main, library = found.manifest.main, found.discovery.library
        compiled = None
        if not force:
            compiled, library = find_compiled(library, main, self._variables)
        if compiled is not None:
            return find_dependents(library, compiled, self._variables)
        if compiles:
            raise UsageError(
                f"{main} was not compiled from requirements files that are there",
                hint="leave out --compile",
            )
        return ()

    def _read_sources(self, found: _Found, compiled: Compiled) -> Manifest:
        return read_manifest(
            read_more(found.discovery.library, compiled.sources, self._variables),
            compiled.sources,
            self._variables,
        )

    def _plan_sources(
        self,
        command: str,
        found: _Found,
        layers: tuple[Compiled, ...],
        sources: Manifest,
        changed: Mapping[str, RequirementsFile],
        *,
        compiles: bool,
    ) -> Plan:
        """Return the plan that edits sources, and what is compiled from them."""
        of_target, *_ = targets = self._find_targets_of(found)
        files = sources.requirements
        plan = Plan(
            command=command,
            environments=_planned_for(targets),
            edits=tuple(edit_of(files[path], new) for path, new in changed.items()),
            hints=tuple(tell_edits(sources, changed)),
            warnings=of_target.notices,
        )
        if changed:
            commands = [image_command(each, of_target.target) for each in layers]
            if compiles and all(commands):
                plan = self._compile(plan, found, layers, commands)
            else:
                told = tell_commands(layers, of_target.target, asked=compiles)
                plan = replace(plan, hints=(*plan.hints, *told))
        plan = self._completed(plan, found.discovery, targets)
        return plan if changed else replace(plan, builder=None)

    def _compile(
        self,
        plan: Plan,
        found: _Found,
        layers: tuple[Compiled, ...],
        commands: Iterable[CompileCommand | None],
    ) -> Plan:
        """Return a plan with the files that are compiled from its edits; the main one is checked.

        Raises:
            CompileError: a command failed, or ran with another Python than the image's.
            VersionConflict: the image could not install the result.
        """
        targets = [each.target for each in plan.environments]
        written = compile_in_copy(
            repository_of(self.root),
            [
                (layer.folder, command, layer.file.file)
                for layer, command in zip(layers, commands, strict=True)
                if command is not None
            ],
            {edit.path: edit.after for edit in plan.edits},
            self._environment,
        )
        edits: list[Edit] = []
        changes: list[Change] = []
        for layer in layers:
            content = RequirementsFile.from_bytes(written[layer.file.file], path=layer.file.path)
            edits.append(edit_of(layer.file, content))
            for target in targets:
                require_for_image(content, target)
            changes += compare_pins(layer.file.content, content)
            if layer is layers[0]:
                result = self._with_content(found, content)
                settle_current(self._prepare(result, resolve=True, in_any_case=True), waive=False)
        edits = [edit for edit in edits if edit.before != edit.after]
        return replace(plan, edits=(*plan.edits, *edits), changes=tuple(changes))

    def plan_check(self, *, offline: bool = False, explain: bool = False) -> Plan:
        """Look for what breaks the workflow, in the Dockerfile and in the files.

        Args:
            offline: leave out what needs an index.
            explain: say for each part of the target where it comes from.
        """
        seen = self._look(offline=offline)
        findings, notices = self._check(seen, offline=offline)
        inputs, discovery = seen.inputs, seen.discovery
        if inputs is not None and discovery is not None and turns_on_patch(inputs):
            targets = self._find_sure_targets(discovery)
            if targets:
                seen = self._look(offline=offline, targets=targets)
                findings, notices = self._check(seen, offline=offline)
        if seen.inputs is not None:
            notices = (*say_assumed(seen.inputs, note_looked_up(seen.inputs)), *notices)
        for unfinished in find_unfinished(seen.files):
            findings.append(_find_unfinished(unfinished.sentence))
        if seen.inputs is not None:
            findings = [*name_environments(seen.inputs, findings)]
        in_order = sorted(findings, key=lambda found: (found.file or "", found.line or 0))
        suggestion = suggest_settings(in_order)
        plan = Plan(
            command="check",
            environments=_planned_for(seen.environments or seen.targets),
            findings=tuple(in_order),
            origins=tuple(self._explain(seen)) if explain else (),
            warnings=notices,
            suggestion=suggestion,
            hints=() if suggestion else tuple(self._first_hints(seen)),
        )
        if seen.inputs is not None:
            plan = without_platform(plan, seen.inputs)
        return self._placed(plan, seen.discovery)

    def _check(self, seen: _Seen, *, offline: bool) -> tuple[list[Finding], tuple[str, ...]]:
        """Return the findings of what was found out, and notices."""
        findings, manifest, inputs = dict.fromkeys(seen.findings), seen.manifest, seen.inputs
        notices, target = seen.notices, seen.targets[0].target if seen.targets else None
        wants_hashes = target is None or target.installer == "pip"
        if manifest is not None:
            wants_hashes |= manifest.requires_hashes
            lines = check_lines(manifest, target, wants_hashes=wants_hashes)
            findings.update(dict.fromkeys(fix_at_the_source(manifest, lines)))
        if inputs is not None and not offline:
            try:
                pins = fix_at_the_source(inputs.manifest, check_pins(inputs))
                findings.update(dict.fromkeys(pins))
                if inputs.manifest.is_locked or not inputs.skips_dependencies:
                    together = check_together(inputs, wants_hashes=wants_hashes)
                    together = fix_at_the_source(inputs.manifest, together)
                    findings.update(dict.fromkeys(together))
                notices = (*self._index_notices(inputs), *notices)
            except PackageIndexError as error:
                findings[find_in(error)] = None
        return [*findings], notices

    def _look(self, *, offline: bool, targets: tuple[FoundTarget, ...] = ()) -> _Seen:
        """Find out what can be found out, with each error as a finding.

        ``targets`` are those that are known already.
        """
        library = self._read_files()
        seen = _Seen(files=tuple(library.files))
        try:
            seen = replace(seen, manifest=self._read_manifest(library))
        except PipflowError as error:
            seen = replace(seen, findings=(find_in(error),))
        try:
            discovery = self._discover(library)
            seen = seen.with_findings(check_builds(discovery), discovery=discovery)
            targets = targets or self._find_targets(discovery)
            notices = tuple(dict.fromkeys(notice for each in targets for notice in each.notices))
            for each in targets:
                builds = each.builds or discovery.builds
                paths = check_paths(replace(discovery, builds=builds), each.target)
                if seen.manifest is not None:
                    paths = fix_at_the_source(seen.manifest, paths)
                found = (*check_pip(builds, each.target), *paths)
                if seen.manifest is not None:
                    found = (*found, *check_compiled(seen.manifest, each.target))
                seen = seen.with_findings(found)
            seen = replace(seen, targets=targets, notices=notices)
            if seen.manifest is not None:
                both = _Found(manifest=seen.manifest, discovery=discovery)
                environments = self._find_environments(both, targets)
                of_each = (notice for each in environments for notice in each.notices)
                notices = tuple(dict.fromkeys(of_each))
                seen = replace(seen, environments=environments, notices=notices)
                inputs = self._complete(
                    both, environments, resolve=True, in_any_case=True, offline=offline
                )
                notices = inputs.last_notices
                seen = replace(seen, inputs=inputs, manifest=inputs.manifest, notices=notices)
        except PipflowError as error:
            seen = seen.with_error(find_in(error))
        return seen

    def _explain(self, seen: _Seen) -> Iterator[Origin]:
        """Yield where the parts of the target come from, of those that were found."""
        reader = OriginReader(
            settings=self.settings, set_by=self._set_by, variables=self._environment
        )
        if seen.discovery is not None:
            yield from reader.of_builds(seen.discovery)
            for each in () if seen.environments else seen.targets:
                yield from reader.of_target(each.target, each.builds)
        if seen.manifest is None:
            return
        for environment in seen.environments:
            if len(seen.environments) > 1:
                yield Origin(part="environment", value=environment.name, source="see below")
            builds = environment.builds
            yield from reader.of_target(environment.target, builds)
            pip = read_pip_settings(self._environment)
            yield from reader.of_installs(environment, seen.manifest, pip)

    def _first_hints(self, seen: _Seen) -> Iterator[str]:
        """Yield that a project without settings needs none."""
        builds = () if seen.discovery is None else seen.discovery.builds
        if not self._set_by and seen.inputs is not None and builds:
            found = dict.fromkeys([*self.settings.files, *(build.recipe.path for build in builds)])
            yield (
                f"found {' and '.join(found)}; no settings are needed "
                "(`check --explain` says where each part comes from)"
            )

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
            builds=tuple(_builds_of(builder, _name_all_builds(discovery))),
            lack=find_lack(discovery.builds, builder.images, self._variables),
        )
        return self._placed(plan, discovery)

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
    ) -> Outcome:
        """Write the files and build the image; a failed build puts the files back.

        Args:
            plan: one of this project's.
            rebuild: ``auto``, ``always`` or ``never``; default: the setting.
            keep: leave the files changed when the build fails.

        Raises:
            UsageError: a build is insisted on, and no engine answers.
            DockerfileError: the build lacks an argument or a secret that installing takes.
            FileError: a file can't be written or put back, or somebody else has changed it.
            BuildError: the image was not built; the outcome in it says what state all is in.
        """
        rebuild = rebuild or self.settings.rebuild
        if not plan.edits and plan.command != "rebuild":
            return carry_out(plan, rebuild=rebuild, keep=keep, run=self._run)
        self._require_editable(plan)
        with self.changing(plan.command, rebuild=rebuild, files=[edit.path for edit in plan.edits]):
            return carry_out(plan, rebuild=rebuild, keep=keep, run=self._run)

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
            self._read_files().files if files is None else files,
            command,
            forgets=forgets,
            rebuild="always" if command == "rebuild" else rebuild or self.settings.rebuild,
            run=self._run,
        ):
            yield

    def _find(self, *, must_be_there: bool = False) -> _Found:
        """Read the requirements files, and find what is built.

        Raises:
            RequirementsError: the main file must be there, and is not.
        """
        library = self._read_files()
        require_whole(library.files)
        manifest = self._read_manifest(library)
        if must_be_there and manifest.is_missing:
            raise RequirementsError(
                "there is no such file",
                path=manifest.main,
                hint="`add` creates it; another one is named with --file or the setting `file`",
            )
        elsewhere = find_elsewhere(manifest, library, self._variables)
        manifest = replace(manifest, elsewhere=elsewhere) if elsewhere else manifest
        return _Found(manifest=manifest, discovery=self._discover(library))

    def _prepare(self, found: _Found, *, resolve: bool, in_any_case: bool = False) -> Inputs:
        """Return the inputs of a command."""
        environments = self._find_environments(found, self._find_targets_of(found))
        return self._complete(found, environments, resolve=resolve, in_any_case=in_any_case)

    def _draft(
        self,
        found: _Found,
        draft: Callable[[Inputs], Iterable[Draft]],
        *,
        resolve: bool,
        in_any_case: bool = False,
    ) -> tuple[Inputs, list[Draft]]:
        """Draft a command; again where it turns on a patch level that the image tells."""
        inputs = self._prepare(found, resolve=resolve, in_any_case=in_any_case)
        try:
            parts = [*draft(inputs)]
        except PipflowError:
            sure = self._ask_for_patch(found, inputs)
            if sure is None:
                raise
        else:
            sure = self._ask_for_patch(found, inputs)
        return (inputs, parts) if sure is None else (sure, [*draft(sure)])

    def _ask_for_patch(self, found: _Found, inputs: Inputs | None) -> Inputs | None:
        """Return inputs with the patch level of the image that is here, where that matters."""
        if inputs is None or not turns_on_patch(inputs):
            return None
        targets = self._find_sure_targets(found.discovery)
        if not targets:
            return None
        environments = self._find_environments(found, targets)
        sure = self._complete(found, environments, resolve=True, in_any_case=True)
        return replace(sure, resolves=inputs.resolves, notices=inputs.notices)

    def _find_sure_targets(self, discovery: Discovery) -> tuple[FoundTarget, ...]:
        """Return the targets with the patch level that an engine tells; none where none does."""
        try:
            targets = find_targets(discovery, self.settings, self._environment, for_patch=True)
        except PipflowError:  # what is here is another image than that of the name
            return ()
        return () if any(each.target.patches for each in targets) else targets

    def _read_files(self) -> Library:
        return read_more(
            Library(root=self.root, here=self._here), self.settings.files, self._variables
        )

    def _read_manifest(self, library: Library) -> Manifest:
        return read_manifest(library, self.settings.files, self._variables)

    def _discover(self, library: Library) -> Discovery:
        return find_builds(library, self.settings, self._variables)

    def _find_targets(self, discovery: Discovery) -> tuple[FoundTarget, ...]:
        return find_targets(discovery, self.settings, self._environment)

    def _find_targets_of(self, found: _Found) -> tuple[FoundTarget, ...]:
        """Return the targets of the files that the builds install."""
        settings = dataclasses.replace(self.settings, file=found.files or self.settings.file)
        is_new = found.is_adopted
        return find_targets(found.discovery, settings, self._environment, is_new=is_new)

    def _find_environments(
        self, found: _Found, targets: tuple[FoundTarget, ...]
    ) -> tuple[Environment, ...]:
        return find_environments(
            targets,
            found.manifest,
            self.settings,
            library=found.discovery.library,
            now=self._now,
            pip=read_pip_settings(self._environment),
            variables=self._variables,
            is_new=found.is_adopted,
        )

    def _complete(
        self,
        found: _Found,
        environments: Iterable[Environment],
        *,
        resolve: bool,
        in_any_case: bool,
        offline: bool = False,
    ) -> Inputs:
        served: list[Served] = []
        for environment in environments:
            index = self._index_for(environment.rules)
            manifest = complete_manifest(
                found.manifest,
                environment,
                found.discovery.library,
                self._variables,
                None if offline else partial(_fetch, index),
            )
            unseen = environment.rules.links.unseen if offline else index.open_links()
            served.append(
                Served(environment=environment, manifest=manifest, catalog=index, unseen=unseen)
            )
        whole = join(found.manifest, [each.manifest for each in served])
        return prepare(whole, tuple(served), resolve=resolve, in_any_case=in_any_case)

    def _index_for(self, rules: InstallRules) -> PackageIndex:
        """Return the index of rules; plans with equal rules share it."""
        shown = tuple(rules.shown.items()), tuple(rules.values.items())
        where = (rules.index_urls, rules.first_index, rules.index_for, rules.links)
        key = (where, rules.trust, shown)
        if key not in self._indexes:
            self._indexes[key] = PackageIndex(
                rules.index_urls,
                timeout_seconds=self.settings.timeout_seconds,
                first_only=rules.first_index,
                index_for=rules.index_for,
                links=rules.links,
                trust=rules.trust,
                shown=rules.shown,
                values=rules.values,
                cache=self._open_cache(),
            )
        return self._indexes[key]

    def _open_cache(self) -> Cache | None:
        if self._caching == "off":
            return None
        return Cache(
            cache_folder(self._environment),
            reads=self._caching != "refresh",
            always_asks=self._caching == "ask",
        )

    def ask_anew(self) -> bool:
        """Let the next plan ask for every page; return whether a plan has used one unasked."""
        has_unasked = any(index.has_unasked for index in self._indexes.values())
        if has_unasked:
            self.close()
            self._caching = "ask"
        return has_unasked

    def _index_notices(self, inputs: Inputs, parts: Iterable[Draft] = ()) -> tuple[str, ...]:
        """Return notices: projects of the files that several indexes have, and skipped entries."""
        names = {line.name for line in inputs.manifest.lines if line.name is not None}
        added = (each.written.requirement for part in parts for each in part.additions)
        names |= {canonicalize_name(requirement.name) for requirement in added}
        notices: list[str] = []
        for rules in inputs.rules:
            index = self._index_for(rules)
            notices += note_several({name: index.indexes_of(name) for name in names})
            notices += index.notices()
        return tuple(dict.fromkeys(notices))

    def _finish(
        self,
        command: str,
        parts: Iterable[Draft],
        found: _Found,
        inputs: Inputs | None,
        *,
        force: bool,
        asked: Sequence[str] = (),
    ) -> Plan:
        manifest = found.manifest
        environments: tuple[Environment, ...] = ()
        reading: Callable[[Line], tuple[str, ...]] = _reads_nothing
        known = self._prepare_offline(found) if inputs is None else inputs
        if known is not None:
            environments, reading = known.environments, partial(environments_of, known)
        if inputs is not None:
            manifest = inputs.manifest
            parts = [*parts]  # after which the index knows what it was asked for
            several = self._index_notices(inputs, parts)
            assumed = say_assumed(inputs, parts)
            parts = [warn(*inputs.notices), *parts, warn(*assumed, *several, *inputs.last_notices)]
        plan = finish(
            parts,
            command,
            manifest,
            environments=_planned_for(environments),
            reading=reading,
            force=force,
            asked=asked,
        )
        if inputs is not None:
            plan = replace(plan, changes=tuple(with_facts(inputs, plan.changes)))
            plan = without_platform(plan, inputs)
        return self._completed(plan, found.discovery, environments)

    def _prepare_offline(self, found: _Found) -> Inputs | None:
        """Return inputs for who reads which line; None where the environments are unknown."""
        with contextlib.suppress(PipflowError):
            environments = self._find_environments(found, self._find_targets_of(found))
            return self._complete(
                found, environments, resolve=False, in_any_case=False, offline=True
            )
        return None

    def _completed(
        self,
        plan: Plan,
        discovery: Discovery,
        environments: Iterable[Environment | FoundTarget] = (),
    ) -> Plan:
        """Return a plan with what builds its images, what they lack, and what is unfinished."""
        builder, why_not = self._builder_for(plan, discovery)
        images = () if builder is None else builder.images
        lack = find_lack(discovery.builds, images, self._variables)
        unfinished = [each.sentence for each in find_unfinished(discovery.library.files)]
        changed = [edit.shown for edit in plan.edits if not edit.is_silent]
        warnings = (
            *explain_unreached(discovery, changed),
            *(f"{each}; `rebuild` builds it" for each in unfinished),
        )
        return replace(
            self._placed(plan, discovery),
            builder=builder,
            builds=tuple(_builds_of(builder, _name_builds(environments))),
            hints=(*plan.hints, *why_not),
            lack=lack,
            warnings=(*plan.warnings, *warnings),
            is_unfinished=bool(unfinished),
        )

    def _builder_for(
        self, plan: Plan, discovery: Discovery
    ) -> tuple[Builder | None, tuple[str, ...]]:
        """Return what builds the images that a plan changes, and why none is built."""
        changed = [edit.shown for edit in plan.edits if not edit.is_silent]
        if plan.edits and not changed:
            builder, why = None, "only comments and the order of lines change"
        else:
            builder = builder_for(discovery, changed, self.settings, self._variables)
            why = f"no step installs {' or '.join(changed)}"
        if (
            builder is not None
            or discovery.builder is None
            or explain_unreached(discovery, changed)
        ):
            return builder, ()
        return None, (f"{why}, so no image is built",)

    def _placed(self, plan: Plan, discovery: Discovery | None) -> Plan:
        """Return a plan that names the project that it is for."""
        builds = () if discovery is None else discovery.builds
        return replace(
            plan,
            folder=self.shown,
            files=self.settings.files,
            dockerfiles=tuple(dict.fromkeys(build.recipe.path for build in builds)),
        )


class _Found(Struct, frozen=True, kw_only=True):
    """What a command begins with: the requirements files and the builds.

    ``files`` are those that the builds install, if they are others than the project's. The file of
    one that is adopted is to be installed from now on.
    """

    manifest: Manifest
    discovery: Discovery
    files: str = ""
    is_adopted: bool = False


class _Seen(Struct, frozen=True, kw_only=True):
    """What ``check`` has found out, in the order in which it is looked for; None: it is unknown."""

    files: tuple[Path, ...] = ()
    manifest: Manifest | None = None
    discovery: Discovery | None = None
    targets: tuple[FoundTarget, ...] = ()
    environments: tuple[Environment, ...] = ()
    inputs: Inputs | None = None
    findings: tuple[Finding, ...] = ()
    notices: tuple[str, ...] = ()

    def with_findings(self, findings: Iterable[Finding], **known: object) -> _Seen:
        """Return this with further findings, and with what else is known."""
        return replace(self, findings=(*self.findings, *findings), **known)

    def with_error(self, error: Finding) -> _Seen:
        """Return this with the error that ended the search, in place of a finding of the same."""
        same = (error.file, error.line, error.message)
        kept = (each for each in self.findings if (each.file, each.line, each.message) != same)
        return replace(self, findings=(*kept, error))


def _reads_nothing(_: Line) -> tuple[str, ...]:
    """Return the environments of a line where none is known."""
    return ()


def _name_builds(found: Iterable[Environment | FoundTarget]) -> Iterator[tuple[str, Build]]:
    """Yield the builds of environments, each with the name of the environment."""
    yield from ((each.name, build) for each in found for build in each.builds)


def _builds_of(
    builder: Builder | None, named: Iterable[tuple[str, Build]]
) -> Iterator[PlannedBuild]:
    """Yield the commands of a builder, each with the environments that it builds."""
    if builder is None:
        return
    every = [(name, build.recipe) for name, build in named]
    apart = builder.apart() if builder.further else ()
    for one in apart or (builder,):
        meant = [
            name
            for name, recipe in every
            if {recipe.service, recipe.bake, recipe.image, *recipe.tags} & {*one.images}
        ]
        names = meant or [name for name, _ in every]
        yield PlannedBuild(environments=tuple(dict.fromkeys(names)), command=one.shown)


def _name_all_builds(discovery: Discovery) -> Iterator[tuple[str, Build]]:
    """Yield the builds of a project, each with the name of an environment in it."""
    with contextlib.suppress(DockerfileError):
        yield from ((each.name, each.part.build) for each in name_parts(discovery.builds))


def _planned_for(found: Iterable[Environment | FoundTarget]) -> tuple[PlannedFor, ...]:
    return tuple(PlannedFor(name=each.name, target=each.target) for each in found)


def _fetch(index: PackageIndex, address: Address) -> bytes:
    kind = "constraints" if address.constrains else "requirements"
    what = f"{address.place}: the {kind} file"
    return index.fetch(address.url, what=what, shown=address.shown)


def _find_unfinished(sentence: str) -> Finding:
    return Finding(
        code="unfinished",
        file=None,
        line=None,
        severity="error",
        message=sentence,
        fix="run `rebuild`, which finishes it",
    )


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


def _split(requirements: str | Iterable[str]) -> tuple[Request, ...]:
    text = requirements if isinstance(requirements, str) else ", ".join(requirements)
    asked: dict[tuple[str, str], Request] = {}
    for request in split_requirements(text):
        key = (request.name, str(request.requirement.marker or ""))
        require_same(asked.setdefault(key, request), request)
    return tuple(asked.values())
