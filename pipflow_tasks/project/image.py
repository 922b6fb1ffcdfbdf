"""The image of a project: which Dockerfile installs the file, for what, and what builds it."""

from __future__ import annotations

import os
import platform as host
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.markers import default_environment
from packaging.tags import sys_tags

from ..compose import ComposeFile
from ..dockerfile import Dockerfile
from ..errors import ComposeError, DockerfileError, FileError, UsageError
from ..files import read
from ..images import Builder, compose_builder, image_name, plain_builder
from ..target import Target, docker_platform

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from ..compose import Build, Service
    from ..settings import Settings

COMPOSE_FILES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """What the image accepts, and what builds it.

    Attributes:
        target: what versions are chosen for.
        builder: None where the project has nothing to build.
        warnings: what was assumed on the way.
    """

    target: Target
    builder: Builder | None
    warnings: tuple[str, ...] = ()


def find_image(root: Path, settings: Settings, environment: Mapping[str, str]) -> Image:
    """Find out what the project's image accepts and what builds it.

    A compose file comes first, then a Dockerfile, then this host's own Python.

    Args:
        root: the project's folder.
        settings: of the project.
        environment: for the variables of compose files, and ``DOCKER_DEFAULT_PLATFORM``.

    Raises:
        DockerfileError: a Dockerfile can't be understood.
        ComposeError: a compose file can't be understood, or does not tell which service is meant.
        TargetError: the image's Python or platform can't be known.
        UsageError: a setting names what is not there.
    """
    if settings.builder in {"auto", "compose"} and not settings.dockerfile:
        compose = _read_compose(root, environment)
        services = compose.buildable(settings.service or None) if compose is not None else ()
        if compose is not None and services:
            return _image_of_services(root, settings, environment, compose, services)
    if settings.builder == "compose" or settings.service:
        raise UsageError(
            "there is no compose file with a service to build",
            hint=f"one of {', '.join(COMPOSE_FILES)} is looked for in the project's folder",
        )
    dockerfile = root / (settings.dockerfile or "Dockerfile")
    if dockerfile.is_file():
        return _image_of_dockerfile(root, settings, environment, dockerfile)
    if settings.dockerfile:
        raise UsageError(
            f"there is no {settings.dockerfile}",
            hint="the setting `dockerfile` is relative to the project's folder",
        )
    return Image(target=_target_without_image(settings, environment), builder=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """A Dockerfile and how it is built."""

    dockerfile: Dockerfile
    file: str  # the requirements file, as the build context has it
    stage: str | None = None
    platforms: tuple[str, ...] = ()

    @property
    def installs(self) -> bool:
        return bool(self.dockerfile.install_steps(self.file))


def _image_of_dockerfile(
    root: Path, settings: Settings, environment: Mapping[str, str], path: Path
) -> Image:
    source = _Source(
        dockerfile=_read_dockerfile(path, root, settings, {}, None),
        file=_relative(root / settings.file, path.parent),
    )
    target, warnings = _target_of(source, settings, environment)
    builder = plain_builder(
        settings.builder,
        dockerfile=path,
        folder=root,
        image=settings.image or image_name(root),
        platform=settings.platform,
    )
    return Image(target=target, builder=builder, warnings=warnings)


def _image_of_services(
    root: Path,
    settings: Settings,
    environment: Mapping[str, str],
    compose: ComposeFile,
    services: Sequence[Service],
) -> Image:
    sources = {
        service.name: _source_of(service, service.build, root, settings, environment)
        for service in services
        if service.build is not None
    }
    chosen = {name: source for name, source in sources.items() if source.installs} or sources
    found = {name: _target_of(source, settings, environment) for name, source in chosen.items()}
    targets = [target for target, _ in found.values()]
    if any((t.python, t.platforms) != (targets[0].python, targets[0].platforms) for t in targets):
        told = "; ".join(f"{name}: {target}" for name, (target, _) in found.items())
        raise ComposeError(
            f"the services that install {settings.file} have different images ({told})",
            path=compose.path,
            hint="name the one that is meant with the setting `service`",
        )
    warnings = dict.fromkeys(warning for _, told in found.values() for warning in told)
    return Image(
        target=targets[0], builder=compose_builder(root, tuple(chosen)), warnings=tuple(warnings)
    )


def _source_of(
    service: Service, build: Build, root: Path, settings: Settings, environment: Mapping[str, str]
) -> _Source:
    context = root / build.context
    platforms = (service.platform,) if service.platform else build.platforms
    arguments = {
        name: environment.get(name, "") if value is None else value
        for name, value in build.args
        if value is not None or name in environment
    }
    platform = platforms[0] if platforms else None
    if build.dockerfile_inline is not None:
        dockerfile = Dockerfile.from_text(
            build.dockerfile_inline,
            path=f"dockerfile_inline of {service.name}",
            build_args=arguments,
            platform=platform,
            keep_unknown=bool(settings.python),
        )
    else:
        path = context / build.dockerfile
        dockerfile = _read_dockerfile(path, root, settings, arguments, platform)
    return _Source(
        dockerfile=dockerfile,
        file=_relative(root / settings.file, context),
        stage=build.target,
        platforms=platforms,
    )


def _target_of(
    source: _Source, settings: Settings, environment: Mapping[str, str]
) -> tuple[Target, tuple[str, ...]]:
    """Return the target of the stage that installs the file, and what was assumed."""
    dockerfile = source.dockerfile
    steps = dockerfile.install_steps(source.file)
    warnings: list[str] = []
    if not steps:
        warnings.append(
            f"{dockerfile.path} does not install {source.file}, as far as can be seen; "
            "versions are chosen for the base image of its last stage"
        )
    last = dockerfile.stage_named(source.stage) if source.stage else dockerfile.stages[-1]
    if last is None:
        raise DockerfileError(
            f'there is no stage "{source.stage}", which the compose file builds',
            path=dockerfile.path,
        )
    targets: list[Target] = []
    for index in dict.fromkeys(step.stage for step in steps) or [last.index]:
        stage = dockerfile.base_of(index)
        platforms, notes = _platforms(source, stage.platform, settings, environment)
        targets.append(
            Target.from_image(
                stage.base,
                platforms=platforms,
                source=f"{dockerfile.path}:{stage.line}",
                python=settings.python or None,
                pip_upgraded=any(
                    step.pip_upgraded or step.installer == "uv"
                    for step in steps
                    if step.stage == index
                ),
                notes=notes,
            )
        )
    if any(str(target) != str(targets[0]) for target in targets):
        told = "; ".join(f"{target} ({target.source})" for target in targets)
        raise DockerfileError(
            f"{source.file} is installed for different images: {told}",
            path=dockerfile.path,
            hint="install it in stages of one image, or give each image a file of its own",
        )
    return targets[-1], tuple(warnings)


def _platforms(
    source: _Source, stage_platform: str | None, settings: Settings, environment: Mapping[str, str]
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


def _read_compose(root: Path, environment: Mapping[str, str]) -> ComposeFile | None:
    for name in COMPOSE_FILES:
        data = read(root / name, shown=name)
        if data is not None:
            return ComposeFile.from_text(_decode(data, name), path=name, environment=environment)
    return None


def _read_dockerfile(
    path: Path,
    root: Path,
    settings: Settings,
    build_args: Mapping[str, str],
    platform: str | None,
) -> Dockerfile:
    shown = _relative(path, root)
    data = read(path, shown=shown)
    if data is None:
        raise DockerfileError("there is no such file, which the compose file builds", path=shown)
    return Dockerfile.from_text(
        _decode(data, shown),
        path=shown,
        build_args=build_args,
        platform=platform,
        keep_unknown=bool(settings.python),
    )


def _decode(data: bytes, shown: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileError("it is not UTF-8 text", path=shown) from error


def _relative(path: Path, folder: Path) -> str:
    return os.path.relpath(path, folder).replace(os.sep, "/")
