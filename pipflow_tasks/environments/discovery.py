"""What a project builds: found by its settings, its compose files, its Dockerfiles."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ..compose import COMPOSE_FILES
from ..dockerfile.image import CONTEXT
from ..dockerfile.names import PLAIN_NAMES
from ..engine import image_name, split_command
from ..errors import ComposeError, DockerfileError, UsageError
from ..files import is_file, read_text, show_path
from ..manifest.library import read_more
from ..values import Pattern
from .bake_project import find_bake
from .build import (
    bases_of,
    names_installed_by,
    names_of_steps,
    read_builds,
    steps_with_files,
)
from .build_command import named_places, read_build_options, with_options
from .builders import make_builder
from .compose_project import find_compose
from .dockerfiles import find_above, find_others, find_usual, place
from .parts import require_known_names
from .recipe import Recipe, fill_arguments, with_bases

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from ..compose import BuildSection, Service
    from ..dockerfile import InstallCommand
    from ..manifest.library import Library
    from ..plan import Builder
    from ..settings import Settings
    from .bake_project import BakeProject
    from .build import Build
    from .compose_project import ComposeProject


_MOST = 4
_INSTALLS = Pattern(r"\b(?:pip3?|uv)\b[^;&|]*\b(?:install|sync)\b")


class Discovery(Struct, frozen=True, kw_only=True):
    """What a project builds, and with what.

    Until its builder is chosen, it is a tier: the builds that were found in one place. The first
    tier that installs the files counts.

    Attributes:
        builds: of the services that install the requirements files, or of the Dockerfiles.
        library: the requirements files that the project and its builds name, as they were read.
        builder: None where the project has nothing to build.
        compose: the compose project that has the services; None where there are none.
        bake: the bake files that have the targets; None where there are none.
        is_open: the builds are those of several Dockerfiles, and nothing says which is meant. If
            they are equal, the first counts.
        passed_over: what was found and is not built, one clause each.
        notices: what else the user should know where these builds count.
    """

    builds: tuple[Build, ...]
    library: Library
    builder: Builder | None = None
    compose: ComposeProject | None = None
    bake: BakeProject | None = None
    is_open: bool = False
    passed_over: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


def builder_for(
    discovery: Discovery,
    changed: Collection[str],
    settings: Settings,
    variables: Mapping[str, str],
) -> Builder | None:
    """Return what builds the services that install a changed file, or one that includes it.

    Where no step is seen to install any file, all are built: the file may get in otherwise. None:
    the steps install other files. The changed ones are relative to the project's root.
    """
    library, builds = discovery.library, discovery.builds
    paths = {library.path_of(name) for name in changed}
    touched = [build for build in builds if not build.reached.isdisjoint(paths)]
    if changed and builds and not touched and all(map(steps_with_files, builds)):
        return None
    if len(touched) in {0, len(builds)}:
        return discovery.builder
    meant = touched[:1] if discovery.is_open else touched
    return make_builder(meant, discovery.compose, settings, library, variables, discovery.bake)


def explain_unreached(discovery: Discovery, changed: Collection[str]) -> tuple[str, ...]:
    """Return a warning for each stage that installs a changed file and that nothing builds.

    The changed files are relative to the project's root.
    """
    library = discovery.library
    paths = {library.path_of(name) for name in changed}
    reached = {path for build in discovery.builds for path in build.reached}
    found: dict[str, None] = {}
    for build in discovery.builds:
        for step, installed in build.installing.items():
            left = sorted(library.name_of(path) for path in (installed & paths) - reached)
            if left:
                found[_unreached(build, step, left)] = None
    return tuple(found)


def _unreached(build: Build, step: InstallCommand, files: Sequence[str]) -> str:
    recipe, dockerfile = build.recipe, build.dockerfile
    stage = dockerfile.stages[step.stage]
    name = stage.name or str(stage.index)
    installs = f"{build.place_of(step)} installs {' and '.join(files)} in the stage {name}"
    last = dockerfile.stages[-1]
    if recipe.service or recipe.bake:
        return f"{installs}, which nothing builds: write a target for it"
    stages = [recipe.stage or last.name or str(last.index), name]
    return f"{installs}, which is not built: set `stage: {','.join(stages)}`"


def find_builds(library: Library, settings: Settings, variables: Mapping[str, str]) -> Discovery:
    """Find what a project builds: the first tier of builds that installs the files.

    The library has the requirements files that were read before. The variables are for compose
    files and the names of included files.

    Raises:
        DockerfileError: a service's Dockerfile is not there, or can't be understood.
        ComposeError: a compose file can't be understood.
        BakeError: a bake file can't be understood.
        UsageError: a setting names what is not there; or one file is installed by one tier, and
            another one by another, into another image.
    """
    first: Discovery | None = None
    passed_over: list[str] = []
    tiers = _tiers(library, settings.files, settings, variables)
    for tier in tiers:
        passed_over += tier.passed_over
        installing = tuple(build for build in tier.builds if build.installing)
        if installing:
            require_known_names(settings, tier.builds)
            tier = replace(tier, builds=installing)
            _require_whole(tier, tiers, settings)
            return _discover(tier, settings, variables)
        if _may_be_meant(tier, settings, library.root):
            first = first or tier
        else:
            passed_over += _installing_others(tier)
    first = first or Discovery(builds=(), library=library)
    require_known_names(settings, first.builds)
    found = _discover(first, settings, variables)
    return replace(found, passed_over=_first_of(passed_over))


def _require_whole(tier: Discovery, later: Iterable[Discovery], settings: Settings) -> None:
    """Check that no later tier installs, into another image, a file that a tier does not install.

    Raises:
        UsageError: one does.
    """
    library = tier.library
    installed = frozenset().union(*(build.installed for build in tier.builds))
    left = {library.path_of(name): name for name in settings.files}
    left = {path: name for path, name in left.items() if path not in installed}
    if not left:
        return
    bases = frozenset().union(*map(bases_of, tier.builds))
    known = {build.recipe.file for build in tier.builds}
    for build in (build for each in later for build in each.builds):
        names = [name for path, name in left.items() if path in build.installed]
        if names and build.recipe.file not in known and not bases_of(build) <= bases:
            paths = ",".join(dict.fromkeys(each.recipe.path for each in (*tier.builds, build)))
            raise UsageError(
                f"{build.recipe.path} installs {' and '.join(names)}, on another image than "
                f"{tier.builds[0].recipe.path}, which installs no such file",
                hint=f"set `dockerfile: {paths}`; or name one file at a time with --file, and its "
                "Dockerfile with the setting `dockerfile`",
            )


def find_file(library: Library, settings: Settings, variables: Mapping[str, str]) -> str | None:
    """Return the one requirements file that the builds of a project install.

    None: they install none, or the usual one, which does not exist yet.

    Raises:
        DockerfileError: a service's Dockerfile is not there, or can't be understood.
        ComposeError: a compose file can't be understood.
        UsageError: they install several, or what was found can't be followed, or a setting names
            what is not there.
    """
    found: dict[str, str] = {}
    passed_over: list[str] = []
    others: list[str] = []
    is_meant = False
    default = library.name_of(library.root / settings.files[0])
    for tier in _tiers(library, (), settings, variables):
        passed_over += tier.passed_over
        for build in tier.builds:
            if not found and default in names_of_steps(build, tier.library):
                return None
            for name in names_installed_by(build, tier.library):
                found.setdefault(name, build.recipe.service or build.recipe.path)
        if _may_be_meant(tier, settings, library.root):
            is_meant = True
        others += _installing_others(tier)
    passed_over += [] if is_meant else others
    if len(found) > 1:
        listed = ", ".join(f"{name} ({place})" for name, place in found.items())
        raise UsageError(
            f"the project has several requirements files: {listed}",
            hint=f"name one or several: `file: {','.join(found)}` under `pipflow` in invoke.yaml, "
            "or --file",
        )
    if passed_over and not found and not settings.python:
        raise UsageError(
            f"there is no {settings.files[0]}, and no build that installs another file: "
            f"{'; '.join(_first_of(passed_over))}",
            hint="work in that project's folder, or set `file` and `dockerfile` or `python`",
        )
    return next(iter(found), None)


def _tiers(
    library: Library, files: Sequence[str], settings: Settings, variables: Mapping[str, str]
) -> Iterator[Discovery]:
    """Yield the builds of a project, tier by tier: of settings, compose files, Dockerfiles."""
    root = library.root
    named, context = named_places(split_command("build_command", settings.build_command))
    services: list[Discovery] = []
    if settings.builder in {"auto", "compose", "podman-compose"} and not settings.dockerfile:
        found = find_compose(library, settings.builder, variables)
        services = [_read_services(compose, library, files, settings) for compose in found]
        if named is not None:
            services = [tier for tier in services if _is_made_from(tier.builds, root / named)]
        _require_alike(services)
    yield from services
    if settings.builder in {"compose", "podman-compose"} or settings.service:
        if not services:
            raise UsageError(
                "there is no compose file with a service to build",
                hint=f"COMPOSE_FILE, or one of {', '.join(COMPOSE_FILES)} is looked for in the "
                "project's folder, and above it in the repository",
            )
        return
    yield from _dockerfile_tiers(library, files, settings, variables, named, context)


def _dockerfile_tiers(
    library: Library,
    files: Sequence[str],
    settings: Settings,
    variables: Mapping[str, str],
    named: str | None,
    context: str | None,
) -> Iterator[Discovery]:
    """Yield the builds of Dockerfiles and bake files, tier by tier.

    ``build_command`` names a Dockerfile and a context, or neither.
    """
    root = library.root
    folder = root / (settings.context or context or ".")
    is_given = bool(settings.context) or (context is not None and folder.is_dir())
    look = partial(
        _read_dockerfiles,
        files=files,
        library=library,
        variables=variables,
        context=folder if is_given else None,
        stages=settings.stages,
    )
    if names := settings.dockerfiles or tuple(filter(None, (named,))):
        for name in names:
            if not is_file(root / name):
                setting = "dockerfile" if settings.dockerfile else "build_command"
                raise UsageError(
                    f"there is no {library.name_of(root / name)}, which the setting {setting} "
                    "names",
                    hint="it is relative to the project's folder",
                )
        yield look([root / name for name in names], is_named=True)
        return
    start = folder if is_given and not settings.context else root
    usual = look(find_usual(start))
    bake = _read_bake(library, files, settings, variables)
    unread = () if bake is None else bake.passed_over
    if bake is not None and _builds_same(bake.builds, usual.builds):
        yield bake  # its arguments and its stage are those of the build
    yield replace(usual, notices=unread)
    if bake is not None:
        yield bake
    found = find_others(start)  # a walk, which most projects need not wait for
    yield from (replace(look(paths), notices=unread) for paths in (found.others, found.lesser))
    hidden = tuple(f"{library.name_of(path)} is in a hidden folder" for path in found.hidden)
    yield Discovery(builds=(), library=library, passed_over=hidden)
    if files:
        above = look(find_above(root))
        builds = tuple(build for build in above.builds if build.installing or _takes(build, root))
        yield replace(above, builds=builds, notices=unread, passed_over=())


def _takes(build: Build, folder: Path) -> bool:
    """Return whether a step of a build finds something of a folder in the image."""
    if isinstance(build.parsed, DockerfileError):
        return False
    placed = {each for step in build.parsed.steps for each in step.content.files}
    sources = [build.recipe.context / each.source for each in placed if each.origin == CONTEXT]
    return any(source.is_relative_to(folder) for source in sources)


def _read_bake(
    library: Library, files: Sequence[str], settings: Settings, variables: Mapping[str, str]
) -> Discovery | None:
    """Return the targets of the bake files in the project's folder, which docker alone builds."""
    if settings.builder not in {"auto", "docker"} or settings.stage or settings.context:
        return None
    bake = find_bake(library, variables)
    if bake is None:
        return None
    builds, library = read_builds(bake.recipes, files, library)
    return Discovery(builds=builds, library=library, bake=bake, passed_over=bake.unread)


