"""What versions are chosen for: the target of the step that installs the requirements files."""

from __future__ import annotations

import platform as host
from collections import Counter
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace
from packaging.markers import default_environment
from packaging.tags import sys_tags

from ..engine import BaseImages
from ..errors import ComposeError, DockerfileError, TargetError
from ..target import Target, docker_platform, newest_pip
from .base_image import BaseImage, find_base_target

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from packaging.version import Version

    from ..dockerfile import Dockerfile, InstallCommand, Stage
    from ..settings import Settings
    from .build import Build
    from .discovery import Discovery


class FoundTarget(Struct, frozen=True, kw_only=True):
    """The target of one environment.

    Attributes:
        name: the compose service, else the Dockerfile's path; ``host`` or ``python`` without one.
        target: what versions are chosen for.
        builds: the builds that have it.
        notices: what had to be assumed.
    """

    name: str
    target: Target
    builds: tuple[Build, ...] = ()
    notices: tuple[str, ...] = ()


def find_targets(
    discovery: Discovery, settings: Settings, variables: Mapping[str, str]
) -> tuple[FoundTarget, ...]:
    """Return the targets; one, for builds with different targets are refused.

    Args:
        discovery: what is built; without a build, the target is this host's own Python.
        settings: of the project.
        variables: for ``DOCKER_DEFAULT_PLATFORM``.

    Raises:
        DockerfileError: a base image depends on a variable without value.
        ComposeError: several services are meant, and their images differ.
        TargetError: the image's Python or platform is unknown, or the setting is not valid.
    """
    _require_sense(settings)
    builds = discovery.builds
    if not builds:
        if discovery.builder is not None and not settings.python:
            raise TargetError(
                "it is unknown which Dockerfile the setting build_command builds",
                hint="set `dockerfile` or `python`",
            )
        name = "python" if settings.python else "host"
        return (FoundTarget(name=name, target=_target_without_image(settings, variables)),)
    bases = BaseImages.of(discovery.builder, variables)
    found = [_find_target(build, settings, variables, bases) for build in builds]
    if any(_image_of(each.target) != _image_of(found[0].target) for each in found):
        told = "; ".join(
            f"{build.recipe.service}: {each.target}"
            for build, each in zip(builds, found, strict=True)
        )
        raise ComposeError(
            f"the services that install {settings.file} have different images ({told})",
            hint="name the one that is meant with the setting `service`",
        )
    return (
        FoundTarget(
            name=_name_of(builds),
            target=_strictest([each.target for each in found]),
            builds=builds,
            notices=tuple(dict.fromkeys(notice for each in found for notice in each.notices)),
        ),
    )


def _name_of(builds: Sequence[Build]) -> str:
    """Return the name of the environment of equal builds: that of the first."""
    first = builds[0].recipe
    paths = Counter(build.recipe.path for build in builds)
    is_one_of_several = paths[first.path] > 1 and first.stage is not None
    return first.service or (f"{first.path}#{first.stage}" if is_one_of_several else first.path)


def _require_sense(settings: Settings) -> None:
    """Check settings before an error would name the Dockerfile.

    Raises:
        TargetError: one is not valid.
    """
    for name in filter(None, map(str.strip, settings.platform.split(","))):
        docker_platform(name, source="the setting platform")
    if settings.python:
        Target.from_python(settings.python, platforms=["linux/amd64"], source="the setting python")


# --- one build ------------------------------------------------------------------------------------


class _Way(Struct, frozen=True, kw_only=True):
    """How steps install: in which stage, with which installer and Python.

    Attributes:
        stage: index of the stage.
        pip_upgraded: the image's own pip sets no limit.
        pip: the pip that the Dockerfile installs before, where that is known.
        installer: whose rules count.
        python: the version of Python that the step names, or an empty string.
    """

    stage: int
    pip_upgraded: bool = False
    pip: Version | None = None
    installer: str = "pip"
    python: str = ""


