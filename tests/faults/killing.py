"""Run ``invoke``, and kill it with SIGKILL: at a step of its own, or after a time.

``KILL_AT``: the number of the step, counted over every write, flush and rename, and over starting
and awaiting a builder, each before and after, and halfway where bytes are written. 0: no step; the
number of steps is written to ``KILL_RECORD``. ``KILL_AFTER``: seconds.
"""

from __future__ import annotations

import atexit
import os
import runpy
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_CALLS = ("fchmod", "replace", "rename", "unlink", "link", "ftruncate")
_AT = int(os.environ.pop("KILL_AT", "0"))
_AFTER = float(os.environ.pop("KILL_AFTER", "0"))
_RECORD = os.environ.pop("KILL_RECORD", "")

_steps = 0


def step() -> bool:
    """Count a step; return whether it is the one to be killed at."""
    global _steps
    _steps += 1
    return _steps == _AT


def die() -> None:
    """End at once."""
    os.kill(os.getpid(), signal.SIGKILL)


def around(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function with a step before and one after it."""

    def call(*arguments: Any, **options: Any) -> Any:
        if step():
            die()
        result = function(*arguments, **options)
        if step():
            die()
        return result

    return call


def flushing(fsync: Callable[[int], None]) -> Callable[[int], None]:
    """Return fsync with one more step: half of a file that is written is all that got there."""

    def call(descriptor: int) -> None:
        if _is_open_for_writing(descriptor) and step():
            _ftruncate(descriptor, os.fstat(descriptor).st_size // 2)
            die()
        around(fsync)(descriptor)

    return call


def writing(pwrite: Callable[[int, bytes, int], int]) -> Callable[[int, bytes, int], int]:
    """Return pwrite with one more step: after half of the bytes."""

    def call(descriptor: int, data: bytes, place: int) -> int:
        if step():
            pwrite(descriptor, data[: len(data) // 2], place)
            die()
        number: int = around(pwrite)(descriptor, data, place)
        return number

    return call


def _is_open_for_writing(descriptor: int) -> bool:
    import fcntl

    return bool(fcntl.fcntl(descriptor, fcntl.F_GETFL) & (os.O_WRONLY | os.O_RDWR))


_ftruncate = os.ftruncate


def install() -> None:
    """Count the steps of this process."""
    import pipflow_tasks.files as files

    for name in _CALLS:
        setattr(os, name, around(getattr(os, name)))
    os.fsync = flushing(os.fsync)  # type: ignore[assignment]
    os.pwrite = writing(os.pwrite)  # type: ignore[assignment]
    files._rename = around(files._rename)
    for name in ("__init__", "wait"):
        setattr(subprocess.Popen, name, around(getattr(subprocess.Popen, name)))
    if _RECORD:
        atexit.register(lambda: Path(_RECORD).write_text(str(_steps)))


def kill_later() -> None:
    """Start a process that kills this one, as anybody would from outside."""
    victim = os.pidfd_open(os.getpid())
    if os.fork():
        os.close(victim)
        return
    time.sleep(_AFTER)
    try:
        signal.pidfd_send_signal(victim, signal.SIGKILL)
    except ProcessLookupError:
        pass
    finally:
        os._exit(0)


if __name__ == "__main__":
    if _AFTER:
        kill_later()
    else:
        install()
    sys.argv[0] = "invoke"
    sys.path[0] = str(Path.cwd())
    runpy.run_module("invoke", run_name="__main__", alter_sys=True)
