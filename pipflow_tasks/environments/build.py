"""A build: what it is given, and the steps that install the requirements files in it."""

from __future__ import annotations

import posixpath
from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace
from packaging.utils import canonicalize_name

from ..dockerfile.install import install_options, parse_options
from ..errors import DockerfileError
from ..files import show_path
from ..manifest.library import find_included, read_more
from .local_projects import read_conda_file, read_group, read_local_project
from .recipe import Recipe, parse

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from ..dockerfile import Dockerfile, InstallCommand, Stage
    from ..dockerfile.install import OtherInstall
    from ..manifest.library import Library


class Build(Struct, frozen=True, kw_only=True):
    """A build that may install the requirements files.

    Attributes:
        recipe: what it is given.
        parsed: its Dockerfile, or why that can't be read.
        files: the requirements files, as the build context has them.
        wanted: the same and what they include, by their absolute paths.
        installing: the steps that install one of the files, in the stages that are built, each
            with all that it installs and what that includes, by absolute paths; those of the
            last stage come first, and those that make wheels last.
    """

    recipe: Recipe
    parsed: Dockerfile | DockerfileError
    files: tuple[str, ...]
    wanted: frozenset[Path]
    installing: Mapping[InstallCommand, frozenset[Path]]

    @property
    def installed(self) -> frozenset[Path]:
        """All that these steps install, with what it includes, by absolute paths."""
        return frozenset(path for paths in self.installing.values() for path in paths)

    @property
    def reached(self) -> frozenset[Path]:
        """What those of these steps install whose stage gets built."""
        if isinstance(self.parsed, DockerfileError):
            return frozenset()
        needed = self.parsed.needed_by(self.last.index)
        found = (paths for step, paths in self.installing.items() if step.stage in needed)
        return frozenset(path for paths in found for path in paths)

    @property
    def dockerfile(self) -> Dockerfile:
        """The Dockerfile.

        Raises:
            DockerfileError: it can't be read.
        """
        if isinstance(self.parsed, DockerfileError):
            raise self.parsed
        return self.parsed

    @property
    def last(self) -> Stage:
        """The stage that it ends with; the Dockerfile's last one, where there is none of its name.

        Raises:
            DockerfileError: the Dockerfile can't be read.
        """
        dockerfile = self.dockerfile
        return dockerfile.stage_named(self.recipe.stage or "") or dockerfile.stages[-1]

    @property
    def steps(self) -> tuple[InstallCommand, ...]:
        """The steps that install one of the files.

        Raises:
            DockerfileError: the Dockerfile can't be read.
        """
        if isinstance(self.parsed, DockerfileError):
            raise self.parsed
        return tuple(self.installing)

    @property
    def by_others(self) -> tuple[OtherInstall, ...]:
        """The commands of other tools that install one of the files."""
        others = () if isinstance(self.parsed, DockerfileError) else self.parsed.others
        return tuple(each for each in others if not {*each.sources}.isdisjoint(self.files))

    def place_of(self, step: InstallCommand) -> str:
        """Return where a step of it stands, ``Dockerfile:4``."""
        return f"{step.path or self.recipe.path}:{step.line}"


def read_builds(
    recipes: Iterable[Recipe], files: Collection[str], library: Library
) -> tuple[tuple[Build, ...], Library]:
    """Return the builds of recipes, and the library with the files that their steps may install.

    The requirements files are relative to the project's root.

    Raises:
        FileError: a file that a step installs can't be read.
    """
    known: dict[object, Dockerfile | DockerfileError] = {}
    builds: list[Build] = []
    for recipe in recipes:
        context = recipe.context
        key = (
            recipe.path,
            recipe.first_line,
            recipe.text,
            context,
            recipe.build_args,
            recipe.platforms[:1],
            recipe.contexts,
        )
        if key not in known:
            known[key] = _with_projects(parse(recipe), context, library)
        parsed = known[key]
        steps = () if isinstance(parsed, DockerfileError) else parsed.steps
        names = {step: recipe.names((*step.sources, *step.possible), library) for step in steps}
        limits = {step: recipe.names(step.constraint_sources, library) for step in steps}
        named = (name for each in (names, limits) for paths in each.values() for name in paths)
        library = read_more(library, [*files, *named], recipe.variables)
        builds.append(_find_build(recipe, parsed, files, (names, limits), library))
    return tuple(builds), library


def names_installed_by(build: Build, library: Library) -> tuple[str, ...]:
    """Return the files of the project that the steps of the built stages install; each exists."""
    return tuple(name for name in names_of_steps(build, library) if library.find(name).is_file)


def names_of_steps(build: Build, library: Library) -> tuple[str, ...]:
    """Return the files that the steps of the built stages install, whether they exist or not."""
    sources = (path for step in steps_with_files(build) for path in step.sources)
    return tuple(dict.fromkeys(build.recipe.names(sources, library)))


def steps_with_files(build: Build) -> tuple[InstallCommand, ...]:
    """Return the steps of the built stages that install any files."""
    if isinstance(build.parsed, DockerfileError):
        return ()
    steps = [step for step in build.parsed.steps if step.sources]
    return tuple(_built(steps, build.parsed, build.recipe.stage))


def bases_of(build: Build) -> frozenset[object]:
    """Return the images that the installing steps are made on, each with the Python it uses."""
    if isinstance(build.parsed, DockerfileError):
        return frozenset()
    return frozenset(
        (
            build.parsed.base_of(step.stage).base,
            replace(step.python, line=0, path=""),
            build.recipe.platforms,
        )
        for step in build.installing
    )


