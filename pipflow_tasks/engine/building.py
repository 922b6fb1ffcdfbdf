"""Build the image, and run ``verify`` in the new one.

Commands run as argument lists, without a shell. What they print goes to standard error, so that
standard output has the report only.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
from typing import TYPE_CHECKING

from ..console import say
from ..errors import BuildError, redact
from .containers import new_name, remove_container
from .programs import succeeds
from .signals import uninterrupted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ..plan import Builder

_STANDARD_ERROR = 2
_ENDING_SECONDS = 10
_FAILED_STEP = re.compile(rb"exit code: [1-9]")
"""A line of podman-compose 1.0, which exits with 0 after it."""


def answers(builder: Builder) -> bool:
    """Return whether a builder is installed and its engine answers."""
    program = builder.command[0]
    if os.sep in program:
        program = str(builder.folder / program)
    if shutil.which(program) is None:
        return False
    return not builder.probe or succeeds(builder.probe, builder.folder)


def build(builder: Builder, *, echo: bool = False) -> None:
    """Build the image; with ``echo``, print the command first.

    Raises:
        BuildError: it failed, could not be started, or was interrupted.
    """
    status, ended_well = _run(builder, builder.command, echo=echo)
    if not ended_well:
        how = f"ended with status {status}" if status else "reported a failed step"
        raise BuildError(
            f"the image was not built: `{shlex.join(builder.command)}` {how}",
            hint="the builder's output above says why",
            image_moved=builder.may_build_several,
        )


def verify(builder: Builder, *, echo: bool = False) -> None:
    """Run the command of the setting ``verify`` in each new image.

    Raises:
        BuildError: it failed, could not be started, or was interrupted.
    """
    for trial in builder.trials:
        name = new_name()
        command = (*trial.start, "--name", name, *trial.words)
        status, ended_well = _run(builder, command, echo=echo, container=(trial.engine, name))
        if not ended_well:
            shown = shlex.join([*trial.start, *trial.words])
            raise BuildError(
                "the new image was built, and fails the setting verify: "
                f"`{shown}` ended with status {status}",
                hint="its output above says why",
                image_moved=True,
            )


def _run(
    builder: Builder,
    command: Sequence[str],
    *,
    echo: bool,
    container: tuple[str, str] | None = None,
) -> tuple[int, bool]:
    """Run a command; return its status, and whether it succeeded.

    Its container, given as engine and name, is removed if it is interrupted.
    """
    if echo:
        say(redact(shlex.join(command)))
    is_read = command[0] == "podman-compose"
    process: subprocess.Popen[bytes] | None = None
    try:
        with uninterrupted():
            process = _start(command, builder.folder, is_read=is_read)
        failed = is_read and _pass_on(process)
        status = process.wait()
    except BaseException as error:
        if process is not None:
            left = _end_with_container(process, container)
            if isinstance(error, BuildError):
                error.hint = left or error.hint
                error.image_moved = builder.may_build_several or process.returncode == 0
        raise
    return status, status == 0 and not failed


def _start(command: Sequence[str], folder: Path, *, is_read: bool) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if is_read else _STANDARD_ERROR,
            stderr=subprocess.STDOUT if is_read else None,
            start_new_session=True,
        )
    except OSError as error:
        raise BuildError(f"{command[0]} can't be started: {error.strerror}") from error


def _pass_on(process: subprocess.Popen[bytes]) -> bool:
    """Copy what a program prints to standard error; return whether a step has failed."""
    assert process.stdout is not None
    failed = False
    with process.stdout as lines:
        for line in lines:
            failed |= bool(_FAILED_STEP.match(line))
            with contextlib.suppress(OSError):  # full, or a pipe that ended
                os.write(_STANDARD_ERROR, line)
    return failed


def _end_with_container(process: subprocess.Popen[bytes], container: tuple[str, str] | None) -> str:
    """End a program and its container; return a hint if the container could not be removed."""
    if container is not None:
        remove_container(*container)  # the program waits for it
    _end(process)
    if container is None or remove_container(*container):  # it may have started late
        return ""
    return f"a container is left: `{container[0]} rm --force {container[1]}`"


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program and all that it started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        try:
            process.wait(_ENDING_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        return
