"""Environments: one Python in one stage that is built, and what is installed into it."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace
from packaging.utils import canonicalize_name

from ..errors import redact
from ..manifest.addresses import unset_variable
from ..manifest.reading import (
    with_constraints,
    with_fetched,
    with_image_constraints,
    with_overrides,
    with_siblings,
)
from ..requirements import Kind, read_lines
from ..requirements.line import NAME
from .installed import find_base_packages
from .rules import read_rules
from .steps import find_steps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime

    from packaging.utils import NormalizedName

    from ..dockerfile import InstallCommand
    from ..index.pip_settings import PipSettings
    from ..manifest.addresses import Address
    from ..manifest.documents import Manifest
    from ..manifest.library import Library
    from ..requirements import Line
    from ..settings import Settings
    from ..target import Target
    from .build import Build
    from .installed import Distribution
    from .rules import InstallRules
    from .steps import InstallStep
    from .target import FoundTarget


class Environment(Struct, frozen=True, kw_only=True):
    """One Python in one stage that is built.

    Attributes:
        name: that of its target: the compose service, else the Dockerfile's path.
        target: what it accepts.
        rules: what the install steps say.
        steps: those that install the requirements files.
        builds: the builds that contain it.
        sources: what is installed beside the files: requirements files, relative to the
            project's root, and addresses of such, each with the place that names it.
        packages: requirements that stand on a command line of the Dockerfile.
        base_packages: what the base image has, if it was asked, in the same Python.
        notices: what had to be assumed, and what does not count.
    """

    name: str
    target: Target
    rules: InstallRules
    steps: tuple[InstallStep, ...]
    builds: tuple[Build, ...]
    sources: Mapping[str, str]
    packages: tuple[Line, ...] = ()
    base_packages: Mapping[NormalizedName, Distribution] = MappingProxyType({})
    notices: tuple[str, ...]


def find_environments(
    targets: Iterable[FoundTarget],
    manifest: Manifest,
    settings: Settings,
    *,
    library: Library,
    now: datetime,
    pip: PipSettings,
    variables: Mapping[str, str],
) -> tuple[Environment, ...]:
    """Return the environment of each target, with the rules that its steps and the files make.

    ``pip`` are pip's settings on this host. Ages are counted from ``now``; the variables are for
    ``${VARIABLES}`` in addresses.

    Raises:
        UsageError: the files leave no index, or use a variable that is not set.
        DockerfileError: a step has an index that is unknown.
    """
    found: list[Environment] = []
    for each in targets:
        steps = find_steps(each.builds, library, each.target.interpreter)
        packages = _packages_of(each.builds)
        rules = read_rules(
            steps,
            manifest.lines,
            library=library,
            settings=settings,
            now=now,
            pip=pip,
            variables=variables,
        )
        found.append(
            Environment(
                name=each.name,
                target=each.target,
                rules=rules,
                steps=steps,
                builds=each.builds,
                sources=_sources_of(each.builds, library),
                packages=packages,
                base_packages=find_base_packages(each.target, steps),
                notices=tuple(
                    dict.fromkeys(
                        (
                            *each.notices,
                            *rules.notices,
                            *_unknown_of(packages),
                            *_unfollowed(each.builds),
                        )
                    )
                ),
            )
        )
    return tuple(found)


def complete_manifest(
    manifest: Manifest,
    environment: Environment,
    library: Library,
    variables: Mapping[str, str],
    fetch: Callable[[Address], bytes] | None,
) -> Manifest:
    """Return the manifest with all that counts for an environment besides the project's files.

    ``fetch`` returns what is at an address; without it nothing is fetched.

    Raises:
        RequirementsError: a file is missing, in the middle of a merge, or no requirements file.
        FileError: a file can't be read.
    """
    rules, target = environment.rules, environment.target
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


def _sources_of(builds: Iterable[Build], library: Library) -> Mapping[str, str]:
    """Return the files and addresses that are installed, with the place that names each."""
    found: dict[str, str] = {}
    for build in builds:
        for step in _installing(build):
            place = build.place_of(step)
            for path in step.sources:
                found[library.name_of(build.recipe.context / path)] = place
            found.update((name, place) for name in step.requirements if "://" in name)
    return MappingProxyType(found)


def _packages_of(builds: Iterable[Build]) -> tuple[Line, ...]:
    """Return the requirements that stand on command lines, as lines of the Dockerfile.

    A variable without a value is kept as ``${NAME}``.
    """
    found: dict[tuple[str, str], Line] = {}
    for build in builds:
        for step in _installing(build):
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
                f"{line.place} installs {redact(line.content)}, and {variable} is unknown here: "
                f"{needing} does not limit other versions"
            )


def _unfollowed(builds: Iterable[Build]) -> Iterator[str]:
    """Yield what is installed beside the files and can't be read."""
    for build in builds:
        for step in _installing(build):
            if step.unfollowed:
                yield (
                    f"{build.place_of(step)} also installs what {' and '.join(step.unfollowed)} "
                    "names, which is not read; it does not count for the choice of versions"
                )


def _installing(build: Build) -> Iterator[InstallCommand]:
    """Yield the steps that install into the Python that gets the files.

    They are in the stages of these steps, in those they are built on, and in those that are built
    on them.
    """
    dockerfile = build.dockerfile
    built = dockerfile.stage_named(build.recipe.stage or "") or dockerfile.stages[-1]
    ends = {*dockerfile.needed_by(built.index), *(step.stage for step in build.steps)}
    chains = [{stage.index for stage in dockerfile.chain_of(end)} for end in ends]
    places = {
        (stage, step.location)
        for step in build.steps
        for chain in chains
        if step.stage in chain
        for stage in chain
    }
    for step in (*dockerfile.inherited, *dockerfile.steps):
        if (step.stage, step.location) in places and step.command in {"install", "sync"}:
            yield step
