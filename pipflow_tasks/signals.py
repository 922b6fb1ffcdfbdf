"""Signals: the first one ends the command cleanly, and those behind it do nothing."""

from __future__ import annotations

import contextlib
import signal
import threading
from typing import TYPE_CHECKING

from .errors import Interrupted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_held_back: list[Interrupted] | None = None
"""Holds an interruption during ``uninterrupted``."""

_is_ending: bool | None = None
"""Whether a signal has come to the task that runs; None: none runs."""


@contextlib.contextmanager
def ended_once() -> Iterator[None]:
    """Let the first Ctrl-C end a task; from then on, it does nothing until the process ends.

    So neither the report nor what puts files back is cut off by a second one.
    """
    global _is_ending
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGINT) in {signal.SIG_IGN, None}:
        yield
        return

    def interrupt(*_: object) -> None:
        global _is_ending
        if not _is_ending:
            _is_ending = True
            raise KeyboardInterrupt

    _is_ending = False
    former = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN if _is_ending else former)
        _is_ending = None


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Turn the first SIGINT, SIGTERM, SIGHUP or SIGQUIT into an Interrupted; later ones do nothing.

    Signals can only be handled in the main thread; elsewhere this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    interrupted = False

    def interrupt(number: int, _: FrameType | None) -> None:
        nonlocal interrupted
        global _is_ending
        if interrupted or _is_ending:
            return
        interrupted = True
        if _is_ending is not None:
            _is_ending = True
        error = Interrupted(f"interrupted by {signal.Signals(number).name}")
        if _held_back is None:
            raise error
        _held_back.append(error)

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
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