def _find_target(
    build: Build, settings: Settings, variables: Mapping[str, str], bases: BaseImages
) -> FoundTarget:
    """Return the target of the stage that installs the files, and what was assumed."""
    dockerfile, steps = build.dockerfile, build.steps
    if not settings.python and not (steps and all(step.python for step in steps)):
        dockerfile.require_known()
    last = _built_stage(dockerfile, build)
    ways: dict[_Way, InstallCommand | None] = {_way_of(step): step for step in reversed(steps)}
    targets = [
        _target_of(way, step, build, settings, variables, bases)
        for way, step in (ways or {_Way(stage=last.index): None}).items()
    ]
    if any(_image_of(target) != _image_of(targets[0]) for target in targets):
        told = "; ".join(dict.fromkeys(f"{target} ({target.source})" for target in targets))
        raise DockerfileError(
            f"different images install {_listed(build)}: {told}",
            path=build.recipe.path,
            hint="name another Dockerfile with the setting `dockerfile`, or give each image a "
            "file of its own and name that with the setting `file`",
        )
    return FoundTarget(
        name=build.recipe.service,
        target=_strictest(targets),
        notices=() if steps else (_not_installed(build),),
    )


def _built_stage(dockerfile: Dockerfile, build: Build) -> Stage:
    stage = build.recipe.stage
    last = dockerfile.stage_named(stage) if stage else dockerfile.stages[-1]
    if last is None:
        raise DockerfileError(
            f'there is no stage "{stage}", which the compose file builds', path=build.recipe.path
        )
    return last


def _not_installed(build: Build) -> str:
    """Return a notice that no step installs the files, and what may be why."""
    unknown = [
        f"; it is unknown which file of the project line {step.line} installs as {name}"
        for step in build.dockerfile.steps
        for name in step.unknown
        if name in step.requirements
    ]
    return (
        f"{build.recipe.path} does not install {_listed(build)}"
        f"{''.join(unknown)}; versions are chosen for the base image of its last stage"
    )


def _listed(build: Build) -> str:
    return " and ".join(build.files)


def _target_of(
    way: _Way,
    step: InstallCommand | None,
    build: Build,
    settings: Settings,
    variables: Mapping[str, str],
    bases: BaseImages,
) -> Target:
    """Return the target of a step; without one, that of a stage as it is."""
    base = build.dockerfile.base_of(way.stage)
    platforms, notes = _platforms(build, base.platform, settings, variables)
    note = "" if step is None else _python_note(step, build)
    target = find_base_target(
        BaseImage(
            reference=base.base,
            source=f"{build.recipe.path}:{base.line}",
            platforms=platforms,
            pip_upgraded=way.pip_upgraded,
            pip=way.pip,
            notes=notes,
        ),
        bases,
        python=settings.python or None,
        named=way.python,
        named_note=note,
    )
    who = build.place_of(step) if step is not None and note in target.notes else ""
    who = "the setting python" if settings.python else who
    return replace(target, installer=way.installer, python_source=who)


def _python_note(step: InstallCommand, build: Build) -> str:
    return (
        f"{build.place_of(step)} names Python {step.python} ({step.python_word}), "
        "which counts as the setting `python` would"
    )


def _way_of(step: InstallCommand) -> _Way:
    pip_upgraded, pip = _pip_of(step)
    return _Way(
        stage=step.stage,
        pip_upgraded=pip_upgraded,
        pip=pip,
        installer=step.installer,
        python=step.python,
    )


def _pip_of(step: InstallCommand) -> tuple[bool, Version | None]:
    """Return whether the image's own pip sets no limit at a step, and which other pip does."""
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
    """Return the target with the oldest pip: newer ones and uv take what it takes."""
    return min(targets, key=lambda t: (t.pip is None, t.pip or 0, t.installer == "uv"))


def _image_of(target: Target) -> tuple[object, ...]:
    """Return what of a target belongs to its image, not to its installer."""
    return target.python, target.libc, tuple(platform.name for platform in target.platforms)


def _platforms(
    build: Build, stage_platform: str | None, settings: Settings, variables: Mapping[str, str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the platforms, and a note where only this machine tells."""
    if settings.platform:
        return tuple(part.strip() for part in settings.platform.split(",") if part.strip()), ()
    if build.recipe.platforms:
        return build.recipe.platforms, ()
    if stage_platform:
        return (stage_platform,), ()
    if variables.get("DOCKER_DEFAULT_PLATFORM"):
        return (variables["DOCKER_DEFAULT_PLATFORM"],), ()
    name = docker_platform(host.machine())
    return (name,), (f"the platform is assumed to be this machine's, {name}",)


# --- no build -------------------------------------------------------------------------------------


def _target_without_image(settings: Settings, variables: Mapping[str, str]) -> Target:
    note = "there is no Dockerfile: versions are chosen for"
    if settings.python:
        named = settings.platform or variables.get("DOCKER_DEFAULT_PLATFORM")
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
