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
import threading
from typing import TYPE_CHECKING

from ..console import say
from ..errors import BuildError, redact_words
from .containers import new_name, remove_container
from .programs import succeeds
from .signals import uninterrupted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ..plan import Builder
    from ..processes import RunSettings

_STANDARD_ERROR = 2
_ENDING_SECONDS = 10
_FAILED_STEP = re.compile(rb"exit code: [1-9]")
"""A line of podman-compose 1.0, which exits with 0 after it."""


def answers(builder: Builder, run: RunSettings) -> bool:
    """Return whether a builder is installed and its engine answers."""
    if run.stand_in is not None:
        return True
    program = builder.command[0]
    if os.sep in program:
        program = str(builder.folder / program)
    if shutil.which(program, path=run.added.get("PATH")) is None:
        return False
    return not builder.probe or succeeds(builder.probe, run.added, builder.folder)


def build(builder: Builder, run: RunSettings) -> None:
    """Build the image.

    Raises:
        BuildError: it failed, could not be started, took too long, or was interrupted.
    """
    failure = _run(builder, builder.command, run)
    if failure:
        raise BuildError(
            f"the image was not built: `{_show_command(builder.command)}` {failure}",
            hint="the builder's output above says why",
            image_moved=builder.may_build_several,
        )


def verify(builder: Builder, run: RunSettings) -> None:
    """Run the command of the setting ``verify`` in each new image.

    Raises:
        BuildError: it failed, could not be started, took too long, or was interrupted.
    """
    for trial in builder.trials:
        words = (*trial.start, *trial.words)
        name = new_name()
        failure = _run(
            builder,
            words if run.stand_in else (*trial.start, "--name", name, *trial.words),
            run,
            container=(trial.engine, name),
        )
        if failure:
            raise BuildError(
                "the new image was built, and fails the setting verify: "
                f"`{_show_command(words)}` {failure}",
                hint="its output above says why",
                image_moved=True,
            )


def _run(
    builder: Builder,
    command: Sequence[str],
    run: RunSettings,
    *,
    container: tuple[str, str] | None = None,
) -> str:
    """Run a command; return how it failed, or an empty string.

    Its container, given as engine and name, is removed if it is interrupted or takes too long.
    """
    if run.echo:
        say(_show_command(command))
    if run.stand_in is not None:
        status = run.stand_in(shlex.join(command))
        return f"ended with status {status}" if status else ""
    process: subprocess.Popen[bytes] | None = None
    late = threading.Event()
    try:
        with uninterrupted():
            process = _start(command, builder.folder, run)
        with _limit(process, run, late):
            failed = _pass_on(process, command, run)
            status = process.wait()
    except BaseException as error:
        if process is not None:
            left = _end_with_container(process, container, run)
            if isinstance(error, BuildError):
                error.hint = left or error.hint
                error.image_moved = builder.may_build_several or process.returncode == 0
        raise
    if late.is_set():
        _end_with_container(process, container, run)
        return f"was ended after {run.timeout_seconds:g} s, Invoke's timeout"
    if status:
        return f"ended with status {status}"
    return "reported a failed step" if failed else ""


def _start(command: Sequence[str], folder: Path, run: RunSettings) -> subprocess.Popen[bytes]:
    """Start a command; what is read or hidden of its output is piped, the rest is shown."""
    is_merged = command[0] == "podman-compose" or len(run.hidden) > 1
    try:
        return subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **run.added},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if is_merged or "stdout" in run.hidden else _STANDARD_ERROR,
            stderr=subprocess.STDOUT
            if is_merged
            else subprocess.PIPE
            if "stderr" in run.hidden
            else None,
            start_new_session=True,
        )
    except OSError as error:
        raise BuildError(f"{command[0]} can't be started: {error.strerror}") from error


@contextlib.contextmanager
def _limit(
    process: subprocess.Popen[bytes], run: RunSettings, late: threading.Event
) -> Iterator[None]:
    """End a process when its time is over, and note that in ``late``."""

    def end() -> None:
        late.set()
        _end(process)

    if run.timeout_seconds is None:
        yield
        return
    timer = threading.Timer(run.timeout_seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _pass_on(process: subprocess.Popen[bytes], command: Sequence[str], run: RunSettings) -> bool:
    """Show what a program prints; what is hidden, once it has failed.

    Returns:
        whether podman-compose has reported a failed step.
    """
    lines = process.stdout or process.stderr
    if lines is None:
        return False
    kept: list[bytes] = []
    failed = False
    is_hidden = bool(run.hidden)
    with lines:
        for line in lines:
            failed |= command[0] == "podman-compose" and bool(_FAILED_STEP.match(line))
            kept.append(line)
            if not is_hidden:
                _show(kept)
    if process.wait() or failed:
        _show(kept)
    return failed


def _show_command(command: Sequence[str]) -> str:
    return shlex.join(redact_words(command))


def _show(lines: list[bytes]) -> None:
    """Write lines to standard error, and forget them."""
    with contextlib.suppress(OSError):  # full, or a pipe that ended
        os.write(_STANDARD_ERROR, b"".join(lines))
    lines.clear()


def _end_with_container(
    process: subprocess.Popen[bytes], container: tuple[str, str] | None, run: RunSettings
) -> str:
    """End a program and its container; return a hint if the container could not be removed."""
    if container is not None:
        remove_container(*container, run.added)  # the program waits for it
    _end(process)
    if container is None or remove_container(*container, run.added):  # it may have started late
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
