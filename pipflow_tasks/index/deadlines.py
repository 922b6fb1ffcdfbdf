"""The deadline of a look-up, which all that a thread sends and receives for it keeps to."""

from __future__ import annotations

import time
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

DEADLINE_SECONDS = 30.0

_deadline: ContextVar[float] = ContextVar("_deadline", default=float("inf"))


@contextmanager
def until(deadline: float) -> Iterator[None]:
    """Let what this thread sends and receives during the block fail after a monotonic time.

    Of a block within another, the earlier deadline counts.
    """
    token = _deadline.set(min(deadline, _deadline.get()))
    try:
        yield
    finally:
        _deadline.reset(token)


@contextmanager
def uncounted() -> Iterator[None]:
    """Move the deadline of this thread by what the block takes, such as waiting for a person."""
    start = time.monotonic()
    try:
        yield
    finally:
        _deadline.set(_deadline.get() + time.monotonic() - start)


def seconds_left() -> float:
    """Return how long the deadline of this thread is away; not above zero once it has passed."""
    return _deadline.get() - time.monotonic()


def within(timeout_seconds: float | None) -> float:
    """Return a timeout that does not go beyond the deadline.

    Raises:
        TimeoutError: the deadline has passed.
    """
    left = seconds_left()
    if left <= 0:
        raise TimeoutError("the deadline has passed")
    return left if timeout_seconds is None else min(left, timeout_seconds)
