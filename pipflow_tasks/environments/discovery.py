"""What a project builds: found by its settings, its compose files, its Dockerfiles."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ..engine import choose_engine, split_command
from ..errors import ComposeError, DockerfileError, UsageError
from ..files import read_text, show_path
from ..manifest.library import read_more
from ..values import repr_without
from .build import find_build, read_named, touched_by
from .build_command import named_places, read_build_options
from .builders import BuilderChoice, make_builder
from .compose_project import COMPOSE_FILES, find_compose
from .recipe import Recipe, fill_arguments, parse, with_options

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..compose import Service
    from ..manifest.library import Library
    from ..plan import Builder
    from ..settings import Settings
    from .build import Build
    from .compose_project import ComposeProject

_ENGINES = {"docker": "docker", "podman": "podman", "buildah": "podman"}
"""Where the image is that a program has built."""


class Discovery(Struct, frozen=True, kw_only=True):
    """What a project builds, and with what.

    Attributes:
        builds: of the services that install the requirements files, or of the one Dockerfile.
        builder: None where the project has nothing to build.
        choice: what the builder was chosen by.
        library: the requirements files that the project and its builds name, as they were read.
    """

    builds: tuple[Build, ...]
    builder: Builder | None
    choice: BuilderChoice
    library: Library


def builder_for(discovery: Discovery, changed: Iterable[str]) -> Builder | None:
    """Return what builds the services that install a changed file, or one that includes it.

    Where that are all of them, or none, all are built.

    Args:
        discovery: what the project builds.
        changed: files, relative to the project's root.
    """
    builds = discovery.builds
    touched = touched_by({*map(discovery.library.path_of, changed)}, builds)
    if len(touched) in {0, len(builds)}:
        return discovery.builder
    return make_builder(discovery.choice, [build.recipe for build in touched])


def find_builds(
    root: Path, settings: Settings, variables: Mapping[str, str], library: Library
) -> Discovery:
    """Find what the project builds: by a compose file, else by a Dockerfile, else nothing.

    Args:
        root: the project's folder.
        settings: of the project.
        variables: those of the environment, for compose files and the names of included files.
        library: the requirements files that were read before.

    Raises:
        DockerfileError: a service's Dockerfile is not there, or can't be understood.
        ComposeError: a compose file can't be understood.
        UsageError: a setting names what is not there.
    """
    search = _Search(root=root, settings=settings, variables=variables, library=library)
    named, context = named_places(split_command("build_command", settings.build_command))
    if settings.builder in {"auto", "compose", "podman-compose"} and not settings.dockerfile:
        compose = find_compose(root, settings.builder, variables)
        found = _find_services(search, compose) if compose else None
        if found is not None and (named is None or _is_made_from(found, root / named)):
            return found
    if settings.builder in {"compose", "podman-compose"} or settings.service:
        raise UsageError(
            "there is no compose file with a service to build",
            hint=f"COMPOSE_FILE, or one of {', '.join(COMPOSE_FILES)} is looked for in the "
            "project's folder, and above it in the repository",
        )
    return _find_dockerfile(search, named, context)


class _Search(Struct, frozen=True, kw_only=True):
    root: Path
    settings: Settings
    variables: Mapping[str, str]
    library: Library

    __repr__ = repr_without("variables")


def _is_made_from(discovery: Discovery, dockerfile: Path) -> bool:
    """Return whether this is one of its Dockerfiles."""
    files = (build.recipe.file for build in discovery.builds)
    return any(file is not None and show_path(file, dockerfile) == "." for file in files)


# --- one Dockerfile -------------------------------------------------------------------------------


def _find_dockerfile(search: _Search, named: str | None, context: str | None) -> Discovery:
    """Return what the Dockerfile builds that a setting names, else the one of a usual place."""
    root, settings = search.root, search.settings
    folder = root / context if context is not None else None
    folder = folder if folder is not None and folder.is_dir() else None
    name = settings.dockerfile or named
    candidates = [each / "Dockerfile" for each in (folder or root, root)]
    path = root / name if name else next(filter(Path.is_file, candidates), candidates[-1])
    shown = show_path(path, root)
    text = read_text(path, shown=shown)
    if text is None and name:
        told_by = "dockerfile" if settings.dockerfile else "build_command"
        raise UsageError(
            f"there is no {shown}, which the setting {told_by} names",
            hint="it is relative to the project's folder",
        )
    recipes: tuple[Recipe, ...] = ()
    if text is not None:
        recipe = Recipe(
            path=shown,
            text=text,
            file=path,
            context=folder or path.parent,
            variables=search.variables,
        )
        recipes = (recipe,)
    choice = _choose(search, None, is_built=bool(recipes))
    builder = make_builder(choice, recipes)
    recipes = _as_commanded(search, recipes, builder)
    parsed = parse(recipes)
    library = read_named(search.library, parsed, settings.files)
    builds = tuple(find_build(each, parsed[each], settings.files, library) for each in recipes)
    return _discover(search, builds, builder, choice, library)


def _choose(search: _Search, compose: ComposeProject | None, *, is_built: bool) -> BuilderChoice:
    """Return what a builder is chosen by; an engine is only looked for where it counts."""
    settings = search.settings
    engine = ""
    if settings.build_command:
        program = (*split_command("build_command", settings.build_command), "")[0]
        engine = choose_engine(_ENGINES.get(program, settings.builder), search.variables)
    elif compose is None and is_built:
        engine = choose_engine(settings.builder, search.variables)
    return BuilderChoice(root=search.root, settings=settings, compose=compose, engine=engine)


def _as_commanded(
    search: _Search, recipes: tuple[Recipe, ...], builder: Builder | None
) -> tuple[Recipe, ...]:
    """Return recipes with what the setting ``build_command`` says on its command line."""
    if builder is None or not search.settings.build_command:
        return recipes
    options = read_build_options(builder.command)
    return tuple(with_options(each, options, search.root, search.variables) for each in recipes)


def _discover(
    search: _Search,
    builds: tuple[Build, ...],
    builder: Builder | None,
    choice: BuilderChoice,
    library: Library,
) -> Discovery:
    """Return what was found, with the other files that the steps name."""
    named = [
        show_path(build.recipe.context / path, search.root)
        for build in builds
        if not isinstance(build.parsed, DockerfileError)
        for step in build.parsed.steps
        for path in (*step.sources, *step.constraint_sources)
    ]
    library = read_more(library, named, search.variables)
    return Discovery(builds=builds, builder=builder, choice=choice, library=library)


# --- the services of a compose project ------------------------------------------------------------


def _find_services(search: _Search, compose: ComposeProject) -> Discovery | None:
    """Return what a compose project builds for the requirements files; None: nothing.

    A compose file above the project's folder counts for what it says of these files alone.
    """
    settings = search.settings
    recipes = _recipes_of(search, compose)
    parsed = parse(recipes)
    library = read_named(search.library, parsed, settings.files)
    builds = tuple(find_build(each, parsed[each], settings.files, library) for each in recipes)
    installing = tuple(build for build in builds if build.steps)
    if compose.file.unread and not installing and not compose.is_above:
        raise ComposeError(
            f"no service that can be read without docker compose 2 installs {settings.file}: "
            f"what {' and '.join(compose.file.unread)} has is unknown",
            path=compose.file.path,
            hint="install docker compose 2, or name the Dockerfile with the setting `dockerfile`",
        )
    if not builds or (compose.is_above and not installing and not settings.service):
        return None
    builds = installing or builds
    choice = _choose(search, compose, is_built=True)
    recipes = tuple(build.recipe for build in builds)
    builder = make_builder(choice, recipes)
    if settings.build_command:
        recipes = _as_commanded(search, recipes, builder)
        parsed = parse(recipes, known=parsed)
        library = read_named(library, parsed, settings.files)
        builds = tuple(find_build(each, parsed[each], settings.files, library) for each in recipes)
    return _discover(search, builds, builder, choice, library)


def _recipes_of(search: _Search, compose: ComposeProject) -> tuple[Recipe, ...]:
    """Return the recipes of the services that are built, or of the one that a setting names."""
    texts: dict[Path, str] = {}
    recipes: list[Recipe] = []
    for service in compose.file.buildable(search.settings.service or None):
        if service.build is None or service.build.is_remote:
            continue
        path = compose.base / service.build.context / service.build.dockerfile
        if service.build.dockerfile_inline is None and path not in texts:
            texts[path] = _read_dockerfile(path, show_path(path, search.root), service)
        recipes.append(_recipe_of(service, search.root, compose, texts))
    return tuple(recipes)


def _read_dockerfile(path: Path, shown: str, service: Service) -> str:
    text = read_text(path, shown=shown)
    if text is None:
        raise DockerfileError(
            f"there is no such file, which the service {service.name} builds", path=shown
        )
    return text


def _recipe_of(
    service: Service, root: Path, compose: ComposeProject, texts: Mapping[Path, str]
) -> Recipe:
    """Return the recipe of a service, given the texts of the Dockerfiles."""
    build, variables = service.build, compose.variables
    assert build is not None
    context = compose.base / build.context
    path = context / build.dockerfile
    is_inline = build.dockerfile_inline is not None
    arguments = fill_arguments(build.args, variables)
    return Recipe(
        service=service.name,
        path=f"dockerfile_inline of {service.name}" if is_inline else show_path(path, root),
        text=texts[path] if build.dockerfile_inline is None else build.dockerfile_inline,
        file=None if is_inline else path,
        context=context,
        variables=variables,
        build_args=arguments.given,
        unset_args=arguments.unset,
        stage=build.target,
        platforms=(service.platform,) if service.platform else build.platforms,
        secrets=tuple(
            replace(
                secret,
                file=str(compose.base / secret.file) if secret.file else None,
                variable=secret.variable if secret.variable not in variables else None,
            )
            for secret in build.secrets
        ),
    )
