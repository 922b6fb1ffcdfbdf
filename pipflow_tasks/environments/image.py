"""The image of a project: which Dockerfile installs the file, for what, and what builds it."""

from __future__ import annotations

import itertools
import os
import platform as host
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.markers import default_environment
from packaging.tags import sys_tags

from ..compose import Secret
from ..dockerfile import Dockerfile
from ..engine import (
    BaseImages,
    choose_engine,
    command_builder,
    compose_builder,
    image_name,
    plain_builder,
    split_command,
)
from ..errors import ComposeError, DockerfileError, FileError, TargetError, UsageError
from ..files import read
from ..manifest.included import find_included
from ..target import Target, docker_platform, newest_pip
from .base_image import find_base_target
from .compose_project import COMPOSE_FILES, find_compose
from .configuration import read_configuration
from .rules import InstallStep

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from packaging.version import Version

    from ..compose import BuildSection, Service
    from ..dockerfile import InstallCommand
    from ..plan import Builder
    from ..settings import Settings
    from ..target.interpreter import Interpreter
    from .compose_project import ComposeProject


_ENGINES = {"docker": "docker", "podman": "podman", "buildah": "podman"}
"""Where the image is that a program has built."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """A Dockerfile that installs the requirements file, and how it is built.

    Attributes:
        path: the Dockerfile, as messages show it.
        text: what it says.
        context: the folder that is its build context.
        file: the Dockerfile's own file; None where it stands in a compose file.
        files: the requirements files, as the build context has them.
        wanted: the same and what they include, by their absolute paths.
        environment: for the variables in the names of included files.
        build_args: the build arguments it gets.
        stage: the stage that is built; the last, where it is None.
        platforms: those it is built for, where the compose file says so.
        unset_args: the build arguments that the environment was to give and did not.
        secrets: those that the build is given.
    """

    path: str
    text: str
    context: Path
    file: Path | None
    files: tuple[str, ...]
    wanted: frozenset[Path]
    environment: Mapping[str, str] = field(repr=False)
    build_args: Mapping[str, str] = field(default_factory=dict)
    stage: str | None = None
    platforms: tuple[str, ...] = ()
    unset_args: tuple[str, ...] = ()
    secrets: tuple[Secret, ...] = ()

    def read(self, *, keep_unknown: bool) -> Dockerfile:
        """Read the Dockerfile; with ``keep_unknown``, also one whose base image is not known."""
        return Dockerfile.from_text(
            self.text,
            path=self.path,
            build_args=self.build_args,
            platform=self.platforms[0] if self.platforms else None,
            keep_unknown=keep_unknown,
        )

    def installs(self, files: Collection[Path]) -> bool:
        """Tell whether the Dockerfile installs one of these files, as far as can be seen."""
        steps = self.steps(self.read(keep_unknown=True))
        return any(not self._installed_by(step).isdisjoint(files) for step in steps)

    def steps(self, dockerfile: Dockerfile) -> tuple[InstallCommand, ...]:
        """Return the steps that install one of the files, in the stages that are built."""
        found = [
            step
            for step in dockerfile.steps
            if not self._installed_by(step).isdisjoint(self.wanted)
        ]
        last = dockerfile.stage_named(self.stage) if self.stage else None
        if last is not None:
            needed = dockerfile.needed_by(last.index)
            found = [step for step in found if step.stage in needed]
        return tuple(dict.fromkeys(found))

    def _installed_by(self, step: InstallCommand) -> frozenset[Path]:
        """Return the files that a step installs, with what they include."""
        named = (self.context / path for path in (*step.sources, *step.possible))
        return find_included(named, self.environment)


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """What the project's image is made from, and what builds it.

    Attributes:
        sources: by the name of the compose service; one without a name for a plain build.
        builder: None where the project has nothing to build.
    """

    sources: Mapping[str, Build]
    builder: Builder | None

    def is_made_from(self, dockerfile: Path) -> bool:
        """Tell whether this is one of its Dockerfiles."""
        files = [source.file for source in self.sources.values() if source.file is not None]
        return any(_relative(file, dockerfile) == "." for file in files)


def find_builds(
    root: Path, settings: Settings, environment: Mapping[str, str], *, only: Collection[str] = ()
) -> Discovery:
    """Find what the project builds: by a compose file, else by a Dockerfile, else nothing.

    Args:
        root: the project's folder.
        settings: of the project.
        environment: for the variables of compose files, and in the names of included files.
        only: of several compose services, those to build.

    Raises:
        DockerfileError: a Dockerfile can't be understood.
        ComposeError: a compose file can't be understood.
        UsageError: a setting names what is not there.
    """
    named, context = _named_in(split_command("build_command", settings.build_command), root)
    is_composed = settings.builder in {"auto", "compose", "podman-compose"}
    if is_composed and not settings.dockerfile:
        compose = find_compose(root, settings.builder, environment)
        image = _compose_image(compose, root, settings, environment, only) if compose else None
        if image is not None and (named is None or image.is_made_from(named)):
            return image
    if settings.builder in {"compose", "podman-compose"} or settings.service:
        raise UsageError(
            "there is no compose file with a service to build",
            hint=f"COMPOSE_FILE, or one of {', '.join(COMPOSE_FILES)} is looked for in the "
            "project's folder, and above it in the repository",
        )
    path = root / settings.dockerfile if settings.dockerfile else named
    if path is None:
        candidates = [folder / "Dockerfile" for folder in (context or root, root)]
        path = next(filter(Path.is_file, candidates), candidates[-1])
    shown = _relative(path, root)
    data = read(path, shown=shown)
    if data is None and (settings.dockerfile or named):
        told_by = "dockerfile" if settings.dockerfile else "build_command"
        raise UsageError(
            f"there is no {shown}, which the setting {told_by} names",
            hint="it is relative to the project's folder",
        )
    sources = {}
    if data is not None:
        context = context or path.parent
        sources[""] = Build(
            path=shown,
            text=_decode(data, shown),
            files=tuple(_relative(root / file, context) for file in settings.files),
            wanted=find_included((root / file for file in settings.files), environment),
            environment=environment,
            context=context,
            file=path,
        )
    if settings.build_command:
        return _command_image(sources, root, settings, environment)
    if not sources:
        return Discovery(sources={}, builder=None)
    builder = plain_builder(
        choose_engine(settings.builder, environment),
        dockerfile=path,
        folder=root,
        image=settings.image or image_name(root),
        platform=settings.platform,
        verify=settings.verify,
    )
    return Discovery(sources=sources, builder=builder)


def _compose_image(
    compose: ComposeProject,
    root: Path,
    settings: Settings,
    environment: Mapping[str, str],
    only: Collection[str],
) -> Discovery | None:
    """Return what a compose project builds for the requirements files; None: nothing.

    A compose file above the project's folder counts for what it says of these files alone.
    """
    built = {
        service.name: service
        for service in compose.file.buildable(settings.service or None)
        if service.build is not None and not service.build.is_remote
    }
    sources = {
        name: _source_of(service, service.build, root, settings, compose)
        for name, service in built.items()
        if service.build is not None
    }
    installing = {
        name: source for name, source in sources.items() if source.installs(source.wanted)
    }
    if compose.file.unread and not installing and not compose.is_above:
        raise ComposeError(
            f"no service installs {settings.file}, as far as can be seen without docker compose 2: "
            f"what {' and '.join(compose.file.unread)} has is not known",
            path=compose.file.path,
            hint="install docker compose 2, or name the Dockerfile with the setting `dockerfile`",
        )
    if not sources or (compose.is_above and not installing and not settings.service):
        return None
    chosen = {
        name: source for name, source in (installing or sources).items() if name in only or not only
    }
    services = [built[name] for name in chosen]
    images = {service.image for service in services} - {None}
    using = [
        service
        for service in compose.file.services
        if service.name in chosen or (service.build is None and service.image in images)
    ]
    builder = compose_builder(
        compose.program,
        folder=compose.folder,
        services=_without_twins(services),
        starts=[service for service in using if not service.profiles] or using,
        verify=settings.verify,
    )
    if not settings.build_command:
        return Discovery(sources=chosen, builder=builder)
    return _command_image(
        chosen,
        root,
        settings,
        environment,
        image=next(iter(images)) if len(images) == 1 else None,
        next_step=builder.next_step,
    )


def _without_twins(services: Sequence[Service]) -> list[Service]:
    """Leave out the services that build the same image of the same name as one before them.

    Where no name is given, compose gives each service one of its own, and each must be built.
    """
    kept: list[Service] = []
    for service in services:
        twins = [
            other
            for other in kept
            if service.image is not None
            and (service.image, service.build, service.platform)
            == (other.image, other.build, other.platform)
        ]
        if not twins:
            kept.append(service)
    return kept


def _command_image(
    sources: Mapping[str, Build],
    root: Path,
    settings: Settings,
    environment: Mapping[str, str],
    *,
    image: str | None = None,
    next_step: str = "",
) -> Discovery:
    """Return what the setting ``build_command`` builds, with what it says on its command line."""
    places = {(source.file, source.context) for source in sources.values()}
    path, folder = places.pop() if len(places) == 1 else (None, None)
    file = "" if path is None else _relative(path, root)
    context = "" if folder is None else _relative(folder, root)
    name = settings.image or image or image_name(root)
    program = (*split_command("build_command", settings.build_command), "")[0]
    builder = command_builder(
        settings.build_command,
        {"file": file, "context": context, "image": name, "platform": settings.platform},
        folder=root,
        engine=choose_engine(_ENGINES.get(program, settings.builder), environment),
        image=name,
        next_step=next_step,
        verify=settings.verify,
    )
    return Discovery(
        sources={
            service: _as_commanded(source, builder.command, root, environment)
            for service, source in sources.items()
        },
        builder=builder,
    )


def _as_commanded(
    source: Build, command: Sequence[str], root: Path, environment: Mapping[str, str]
) -> Build:
    """Return a source with the options of a build's command line in force."""
    args = [argument.partition("=") for argument in _values_of("--build-arg", command)]
    secrets = [
        dict(part.partition("=")[::2] for part in secret.split(","))
        for secret in _values_of("--secret", command)
    ]
    platforms = ",".join(_values_of("--platform", command)).split(",")
    return replace(
        source,
        build_args={
            **source.build_args,
            **{
                name: value if equals else environment[name]
                for name, equals, value in args
                if equals or name in environment
            },
        },
        unset_args=(
            *source.unset_args,
            *(name for name, equals, _ in args if not equals and name not in environment),
        ),
        stage=[source.stage, *_values_of("--target", command)][-1],
        platforms=tuple(name for name in platforms if name) or source.platforms,
        secrets=(
            *source.secrets,
            *(
                Secret(
                    name=secret["id"],
                    file=str(root / found)
                    if (found := secret.get("src", secret.get("source")))
                    else None,
                    variable=secret.get("env"),
                )
                for secret in secrets
                if "id" in secret
            ),
        ),
    )


