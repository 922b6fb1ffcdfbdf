"""Signals during writing and building: the first one ends the command cleanly."""

from __future__ import annotations

import contextlib
import signal
import threading
from typing import TYPE_CHECKING

from ..errors import Interrupted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_held_back: list[Interrupted] | None = None
"""Holds an interruption during ``uninterrupted``."""


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Turn the first SIGINT, SIGTERM or SIGHUP into an Interrupted; later ones do nothing.

    Signals can only be handled in the main thread; elsewhere this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    interrupted = False

    def interrupt(number: int, _: FrameType | None) -> None:
        nonlocal interrupted
        if interrupted:
            return
        interrupted = True
        error = Interrupted(f"interrupted by {signal.Signals(number).name}")
        if _held_back is None:
            raise error
        _held_back.append(error)

    names = ("SIGINT", "SIGTERM", "SIGHUP")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    heeded = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
    former = {number: signal.signal(number, interrupt) for number in heeded}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Delay a signal to the end of the block: only then the process to end is known."""
    global _held_back
    came: list[Interrupted] = []
    _held_back = came
    try:
        yield
    finally:
        _held_back = None
    if came:
        raise came[0]
