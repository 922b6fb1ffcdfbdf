"""What is going on, as values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable


class Count(Struct, frozen=True, kw_only=True):
    """How many look-ups were begun so far, and how many of them have ended."""

    begun: int = 0
    ended: int = 0


NOTHING = Count()


def add_up(counts: Iterable[Count]) -> Count:
    """Return several counts as one."""
    every = [*counts]
    return Count(begun=sum(each.begun for each in every), ended=sum(each.ended for each in every))


class Activity(Struct, frozen=True, kw_only=True):
    """What is going on.

    Attributes:
        phase: in words: ``resolving``.
        count: the look-ups that it consists of; None: it does not consist of any.
        seconds: for how long its phase has gone on.
    """

    phase: str
    seconds: float
    count: Count | None = None