def _named_in(command: Sequence[str], root: Path) -> tuple[Path | None, Path | None]:
    """Return the Dockerfile and the context that a build's command line names itself."""
    at = next((at for at, word in enumerate(command) if word in {"build", "bud"}), len(command))
    if any("compose" in word for word in command[:at]):
        return None, None
    words = command[at + 1 :]
    named = [*_values_of("--file", words), *_values_of("-f", words)]
    files = [root / name for name in named if "{" not in name]
    folders = [root / word for word in words[-1:] if not word.startswith("-")]
    return [None, *files][-1], next(filter(Path.is_dir, folders), None)


def _values_of(option: str, command: Sequence[str]) -> list[str]:
    """Return the values that a command line gives an option, in either of its forms."""
    following = [value for word, value in itertools.pairwise(command) if word == option]
    joined = [word.partition("=")[2] for word in command if word.startswith(f"{option}=")]
    return following + joined


def find_target(
    image: Discovery, settings: Settings, environment: Mapping[str, str]
) -> tuple[Target, tuple[str, ...]]:
    """Return what versions are chosen for, and what had to be assumed.

    Args:
        image: what is built; without one, the target is this host's own Python.
        settings: of the project.
        environment: for ``DOCKER_DEFAULT_PLATFORM``.

    Raises:
        DockerfileError: a base image depends on a variable without value.
        ComposeError: several services are meant, and their images differ.
        TargetError: the image's Python or platform can't be known, or the setting makes no sense.
    """
    _require_sense(settings)
    if not image.sources:
        if image.builder is not None and not settings.python:
            raise TargetError(
                "can't tell which Dockerfile the setting build_command builds",
                hint="make the setting `dockerfile`, or the setting `python`",
            )
        return _target_without_image(settings, environment), ()
    bases = BaseImages.of(image.builder, environment)
    found = {
        name: _target_of(source, settings, environment, bases)
        for name, source in image.sources.items()
    }
    targets = [target for target, _ in found.values()]
    if any(_image_of(target) != _image_of(targets[0]) for target in targets):
        told = "; ".join(f"{name}: {target}" for name, (target, _) in found.items())
        raise ComposeError(
            f"the services that install {settings.file} have different images ({told})",
            hint="name the one that is meant with the setting `service`",
        )
    warnings = dict.fromkeys(warning for _, told in found.values() for warning in told)
    return _strictest(targets), tuple(warnings)


