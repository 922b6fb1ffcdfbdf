r"""A requirements file as a value: every byte is kept, every edit returns a new document.

Follows pip's requirements file format and, for a single requirement, PEP 508. The format, as
pip reads it::

    file     = [BOM] {logical line}
    logical  = physical {physical}      a line that ends in "\" goes on, unless it is a comment
    content  = logical, without its comment ("#" at the start or after a space), stripped

    content  = ""                                  blank, or a comment alone
             | requirement {" " option}            name[extras] specifier ; marker, or name @ url
             | reference {" " option}              a bare URL, VCS address or path
             | "-e" reference {" " option}
             | option {" " option}                 -r, -c, -i ..., --hash ...

Reading never fails. A line that is none of these is kept, and ``Line.problem`` says what is wrong
with it, for a command that needs the line. ``line`` reads lines, ``block`` finds the blocks that
are sorted, ``edit`` replaces spans, and ``typed`` reads requirements from a command line.
"""

from __future__ import annotations

import codecs
import re
from bisect import bisect_right
from collections import Counter
from functools import cached_property
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Literal

from msgspec import Struct
from packaging.utils import NormalizedName, canonicalize_name

from ..errors import RequirementsError
from ..values import in_brackets
from .annotations import Annotation, read_annotation
from .block import Block, Entry, count_moved, find_blocks, find_order, heading_text
from .compile_command import CompileCommand, is_later, read_command
from .edit import add_extras, hash_layout, pin_line, typed_specifier
from .generator import Generator, find_generator
from .line import Kind, Line, by_name, expand_variables, goes_on, read_lines, refused_error
from .options import OF_FORMATS, OF_REQUIREMENTS
from .policy import (
    Policy,
    begins_with_policy,
    bounds_pin,
    caps_pin,
    change_policy,
    read_foreign_policy,
    read_policy,
    split_clauses,
)
from .typed import Request, as_one_word, split_requirements
from .via import change_via, write_via

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from packaging.requirements import Requirement
    from packaging.version import Version

__all__ = [
    "OF_FORMATS",
    "OF_REQUIREMENTS",
    "Addition",
    "Annotation",
    "Block",
    "CompileCommand",
    "Entry",
    "Generator",
    "Kind",
    "Line",
    "Pin",
    "Policy",
    "Request",
    "RequirementsFile",
    "Sort",
    "as_one_word",
    "begins_with_policy",
    "bounds_pin",
    "by_name",
    "caps_pin",
    "change_policy",
    "change_via",
    "expand_variables",
    "heading_text",
    "is_later",
    "read_annotation",
    "read_command",
    "read_foreign_policy",
    "read_lines",
    "read_policy",
    "refused_error",
    "split_clauses",
    "split_requirements",
    "typed_specifier",
    "write_via",
]

Sort = Literal["block", "insert"]

_CONFLICT = re.compile(r"(<{7}|\|{7}|>{7})(\s|$)|={7}$")
_CODING = re.compile(rb"coding[:=]\s*([-\w.]+)", re.ASCII)
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class Pin(Struct, frozen=True, kw_only=True):
    """A new version for a line.

    Attributes:
        line: a requirement line of the document.
        version: the version to pin it to.
        digests: ``sha256:...`` of the version's files, for a line that has hashes.
        comment: its new comment, with the ``#``; None keeps the comment that it has.
        extras: those that it gets besides its own.
    """

    line: Line
    version: Version
    digests: Sequence[str] = ()
    comment: str | None = None
    extras: tuple[str, ...] = ()


class Addition(Struct, frozen=True, kw_only=True):
    """A requirement to write into a file.

    Attributes:
        requirement: the requirement (PEP 508).
        digests: ``sha256:...`` of its files, laid out like the other hashes of the file.
        comment: the comment to write behind it, without the ``#``.
        group: the heading of the block to add it to.
        near: a project; the block that has it is chosen.
        sort: ``block`` sorts the whole block, stably; ``insert`` moves no other line.
    """

    requirement: Requirement
    digests: Sequence[str] = ()
    comment: str = ""
    group: str | None = None
    near: NormalizedName | None = None
    sort: Sort = "block"


