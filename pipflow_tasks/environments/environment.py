"""Environments: one Python in one stage that is built, and what is installed into it."""

from __future__ import annotations

from collections import Counter
from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace
from packaging.utils import canonicalize_name

from ..errors import DockerfileError
from ..manifest.addresses import unset_variable
from ..manifest.library import find_included
from ..manifest.reading import (
    with_constraints,
    with_fetched,
    with_files,
    with_image_constraints,
    with_overrides,
    with_siblings,
)
from ..requirements import Kind, read_lines
from ..requirements.line import NAME
from .installed import find_base_packages
from .rules import read_rules
from .steps import find_steps, read_configuration
from .unplaced import note_uninstalled

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from packaging.utils import NormalizedName

    from ..index.pip_settings import PipSettings
    from ..manifest.addresses import Address
    from ..manifest.documents import Manifest
    from ..manifest.library import Library
    from ..requirements import Line
    from ..settings import Settings
    from ..target import Target
    from .build import Build
    from .installed import BasePackage
    from .parts import Part
    from .rules import InstallRules
    from .steps import InstallStep
    from .target import FoundTarget


class Environment(Struct, frozen=True, kw_only=True):
    """One Python in one stage that is built.

    Attributes:
        name: the compose service, else the Dockerfile's path, with ``#stage`` where one of them
            has several; no other environment has the same.
        target: what it accepts.
        rules: what the install steps say.
        files: the absolute paths of the project's requirements files, with what they include,
            that its steps install; those that no environment installs are in each.
        steps: those that install the requirements files.
        builds: the builds that contain it, with its own steps alone.
        sources: what is installed beside the files: requirements files, relative to the
            project's root, and addresses of such, each with the place that names it.
        packages: requirements that stand on a command line of the Dockerfile.
        base_packages: what the base image has, if it was asked, in the same Python.
        notices: what had to be assumed, and what does not count.
        within: the name of another environment with the same target and rules that has all that
            is installed here, and more: what is compatible there is compatible here. Else empty.
    """

    name: str
    target: Target
    rules: InstallRules
    files: frozenset[Path]
    steps: tuple[InstallStep, ...]
    builds: tuple[Build, ...]
    sources: Mapping[str, str]
    packages: tuple[Line, ...] = ()
    base_packages: Mapping[NormalizedName, BasePackage] = MappingProxyType({})
    notices: tuple[str, ...]
    within: str = ""


def find_environments(
    targets: Iterable[FoundTarget],
    manifest: Manifest,
    settings: Settings,
    *,
    library: Library,
    now: datetime,
    pip: PipSettings,
    variables: Mapping[str, str],
    is_new: bool = False,
) -> tuple[Environment, ...]:
    """Return the environments of targets, with the rules that their steps and the files make.

    Equal ones are one, with the builds of all. It has the name of the first, without the stage
    where that build has no other environment. ``pip`` are pip's settings on this host. Ages are
    counted from ``now``; the variables are for ``${VARIABLES}`` in addresses. With ``is_new``, all
    of them are to install the file.

    Raises:
        FileError: a configuration file of a build context can't be read.
        UsageError: the files leave no index, or use a variable that is not set.
        TargetError: only a stage that is not built installs a file, and on another image.
        DockerfileError: a step has an index that is unknown; or several Dockerfiles have different
            environments, and nothing says which is meant.
    """
    targets = tuple(targets)
    known = frozenset(library.path_of(path) for path in manifest.requirements)
    configuration = read_configuration(build for each in targets for build in each.builds)
    steps = [
        find_steps(each.builds, library, each.target.interpreter, configuration) for each in targets
    ]
    read = [
        known & _files_of(each, own, library, variables)
        for each, own in zip(targets, steps, strict=True)
    ]
    others = known.difference(*read)
    is_unread = bool(others) and not is_new
    told = [*note_uninstalled(others, targets, library, settings)] if is_unread else []
    found: list[Environment] = []
    for each, own, files in zip(targets, steps, read, strict=True):
        files |= others
        packages = _packages_of(each.parts)
        rules = read_rules(
            own,
            [line for line in manifest.lines if library.path_of(line.path) in files],
            library=library,
            settings=settings,
            now=now,
            pip=pip,
            variables=variables,
        )
        notices = (
            *each.notices,
            *told,
            *rules.notices,
            *_unknown_of(packages),
            *_unfollowed(each.parts),
        )
        found.append(
            Environment(
                name=each.name,
                target=each.target,
                rules=rules,
                files=files,
                steps=own,
                builds=each.builds,
                sources=_sources_of(each.parts, library),
                packages=packages,
                base_packages=find_base_packages(each.target, own),
                notices=tuple(dict.fromkeys(notices)),
            )
        )
    distinct = _distinct(found, {each.name: each.build_name for each in targets})
    _require_chosen(distinct, {*filter(None, (each.choice for each in targets))}, settings)
    return distinct