def _builds_same(builds: Iterable[Build], others: Iterable[Build]) -> bool:
    """Return whether one of the builds installs the files by a Dockerfile of the others."""
    files = {build.recipe.file for build in others}
    return any(build.installing and build.recipe.file in files for build in builds)


def _require_alike(tiers: Sequence[Discovery]) -> None:
    """Check that compose files which are used by name build the files' images alike.

    Raises:
        UsageError: they do not, so that it is unknown which is meant.
    """
    made = {
        tier.compose.file.path: [
            (build.recipe.path, build.recipe.context, build.recipe.build_args, build.recipe.stage)
            for build in tier.builds
            if build.installing
        ]
        for tier in tiers
        if tier.compose is not None
    }
    different = {path: builds for path, builds in made.items() if builds}
    if len({str(builds) for builds in different.values()}) > 1:
        raise UsageError(
            f"several compose files build the image in different ways: {', '.join(different)}",
            hint=f"name the one that is meant: COMPOSE_FILE={next(iter(different))} in .env",
        )


def _may_be_meant(tier: Discovery, settings: Settings, root: Path) -> bool:
    """Return whether the builds of a tier count although they do not install the files.

    Those of a compose file above the project's folder do not, nor do loose Dockerfiles of other
    names than the usual ones.
    """
    if tier.compose is not None:
        return bool(tier.builds) and (tier.compose.folder == root or bool(settings.service))
    if settings.dockerfile or settings.build_command:
        return bool(tier.builds)
    return any(
        build.recipe.file is not None
        and build.recipe.file.parent == root
        and build.recipe.file.name in PLAIN_NAMES
        for build in tier.builds
    )