def _with_projects(
    parsed: Dockerfile | DockerfileError, context: Path, library: Library
) -> Dockerfile | DockerfileError:
    """Return a Dockerfile whose steps have what the projects need that they install.

    Raises:
        FileError: a file of such a project can't be read.
    """
    if isinstance(parsed, DockerfileError):
        return parsed
    steps, inherited = (
        tuple(_followed(each, context, library)) for each in (parsed.steps, parsed.inherited)
    )
    return replace(parsed, steps=steps, inherited=inherited)


def _followed(
    steps: Iterable[InstallCommand], context: Path, library: Library
) -> Iterator[InstallCommand]:
    for step in steps:
        sources, packages, unread = [*step.sources], [*step.packages], [*step.unfollowed]
        for folder, extras in step.projects:
            asked = {canonicalize_name(each.strip()) for each in extras.split(",") if each.strip()}
            shown = library.name_of(context / folder)
            project = read_local_project(context / folder, asked, shown=shown)
            sources += [posixpath.normpath(posixpath.join(folder, name)) for name in project.files]
            packages += project.dependencies
            if project.unread:
                unread.append(posixpath.normpath(posixpath.join(folder, project.unread)))
        for file, group in step.groups:
            packages += read_group(context / file, group, shown=library.name_of(context / file))
        step = replace(
            step, sources=tuple(sources), packages=tuple(packages), unfollowed=tuple(unread)
        )
        for file in step.conda_files:
            step = _with_conda_file(step, file, context, library)
        if step.sources or step.packages or not step.conda_files:
            yield step


def _with_conda_file(
    step: InstallCommand, file: str, context: Path, library: Library
) -> InstallCommand:
    """Return a step with what a conda environment's file lets pip install.

    Raises:
        FileError: the file can't be read.
    """
    words, packages = read_conda_file(context / file, shown=library.name_of(context / file))
    options, _ = parse_options(words)
    folder = posixpath.dirname(file)

    def inside(name: str) -> tuple[str, ...]:
        paths = (each for each in options.get(name, ()) if "://" not in each)
        return tuple(posixpath.normpath(posixpath.join(folder, each)) for each in paths)

    return replace(
        step,
        requirements=(*step.requirements, *options.get("requirement", ())),
        sources=(*step.sources, *inside("requirement")),
        constraints=(*step.constraints, *options.get("constraint", ())),
        constraint_sources=(*step.constraint_sources, *inside("constraint")),
        packages=(*step.packages, *packages),
        options=install_options(options),
    )


def _find_build(
    recipe: Recipe,
    parsed: Dockerfile | DockerfileError,
    files: Collection[str],
    names: tuple[Mapping[InstallCommand, Sequence[str]], ...],
    library: Library,
) -> Build:
    """Return a build, given the files that its steps may install or be limited by.

    They are relative to the root. Where no step installs the files, those count that they limit.
    """
    wanted = find_included(library, files, recipe.variables)
    installing: dict[InstallCommand, frozenset[Path]] = {}
    if not isinstance(parsed, DockerfileError):
        needed = _needed_stages(parsed, recipe.stage)
        for step, paths in (pair for each in names if not installing for pair in each.items()):
            found = find_included(library, paths, recipe.variables)
            if step.stage in needed and not found.isdisjoint(wanted):
                installing[step] = found
        installing.update(_installing_wheels(parsed, installing, needed))
        built = _built(installing, parsed, recipe.stage)
        steps = [*built, *(step for step in installing if step not in built)]
        if any(step.requirements and not makes_wheels(step) for step in steps):
            steps.sort(key=makes_wheels)  # what installs the wheels counts
        installing = {step: installing[step] for step in steps}
    return Build(
        recipe=recipe,
        parsed=parsed,
        files=tuple(show_path(library.here / file, recipe.context) for file in files),
        wanted=wanted,
        installing=MappingProxyType(installing),
    )


def _built(
    steps: Collection[InstallCommand], dockerfile: Dockerfile, stage: str | None
) -> list[InstallCommand]:
    """Return those steps that the stage needs; without one the last, else all."""
    last = dockerfile.stage_named(stage) if stage else None
    needed = dockerfile.needed_by(len(dockerfile.stages) - 1 if last is None else last.index)
    found = [step for step in steps if step.stage in needed]
    return found if last is not None else found or [*steps]


def makes_wheels(step: InstallCommand) -> bool:
    """Return whether a step puts wheels into a folder, and installs nothing."""
    return step.command in {"wheel", "download"}


def _installing_wheels(
    dockerfile: Dockerfile,
    installing: Mapping[InstallCommand, frozenset[Path]],
    needed: Collection[int],
) -> dict[InstallCommand, frozenset[Path]]:
    """Return the steps that install the wheels which others make of the files."""
    found: dict[InstallCommand, frozenset[Path]] = {}
    for making, paths in installing.items():
        for step in dockerfile.steps if makes_wheels(making) else ():
            is_later = making.stage in dockerfile.needed_by(step.stage) and step.stage in needed
            if is_later and step not in installing and _takes_wheels(step):
                found[step] = paths
    return found


def _takes_wheels(step: InstallCommand) -> bool:
    named = any("/" in each and each.endswith(("*", ".whl")) for each in step.packages)
    return step.command == "install" and named


def _needed_stages(dockerfile: Dockerfile, stage: str | None) -> Collection[int]:
    """Return the stages that are built: all, where no stage is named, or none of that name."""
    last = dockerfile.stage_named(stage) if stage else None
    return range(len(dockerfile.stages)) if last is None else dockerfile.needed_by(last.index)
