"""Blocks: what is sorted together, and which comment belongs to which requirement."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .line import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from packaging.utils import NormalizedName

    from .line import Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A requirement and the comment lines that belong to it: ``lines[start:stop]``.

    An unindented comment belongs to the requirement below it, an indented one to that above.
    """

    start: int
    requirement: int
    stop: int
    name: NormalizedName


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A run of comment and requirement lines without a blank line or an option between them.

    The comment lines before the first requirement are the heading: ``lines[start:body]``.
    """

    start: int
    body: int
    stop: int
    entries: tuple[Entry, ...]


def find_blocks(lines: Sequence[Line]) -> Iterator[Block]:
    """Yield the blocks of a file, in its order."""
    start = 0
    for stop in range(len(lines) + 1):
        if stop == len(lines) or lines[stop].kind not in {Kind.COMMENT, Kind.REQUIREMENT}:
            if stop > start:
                yield _part(lines, start, stop)
            start = stop + 1


def heading_text(comment: str) -> str:
    """Return what a heading says: the comment without its rulers and its colon."""
    return comment.strip("#=-*~ \t").removesuffix(":")


def _part(lines: Sequence[Line], start: int, stop: int) -> Block:
    """Part a run of lines: heading, then entries, then comments that belong to nothing."""
    entries: list[Entry] = []
    loose = start
    for index in range(start, stop):
        line = lines[index]
        if line.kind is Kind.REQUIREMENT and line.name is not None:
            begin = loose if entries else index
            entries.append(Entry(start=begin, requirement=index, stop=index + 1, name=line.name))
            loose = index + 1
        elif line.is_indented and entries and loose == index:
            entries[-1] = replace(entries[-1], stop=index + 1)
            loose = index + 1
    body = entries[0].start if entries else stop
    return Block(start=start, body=body, stop=stop, entries=tuple(entries))