def _require_chosen(
    environments: Iterable[Environment], dockerfiles: Collection[str], settings: Settings
) -> None:
    """Check that Dockerfiles of which nothing says which is meant make equal environments.

    Raises:
        DockerfileError: they do not.
    """
    differing = {
        build.recipe.path: environment
        for environment in environments
        for build in environment.builds
        if not {build.recipe.path for build in environment.builds}.issuperset(dockerfiles)
    }
    if dockerfiles and differing:
        pythons = {str(each.target) for each in differing.values()}
        told = "; ".join(f"{path}: {each.target}" for path, each in differing.items())
        what = f"have different images ({told})"
        if len(pythons) == 1:
            what = f"install different things with it ({' and '.join(differing)})"
        choices = " or ".join(f"`dockerfile: {path}`" for path in differing)
        raise DockerfileError(
            f"the Dockerfiles that install {' or '.join(settings.files)} {what}",
            hint=f"set {choices}, or all of them: `dockerfile: {','.join(differing)}`",
        )


def _distinct(
    found: Iterable[Environment], build_names: Mapping[str, str]
) -> tuple[Environment, ...]:
    """Return environments that differ, with short names, and those within others marked."""
    kept: list[Environment] = []
    for each in found:
        same = [
            at
            for at, other in enumerate(kept)
            if _installed(each) == _installed(other) and _are_alike(each, other)
        ]
        if same:
            kept[same[0]] = _joined(kept[same[0]], each)
        else:
            kept.append(each)
    counted = Counter(build_names[each.name] for each in kept)
    named = [
        replace(each, name=own) if own and counted[own] == 1 else each
        for each in kept
        for own in (build_names[each.name],)
    ]
    larger = [[other for other in named if _is_within(each, other)] for each in named]
    return tuple(
        replace(each, within=max(others, key=lambda other: len(_installed(other))).name)
        if others
        else each
        for each, others in zip(named, larger, strict=True)
    )


def _is_within(one: Environment, other: Environment) -> bool:
    """Return whether an environment has less than another, and that at the same terms."""
    less, more = _installed(one), _installed(other)
    return less < more and _are_alike(one, other)


def _are_alike(one: Environment, other: Environment) -> bool:
    """Return whether two environments accept the same, wherever that is written."""
    return one.target.accepted == other.target.accepted and one.rules.choice == other.rules.choice


def _installed(environment: Environment) -> frozenset[object]:
    """Return all that is installed into an environment, wherever that is written."""
    packages = (line.content for line in environment.packages)
    return frozenset((*environment.files, *environment.sources, *packages))


def _joined(one: Environment, other: Environment) -> Environment:
    """Return an environment with the builds of an equal one."""
    builds = [*one.builds]
    for build in other.builds:
        at = next((at for at, each in enumerate(builds) if each.recipe == build.recipe), None)
        if at is None:
            builds.append(build)
        else:
            steps = MappingProxyType({**builds[at].installing, **build.installing})
            builds[at] = replace(builds[at], installing=steps)
    return replace(
        one,
        builds=tuple(builds),
        steps=tuple(dict.fromkeys((*one.steps, *other.steps))),
        sources=MappingProxyType({**other.sources, **one.sources}),
        notices=tuple(dict.fromkeys((*one.notices, *other.notices))),
    )


