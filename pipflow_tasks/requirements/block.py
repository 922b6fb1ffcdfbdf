"""Blocks: the runs of lines that are sorted, and the comments that belong to a requirement.

A block may be sorted by its names as PEP 503 compares them, in lower case, as they are in ASCII, or
without hyphens, underscores and dots: editors, hooks and other tools each have their own order.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from itertools import pairwise
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace
from packaging.utils import canonicalize_name

from .line import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from packaging.utils import NormalizedName

    from .line import Line


def _without_marks(name: str) -> str:
    return re.sub("[-_.]+", "", name).lower()


ORDERS: tuple[Callable[[str], str], ...] = (
    canonicalize_name,
    str.lower,
    str,  # as they are in ASCII
    _without_marks,
)
"""What names may be sorted by, the likeliest first."""


def find_order(names: Sequence[str]) -> Callable[[str], str] | None:
    """Return what names are sorted by; None: by nothing that is known."""
    for order in ORDERS:
        if all(one <= other for one, other in pairwise(map(order, names))):
            return order
    return None


def count_moved(places: Sequence[int]) -> int:
    """Return how few things moved, at the least, to be at places that are given in turn."""
    ends: list[int] = []  # of the rising sequences of each length, the lowest last place
    for place in places:
        at = bisect_left(ends, place)
        ends[at : at + 1] = [place]
    return len(places) - len(ends)


class Entry(Struct, frozen=True, kw_only=True):
    """A requirement and the comment lines that belong to it: ``lines[start:stop]``.

    An unindented comment belongs to the requirement below it, an indented one to the one above, and
    so do options of a requirement on a line of their own.
    """

    start: int
    requirement: int
    stop: int
    name: NormalizedName


class Block(Struct, frozen=True, kw_only=True):
    """A run of comment and requirement lines without a blank line or an option between them.

    The comment lines before the first requirement are the heading: ``lines[start:body]``.
    """

    start: int
    body: int
    stop: int
    entries: tuple[Entry, ...]


def find_blocks(lines: Sequence[Line]) -> Iterator[Block]:
    """Yield the blocks of a file, from top to bottom."""
    start = 0
    for stop in range(len(lines) + 1):
        ends = stop == len(lines) or not (
            lines[stop].kind in {Kind.COMMENT, Kind.REQUIREMENT} or lines[stop].is_stray
        )
        if ends:
            if stop > start:
                yield _divide(lines, start, stop)
            start = stop + 1


def heading_text(comment: str) -> str:
    """Return the text of a heading: the comment without rulers and without the last colon."""
    return comment.strip("#=-*~ \t").removesuffix(":")


def _divide(lines: Sequence[Line], start: int, stop: int) -> Block:
    """Divide a run of lines into heading, entries, and comments that belong to no entry."""
    entries: list[Entry] = []
    loose = start
    for index in range(start, stop):
        line = lines[index]
        if line.kind is Kind.REQUIREMENT and line.name is not None:
            begin = loose if entries else index
            entries.append(Entry(start=begin, requirement=index, stop=index + 1, name=line.name))
            loose = index + 1
        elif (line.is_indented or line.is_stray) and entries and loose == index:
            entries[-1] = replace(entries[-1], stop=index + 1)
            loose = index + 1
    body = entries[0].start if entries else stop
    return Block(start=start, body=body, stop=stop, entries=tuple(entries))