class RequirementsFile(Struct, frozen=True, kw_only=True, dict=True):  # of a cached property
    """A requirements file: its lines, and everything needed to return the same bytes.

    Attributes:
        path: the file's name, as messages show it.
        lines: the logical lines.
        mark: the byte order mark at the start of the file; empty if there is none.
        encoding: the encoding of the bytes after the mark.
    """

    path: str
    lines: tuple[Line, ...]
    mark: bytes = b""
    encoding: str = "utf-8"

    @classmethod
    def from_bytes(cls, data: bytes, *, path: str = "requirements.txt") -> RequirementsFile:
        """Read a requirements file. Never raises; ``to_bytes`` returns ``data`` again."""
        for mark, encoding in _BYTE_ORDER_MARKS:
            if not data.startswith(mark):
                continue
            try:
                text = data[len(mark) :].decode(encoding, _on_error(encoding))
            except UnicodeDecodeError:  # half a character: the mark names the wrong encoding
                continue
            lines = tuple(read_lines(text, path))
            return cls(path=path, lines=lines, mark=mark, encoding=encoding)
        encoding = _declared_encoding(data)
        text = data.decode(encoding, _on_error(encoding))
        return cls(path=path, lines=tuple(read_lines(text, path)), encoding=encoding)

    def to_bytes(self) -> bytes:
        """Return the file's bytes."""
        text = "".join(line.text for line in self.lines)
        return self.mark + text.encode(self.encoding, _on_error(self.encoding))

    @property
    def requirements(self) -> tuple[Line, ...]:
        """The lines that name a project, of any kind."""
        return tuple(line for line in self.lines if line.name is not None)

    @property
    def uses_hashes(self) -> bool:
        """Whether pip will require a hash for every requirement."""
        return any(
            name == ("--require-hashes" if line.kind is Kind.OPTION else "--hash")
            for line in self.lines
            for name, _ in line.options
        )

    @property
    def generator(self) -> Generator | None:
        """The tool that wrote the file, as the comments at its top say; None without them."""
        return find_generator(self.lines)

    def find(self, name: str) -> tuple[Line, ...]:
        """Return the lines of a project, compared by canonical name."""
        return self._by_name.get(canonicalize_name(name), ())

    @cached_property
    def _by_name(self) -> Mapping[NormalizedName, tuple[Line, ...]]:
        return by_name(self.lines)

    def require_resolved(self) -> None:
        """Check that the file has no unresolved merge conflict.

        Raises:
            RequirementsError: at the first merge-conflict marker.
        """
        number = 1
        for line in self.lines:
            for physical in line.text.splitlines():
                if _CONFLICT.match(physical):
                    raise RequirementsError(
                        "a merge conflict is not resolved",
                        path=self.path,
                        line=number,
                        hint="choose one side, remove the markers, and run the command again",
                    )
                number += 1

    def blocks(self) -> tuple[Block, ...]:
        """Return the runs of comment and requirement lines, in the file's order."""
        return tuple(find_blocks(self.lines))

    def headings(self) -> tuple[str, ...]:
        """Return the texts of the comment lines in the headings of blocks."""
        return tuple(
            heading for block in self.blocks() for heading in self._headings_of(block) if heading
        )

    def names_by_heading(self) -> tuple[tuple[str, frozenset[NormalizedName]], ...]:
        """Return each heading with the projects of its block."""
        return tuple(
            (heading, frozenset(entry.name for entry in block.entries))
            for block in self.blocks()
            for heading in self._headings_of(block)
            if heading and block.entries
        )

    def with_pins(self, pins: Iterable[Pin]) -> RequirementsFile:
        """Pin requirements of this document to versions, all at once.

        Of a pin only the version changes; any other specifier is replaced by ``==version``.

        Raises:
            RequirementsError: the hashes of a line have a form that can't be edited.
            ValueError: a line does not belong to this document.
        """
        texts = {line.number: line.text for line in self.lines}
        for pin in pins:
            if texts.get(pin.line.number) != pin.line.text:
                raise ValueError(f"{pin.line.place} is not a line of this document")
            texts[pin.line.number] = pin_line(
                pin.line, pin.version, pin.digests, pin.comment, pin.extras
            )
        edited = self.with_texts(texts.values())
        if len(edited.lines) != len(self.lines):  # a stray backslash ends a line now
            raise RequirementsError(
                "a line can't be edited without changing the line below",
                path=self.path,
                hint="remove stray backslashes from the lines with hashes",
            )
        return edited

    def with_extras(self, line: Line, extras: Collection[str]) -> RequirementsFile:
        """Give a requirement of this document more extras."""
        texts = {each.number: each.text for each in self.lines}
        texts[line.number] = add_extras(line, extras)
        return self.with_texts(texts.values())

    def with_requirements(self, additions: Sequence[Addition]) -> RequirementsFile:
        """Add requirements, each at its place in the order of its block, or of canonical names.

        A block that is sorted already keeps its order, see ``find_order``. An addition without
        ``group`` and ``near`` goes into the first block that has requirements, else to the end of
        the file.

        Raises:
            RequirementsError: no block has the heading that the ``group`` of an addition names.
        """
        texts = [line.text for line in self.lines]
        blocks = self.blocks()
        pieces = {
            block.start: [
                (self.lines[entry.requirement].spelled_name, texts[entry.start : entry.stop])
                for entry in block.entries
            ]
            for block in blocks
        }
        loose: list[tuple[str, list[str]]] = []  # if no block has requirements yet
        self._place(additions, blocks, pieces, loose)
        put_together: list[str] = []
        place = 0
        for block in blocks:
            body = [text for _, piece in pieces[block.start] for text in piece]
            put_together += [*texts[place : block.body], *body]
            place = block.entries[-1].stop if block.entries else block.body
        put_together += texts[place:]
        put_together += [text for _, piece in loose for text in piece]
        return self._assemble(put_together)

    def _place(
        self,
        additions: Sequence[Addition],
        blocks: Sequence[Block],
        pieces: Mapping[int, list[tuple[str, list[str]]]],
        loose: list[tuple[str, list[str]]],
    ) -> None:
        """Put additions into the pieces of their block, or among those that are in none."""
        newline, layout = self._newline(), self._hash_layout()
        orders: dict[int, Callable[[str], str]] = {}
        to_sort: dict[int, list[tuple[str, list[str]]]] = {}
        latest: dict[int, list[str]] = {}  # up to each piece, the key that sorts last
        for addition, block in zip(additions, self._blocks_for(additions, blocks), strict=True):
            siblings = loose if block is None else pieces[block.start]
            own = id(siblings)
            if own not in orders:
                orders[own] = find_order([name for name, _ in siblings]) or canonicalize_name
            order = orders[own]
            piece = addition.requirement.name, [_spell(addition, newline, layout)]
            if addition.sort == "block":
                siblings.append(piece)
                to_sort[own] = siblings
                latest.pop(own, None)
            else:
                if own not in latest:
                    latest[own] = [*accumulate((order(other) for other, _ in siblings), max)]
                place = bisect_right(latest[own], order(piece[0]))  # before the first that is later
                latest[own].insert(place, order(piece[0]))
                siblings.insert(place, piece)
        for own, siblings in to_sort.items():
            order = orders[own]
            siblings[:] = sorted(siblings, key=lambda piece: order(piece[0]))

    def count_moved_since(self, before: RequirementsFile) -> int:
        """Return how many requirements that both documents have moved, beside new ones."""
        places = {key: place for place, key in enumerate(before._identities())}
        return count_moved([places[key] for key in self._identities() if key in places])

    def _identities(self) -> Iterator[tuple[NormalizedName, str, int]]:
        """Yield each requirement's name and marker, and how many of these there were before."""
        seen: Counter[tuple[NormalizedName, str]] = Counter()
        for line in self.lines:
            if line.name is not None:
                key = line.name, str(line.marker or "")
                yield (*key, seen[key])
                seen[key] += 1

    def without(self, lines: Collection[Line]) -> RequirementsFile:
        """Remove lines and the comment lines that belong to them; headings of blocks stay."""
        numbers = {line.number for line in lines}
        gone = {index for index, line in enumerate(self.lines) if line.number in numbers}
        for block in self.blocks():
            for entry in block.entries:
                if entry.requirement in gone:
                    gone.update(range(entry.start, entry.stop))
        kept = [line.text for index, line in enumerate(self.lines) if index not in gone]
        return self._assemble(kept)

    def _assemble(self, texts: Sequence[str]) -> RequirementsFile:
        """Join texts: each gets a line ending, but the last one ends as the file ended."""
        if not texts:
            return self.with_texts([])
        *inner, last = texts
        newline = self._newline()
        if self.lines and not _ending(self.lines[-1].text):
            last = last.removesuffix(_ending(last))
        closed = [*(_close(text, newline) for text in inner), last]
        for place, (text, below) in enumerate(pairwise(closed)):
            if text.endswith("\r") and below.startswith("\n"):  # joined, these are one ending
                closed[place] = f"{text}\n"
        return self.with_texts(closed)

    def with_texts(self, texts: Iterable[str]) -> RequirementsFile:
        """Return a document with this one's encoding, and these texts in place of its lines.

        Raises:
            RequirementsError: what the texts say would alter the encoding.
        """
        data = self.mark + "".join(texts).encode(self.encoding, _on_error(self.encoding))
        edited = self.from_bytes(data, path=self.path)
        if (edited.mark, edited.encoding) != (self.mark, self.encoding):
            raise RequirementsError(
                "the change would alter the encoding of the file",
                path=self.path,
                hint="save the file as UTF-8, without a `coding` comment",
            )
        return edited

    def _newline(self) -> str:
        """Return the most frequent line ending of the file."""
        endings = [
            _ending(physical)
            for line in self.lines
            for physical in line.text.splitlines(keepends=True)
        ]
        known = Counter(ending for ending in endings if ending in {"\n", "\r\n", "\r"})
        return known.most_common(1)[0][0] if known else "\n"

    def _hash_layout(self) -> str:
        for line in self.lines:
            if line.requirement is not None and line.option_values("--hash"):
                layout = hash_layout(line)
                return layout if layout.endswith(" ") else " "  # pip finds no option behind a tab
        return f" \\{self._newline()}    "

    def _headings_of(self, block: Block) -> tuple[str, ...]:
        return tuple(heading_text(line.comment) for line in self.lines[block.start : block.body])

    def _blocks_for(
        self, additions: Sequence[Addition], blocks: Sequence[Block]
    ) -> Iterator[Block | None]:
        """Yield the block for each addition; by default the first that has requirements."""
        groups = dict.fromkeys(addition.group for addition in additions)
        headed = {group: self._headed(group, blocks) for group in groups if group is not None}
        named: dict[NormalizedName | None, Block] = {}
        for block in blocks:
            for entry in block.entries:
                named.setdefault(entry.name, block)
        first = next(iter(named.values()), None)
        for addition in additions:
            group = addition.group
            yield named.get(addition.near, first) if group is None else headed[group]

    def _headed(self, group: str, blocks: Sequence[Block]) -> Block:
        """Return the first block that has a heading."""
        wanted = heading_text(group).casefold()
        for block in blocks:
            if wanted in (heading.casefold() for heading in self._headings_of(block)):
                return block
        known = ", ".join(f'"{heading}"' for heading in self.headings())
        raise RequirementsError(
            f'no block has the heading "{group}"',
            path=self.path,
            hint=f"the headings are {known}" if known else "the file has no heading comments",
        )


