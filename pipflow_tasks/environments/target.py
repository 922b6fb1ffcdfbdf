"""What versions are chosen for: the target of the step that installs the requirements files.

A base image is known by the settings, else by its name, else by what it says itself.
"""

from __future__ import annotations

import platform as host
from collections import Counter
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace
from packaging.markers import default_environment
from packaging.tags import sys_tags

from ..engine import BaseImages
from ..errors import DockerfileError, TargetError
from ..index.pip_settings import is_yes
from ..settings import split_values
from ..target import (
    ASSUMED_PLATFORM,
    BaseImage,
    Restriction,
    Target,
    docker_platform,
    newest_pip,
    restrict,
)
from .base_image import Asking, find_target, target_of_base
from .build import makes_wheels, steps_with_files
from .parts import name_parts
from .uninstalled import bypassed_error, explain_uninstalled, is_chosen, uninstalled_error

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from packaging.version import Version

    from ..dockerfile import InstallCommand, Stage
    from ..settings import OneOrEach, Settings
    from .build import Build
    from .discovery import Discovery
    from .parts import Part


_HOST = "host"
"""The value of the setting ``python`` for this host's own."""

_MOST_CHOICES = 3
"""How many other Dockerfiles a message names."""


class FoundTarget(Struct, frozen=True, kw_only=True):
    """The target of one environment, with the builds that have it, and what had to be assumed.

    Attributes:
        name: the compose service, else the Dockerfile's path, with ``#stage`` where one of them
            has several; ``host`` or ``python`` without any.
        build_name: the same without the stage.
        target: what it accepts.
        parts: where it is in its builds.
        choice: the Dockerfile, where others install the files too and nothing says which is meant.
        notices: what had to be assumed.
    """

    name: str
    build_name: str = ""
    target: Target
    parts: tuple[Part, ...] = ()
    choice: str = ""
    notices: tuple[str, ...] = ()

    @property
    def builds(self) -> tuple[Build, ...]:
        """The builds that contain it, with the steps of this environment alone."""
        return tuple(part.build for part in self.parts)


def find_targets(
    discovery: Discovery,
    settings: Settings,
    variables: Mapping[str, str],
    *,
    for_patch: bool = False,
    is_new: bool = False,
) -> tuple[FoundTarget, ...]:
    """Return the target of each environment: of each Python in one stage that gets the files.

    Environments may be equal: what is installed into them is looked at later. Without a build, the
    target is this host's own Python, or that of the settings. The variables
    are for ``DOCKER_DEFAULT_PLATFORM``. With ``for_patch``, an engine is also asked for the patch
    level of a Python of which a name says the series. With ``is_new``, the file is to be installed
    into the last stage of builds that install none.

    Raises:
        DockerfileError: a base image depends on a variable without value.
        TargetError: no build installs the files, the image's Python or platform is unknown, or the
            setting is not valid.
    """
    _require_valid(settings)
    builds = discovery.builds
    named = name_parts(builds)
    if not named:
        return (_target_without_build(discovery, settings, variables),)
    if settings.python == _HOST:
        own = [each.name for each in named] if len(named) > 1 else [_HOST]
        found = [
            FoundTarget(name=name, build_name=name, target=_host_of_setting(), parts=(each.part,))
            for name, each in zip(own, named, strict=True)
        ]
        return tuple(_with_own_names(found))
    bases = BaseImages.of(discovery.builder, variables, for_patch=for_patch)
    asked = [
        Asking(
            build=each.part.build,
            bases=bases,
            chosen=settings.chosen_for(each.names),
            variables=variables,
        )
        for each in named
    ]
    _require_installed(discovery, settings, asked, is_new=is_new)
    missing = (_not_installed(each, discovery) for each in asked if not each.build.steps)
    notices = tuple(dict.fromkeys([*discovery.notices, *missing]))
    found = [
        FoundTarget(
            name=each.name,
            build_name=each.build_name,
            target=target,
            parts=(part,),
            choice=each.part.build.recipe.path if discovery.is_open else "",
            notices=notices,
        )
        for each, asking in zip(named, asked, strict=True)
        for target, part in _targets_or_choice(each.part, asking, discovery)
    ]
    return tuple(_with_own_names(found))


def _require_installed(
    discovery: Discovery, settings: Settings, asked: Sequence[Asking], *, is_new: bool
) -> None:
    """Check that a build installs the files, or that it is known what they are installed into.

    Raises:
        DockerfileError: a Dockerfile can't be read.
        TargetError: none does.
    """
    builds = discovery.builds
    if all(each.chosen.python for each in asked):
        return
    if not any(build.steps for build in builds) and not _is_settled(
        builds, settings, discovery, is_new=is_new
    ):
        for build in builds:
            _require_own_installer(build)
        builds[0].dockerfile.require_known()
        python = _python_of(asked[0])
        raise uninstalled_error(builds, discovery.library, settings.files, python)
    bypassed = bypassed_error(builds, discovery.library, settings.files)
    if bypassed is not None:
        raise bypassed


