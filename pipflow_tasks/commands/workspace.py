"""What the commands of a project plan from: its files, builds, environments and indexes.

A workspace reads and asks, and remembers nothing but the indexes, with what they have answered.
"""

from __future__ import annotations

import contextlib
import dataclasses
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace
from packaging.utils import canonicalize_name

from ..engine import engine_of
from ..environments.built_image import names_of
from ..environments.discovery import builder_for, explain_unreached, find_builds
from ..environments.environment import complete_manifest, find_environments
from ..environments.indexes import note_several, note_statuses
from ..environments.lacking import find_lack
from ..environments.parts import name_parts
from ..environments.target import find_targets
from ..errors import DockerfileError, PipflowError, RequirementsError
from ..files import show_path
from ..index import PackageIndex
from ..index.cache import Cache, cache_folder
from ..index.pip_settings import read_pip_settings
from ..isolation import hide_variables
from ..manifest.documents import join
from ..manifest.library import Library, read_more
from ..manifest.reading import read_manifest
from ..manifest.sources import find_elsewhere, find_limits
from ..plan import Builder, Edit, Plan, PlannedBuild, PlannedFor
from ..planning.assumptions import say_assumed, turns_on_patch, without_platform
from ..planning.costs import find_costs_of_lines
from ..planning.draft import finish, warn
from ..planning.inputs import Inputs, environments_of, prepare
from ..planning.losses import note_losses
from ..planning.readers import Served
from ..planning.release_facts import with_facts
from ..progress import add_up
from ..requirements import RequirementsFile
from ..transaction import find_unfinished, require_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from packaging.utils import NormalizedName

    from ..environments.build import Build
    from ..environments.discovery import Discovery
    from ..environments.environment import Environment
    from ..environments.rules import InstallRules
    from ..environments.target import FoundTarget
    from ..manifest.addresses import Address
    from ..manifest.documents import Manifest
    from ..planning.draft import Draft
    from ..progress import Count
    from ..requirements import Line
    from ..settings import Settings


Caching: TypeAlias = Literal["use", "ask", "refresh", "off"]


class Found(Struct, frozen=True, kw_only=True):
    """What a command begins with: the requirements files and the builds.

    ``files`` are those that the builds install, if they are others than the project's. The file of
    one that is adopted is to be installed from now on.
    """

    manifest: Manifest
    discovery: Discovery
    files: str = ""
    is_adopted: bool = False


