"""Threads that fetch; the program does not wait for them when it ends.

The threads of ``concurrent.futures`` are joined at the end: after Ctrl-C or an error, a command
would run on for as long as its slowest look-up.
"""

from __future__ import annotations

import sys
import threading
from concurrent.futures import Future
from contextlib import suppress
from functools import cache
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, TypeVar

from ..progress import Count

if TYPE_CHECKING:
    from collections.abc import Callable

_ARENA_MAX = -8
"""The number of this parameter of glibc's ``mallopt``."""
_Argument = TypeVar("_Argument")
_Result = TypeVar("_Result")


def done(function: Callable[[_Argument], _Result], argument: _Argument) -> Future[_Result]:
    """Call a function, and return its result as a future that is done."""
    future: Future[_Result] = Future()
    try:
        future.set_result(function(argument))
    except Exception as error:  # raised again where the future is awaited
        future.set_exception(error)
    return future


@cache
def _share_heaps() -> None:
    """Let all threads share two heaps: each of its own keeps room for the largest page it read."""
    if sys.platform == "linux":
        import ctypes

        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries have none
        if mallopt is not None:
            mallopt(_ARENA_MAX, 2)


class Workers:
    """A group of daemon threads, started when there is work."""

    def __init__(self, most: int) -> None:
        self._unstarted = most
        self._started = 0
        self._todo: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._counting = threading.Lock()
        self._begun = self._ended = 0

    @property
    def count(self) -> Count:
        """How many calls were submitted, and how many of them have ended."""
        with self._counting:
            return Count(begun=self._begun, ended=self._ended)

    def submit(
        self, function: Callable[[_Argument], _Result], argument: _Argument
    ) -> Future[_Result]:
        """Let a thread call a function, and return the future of its result."""
        future: Future[_Result] = Future()

        def work() -> None:
            try:
                future.set_result(function(argument))
            except BaseException as error:  # raised again where the future is awaited
                future.set_exception(error)
            with self._counting:
                self._ended += 1

        with self._counting:
            self._begun += 1
        self._todo.put(work)
        if self._unstarted:
            _share_heaps()
            self._unstarted -= 1
            self._started += 1
            threading.Thread(target=self._run, daemon=True).start()
        return future

    def close(self) -> None:
        """Let the threads end as soon as they are free; work that waits is dropped."""
        with suppress(Empty):
            while True:
                self._todo.get_nowait()
        for _ in range(self._started):
            self._todo.put(None)

    def _run(self) -> None:
        while (work := self._todo.get()) is not None:
            work()
