"""Signals: the first one ends the command cleanly, and those behind it do nothing."""

from __future__ import annotations

import contextlib
import signal
import threading
from typing import TYPE_CHECKING, TypeAlias

from .errors import Interrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    _Handler: TypeAlias = Callable[[int, FrameType | None], None]

_NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)

_held_back: list[Interrupted] | None = None
"""Holds an interruption during ``uninterrupted``."""

_state = ""
"""How far the task is: ``running``, ``ending`` by a signal, or ``done``; empty: none runs."""


@contextlib.contextmanager
def ended_once() -> Iterator[None]:
    """Let the first signal end a task; from then on, none does anything until the process ends.

    So neither the report nor what puts files back is cut off by a second one. A signal that comes
    when all is done lets the task end, and nothing follow.

    Raises:
        KeyboardInterrupt: a signal came, which its text names. Nothing that is built or written
            was cut off: there, it is an ``Interrupted``.
    """
    global _state
    is_late = False

    def interrupt(number: int, _: FrameType | None) -> None:
        nonlocal is_late
        global _state
        if _state == "running":
            _state = "ending"
            raise KeyboardInterrupt(_sentence(number))
        is_late = _state == "done"

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _state = "running"
    try:
        with _handling(interrupt):
            yield
    finally:
        if _state == "ending":
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        _state = ""
    if is_late:
        raise KeyboardInterrupt


@contextlib.contextmanager
def interruptible(*, is_last: bool = False) -> Iterator[None]:
    """Turn the first SIGINT, SIGTERM, SIGHUP or SIGQUIT into an Interrupted; later ones do nothing.

    Signals can only be handled in the main thread; elsewhere this does nothing.

    Args:
        is_last: nothing comes after it but the report, which no signal cuts off.
    """
    global _state
    interrupted = False

    def interrupt(number: int, _: FrameType | None) -> None:
        nonlocal interrupted
        global _state
        if interrupted or _state == "ending":
            return
        interrupted = True
        if _state:
            _state = "ending"
        error = Interrupted(_sentence(number))
        if _held_back is None:
            raise error
        _held_back.append(error)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    with _handling(interrupt):
        try:
            yield
        finally:
            if is_last and _state == "running":
                _state = "done"


@contextlib.contextmanager
def _handling(handler: _Handler) -> Iterator[None]:
    """Let a function handle signals, but for those that are ignored."""
    heeded = [
        number for number in _NUMBERS if signal.getsignal(number) not in {signal.SIG_IGN, None}
    ]
    former = {number: signal.signal(number, handler) for number in heeded}
    try:
        yield
    finally:
        for number, before in former.items():
            signal.signal(number, before)


def _sentence(number: int) -> str:
    return f"interrupted by {signal.Signals(number).name}"


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