class Workspace:
    """A project's folder with its settings, as a command finds it.

    Attributes:
        root: the project's folder.
        here: the folder that names are relative to: where the user stands, or the root.
        settings: the project's settings; the files are named from ``here``.
        environment: the variables for settings, pip's settings, addresses and compose files.
        variables: those of them that files may use.
        now: what the ages of releases are counted from.
    """

    def __init__(
        self,
        root: Path,
        here: Path,
        settings: Settings,
        environment: Mapping[str, str],
        now: datetime,
        caching: Caching,
    ) -> None:
        self.root = root
        self.here = here
        self.settings = settings
        self.environment = environment
        self.variables = hide_variables(environment)
        self.now = now
        self._caching = caching
        self._indexes: dict[tuple[object, ...], PackageIndex] = {}

    def close(self) -> None:
        """Close the connections to the index, and write its cache."""
        for index in self._indexes.values():
            index.close()
            index.save()
        self._indexes.clear()

    def ask_anew(self) -> bool:
        """Let the next plan ask for every page; return whether a plan has used one unasked."""
        has_unasked = any(index.has_unasked for index in self._indexes.values())
        if has_unasked:
            self.close()
            self._caching = "ask"
        return has_unasked

    def count_look_ups(self) -> Count:
        """Return how many look-ups were begun, and how many have ended."""
        return add_up(index.count for index in [*self._indexes.values()])

    @property
    def shown(self) -> str:
        """The project's folder, relative to where the user stands; ``.`` is here."""
        return show_path(self.root, self.here)

    def read_files(self) -> Library:
        """Return the requirements files, with all that they include."""
        return read_more(
            Library(root=self.root, here=self.here), self.settings.files, self.variables
        )

    def read_manifest(self, library: Library) -> Manifest:
        """Return what the requirements files say."""
        return read_manifest(library, self.settings.files, self.variables)

    def discover(self, library: Library) -> Discovery:
        """Return what is built."""
        return find_builds(library, self.settings, self.variables)

    def find_targets(self, discovery: Discovery) -> tuple[FoundTarget, ...]:
        """Return what versions are chosen for."""
        return find_targets(discovery, self.settings, self.environment)

    def find(self, *, must_be_there: bool = False) -> Found:
        """Read the requirements files, and find what is built.

        Raises:
            RequirementsError: the main file must be there, and is not.
        """
        library = self.read_files()
        require_whole(library.files)
        manifest = self.read_manifest(library)
        if must_be_there and manifest.is_missing:
            raise RequirementsError(
                "there is no such file",
                path=manifest.main,
                hint="`add` creates it; another one is named with --file or the setting `file`",
            )
        discovery = self.discover(library)
        elsewhere = find_elsewhere(manifest, discovery.library, self.variables)
        manifest = replace(manifest, elsewhere=elsewhere) if elsewhere else manifest
        return Found(manifest=manifest, discovery=discovery)

    def with_content(self, found: Found, content: RequirementsFile) -> Found:
        """Return the same with another content of the main file, which is not written."""
        return self._with(found, [content], (content.path,))

    def with_edits(self, found: Found, edits: Iterable[Edit]) -> Found:
        """Return the same with the requirements files as edits, not written yet, leave them."""
        named = found.manifest.requirements
        mine = [edit for edit in edits if edit.shown in named]
        contents = [RequirementsFile.from_bytes(edit.after, path=edit.shown) for edit in mine]
        return self._with(found, contents, self.settings.files)

    def _with(
        self, found: Found, contents: Iterable[RequirementsFile], names: tuple[str, ...]
    ) -> Found:
        library = found.discovery.library
        files = dict(library.files)
        for content in contents:
            path = library.path_of(content.path)
            files[path] = replace(files[path], content=content)
        library = replace(library, files=MappingProxyType(files))
        library = read_more(library, names, self.variables)
        manifest = read_manifest(library, names, self.variables)
        discovery = replace(found.discovery, library=library)
        return replace(found, manifest=manifest, discovery=discovery)

    def find_targets_of(self, found: Found) -> tuple[FoundTarget, ...]:
        """Return the targets of the files that the builds install."""
        settings = dataclasses.replace(self.settings, file=found.files or self.settings.file)
        is_new = found.is_adopted
        return find_targets(found.discovery, settings, self.environment, is_new=is_new)

    def find_environments(
        self, found: Found, targets: tuple[FoundTarget, ...]
    ) -> tuple[Environment, ...]:
        """Return what versions are chosen for, and how each is installed."""
        return find_environments(
            targets,
            found.manifest,
            self.settings,
            library=found.discovery.library,
            now=self.now,
            pip=read_pip_settings(self.environment),
            variables=self.variables,
            is_new=found.is_adopted,
        )

    def find_sure_targets(self, discovery: Discovery) -> tuple[FoundTarget, ...]:
        """Return the targets with the patch level that an engine tells; none where none does."""
        try:
            targets = find_targets(discovery, self.settings, self.environment, for_patch=True)
        except PipflowError:  # what is here is another image than that of the name
            return ()
        return () if any(each.target.patches for each in targets) else targets

    def prepare(self, found: Found, *, resolve: bool, in_any_case: bool = False) -> Inputs:
        """Return the inputs of a command."""
        environments = self.find_environments(found, self.find_targets_of(found))
        return self.complete(found, environments, resolve=resolve, in_any_case=in_any_case)

    def find_limits(self, found: Found) -> tuple[Line, ...]:
        """Return the lines of sources that limit what the files were compiled to."""
        library, names = found.discovery.library, found.manifest.requirements
        return find_limits(library, names, self.variables)

    def draft(
        self,
        found: Found,
        draft: Callable[[Inputs], Iterable[Draft]],
        *,
        resolve: bool,
        in_any_case: bool = False,
    ) -> tuple[Inputs, list[Draft]]:
        """Draft a command; again where it turns on a patch level that the image tells."""
        inputs = self.prepare(found, resolve=resolve, in_any_case=in_any_case)
        try:
            parts = [*draft(inputs)]
        except PipflowError:
            sure = self.ask_for_patch(found, inputs)
            if sure is None:
                raise
        else:
            sure = self.ask_for_patch(found, inputs)
        return (inputs, parts) if sure is None else (sure, [*draft(sure)])

    def ask_for_patch(self, found: Found, inputs: Inputs | None) -> Inputs | None:
        """Return inputs with the patch level of the image that is here, where that matters."""
        if inputs is None or not turns_on_patch(inputs):
            return None
        targets = self.find_sure_targets(found.discovery)
        if not targets:
            return None
        environments = self.find_environments(found, targets)
        sure = self.complete(found, environments, resolve=True, in_any_case=True)
        return replace(sure, resolves=inputs.resolves, notices=inputs.notices)

    def complete(
        self,
        found: Found,
        environments: Iterable[Environment],
        *,
        resolve: bool,
        in_any_case: bool,
        offline: bool = False,
    ) -> Inputs:
        """Return the inputs of a command, with what each environment reads and who serves it.

        ``offline``, no file at an address is fetched.
        """
        served: list[Served] = []
        for environment in environments:
            index = self._index_for(environment.rules)
            manifest = complete_manifest(
                found.manifest,
                environment,
                found.discovery.library,
                self.variables,
                None if offline else partial(_fetch, index),
            )
            index.keep((each.name, each.pin) for each in manifest.lines if each.name and each.pin)
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
            cache_folder(self.environment),
            reads=self._caching != "refresh",
            always_asks=self._caching == "ask",
        )

    def index_notices(self, inputs: Inputs, parts: Iterable[Draft] = ()) -> tuple[str, ...]:
        """Return notices: projects of the files that several indexes have, and skipped entries."""
        names = _names_in(inputs, parts)
        notices: list[str] = []
        for index in map(self._index_for, inputs.rules):
            notices += note_several({name: index.indexes_of(name) for name in names})
            notices += index.notices()
        return tuple(dict.fromkeys(notices))

    @property
    def _ignored(self) -> frozenset[str]:
        """The codes of findings that the settings ignore."""
        return frozenset(code for code, what in self.settings.severities if what == "ignore")

    def _status_notices(self, inputs: Inputs, parts: Iterable[Draft]) -> tuple[str, ...]:
        """Return notices for projects of the files that an index advises against."""
        names = _names_in(inputs, parts)
        notices: list[str] = []
        for index in map(self._index_for, inputs.rules):
            statuses = {name: index.status_of(name) for name in names}
            notices += note_statuses(statuses, ignored=self._ignored)
        return tuple(dict.fromkeys(notices))

    def finish(
        self,
        command: str,
        parts: Iterable[Draft],
        found: Found,
        inputs: Inputs | None,
        *,
        force: bool,
        asked: Sequence[str] = (),
    ) -> Plan:
        """Return the plan of drafts, with its builds; see ``planning.draft.finish``."""
        manifest = found.manifest
        known = self._prepare_offline(found) if inputs is None else inputs
        environments = () if known is None else known.environments
        if inputs is not None:
            manifest = inputs.manifest
            parts = [*parts]  # after which the index knows what it was asked for
            several = self.index_notices(inputs, parts)
            statuses = self._status_notices(inputs, parts)
            assumed = say_assumed(inputs, parts)
            parts = [
                warn(*inputs.notices),
                *parts,
                warn(*assumed, *statuses, *several, *inputs.last_notices),
            ]
        plan = finish(
            parts,
            command,
            manifest,
            environments=planned_for(environments),
            reading=lambda line: () if known is None else environments_of(known, line),
            force=force,
            asked=asked,
        )
        if inputs is not None:
            losses = note_losses(inputs, plan.changes, ignored=self._ignored)
            plan = replace(
                plan,
                changes=tuple(with_facts(inputs, plan.changes)),
                warnings=tuple(dict.fromkeys((*plan.warnings, *losses))),
            )
            if command in {"upgrade", "upgrade-all", "outdated"}:
                plan = replace(plan, costs=tuple(find_costs_of_lines(plan.changes)))
            plan = without_platform(plan, inputs)
        return self.completed(plan, found.discovery, environments)

    def _prepare_offline(self, found: Found) -> Inputs | None:
        """Return inputs for who reads which line; None where the environments are unknown."""
        with contextlib.suppress(PipflowError):
            environments = self.find_environments(found, self.find_targets_of(found))
            return self.complete(
                found, environments, resolve=False, in_any_case=False, offline=True
            )
        return None

    def completed(
        self,
        plan: Plan,
        discovery: Discovery,
        environments: Iterable[Environment | FoundTarget],
    ) -> Plan:
        """Return a plan with what builds its images, what they lack, and what is unfinished."""
        builder, why_not = self._builder_for(plan, discovery)
        named = [(each.name, build) for each in environments for build in each.builds]
        images = () if builder is None else builder.images
        lack = find_lack(discovery.builds, images, self.variables)
        unfinished = [each.sentence for each in find_unfinished(discovery.library.files)]
        changed = [edit.shown for edit in plan.edits if not edit.is_silent]
        warnings = (
            *explain_unreached(discovery, changed),
            *(f"{each}; `rebuild` builds it" for each in unfinished),
        )
        return replace(
            self.placed(plan, discovery),
            builder=builder,
            builds=tuple(self.builds_of(builder, discovery, named)),
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
            builder = builder_for(discovery, changed, self.settings, self.variables)
            why = f"no step installs {' or '.join(changed)}"
        if (
            builder is not None
            or discovery.builder is None
            or explain_unreached(discovery, changed)
        ):
            return builder, ()
        return None, (f"{why}, so no image is built",)

    def builds_of(
        self, builder: Builder | None, discovery: Discovery, named: Iterable[tuple[str, Build]]
    ) -> Iterator[PlannedBuild]:
        """Yield the commands of a builder, each with the environments and images that it builds."""
        if builder is None:
            return
        every = [*named]
        apart = builder.apart() if builder.further else ()
        for one in apart or (builder,):
            meant = [
                (name, build)
                for name, build in every
                if {build.recipe.service, build.recipe.bake, build.recipe.image, *build.recipe.tags}
                & {*one.images}
            ]
            images = (tuple(names_of(discovery, [build], self.settings)) for _, build in meant)
            yield PlannedBuild(
                environments=tuple(dict.fromkeys(name for name, _ in meant or every)),
                command=one.shown,
                engine=engine_of(one),
                images=tuple(dict.fromkeys(filter(None, images))),
            )

    def placed(self, plan: Plan, discovery: Discovery | None) -> Plan:
        """Return a plan that names the project that it is for."""
        builds = () if discovery is None else discovery.builds
        builder = None if discovery is None else discovery.builder
        return replace(
            plan,
            folder=self.shown,
            files=self.settings.files,
            dockerfiles=tuple(dict.fromkeys(build.recipe.path for build in builds)),
            services=() if builder is None else builder.services,
            verifies=bool(self.settings.verify),
        )


def _names_in(inputs: Inputs, parts: Iterable[Draft]) -> list[NormalizedName]:
    """Return the projects of the files, and those that are added."""
    names = {line.name for line in inputs.manifest.lines if line.name is not None}
    added = (each.written.requirement for part in parts for each in part.additions)
    return sorted(names | {canonicalize_name(requirement.name) for requirement in added})


def name_all_builds(discovery: Discovery) -> Iterator[tuple[str, Build]]:
    """Yield the builds of a project, each with the name of an environment in it."""
    with contextlib.suppress(DockerfileError):
        yield from ((each.name, each.part.build) for each in name_parts(discovery.builds))


def planned_for(found: Iterable[Environment | FoundTarget]) -> tuple[PlannedFor, ...]:
    """Return environments as a plan names them."""
    return tuple(PlannedFor(name=each.name, target=each.target) for each in found)


def _fetch(index: PackageIndex, address: Address) -> bytes:
    kind = "constraints" if address.constrains else "requirements"
    what = f"{address.place}: the {kind} file"
    return index.fetch(address.url, what=what, shown=address.shown)
