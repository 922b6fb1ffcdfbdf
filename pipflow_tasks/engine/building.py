"""Build the image, and run ``verify`` in the new one.

Commands run as argument lists, without a shell. What they print goes to standard error, so that
standard output has the report only.
"""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import shlex
import shutil
import signal
import subprocess
import threading
from typing import TYPE_CHECKING

from ..console import lending, say
from ..errors import BuildError, redact_words
from ..processes import end_with_parent
from ..signals import uninterrupted
from ..values import join_words
from .containers import new_name, remove_container
from .programs import succeeds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from ..plan import Builder
    from ..processes import RunSettings

_STANDARD_ERROR = 2
_ENDING_SECONDS = 10
_FAILED_STEP = re.compile(rb"\nexit code: [1-9]")
"""A line of podman-compose 1.0, which exits with 0 after it."""

_PIECE_BYTES = 65_536
_MOST_BYTES = 4 * 1024 * 1024
"""How much of hidden output is kept: its end."""

_PAUSE_SECONDS = 0.1
_LINE_START_BYTES = 16
"""Enough of a line to see its start again, where a piece ends within it."""


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
    """Build the image, or the images in turn.

    Raises:
        BuildError: it failed, could not be started, took too long, or was interrupted.
    """
    for command in builder.commands:
        failure = _run(builder, command, run, "building")
        if failure:
            raise BuildError(
                f"the image was not built: `{_show_command(command)}` {failure}",
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
            "verifying",
            container=(trial.engine, name),
        )
        if failure:
            raise BuildError(
                f"the new image was built, and fails `verify`: `{_show_command(words)}` {failure}",
                hint="its output above says why",
                image_moved=True,
            )


def _run(
    builder: Builder,
    command: Sequence[str],
    run: RunSettings,
    doing: str,
    *,
    container: tuple[str, str] | None = None,
) -> str:
    """Run a command; return how it failed, or an empty string.

    Where nothing of its output is seen, the progress says what it is ``doing``. Its container,
    given as engine and name, is removed if it is interrupted or takes too long.
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
        with _limit(process, run, late), _told(f"{doing} {join_words(builder.images)}", run):
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
            preexec_fn=end_with_parent(),
        )
    except (OSError, subprocess.SubprocessError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BuildError(f"{command[0]} can't be started: {reason}") from error


def _told(phase: str, run: RunSettings) -> AbstractContextManager[None]:
    """Show a phase that prints nothing; a builder that prints shows its own progress."""
    return run.progress.during(phase) if run.hides_all else contextlib.nullcontext()


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
    output = process.stdout or process.stderr
    if output is None:
        return False
    kept, last, failed = bytearray(), b"\n", False
    with output:
        for piece in _pieces(output.fileno(), process):
            if command[0] == "podman-compose":
                failed |= bool(_FAILED_STEP.search(last + piece))
                last = (last + piece)[-_LINE_START_BYTES:]
            if run.hidden:
                kept += piece
                del kept[: max(len(kept) - _MOST_BYTES, 0) if len(kept) > 2 * _MOST_BYTES else 0]
            else:
                _show(piece)
    if process.wait() or failed:
        _show(bytes(kept[-_MOST_BYTES:]))
    return failed


def _show_command(command: Sequence[str]) -> str:
    return shlex.join(redact_words(command))


def _pieces(output: int, process: subprocess.Popen[bytes]) -> Iterator[bytes]:
    """Yield what a program prints until it has ended; a child of it may hold the pipe open."""
    left = _MOST_BYTES
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        while left > 0:
            has_ended = process.poll() is not None
            if selector.select(0 if has_ended else _PAUSE_SECONDS):
                piece = os.read(output, _PIECE_BYTES)
                if not piece:
                    return
                yield piece
                left -= len(piece) if has_ended else 0
            elif has_ended:
                return


def _show(data: bytes) -> None:
    """Write bytes to standard error."""
    with lending(), contextlib.suppress(OSError):  # full, or a pipe that ended
        while data:
            data = data[os.write(_STANDARD_ERROR, data) :]


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