def _installing_others(tier: Discovery) -> Iterator[str]:
    """Yield a clause for each loose Dockerfile of the project that installs something else."""
    if tier.compose is not None or tier.bake is not None:
        return
    for build in tier.builds:
        if isinstance(build.parsed, DockerfileError) or not build.parsed.steps:
            continue
        step = build.parsed.steps[0]
        what = " and ".join(step.sources) or "packages"
        yield f"{build.place_of(step)} installs {what}"


def _first_of(clauses: Iterable[str]) -> tuple[str, ...]:
    """Return the clauses, each once; of many, the first ones and how many more there are."""
    each = tuple(dict.fromkeys(clauses))
    return each if len(each) <= _MOST else (*each[:_MOST], f"and {len(each) - _MOST} more")


def _is_made_from(builds: Iterable[Build], dockerfile: Path) -> bool:
    """Return whether this is one of their Dockerfiles."""
    files = (build.recipe.file for build in builds)
    return any(file is not None and show_path(file, dockerfile) == "." for file in files)


def _read_dockerfiles(
    paths: Iterable[Path],
    *,
    files: Sequence[str],
    library: Library,
    variables: Mapping[str, str],
    context: Path | None,
    stages: Sequence[str],
    is_named: bool = False,
) -> Discovery:
    """Return the builds of Dockerfiles that belong to the project, and name the others."""
    builds, foreign, library = place(
        paths, files, library, variables, context=context, stages=stages, is_named=is_named
    )
    passed_over = tuple(
        f"{library.name_of(path)} is built in another project (`cd {library.name_of(folder)}`)"
        for folder, path in foreign
    )
    return Discovery(builds=tuple(builds), library=library, passed_over=passed_over)