def _files_of(
    target: FoundTarget,
    steps: Iterable[InstallStep],
    library: Library,
    variables: Mapping[str, str],
) -> frozenset[Path]:
    """Return what the steps of an environment install, and what constrains them.

    A file that is edited is no fixed limit: where it constrains, its lines are to be met as well.
    """
    limits = {path for step in steps for path in step.in_project(step.install.constraint_sources)}
    installed = (build.installed for build in target.builds)
    return find_included(library, sorted(limits), variables).union(*installed)


def complete_manifest(
    manifest: Manifest,
    environment: Environment,
    library: Library,
    variables: Mapping[str, str],
    fetch: Callable[[Address], bytes] | None,
) -> Manifest:
    """Return the manifest of an environment: its files, with all that counts besides.

    ``fetch`` returns what is at an address; without it nothing is fetched.

    Raises:
        RequirementsError: a file is missing, in the middle of a merge, or no requirements file.
        FileError: a file can't be read.
    """
    rules, target = environment.rules, environment.target
    manifest = with_files(manifest, library, environment.files, variables)
    if rules.requires_hashes:
        manifest = replace(manifest, requires_hashes=True)
    manifest = with_constraints(manifest, library, rules.constraints, variables)
    manifest = with_overrides(manifest, library, rules.overrides, variables)
    manifest = with_siblings(manifest, library, environment.sources, variables)
    manifest = replace(manifest, siblings=(*manifest.siblings, *environment.packages))
    base = target.interpreter
    if base is not None and target.installer == "pip":
        manifest = with_image_constraints(manifest, base.constraints.items(), base.image)
    if fetch is not None:
        manifest = with_fetched(manifest, fetch, variables)
    has_hashes = any(each.uses_hashes for each in manifest.constraints.values())
    if has_hashes and target.installer == "pip":  # which then wants one for each requirement
        manifest = replace(manifest, requires_hashes=True)
    return manifest


def _sources_of(parts: Iterable[Part], library: Library) -> Mapping[str, str]:
    """Return the files and addresses that are installed, with the place that names each."""
    found: dict[str, str] = {}
    for part in parts:
        build = part.build
        for step in part.into:
            place = build.place_of(step)
            found.update(dict.fromkeys(build.recipe.names(step.sources, library), place))
            found.update((name, place) for name in step.requirements if "://" in name)
    return MappingProxyType(found)


def _packages_of(parts: Iterable[Part]) -> tuple[Line, ...]:
    """Return the requirements that stand on command lines, as lines of the Dockerfile.

    A variable without a value is kept as ``${NAME}``.
    """
    found: dict[tuple[str, str], Line] = {}
    for part in parts:
        build = part.build
        for step in part.into:
            kept, path = dict(step.unset), step.path or build.recipe.path
            for package in step.packages:
                lines = [*read_lines(package, path)]
                if package in kept and any(line.kind is Kind.UNREADABLE for line in lines):
                    lines = [*read_lines(kept[package], path)]
                for line in map(_with_name, lines):
                    placed = replace(line, number=step.line)
                    found.setdefault((placed.place, placed.content), placed)
    return tuple(found.values())


def _with_name(line: Line) -> Line:
    """Return a line, with its project where a variable makes it unreadable."""
    named = NAME.match(line.content)
    hidden = line.content[named.end() :] if named and line.kind is Kind.UNREADABLE else ""
    if named is None or not set("$`") & set(hidden) or hidden[0] in "$`":
        return line
    return replace(line, kind=Kind.REFERENCE, name=canonicalize_name(named[0]))


def _unknown_of(packages: Iterable[Line]) -> Iterator[str]:
    """Yield a notice for each requirement of a command line that a variable hides."""
    for line in packages:
        if set("$`") & set(line.content):
            variable = unset_variable(line.content, {}) or "its value"
            needing = f"what {line.spelled_name} needs" if line.name else "what it needs"
            yield (
                f"{line.place} installs {line.shown}, and {variable} is unknown here: "
                f"{needing} does not limit other versions"
            )


def _unfollowed(parts: Iterable[Part]) -> Iterator[str]:
    """Yield what is installed beside the files and can't be read."""
    for part in parts:
        build = part.build
        for step in part.into:
            if step.unfollowed:
                yield (
                    f"{build.place_of(step)} also installs what {' and '.join(step.unfollowed)} "
                    "names, which is not read; it does not count for the choice of versions"
                )