def _spell(addition: Addition, newline: str, layout: str) -> str:
    """Return the line of an addition, with sorted extras and the marker behind ``; ``."""
    requirement = addition.requirement
    marker = f"; {requirement.marker}" if requirement.marker else ""
    named = f"{requirement.name}{in_brackets(requirement.extras)}"
    return "".join(
        [
            f"{named}{requirement.specifier}{marker}",
            *(f"{layout}--hash={digest}" for digest in addition.digests),
            f"  # {addition.comment}" if addition.comment else "",
            newline,
        ]
    )


def _declared_encoding(data: bytes) -> str:
    """Return the encoding that ``# -*- coding: latin-1 -*-`` in lines 1 or 2 declares, or UTF-8."""
    for line in data.splitlines()[:2]:
        found = _CODING.search(line) if line.startswith(b"#") else None
        if found is None:
            continue
        name = found[1].decode("ascii")
        try:
            text = data.decode(name, _on_error(name))
            if "escape" not in name and text.encode(name, _on_error(name)) == data:
                return name
        except (LookupError, ValueError):
            break
    return "utf-8"


def _on_error(encoding: str) -> str:
    return "surrogateescape" if encoding == "utf-8" else "surrogatepass"


def _ending(text: str) -> str:
    """Return the characters that end the last physical line."""
    lines = text.splitlines(keepends=True)
    return lines[-1][len(lines[-1].splitlines()[0]) :] if lines else ""


def _close(text: str, newline: str) -> str:
    """End a text so that the text behind it starts a new line."""
    if not _ending(text):
        text += newline
    return text + _ending(text) if goes_on(text.splitlines()[-1]) else text