def _discover(tier: Discovery, settings: Settings, variables: Mapping[str, str]) -> Discovery:
    """Return what was found, with what ``build_command`` says, and with the files of all steps."""
    if tier.compose is not None:
        _require_plain(settings, tier.compose.file.path)
    library = tier.library
    is_loose = tier.compose is None and tier.bake is None
    is_free = is_loose and not settings.dockerfile and bool(tier.builds)
    builds, notices = _choose(tier.builds) if is_free else (tier.builds, ())
    is_open = is_free and len({build.recipe.path for build in builds}) > 1
    if tier.compose is None:
        first, rest = (builds[:1], builds[1:]) if is_open else (builds, ())
        builds = (*_with_images(first, tier.bake, settings, library.root), *rest)
    meant = builds[:1] if is_open else builds
    builder = make_builder(meant, tier.compose, settings, library, variables, tier.bake)
    if builder is not None and settings.build_command:
        made = partial(make_builder, compose=tier.compose, settings=settings, library=library)
        own = [made([build], variables=variables, bake=tier.bake) for build in builds]
        recipes = [
            with_options(build.recipe, read_build_options(each.command), library.root, variables)
            for build, each in zip(builds, own, strict=True)
            if each is not None
        ]
        builds, library = read_builds(recipes, settings.files, library)
    named = [
        name
        for build in builds
        if not isinstance(build.parsed, DockerfileError)
        for step in build.parsed.steps
        for source in (step.sources, step.constraint_sources, step.override_sources)
        for name in build.recipe.names(source, library)
    ]
    library = read_more(library, named, variables)
    return replace(
        tier,
        builds=builds,
        library=library,
        builder=builder,
        is_open=is_open,
        passed_over=(),
        notices=(*tier.notices, *notices),
    )