def _require_sense(settings: Settings) -> None:
    """Check the settings that the Dockerfile would be blamed for.

    Raises:
        TargetError: one makes no sense.
    """
    for name in filter(None, map(str.strip, settings.platform.split(","))):
        docker_platform(name, source="the setting platform")
    if settings.python:
        Target.from_python(settings.python, platforms=["linux/amd64"], source="the setting python")


def find_steps(image: Discovery, root: Path, base: Interpreter | None) -> tuple[InstallStep, ...]:
    """Return the steps that install the requirements files in the images.

    Args:
        image: what is built.
        root: the project's folder.
        base: the base image's own account, where it was asked.
    """
    asked: dict[str, str] = {}
    if base is not None:
        for name, value in base.pip_configuration:
            asked[f"PIP_{name.upper().replace('-', '_')}"] = value
    steps: dict[InstallStep, None] = {}  # several services may build one image
    for source in image.sources.values():
        for install in source.steps(source.read(keep_unknown=True)):
            configured = read_configuration(install, source.context)
            inherited = {**asked, **configured.values, **dict(base.environment if base else ())}
            step = InstallStep(
                place=f"{source.path}:{install.line}",
                context=_relative(source.context, root),
                install=install,
                inherited=tuple(inherited.items()),
                unread=configured.unread,
            )
            steps[step] = None
    return tuple(steps)


