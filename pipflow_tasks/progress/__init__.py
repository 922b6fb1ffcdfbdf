"""What a command is doing, shown while it takes long.

On a terminal that is one line, which is gone once it is over. Elsewhere it is one plain line for a
phase that takes more than ten seconds, as a log keeps all. What takes less than half a second shows
nothing. What runs a phase is handed a ``Progress``; the default one is silent.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from typing import TYPE_CHECKING, Protocol

from ..console import is_terminal, lending, say
from .activity import NOTHING, Activity, Count, add_up

__all__ = ["SILENT", "Activity", "Count", "Log", "Progress", "Watched", "add_up", "watch"]

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

FIRST_SECONDS = 0.5
"""What takes less is not shown."""

LONG_SECONDS = 10.0
"""What takes longer prints a line in a log."""

_TICK_SECONDS = 0.1


class Progress(Protocol):
    """Shows what a command is doing."""

    def during(
        self, phase: str, count: Callable[[], Count] | None = None
    ) -> AbstractContextManager[None]:
        """Show a phase while the block runs.

        Args:
            phase: what it is, in words.
            count: the look-ups so far. While some are pending, these are what is going on. It is
                called in another thread.
        """


class Display(Protocol):
    """Shows what is going on."""

    def show(self, activity: Activity) -> None:
        """Show it; this is called again and again."""


class Silence:
    """A progress that shows nothing."""

    def during(
        self,
        phase: str,
        count: Callable[[], Count] | None = None,
    ) -> AbstractContextManager[None]:
        """Do nothing."""
        return contextlib.nullcontext()


SILENT: Progress = Silence()


class Watched:
    """A progress that looks again and again what is going on, in a thread of its own."""

    def __init__(self, display: Callable[[], Display]) -> None:
        """Take what makes the display, once something takes long enough to be shown."""
        self._make = display

    @contextlib.contextmanager
    def during(self, phase: str, count: Callable[[], Count] | None = None) -> Iterator[None]:
        """Show a phase while the block runs, if that takes long."""
        is_over = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(phase, count, is_over), daemon=True)
        watcher.start()
        try:
            yield
        finally:
            is_over.set()
            watcher.join()

    def _watch(
        self, phase: str, count: Callable[[], Count] | None, is_over: threading.Event
    ) -> None:
        began, before = time.monotonic(), NOTHING
        if is_over.wait(FIRST_SECONDS):
            return
        with contextlib.suppress(Exception):  # no command fails since it can't be watched
            display = self._make()
            while not is_over.wait(_TICK_SECONDS):
                now = count() if count is not None else NOTHING
                # between two look-ups of many, none is pending
                is_looking_up = now.ended < now.begun or now != before
                display.show(
                    Activity(
                        phase="looking up" if is_looking_up else phase,
                        count=now if is_looking_up else None,
                        seconds=time.monotonic() - began,
                    )
                )
                before = now
        with lending():  # takes the line away
            pass


class Log:
    """A display for what is no terminal: a line for each phase that takes long."""

    def __init__(self, long_seconds: float = LONG_SECONDS) -> None:
        self._long_seconds = long_seconds
        self._spent: dict[str, float] = {}
        self._last = 0.0

    def show(self, activity: Activity) -> None:
        """Add up how long a phase takes, and print a line once."""
        before = self._spent.get(activity.phase, 0.0)
        spent = before + max(activity.seconds - self._last, 0.0)
        self._spent[activity.phase], self._last = spent, activity.seconds
        if before < self._long_seconds <= spent:
            count = activity.count
            so_far = f": {count.ended} of {count.begun} so far" if count else ""
            say(f"{activity.phase} takes more than {self._long_seconds:g} s{so_far}")


def watch() -> Progress:
    """Return the progress of a command, which is shown on standard error."""
    if not is_terminal(sys.stderr):
        return Watched(Log)

    def make() -> Display:
        from .live_line import LiveLine  # with rich

        return LiveLine(sys.stderr)

    return Watched(make)