def _require_plain(settings: Settings, path: str) -> None:
    """Refuse the settings of a plain build, where a compose file says how the image is built.

    Raises:
        UsageError: one of them is made.
    """
    for name, own in (("stage", "target"), ("context", "context")):
        value = getattr(settings, name)
        if value:
            raise UsageError(
                f"the setting {name} is `{value}`, but {path} says how the image is built",
                hint=f"write `{own}: {value}` there under `build`, and unset `{name}`; or set "
                "`builder: docker` for a build without compose",
            )


def _choose(builds: tuple[Build, ...]) -> tuple[tuple[Build, ...], tuple[str, ...]]:
    """Return the builds of the one Dockerfile of a usual name, else all; and a note of others."""
    paths = dict.fromkeys(build.recipe.path for build in builds)
    usual = [path for path in paths if Path(path).name in PLAIN_NAMES]
    chosen = usual[0] if len(usual) == 1 else builds[0].recipe.path
    others = dict.fromkeys(
        build.recipe.path for build in builds if build.recipe.path != chosen and build.installing
    )
    if not others:
        return builds, ()
    shown = " and ".join(others)
    verb = "installs" if len(others) == 1 else "install"
    kept = tuple(build for build in builds if build.recipe.path == chosen)
    return kept if len(usual) == 1 else builds, (
        f"{shown} {verb} the file, too; {chosen} is built, and the setting `dockerfile` names "
        "another",
    )


def _with_images(
    builds: Sequence[Build], bake: BakeProject | None, settings: Settings, root: Path
) -> tuple[Build, ...]:
    """Return builds with names for their images, which do not depend on what else is built."""
    name = settings.image or image_name(root)
    named: list[Build] = []
    taken: set[str] = set()
    for build in builds:
        label, number = _label(build.recipe, bake, settings), 2
        own = next(iter(build.recipe.tags), "") or _with_suffix(name, label)
        while own in taken and not build.recipe.tags:
            own, number = _with_suffix(name, f"{label}-{number}"), number + 1
        taken.add(own)
        named.append(replace(build, recipe=replace(build.recipe, image=own)))
    return tuple(named)


_DOCKERFILE = Pattern(r"dockerfile|containerfile", re.IGNORECASE)


def _label(recipe: Recipe, bake: BakeProject | None, settings: Settings) -> str:
    """Return what distinguishes a build from others that there may be.

    The first target of bake files has none, nor has the only Dockerfile or stage that is named.
    """
    if bake is not None:
        return "" if recipe.bake == bake.recipes[0].bake else recipe.bake
    path = _DOCKERFILE.sub("", recipe.path) if len(settings.dockerfiles) > 1 else ""
    stage = recipe.stage if len(settings.stages) > 1 else ""
    return "-".join(filter(None, (path, stage)))


def _with_suffix(name: str, label: str) -> str:
    """Return the name of an image with a label before its tag."""
    folder, slash, own = name.rpartition("/")
    own, colon, tag = own.partition(":")
    suffix = re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")
    return f"{folder}{slash}{own}{f'-{suffix}' if suffix else ''}{colon}{tag}"


# --- the services of a compose project ------------------------------------------------------------