def _require_nothing_to_build(discovery: Discovery) -> None:
    """Refuse the host's Python where an image is built somehow.

    Raises:
        TargetError: a build was found that can't be followed.
    """
    if discovery.builder is not None:
        raise TargetError(
            "it is unknown which Dockerfile the setting build_command builds",
            hint="set `dockerfile` or `python`",
        )
    if discovery.passed_over:
        raise TargetError(
            "it is unknown which image installs the requirements: "
            f"{'; '.join(discovery.passed_over)}",
            hint='set `dockerfile` (and `context`), or `python`, e.g. `python: "3.11"` under '
            "`pipflow` in invoke.yaml; `python: host` takes this host's",
        )


def _require_valid(settings: Settings) -> None:
    """Check settings before an error would name the Dockerfile."""
    for value in _values_of(settings.platform):
        for name in split_values(value):
            docker_platform(name, source="the setting platform")
    for value in _values_of(settings.python):
        if value != _HOST:
            Target.from_python(value, platforms=["linux/amd64"], source="the setting python")


def _values_of(value: OneOrEach) -> tuple[str, ...]:
    """Return the values of a setting that may have one for each environment."""
    each = (value,) if isinstance(value, str) else tuple(own for _, own in value)
    return tuple(filter(None, each))


def _with_own_names(targets: Sequence[FoundTarget]) -> Iterator[FoundTarget]:
    """Yield targets with names that differ; those of one place have different Pythons."""
    names = Counter(each.name for each in targets)
    taken: set[str] = set()
    for each in targets:
        name = f"{each.name}:python{each.target.python}" if names[each.name] > 1 else each.name
        number = 2
        while name in taken:
            name, number = f"{each.name}:{number}", number + 1
        taken.add(name)
        yield replace(each, name=name)


def _is_settled(
    builds: Sequence[Build], settings: Settings, discovery: Discovery, *, is_new: bool
) -> bool:
    """Return whether it is known what the files are installed into, though no step does it.

    The settings say it. A file of another name than the usual one was chosen by the user: it goes
    with the files that the steps install.
    """
    if is_chosen(discovery.library, settings.files) and steps_with_files(builds[0]):
        return True
    explained = (explain_uninstalled(build, discovery.library) for build in builds)
    is_meant = bool(settings.stage) or (is_new and not any(map(steps_with_files, builds)))
    return is_meant and not any(each.is_seen for each in explained)


def _not_installed(asking: Asking, discovery: Discovery) -> str:
    build, python = asking.build, asking.chosen.python
    told = "the image of its last stage"
    if build.recipe.stage is not None:
        told = f"the image of the stage {build.recipe.stage}, as the setting stage says"
    if python:
        told = f"Python {python}, as the setting python says"
    elif others := steps_with_files(build):
        told = f"what line {others[0].line} installs into"
    reason = explain_uninstalled(build, discovery.library).reason
    by_others = "".join(
        f"; line {other.line} installs it with {other.program}, from channels of its own"
        for other in build.by_others
    )
    return (
        f"{build.recipe.path} does not install {' and '.join(build.files)}{reason}{by_others}; "
        f"versions are chosen for {told}"
    )


def _python_of(asking: Asking) -> str:
    """Return the Python of the base image of the last stage, as two numbers; empty: unknown."""
    try:
        target = _find_target(asking)
    except (DockerfileError, TargetError):
        return ""
    return ".".join(target.python.split(".")[:2])


def _strictest(targets: Sequence[Target]) -> Target:
    """Return the target with the oldest pip: newer ones and uv take what it takes."""
    return min(targets, key=lambda t: (t.pip is None, t.pip or 0, t.installer == "uv"))


def _image_of(target: Target) -> tuple[object, ...]:
    """Return what of a target belongs to its image, not to its installer."""
    return target.python, target.libc, target.wheels_for, tuple(p.name for p in target.platforms)


