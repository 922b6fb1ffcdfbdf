"""The image of a project: which Dockerfile installs the file, for what, and what builds it."""

from __future__ import annotations

import os
import platform as host
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from packaging.markers import default_environment
from packaging.tags import sys_tags

from ..compose import ComposeFile
from ..dockerfile import Dockerfile
from ..errors import ComposeError, DockerfileError, FileError, UsageError
from ..files import read
from ..images import compose_builder, image_name, plain_builder
from ..target import Target, docker_platform

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ..compose import Build, Service
    from ..dockerfile import InstallStep
    from ..images import Builder
    from ..settings import Settings

COMPOSE_FILES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A Dockerfile that installs the requirements file, and how it is built.

    Attributes:
        path: the Dockerfile, as messages show it.
        text: what it says.
        files: the requirements files, as the build context has them.
        build_args: the build arguments it gets.
        stage: the stage that is built; the last, where it is None.
        platforms: those it is built for, where the compose file says so.
    """

    path: str
    text: str
    files: tuple[str, ...]
    build_args: Mapping[str, str] = field(default_factory=dict)
    stage: str | None = None
    platforms: tuple[str, ...] = ()

    def read(self, *, keep_unknown: bool) -> Dockerfile:
        """Read the Dockerfile; with ``keep_unknown``, also one whose base image is not known."""
        return Dockerfile.from_text(
            self.text,
            path=self.path,
            build_args=self.build_args,
            platform=self.platforms[0] if self.platforms else None,
            keep_unknown=keep_unknown,
        )

    @property
    def installs(self) -> bool:
        """Whether the Dockerfile installs one of the files, as far as can be seen."""
        return bool(self.steps(self.read(keep_unknown=True)))

    def steps(self, dockerfile: Dockerfile) -> tuple[InstallStep, ...]:
        """Return the steps that install one of the files."""
        return tuple(step for file in self.files for step in dockerfile.install_steps(file))


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """What the project's image is made from, and what builds it.

    Attributes:
        sources: by the name of the compose service; one without a name for a plain build.
        builder: None where the project has nothing to build.
    """

    sources: Mapping[str, Source]
    builder: Builder | None


def find_image(root: Path, settings: Settings, environment: Mapping[str, str]) -> Image:
    """Find what the project builds: by a compose file, else by a Dockerfile, else nothing.

    Args:
        root: the project's folder.
        settings: of the project.
        environment: for the variables of compose files.

    Raises:
        DockerfileError: a Dockerfile can't be understood.
        ComposeError: a compose file can't be understood.
        UsageError: a setting names what is not there.
    """
    if settings.builder in {"auto", "compose"} and not settings.dockerfile:
        compose = _read_compose(root, environment)
        services = compose.buildable(settings.service or None) if compose is not None else ()
        if services:
            sources = {
                service.name: _source_of(service, service.build, root, settings, environment)
                for service in services
                if service.build is not None
            }
            chosen = {name: source for name, source in sources.items() if source.installs}
            return Image(
                sources=chosen or sources, builder=compose_builder(root, tuple(chosen or sources))
            )
    if settings.builder == "compose" or settings.service:
        raise UsageError(
            "there is no compose file with a service to build",
            hint=f"one of {', '.join(COMPOSE_FILES)} is looked for in the project's folder",
        )
    path = root / (settings.dockerfile or "Dockerfile")
    shown = _relative(path, root)
    data = read(path, shown=shown)
    if data is None:
        if settings.dockerfile:
            raise UsageError(
                f"there is no {settings.dockerfile}",
                hint="the setting `dockerfile` is relative to the project's folder",
            )
        return Image(sources={}, builder=None)
    source = Source(
        path=shown,
        text=_decode(data, shown),
        files=tuple(_relative(root / file, path.parent) for file in settings.files),
    )
    builder = plain_builder(
        settings.builder,
        dockerfile=path,
        folder=root,
        image=settings.image or image_name(root),
        platform=settings.platform,
    )
    return Image(sources={"": source}, builder=builder)


def find_target(
    image: Image, settings: Settings, environment: Mapping[str, str]
) -> tuple[Target, tuple[str, ...]]:
    """Return what versions are chosen for, and what had to be assumed.

    Args:
        image: what is built; without one, the target is this host's own Python.
        settings: of the project.
        environment: for ``DOCKER_DEFAULT_PLATFORM``.

    Raises:
        DockerfileError: a base image depends on a variable without value.
        ComposeError: several services are meant, and their images differ.
        TargetError: the image's Python or platform can't be known.
    """
    if not image.sources:
        return _target_without_image(settings, environment), ()
    found = {
        name: _target_of(source, settings, environment) for name, source in image.sources.items()
    }
    targets = [target for target, _ in found.values()]
    if any((t.python, t.platforms) != (targets[0].python, targets[0].platforms) for t in targets):
        told = "; ".join(f"{name}: {target}" for name, (target, _) in found.items())
        raise ComposeError(
            f"the services that install {settings.file} have different images ({told})",
            hint="name the one that is meant with the setting `service`",
        )
    warnings = dict.fromkeys(warning for _, told in found.values() for warning in told)
    return targets[0], tuple(warnings)


def _source_of(
    service: Service, build: Build, root: Path, settings: Settings, environment: Mapping[str, str]
) -> Source:
    context = root / build.context
    if build.dockerfile_inline is not None:
        shown, text = f"dockerfile_inline of {service.name}", build.dockerfile_inline
    else:
        path = context / build.dockerfile
        shown = _relative(path, root)
        data = read(path, shown=shown)
        if data is None:
            raise DockerfileError(
                f"there is no such file, which the service {service.name} builds", path=shown
            )
        text = _decode(data, shown)
    return Source(
        path=shown,
        text=text,
        files=tuple(_relative(root / file, context) for file in settings.files),
        build_args={
            name: environment[name] if value is None else value
            for name, value in build.args
            if value is not None or name in environment
        },
        stage=build.target,
        platforms=(service.platform,) if service.platform else build.platforms,
    )


def _target_of(
    source: Source, settings: Settings, environment: Mapping[str, str]
) -> tuple[Target, tuple[str, ...]]:
    """Return the target of the stage that installs the file, and what was assumed."""
    dockerfile = source.read(keep_unknown=bool(settings.python))
    steps = source.steps(dockerfile)
    files = " and ".join(source.files)
    warnings: tuple[str, ...] = ()
    if not steps:
        warnings = (
            f"{source.path} does not install {files}, as far as can be seen; "
            "versions are chosen for the base image of its last stage",
        )
    last = dockerfile.stage_named(source.stage) if source.stage else dockerfile.stages[-1]
    if last is None:
        raise DockerfileError(
            f'there is no stage "{source.stage}", which the compose file builds', path=source.path
        )
    targets: list[Target] = []
    for index in dict.fromkeys(step.stage for step in steps) or [last.index]:
        base = dockerfile.base_of(index)
        platforms, notes = _platforms(source, base.platform, settings, environment)
        here = [step for step in steps if step.stage == index]
        targets.append(
            Target.from_image(
                base.base,
                platforms=platforms,
                source=f"{source.path}:{base.line}",
                python=settings.python or None,
                pip_upgraded=any(step.pip_upgraded or step.installer == "uv" for step in here),
                notes=notes,
            )
        )
    if any(str(target) != str(targets[0]) for target in targets):
        told = "; ".join(f"{target} ({target.source})" for target in targets)
        raise DockerfileError(
            f"{files} is installed for different images: {told}",
            path=source.path,
            hint="install it in stages of one image, or give each image a file of its own",
        )
    return targets[-1], warnings


def _platforms(
    source: Source, stage_platform: str | None, settings: Settings, environment: Mapping[str, str]
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


def _decode(data: bytes, shown: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileError("it is not UTF-8 text", path=shown) from error


def _relative(path: Path, folder: Path) -> str:
    return os.path.relpath(path, folder).replace(os.sep, "/")