def find_siblings(image: Discovery, root: Path) -> dict[str, str]:
    """Return what is installed in the same stages, and who says so.

    That are files, relative to the project's root, and addresses.
    """
    found: dict[str, str] = {}
    for source in image.sources.values():
        dockerfile = source.read(keep_unknown=True)
        stages = {step.stage for step in source.steps(dockerfile)}
        for step in dockerfile.steps:
            if step.stage in stages and step.command in {"install", "sync"}:
                place = f"{source.path}:{step.line}"
                for path in step.sources:
                    found[_relative(source.context / path, root)] = place
                found.update((name, place) for name in step.requirements if "://" in name)
    return found


def _source_of(
    service: Service, build: BuildSection, root: Path, settings: Settings, compose: ComposeProject
) -> Build:
    context = compose.base / build.context
    environment = compose.environment
    path: Path | None
    if build.dockerfile_inline is not None:
        shown, text = f"dockerfile_inline of {service.name}", build.dockerfile_inline
        path = None
    else:
        path = context / build.dockerfile
        shown = _relative(path, root)
        data = read(path, shown=shown)
        if data is None:
            raise DockerfileError(
                f"there is no such file, which the service {service.name} builds", path=shown
            )
        text = _decode(data, shown)
    return Build(
        path=shown,
        text=text,
        context=context,
        file=path,
        files=tuple(_relative(root / file, context) for file in settings.files),
        wanted=find_included((root / file for file in settings.files), environment),
        environment=environment,
        build_args={
            name: environment[name] if value is None else value
            for name, value in build.args
            if value is not None or name in environment
        },
        stage=build.target,
        platforms=(service.platform,) if service.platform else build.platforms,
        unset_args=tuple(
            name for name, value in build.args if value is None and name not in environment
        ),
        secrets=tuple(
            replace(
                secret,
                file=str(compose.base / secret.file) if secret.file else None,
                variable=secret.variable if secret.variable not in environment else None,
            )
            for secret in build.secrets
        ),
    )