def _target_without_build(
    discovery: Discovery, settings: Settings, variables: Mapping[str, str]
) -> FoundTarget:
    """Return the target of the settings, or of this host, where nothing is built.

    Raises:
        TargetError: a build was found that can't be followed.
    """
    chosen = settings.chosen_for(())
    if chosen.python == _HOST:
        return FoundTarget(name=_HOST, build_name=_HOST, target=_host_of_setting())
    note = "there is no Dockerfile: versions are chosen for"
    if not chosen.python:
        _require_nothing_to_build(discovery)
        host_target = _target_of_host(f"{note} this host's Python")
        return FoundTarget(name=_HOST, build_name=_HOST, target=host_target)
    named = chosen.platform or variables.get("DOCKER_DEFAULT_PLATFORM")
    target = Target.from_python(
        chosen.python,
        platforms=(named or docker_platform(host.machine())).split(","),
        source="setting python",
        notes=(f"{note} the Python of the settings",),
    )
    target = replace(target, libc_is_assumed=True)
    return FoundTarget(name="python", build_name="python", target=target)


def _host_of_setting() -> Target:
    return _target_of_host("versions are chosen for this host's Python, as the setting python says")


def _target_of_host(note: str) -> Target:
    return Target.from_host(
        python=host.python_version(),
        tags=sys_tags(),
        markers={name: str(value) for name, value in default_environment().items()},
        notes=(note,),
    )


# --- one build ------------------------------------------------------------------------------------


def _targets_or_choice(
    part: Part, asking: Asking, discovery: Discovery
) -> Iterator[tuple[Target, Part]]:
    """Yield the targets of a part; an error names the other Dockerfiles that may be meant."""
    try:
        yield from _targets_of(part, asking)
    except TargetError as error:
        paths = dict.fromkeys(build.recipe.path for build in discovery.builds)
        others = [path for path in paths if path != asking.build.recipe.path][:_MOST_CHOICES]
        if not discovery.is_open or not others:
            raise
        choices = " or ".join(f"`dockerfile: {path}`" for path in others)
        hint = f"{error.hint}; or name another one that installs the file: {choices}"
        raise TargetError(error.message, path=error.path, line=error.line, hint=hint) from error


def _targets_of(part: Part, asking: Asking) -> Iterator[tuple[Target, Part]]:
    """Yield the target of each image that steps of a part have, with the part of these steps."""
    build = part.build
    if asking.chosen.python == _HOST:
        yield _host_of_setting(), part
        return
    if not build.steps:
        yield _find_target(asking), part
        return
    found: dict[object, list[tuple[InstallCommand, Target]]] = {}
    for step, target in _targets_of_steps(build.steps, asking):
        found.setdefault(_image_of(target), []).append((step, target))
    if len(found) > 1 and any(map(makes_wheels, build.steps)):
        raise _different_images_error(
            build, [target for each in found.values() for _, target in each]
        )
    for each in found.values():
        steps = [step for step, _ in each]
        own = part if len(found) == 1 else part.only(steps)
        yield _strictest([target for _, target in each]), own


def _targets_of_steps(
    steps: Sequence[InstallCommand], asking: Asking
) -> Iterator[tuple[InstallCommand, Target]]:
    last = _last_stage(steps, asking)

    def way_of(step: InstallCommand) -> object:
        restriction = _restriction_of(step, asking.build)
        return step.stage, step.installer, step.python, _pip_of(step), restriction

    ways = {way_of(step): step for step in reversed(steps)}
    targets = {way: _target_of(step, last, asking) for way, step in ways.items()}
    yield from ((step, targets[way_of(step)]) for step in reversed(steps))


def _last_stage(steps: Sequence[InstallCommand], asking: Asking) -> Stage:
    """Return the stage that is built, where all that is to be known of its Dockerfile is known.

    Raises:
        DockerfileError: a base image depends on a variable without value, or there is no stage of
            that name.
        TargetError: conda installs the files.
    """
    build, dockerfile, stage = asking.build, asking.build.dockerfile, asking.build.recipe.stage
    if not asking.chosen.python:
        _require_own_installer(build)
        if not steps or any(step.python.origin != "version" for step in steps):
            dockerfile.require_known()
    last = dockerfile.stage_named(stage) if stage else dockerfile.stages[-1]
    if last is None:
        raise DockerfileError(
            f'there is no stage "{stage}", which {_who_names_stage(build)}', path=build.recipe.path
        )
    return last


def _who_names_stage(build: Build) -> str:
    if build.recipe.service:
        return "the compose file builds"
    return f"the target {build.recipe.bake} builds" if build.recipe.bake else "is to be built"


def _find_target(asking: Asking) -> Target:
    """Return the target of the stage that other files are installed in, or of the last stage."""
    steps = steps_with_files(asking.build)
    targets = [target for _, target in _targets_of_steps(steps, asking)]
    if not targets:
        targets = [_target_of(None, _last_stage(steps, asking), asking)]
    if any(_image_of(target) != _image_of(targets[0]) for target in targets):
        raise _different_images_error(asking.build, targets)
    return _strictest(targets)


