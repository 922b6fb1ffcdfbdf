"""Files that pip-compile or uv has compiled: the commands that make them right for the image."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..errors import RequirementsError
from ..files import show_path
from ..target import image_facts as facts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ..manifest.sources import Compiled
    from ..requirements import CompileCommand, Generator, RequirementsFile
    from ..target import Target

_GLIBC = re.compile(r"glibc 2\.(\d+)")
_UV_GLIBC = (17, 28, *range(31, 41))
"""The minor versions of glibc that ``--python-platform`` of uv knows."""


def image_command(compiled: Compiled, target: Target) -> CompileCommand | None:
    """Return the command that compiles a file for the image; None: it can only be shown."""
    command = compiled.generator.compiling
    if command is None:
        return None
    output = show_path(compiled.file.file, compiled.folder)
    return command_for(command.writing(output), target)


def tell_commands(layers: Iterable[Compiled], target: Target, *, asked: bool) -> Iterator[str]:
    """Yield what to run for compiled files whose sources change; ``asked``: it was to be run."""
    ways: list[str] = []
    for compiled in layers:
        generator, command = compiled.generator, image_command(compiled, target)
        if command is not None:
            ways.append(say_run(command, target))
            continue
        own = f"`{generator.command or generator.tool}`"
        ways.append(f"run {own}")
        if asked:
            yield f"{own} is a command of your own, which --compile does not run"
    yield ", then ".join([*ways, "`rebuild`"])


def require_for_image(content: RequirementsFile, target: Target) -> None:
    """Check that pip-compile has run with the Python of the image.

    Raises:
        RequirementsError: it has not.
    """
    generator, python = content.generator, python_of(target)
    if generator is None or generator.compiling is None or generator.compiling.is_uv:
        return
    if generator.python not in {"", python}:
        raise RequirementsError(
            f"{generator.tool} runs with Python {generator.python}, and the image has {python}; "
            "nothing was changed",
            path=content.path,
            hint=f"install it for Python {python}, or compile with uv, which needs no such Python",
        )


def command_for(command: CompileCommand, target: Target) -> CompileCommand:
    """Return a command for the Python and the platform of the image, as its tool allows."""
    is_universal = len(target.platforms) > 1
    return command.for_image(python_of(target), uv_platform(target), is_universal=is_universal)


def python_of(target: Target) -> str:
    """Return the series of a target's Python, ``3.8``."""
    return f"{target.python_version.major}.{target.python_version.minor}"


def uv_platform(target: Target) -> str:
    """Return what uv's ``--python-platform`` calls the platform of an image; empty: nothing."""
    machine = facts.MACHINES.get(target.platforms[0].name, "")
    if machine not in {"x86_64", "aarch64"} or not target.libc:
        return ""
    glibc = _GLIBC.fullmatch(target.libc)
    if glibc is None:
        return f"{machine}-unknown-linux-musl"
    known = [minor for minor in _UV_GLIBC if minor <= int(glibc[1])]
    return f"{machine}-manylinux_2_{known[-1]}" if known else ""


def say_run(command: CompileCommand, target: Target) -> str:
    """Return what to run, as the start of a sentence; pip-compile's Python is said besides."""
    shown = f"run `{command_for(command, target).shown}`"
    return shown if command.is_uv else f"{shown} with Python {python_of(target)}"


def way_to_change(
    generator: Generator, target: Target | None, moved: Sequence[str] | None = None
) -> str:
    """Return what changes a compiled file so that it stays changed.

    Or what moves packages of it, all where none are named; the target is None if it is unknown.
    """
    if generator.compiling is None or target is None:
        return generator.way
    if moved is not None:
        return say_run(generator.compiling.upgrading(moved), target)
    return f"change {generator.source or 'its source'} and {say_run(generator.compiling, target)}"