def _target_of(
    source: Build, settings: Settings, environment: Mapping[str, str], bases: BaseImages
) -> tuple[Target, tuple[str, ...]]:
    """Return the target of the stage that installs the file, and what was assumed."""
    dockerfile = source.read(keep_unknown=True)
    steps = source.steps(dockerfile)
    if not settings.python and not (steps and all(step.python for step in steps)):
        dockerfile = source.read(keep_unknown=False)
    files = " and ".join(source.files)
    warnings: tuple[str, ...] = ()
    if not steps:
        unknown = [
            f"; it does not tell which file of the project line {step.line} installs as {name}"
            for step in dockerfile.steps
            for name in step.unknown
            if name in step.requirements
        ]
        warnings = (
            f"{source.path} does not install {files}, as far as can be seen{''.join(unknown)}; "
            "versions are chosen for the base image of its last stage",
        )
    last = dockerfile.stage_named(source.stage) if source.stage else dockerfile.stages[-1]
    if last is None:
        raise DockerfileError(
            f'there is no stage "{source.stage}", which the compose file builds', path=source.path
        )
    ways = {
        (step.stage, _pip_of(step), step.installer, step.python): (
            f"{source.path}:{step.line}",
            f"{source.path}:{step.line} names Python {step.python} ({step.python_word}), "
            "which counts as the setting `python` would",
        )
        for step in reversed(steps)
    }
    targets: list[Target] = []
    for (stage, (is_upgraded, pip), installer, named), (place, note) in (
        ways or {(last.index, (False, None), "pip", ""): ("", "")}
    ).items():
        base = dockerfile.base_of(stage)
        platforms, notes = _platforms(source, base.platform, settings, environment)
        target = find_base_target(
            base.base,
            bases,
            platforms=platforms,
            source=f"{source.path}:{base.line}",
            python=settings.python or None,
            named=named,
            named_note=note,
            pip_upgraded=is_upgraded,
            pip=pip,
            notes=notes,
        )
        who = place if note in target.notes else ""
        who = "the setting python" if settings.python else who
        targets.append(replace(target, installer=installer, python_source=who))
    if any(_image_of(target) != _image_of(targets[0]) for target in targets):
        told = "; ".join(dict.fromkeys(f"{target} ({target.source})" for target in targets))
        raise DockerfileError(
            f"different images install {files}: {told}",
            path=source.path,
            hint="name another Dockerfile with the setting `dockerfile`, or give each image a "
            "file of its own and name that with the setting `file`",
        )
    return _strictest(targets), warnings


def _pip_of(step: InstallCommand) -> tuple[bool, Version | None]:
    """Tell whether the image's own pip sets no limit at a step, and which other pip does."""
    if step.installer == "uv":
        return True, None
    if step.pip_requirement is None:
        return False, None
    try:
        pip = newest_pip(step.pip_requirement)
    except ValueError:  # a variable that the Dockerfile does not tell
        return False, None
    return pip is None, pip


def _strictest(targets: Sequence[Target]) -> Target:
    """Return the target with the oldest pip: what it takes, newer ones take, and uv as well."""
    return min(targets, key=lambda t: (t.pip is None, t.pip or 0, t.installer == "uv"))


def _image_of(target: Target) -> tuple[object, ...]:
    """Return what of a target is its image's, whatever installs there."""
    return target.python, target.libc, tuple(platform.name for platform in target.platforms)


def _platforms(
    source: Build, stage_platform: str | None, settings: Settings, environment: Mapping[str, str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the platforms, and a note where only this machine tells."""
    if settings.platform:
        return tuple(part.strip() for part in settings.platform.split(",") if part.strip()), ()
    if source.platforms:
        return source.platforms, ()
    if stage_platform:
        return (stage_platform,), ()
    if environment.get("DOCKER_DEFAULT_PLATFORM"):
        return (environment["DOCKER_DEFAULT_PLATFORM"],), ()
    name = docker_platform(host.machine())
    return (name,), (f"the platform is taken to be this machine's, {name}",)


def _target_without_image(settings: Settings, environment: Mapping[str, str]) -> Target:
    note = "there is no Dockerfile: versions are chosen for"
    if settings.python:
        named = settings.platform or environment.get("DOCKER_DEFAULT_PLATFORM")
        platforms = (named or docker_platform(host.machine())).split(",")
        return Target.from_python(
            settings.python,
            platforms=platforms,
            source="setting python",
            notes=(f"{note} the Python of the settings",),
        )
    return Target.from_host(
        python=host.python_version(),
        tags=sys_tags(),
        markers={name: str(value) for name, value in default_environment().items()},
        notes=(f"{note} this host's Python",),
    )


def _decode(data: bytes, shown: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileError("it is not UTF-8 text", path=shown) from error


def _relative(path: Path, folder: Path) -> str:
    return os.path.relpath(path, folder).replace(os.sep, "/")
