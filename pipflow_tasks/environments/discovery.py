"""What a project builds: found by its settings, its compose files, its Dockerfiles."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ..engine import split_command
from ..errors import ComposeError, DockerfileError, UsageError
from ..files import read_text, show_path
from ..manifest.library import read_more
from .build import Recipe, fill_arguments, read_builds
from .build_command import named_places, read_build_options, with_options
from .builders import make_builder
from .compose_project import COMPOSE_FILES, find_compose

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..compose import BuildSection, Service
    from ..manifest.library import Library
    from ..plan import Builder
    from ..settings import Settings
    from .build import Build
    from .compose_project import ComposeProject


class Discovery(Struct, frozen=True, kw_only=True):
    """What a project builds, and with what.

    Attributes:
        builds: of the services that install the requirements files, or of the one Dockerfile.
        builder: None where the project has nothing to build.
        compose: the compose project that has the services; None where there are none.
        library: the requirements files that the project and its builds name, as they were read.
    """

    builds: tuple[Build, ...]
    builder: Builder | None
    compose: ComposeProject | None
    library: Library


def builder_for(
    discovery: Discovery,
    changed: Iterable[str],
    settings: Settings,
    variables: Mapping[str, str],
) -> Builder | None:
    """Return what builds the services that install a changed file, or one that includes it.

    Where that are all of them, or none, all are built. The files are relative to the project's
    root.
    """
    library = discovery.library
    paths = {library.path_of(name) for name in changed}
    touched = [build.recipe for build in discovery.builds if not build.installed.isdisjoint(paths)]
    if len(touched) in {0, len(discovery.builds)}:
        return discovery.builder
    return make_builder(touched, discovery.compose, settings, library, variables)


def find_builds(library: Library, settings: Settings, variables: Mapping[str, str]) -> Discovery:
    """Find what a project builds: by a compose file, else by a Dockerfile, else nothing.

    The library has the requirements files that were read before. The variables are for compose
    files and the names of included files.

    Raises:
        DockerfileError: a service's Dockerfile is not there, or can't be understood.
        ComposeError: a compose file can't be understood.
        UsageError: a setting names what is not there.
    """
    root = library.root
    named, context = named_places(split_command("build_command", settings.build_command))
    if settings.builder in {"auto", "compose", "podman-compose"} and not settings.dockerfile:
        compose = find_compose(library, settings.builder, variables)
        found = _find_services(compose, library, settings, variables) if compose else None
        if found is not None and (named is None or _is_made_from(found, root / named)):
            return found
    if settings.builder in {"compose", "podman-compose"} or settings.service:
        raise UsageError(
            "there is no compose file with a service to build",
            hint=f"COMPOSE_FILE, or one of {', '.join(COMPOSE_FILES)} is looked for in the "
            "project's folder, and above it in the repository",
        )
    recipes = _find_dockerfile(named, context, library, settings, variables)
    builds, library = read_builds(recipes, settings.files, library)
    return _discover(builds, None, library, settings, variables)


def _is_made_from(discovery: Discovery, dockerfile: Path) -> bool:
    """Return whether this is one of its Dockerfiles."""
    files = (build.recipe.file for build in discovery.builds)
    return any(file is not None and show_path(file, dockerfile) == "." for file in files)


def _find_dockerfile(
    named: str | None,
    context: str | None,
    library: Library,
    settings: Settings,
    variables: Mapping[str, str],
) -> tuple[Recipe, ...]:
    """Return the recipe of the Dockerfile that a setting names, else of the one of a usual place.

    ``named`` and ``context`` are what the setting ``build_command`` names.
    """
    root = library.root
    folder = root / context if context is not None else None
    folder = folder if folder is not None and folder.is_dir() else None
    name = settings.dockerfile or named
    candidates = [each / "Dockerfile" for each in (folder or root, root)]
    path = root / name if name else next(filter(Path.is_file, candidates), candidates[-1])
    shown = library.name_of(path)
    text = read_text(path, shown=shown)
    if text is not None:
        context_folder = folder or path.parent
        return (
            Recipe(path=shown, text=text, file=path, context=context_folder, variables=variables),
        )
    if not name:
        return ()
    told_by = "dockerfile" if settings.dockerfile else "build_command"
    raise UsageError(
        f"there is no {shown}, which the setting {told_by} names",
        hint="it is relative to the project's folder",
    )


def _discover(
    builds: tuple[Build, ...],
    compose: ComposeProject | None,
    library: Library,
    settings: Settings,
    variables: Mapping[str, str],
) -> Discovery:
    """Return what was found, with what ``build_command`` says, and with the files of all steps."""
    recipes = [build.recipe for build in builds]
    builder = make_builder(recipes, compose, settings, library, variables)
    if builder is not None and settings.build_command:
        options = read_build_options(builder.command)
        recipes = [with_options(recipe, options, library.root, variables) for recipe in recipes]
        builds, library = read_builds(recipes, settings.files, library)
    named = [
        library.name_of(build.recipe.context / path)
        for build in builds
        if not isinstance(build.parsed, DockerfileError)
        for step in build.parsed.steps
        for path in (*step.sources, *step.constraint_sources)
    ]
    library = read_more(library, named, variables)
    return Discovery(builds=builds, builder=builder, compose=compose, library=library)


# --- the services of a compose project ------------------------------------------------------------


def _find_services(
    compose: ComposeProject, library: Library, settings: Settings, variables: Mapping[str, str]
) -> Discovery | None:
    """Return what a compose project builds for the requirements files; None: nothing.

    A compose file above the project's folder counts for what it says of these files alone.
    """
    is_above = compose.folder != library.root
    recipes = _recipes_of(compose, settings.service, library)
    builds, library = read_builds(recipes, settings.files, library)
    installing = tuple(build for build in builds if build.steps)
    if compose.file.unread and not installing and not is_above:
        raise ComposeError(
            f"no service that can be read without docker compose 2 installs {settings.file}: "
            f"what {' and '.join(compose.file.unread)} has is unknown",
            path=compose.file.path,
            hint="install docker compose 2, or name the Dockerfile with the setting `dockerfile`",
        )
    if not builds or (is_above and not installing and not settings.service):
        return None
    return _discover(installing or builds, compose, library, settings, variables)


def _recipes_of(compose: ComposeProject, service_name: str, library: Library) -> list[Recipe]:
    """Return the recipes of the services that are built, or of the one that is named."""
    texts: dict[Path, str] = {}
    recipes: list[Recipe] = []
    for service in compose.file.buildable(service_name or None):
        build = service.build
        if build is None or build.is_remote:
            continue
        text = build.dockerfile_inline
        if text is None:
            path = compose.base / build.context / build.dockerfile
            if path not in texts:
                texts[path] = _read_dockerfile(path, library.name_of(path), service)
            text = texts[path]
        recipes.append(_recipe_of(service, build, text, library, compose))
    return recipes


def _read_dockerfile(path: Path, shown: str, service: Service) -> str:
    text = read_text(path, shown=shown)
    if text is None:
        raise DockerfileError(
            f"there is no such file, which the service {service.name} builds", path=shown
        )
    return text


def _recipe_of(
    service: Service, build: BuildSection, text: str, library: Library, compose: ComposeProject
) -> Recipe:
    """Return the recipe of a service, given the text of its Dockerfile."""
    variables = compose.variables
    context = compose.base / build.context
    path = context / build.dockerfile
    is_inline = build.dockerfile_inline is not None
    return Recipe(
        service=service.name,
        path=f"dockerfile_inline of {service.name}" if is_inline else library.name_of(path),
        text=text,
        file=None if is_inline else path,
        context=context,
        variables=variables,
        build_args=fill_arguments(build.args, variables),
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
