"""The commands that build the image and run ``verify`` in the new one."""

from __future__ import annotations

import os
import re
import shlex
import string
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ..errors import UsageError
from ..plan import Builder, Trial

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from ..compose import Service
    from .programs import ComposeProgram

_BUILD_WORDS = ("build", "bake", "bud")


def compose_builder(
    program: ComposeProgram,
    *,
    folder: Path,
    services: Sequence[Service],
    starts: Sequence[Service],
    verify: Mapping[str, str],
) -> Builder:
    """Return the builder of services of a compose project.

    ``starts`` are the services to start after it, and ``verify`` is what is run in the new image
    of each.
    """
    names = [_require_name(service.name, "service") for service in services]
    words = program.words_for(services, folder)
    tried = {name: split_command("verify", verify[name]) for name in names}
    return Builder(
        name="compose",
        command=(*words, "build", *names),
        options_at=len(words) + 1,
        folder=folder,
        images=tuple(names),
        services=tuple(names),
        probe=program.probe,
        next_step=shlex.join(
            [*program.words_for(starts, folder), "up", "-d", *(each.name for each in starts)]
        ),
        trials=tuple(
            Trial(
                start=(*words, "run"),
                words=("--rm", "--no-deps", "-T", "--entrypoint", own[0], name, *own[1:]),
                engine=program.engine,
            )
            for name, own in tried.items()
            if own
        ),
        may_build_several=len(names) > 1,
    )


def plain_builder(
    engine: str,
    *,
    dockerfile: Path,
    context: Path,
    folder: Path,
    image: str,
    stage: str = "",
    platform: str = "",
    arguments: Iterable[tuple[str, str]] = (),
    verify: str = "",
) -> Builder:
    """Return the builder of one Dockerfile, and of its last stage where none is named.

    Without ``platform``, the engine builds for its own. ``verify`` is run in the new image.
    """
    chosen = ("--platform", platform) if platform else ()
    named = ("--file", os.path.relpath(dockerfile, folder))
    target = ("--target", stage) if stage else ()
    given = [word for name, value in arguments for word in ("--build-arg", f"{name}={value}")]
    return Builder(
        name=engine,
        command=(
            *(engine, "build", "--tag", image),
            *(*chosen, *target, *given, *named, _as_path(os.path.relpath(context, folder))),
        ),
        options_at=2,
        folder=folder,
        images=(image,),
        probe=(engine, "version") if engine == "docker" else (engine, "info"),
        next_step=shlex.join([engine, "run", "--rm", image]),
        trials=_trials(engine, image, verify, "--pull=never", platform),
    )


def bake_builder(
    files: Sequence[str],
    images: Mapping[str, str],
    *,
    overrides: Iterable[str] = (),
    folder: Path,
    verify: Mapping[str, str],
) -> Builder:
    """Return the builder of targets of bake files, which loads the images and pushes none.

    ``images`` are the images by their targets. ``overrides`` replace what the files say of a
    target, such as ``app.tags=shop``. ``verify`` is what is run in each of the new images.
    """
    for target in images:
        _require_name(target, "target")
    words = [word for file in files for word in ("--file", file)]
    words += [word for override in overrides for word in ("--set", override)]
    names = tuple(images.values())
    return Builder(
        name="bake",
        command=("docker", "buildx", "bake", "--load", *words, *images),
        options_at=3,
        folder=folder,
        images=names,
        probe=("docker", "version"),
        next_step=shlex.join(["docker", "run", "--rm", names[0]]),
        trials=tuple(
            trial
            for name in names
            for trial in _trials("docker", name, verify[name], "--pull=never", "")
        ),
        may_build_several=len(names) > 1,
    )


def _require_name(name: str, kind: str) -> str:
    """Return a name that no program takes for an option.

    Raises:
        UsageError: it begins with a hyphen.
    """
    if name.startswith("-"):
        raise UsageError(
            f'"{name}" can\'t be the name of a {kind}: it begins with a hyphen', hint="rename it"
        )
    return name


def _as_path(path: str) -> str:
    """Return a path that no program takes for an option."""
    return os.path.join(".", path) if path.startswith("-") else path  # noqa: PTH118 - text