def _different_images_error(build: Build, targets: Sequence[Target]) -> DockerfileError:
    told = "; ".join(dict.fromkeys(f"{target} ({target.source})" for target in targets))
    return DockerfileError(
        f"different images install {' and '.join(build.files)}: {told}",
        path=build.recipe.path,
        hint="name another Dockerfile with the setting `dockerfile`, or give each image a "
        "file of its own and name that with the setting `file`",
    )


def _require_own_installer(build: Build) -> None:
    """Refuse files that only a tool with packages of its own installs.

    Raises:
        TargetError: conda installs them.
    """
    for other in () if build.steps else build.by_others:
        raise TargetError(
            f"{other.program} installs {' and '.join(other.sources)} from its channels, "
            "which are no package index",
            path=build.recipe.path,
            line=other.line,
            hint="let pip install the file; or set `python`, and versions are chosen from the "
            "package index all the same",
        )


def _target_of(step: InstallCommand | None, last: Stage, asking: Asking) -> Target:
    """Return the target of a step; without one, that of the last stage as it is."""
    build, python = asking.build, asking.chosen.python
    image = build.dockerfile.base_of(last.index if step is None else step.stage)
    platforms, notes = _platforms(image.platform, asking)
    pip_upgraded, pip = (False, None) if step is None else _pip_of(step)
    base = BaseImage(
        reference=image.base,
        source=f"{image.path or build.recipe.path}:{image.line}",
        platforms=platforms,
        pip_upgraded=pip_upgraded,
        pip=pip,
        manager="" if step is None else step.manager,
        manager_source="" if step is None else _place_of_manager(step, build),
        notes=notes,
    )
    if python:
        target, who = Target.from_image(base, python=python), "the setting python"
    elif step is None:
        target, who = target_of_base(base, asking.bases), ""
    else:
        target, who = _target_of_step(step, base, asking)
    target = replace(target, installer="pip" if step is None else step.installer, python_source=who)
    if step is None:
        return target
    restriction = _restriction_of(step, build)
    if restriction.platforms or restriction.python_platform:  # it says the platform
        target = replace(target, notes=tuple(note for note in target.notes if note not in notes))
    return restrict(target, restriction)


def _place_of_manager(step: InstallCommand, build: Build) -> str:
    """Return where the package manager is used first that counts at a step, or nothing."""
    return next(
        (
            f"{stage.path or build.recipe.path}:{instruction.line}"
            for stage in build.dockerfile.chain_of(step.stage)
            for instruction in stage.instructions
            if instruction.keyword == "RUN" and step.manager in instruction.arguments.split()
        ),
        "",
    )


def _target_of_step(step: InstallCommand, base: BaseImage, asking: Asking) -> tuple[Target, str]:
    """Return the target of a step's Python, and the place that names it.

    Where that Python is unknown, it is the one that the step's wheels are for.
    """
    version = step.options.python_version
    python = step.python if step.python.line else replace(step.python, line=step.line)
    try:
        return find_target(python, base, asking)
    except TargetError:
        if "." not in version:
            raise
    return Target.from_image(base, python=version), ""


def _restriction_of(step: InstallCommand, build: Build) -> Restriction:
    """Return what the flags and variables of a step demand instead of what its image accepts."""
    options, variables = step.options, dict(step.environment)

    def variable(name: str) -> str:
        return variables.get(f"PIP_{name}", "") if step.installer == "pip" else ""

    return Restriction(
        place=build.place_of(step),
        platforms=options.platforms or tuple(variable("PLATFORM").split()),
        # uv's names the Python, not only what wheels are for
        python_version=(options.python_version or variable("PYTHON_VERSION"))
        if step.installer == "pip"
        else "",
        implementation=options.implementation or variable("IMPLEMENTATION"),
        abis=options.abis or tuple(variable("ABI").split()),
        python_platform=options.python_platform,
        downloads=step.command in {"download", "wheel"},
        ignores_python=options.ignore_requires_python or is_yes(variable("IGNORE_REQUIRES_PYTHON")),
    )


def _platforms(
    stage_platform: str | None, asking: Asking
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the platforms, and a note where only this machine tells."""
    if asking.chosen.platform:
        return split_values(asking.chosen.platform), ()
    if asking.build.recipe.platforms:
        return asking.build.recipe.platforms, ()
    if named := stage_platform or asking.variables.get("DOCKER_DEFAULT_PLATFORM"):
        return (named,), ()
    name = docker_platform(host.machine())
    return (name,), (f"{ASSUMED_PLATFORM}, {name}",)


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