def _read_services(
    compose: ComposeProject, library: Library, files: Sequence[str], settings: Settings
) -> Discovery:
    """Return what a compose project builds.

    Raises:
        ComposeError: no service installs the files, and some can't be read without compose.
    """
    is_above = compose.folder != library.root
    recipes, starting, missing = _recipes_of(compose, settings.services, library)
    builds, library = read_builds(recipes, files, library)
    is_found = any(build.installing or names_installed_by(build, library) for build in builds)
    for name, path in missing.items() if settings.service or not is_found else ():
        raise DockerfileError(
            f"there is no such file, which the service {name} builds",
            path=path,
            hint=f"correct the path in {compose.file.path}, or remove the service there",
        )
    if compose.file.unread and not is_found and not is_above:
        raise ComposeError(
            f"no service that can be read without docker compose 2 installs "
            f"{' or '.join(settings.files)}: "
            f"what {' and '.join(compose.file.unread)} has is unknown",
            path=compose.file.path,
            hint="install docker compose 2, or name the Dockerfile with the setting `dockerfile`",
        )
    builds, notices = _without_hidden(builds, compose, settings)
    lacking = (
        f"the service {name} has no {path}: it is left out" for name, path in missing.items()
    )
    return Discovery(
        builds=builds,
        library=library,
        compose=compose,
        passed_over=starting,
        notices=(*notices, *lacking),
    )


def _without_hidden(
    builds: tuple[Build, ...], compose: ComposeProject, settings: Settings
) -> tuple[tuple[Build, ...], tuple[str, ...]]:
    """Return the builds that count, and a note of the others.

    Compose does not build a service of a profile that is not active. Those that are made on the
    same image as another one that installs the files count, though, and so do those that install
    a file which no other does.
    """
    active = compose.variables.get("COMPOSE_PROFILES", "").split(",")
    profiles = {each.name: each.profiles for each in compose.file.services}
    hidden = {
        name
        for name, own in profiles.items()
        if own and "*" not in active and not {*own}.intersection(map(str.strip, active))
    }
    shown = [build for build in builds if build.recipe.service not in hidden and build.installing]
    if settings.service or not shown:
        return builds, ()
    bases = frozenset().union(*(bases_of(build) for build in shown))
    apart = [
        build
        for build in builds
        if build.recipe.service in hidden and build.installing and not bases_of(build) <= bases
    ]
    installed = frozenset().union(*(build.installed for build in builds if build not in apart))
    other = [build.recipe.service for build in apart if build.wanted & build.installed <= installed]
    notices = tuple(
        f"the service {name} installs the file, too, on another image; it is in the profile "
        f"{profiles[name][0]}, which is not active: the setting `service` chooses it"
        for name in other
    )
    return tuple(build for build in builds if build.recipe.service not in other), notices


def _recipes_of(
    compose: ComposeProject, names: Sequence[str], library: Library
) -> tuple[list[Recipe], tuple[str, ...], Mapping[str, str]]:
    """Return the recipes of the services that are built, or of those that are named.

    Also a clause for each service that installs when it starts, in an image that is not built; and
    the Dockerfiles that are not there, by the names of their services.
    """
    missing: dict[str, str] = {}
    texts: dict[Path, str | None] = {}
    recipes: dict[str, Recipe] = {}
    meant = compose.file.buildable(names)
    for service in compose.file.buildable():
        build = service.build
        if build is None or build.is_remote:
            continue
        text = build.dockerfile_inline
        if text is None:
            path = compose.base / build.context / build.dockerfile
            if path not in texts:
                texts[path] = read_text(path, shown=library.name_of(path))
            text = texts[path]
            if text is None and service in meant:
                missing[service.name] = library.name_of(path)
        if text is not None:
            recipes[service.name] = _recipe_of(service, build, text, library, compose)
    chosen = [recipes[each.name] for each in meant if each.name in recipes]
    starting = tuple(
        f"the service {service.name} ({compose.file.path}) installs when it starts, in "
        f"{service.image}"
        for service in compose.file.services
        if service.build is None and _INSTALLS.search(service.starts_with)
    )
    return with_bases(chosen, recipes.values()), starting, missing


def _recipe_of(
    service: Service, build: BuildSection, text: str, library: Library, compose: ComposeProject
) -> Recipe:
    """Return the recipe of a service, given the text of its Dockerfile."""
    variables = compose.variables
    context = compose.base / build.context
    path = context / build.dockerfile
    is_inline = build.dockerfile_inline is not None
    shown, line = build.inline_place or (f"dockerfile_inline of {service.name}", 1)
    return Recipe(
        service=service.name,
        tags=(service.image,) if service.image else (),
        path=shown if is_inline else library.name_of(path),
        text=text,
        first_line=line if is_inline else 1,
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
        contexts=build.contexts,
    )