def command_builder(
    text: str,
    values: Mapping[str, str],
    *,
    folder: Path,
    engine: str,
    image: str,
    next_step: str,
    verify: str,
) -> Builder:
    """Return the builder of the setting ``build_command``, whose ``text`` is split as by a shell.

    ``values`` replace ``{name}`` in it; an empty one is unknown. The image ends up in ``engine``,
    where ``verify`` is run. ``next_step`` is empty for a plain run of the image.

    Raises:
        UsageError: the text can't be split, or uses an unknown value.
    """
    words = split_command("build_command", text)
    if not any(words[:1]):
        raise UsageError("the setting build_command names no program")
    pull = "--pull=always" if "--push" in words else "--pull=never"
    if not next_step and "{image}" in text:
        next_step = shlex.join([engine, "run", "--rm", image])
    return Builder(
        name="command",
        command=tuple(_filled_in(word, values) for word in words),
        options_at=next((at for at, word in enumerate(words, 1) if word in _BUILD_WORDS), None),
        folder=folder,
        images=(image,),
        next_step=next_step,
        trials=_trials(engine, image, verify, pull, ""),
        may_build_several=True,
    )


def join_builders(builders: Sequence[Builder]) -> Builder | None:
    """Return the builder that builds with each of several of one kind in turn; None: with none."""
    if len(builders) < 2:
        return next(iter(builders), None)
    return replace(
        builders[0],
        further=tuple(each.command for each in builders[1:]),
        images=tuple(dict.fromkeys(name for each in builders for name in each.images)),
        trials=tuple(dict.fromkeys(trial for each in builders for trial in each.trials)),
        may_build_several=True,
    )


_OF_A_SHELL = frozenset({"&&", "||", ";", "|", "&", ">", ">>", "<"})


def split_command(setting: str, text: str) -> tuple[str, ...]:
    """Split a setting's command line into arguments, as a shell would; nothing is expanded.

    Raises:
        UsageError: a quotation mark is not closed, or it needs a shell.
    """
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        raise UsageError(
            f"the setting {setting} can't be split into arguments: {error}",
            hint="quote it as for a shell",
        ) from error
    if found := [word for word in words if word in _OF_A_SHELL & _unquoted(text)]:
        raise UsageError(
            f"the setting {setting} has `{found[0]}`, and it is run without a shell",
            hint=f"write `{shlex.join(['sh', '-c', text])}`",
        )
    return words


def _unquoted(text: str) -> frozenset[str]:
    """Return the words of a command line that stand there without quotes, where that is clear."""
    try:
        return frozenset(shlex.split(text, posix=False))
    except ValueError:  # it has escaped quotes
        return frozenset()


def image_name(folder: Path) -> str:
    """Return a tag for the image of a project, made of its folder's name."""
    return re.sub(r"[^a-z0-9]+", "-", folder.name.lower()).strip("-") or "app"


def _trials(engine: str, image: str, verify: str, pull: str, platform: str) -> tuple[Trial, ...]:
    """Return the command that runs ``verify`` in an image, in place of its entry point."""
    words = split_command("verify", verify)
    if not words:
        return ()
    chosen = (f"--platform={platform}",) if platform and "," not in platform else ()
    options = ("--rm", pull, *chosen, "--entrypoint", words[0])
    return (Trial(start=(engine, "run"), words=(*options, image, *words[1:]), engine=engine),)


def _filled_in(word: str, values: Mapping[str, str]) -> str:
    """Replace each ``{name}`` in an argument of ``build_command``; ``{{`` is a brace."""
    known = ", ".join(f"{{{name}}}" for name in values)
    done: list[str] = []
    try:
        for text, name, form, conversion in string.Formatter().parse(word):
            done.append(text)
            if name is None:
                continue
            if form or conversion or name not in values:
                raise ValueError(f"{{{name}}} is none of {known}")
            if not values[name]:
                raise UsageError(
                    f"the setting build_command has {{{name}}}, and {name} is unknown",
                    hint=f"set `{name if name in {'platform', 'stage'} else 'dockerfile'}`",
                )
            done.append(values[name])
    except ValueError as error:
        raise UsageError(
            f"the setting build_command has `{word}`: {error}",
            hint=f"{known} are filled in; double a brace that is meant as one, and write the "
            "value of a variable itself: there is no shell",
        ) from error
    return "".join(done)
