r"""A requirements file as a value: every byte kept, every edit a new document.

Follows pip's requirements file format and, for a single requirement, PEP 508. The format, as
pip reads it::

    file     = [BOM] {logical line}
    logical  = physical {physical}      a line that ends in "\" goes on, unless it is a comment
    content  = logical, without its comment ("#" at the start or after a blank), stripped

    content  = ""                                  blank, or a comment alone
             | requirement {" " option}            name[extras] specifier ; marker, or name @ url
             | reference {" " option}              a bare URL, VCS address or path
             | "-e" reference {" " option}
             | option {" " option}                 -r, -c, -i ... and --hash and its like

Reading never fails: a line that is none of these is kept, and ``Line.problem`` says what is wrong
with it, for the command that has to understand it. ``line`` reads, ``block`` tells what is sorted
together, ``edit`` replaces spans, and ``typed`` reads what stands on a command line.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from packaging.utils import NormalizedName, canonicalize_name

from ..errors import RequirementsError
from .block import Block, Entry, find_blocks, heading_text
from .edit import hash_layout, pin_line
from .generator import Generator, find_generator
from .line import Kind, Line, expand_variables, goes_on, read_lines
from .policy import Policy, bounds_pin
from .typed import Request, as_one_word, split_requirements
from .via import change_via, write_via

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from packaging.requirements import Requirement
    from packaging.version import Version

__all__ = [
    "Addition",
    "Block",
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
    "bounds_pin",
    "change_via",
    "expand_variables",
    "split_requirements",
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """A version for a line.

    Attributes:
        line: a requirement of the document.
        version: what it is pinned to.
        digests: for a line that has hashes, ``sha256:...`` of the version's files.
        comment: what it has from then on, from its ``#`` on; None leaves the one that it has.
    """

    line: Line
    version: Version
    digests: Sequence[str] = ()
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """A requirement to write into a file.

    Attributes:
        requirement: in PEP 508's words.
        digests: ``sha256:...`` of its files, laid out as the file's other hashes are.
        comment: what is written behind it.
        group: a heading: its block is taken.
        near: a project: the block that has it is taken.
        sort: ``block`` sorts the whole block, stably; ``insert`` moves no other line.
    """

    requirement: Requirement
    digests: Sequence[str] = ()
    comment: str = ""
    group: str | None = None
    near: NormalizedName | None = None
    sort: Sort = "block"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequirementsFile:
    """A requirements file: its lines, and everything needed to give the same bytes again.

    Attributes:
        path: the file's name, as messages show it.
        lines: the logical lines.
        mark: the byte order mark the file begins with, or nothing.
        encoding: how the bytes after the mark are read.
    """

    path: str
    lines: tuple[Line, ...]
    mark: bytes = b""
    encoding: str = "utf-8"

    @classmethod
    def from_bytes(cls, data: bytes, *, path: str = "requirements.txt") -> RequirementsFile:
        """Read a requirements file. Never raises; ``to_bytes`` gives ``data`` again."""
        for mark, encoding in _BYTE_ORDER_MARKS:
            if not data.startswith(mark):
                continue
            try:
                text = data[len(mark) :].decode(encoding, _on_error(encoding))
            except UnicodeDecodeError:  # half a character: not the encoding its mark says
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
        """The lines that name a project, of whatever kind."""
        return tuple(line for line in self.lines if line.name is not None)

    @property
    def uses_hashes(self) -> bool:
        """Whether pip will want a hash for every requirement."""
        return any(
            name in {"--hash", "--require-hashes"}
            for line in self.lines
            for name, _ in line.options
        )

    @property
    def generator(self) -> Generator | None:
        """The tool that says, at the top of the file, that it has written it."""
        return find_generator(self.lines)

    def find(self, name: str) -> tuple[Line, ...]:
        """Return the lines of a project, compared by canonical name."""
        wanted = canonicalize_name(name)
        return tuple(line for line in self.lines if line.name == wanted)

    def require_resolved(self) -> None:
        """Check that nobody has left the file in the middle of a merge.

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
        """Return what the comment lines in the headings of blocks say."""
        return tuple(
            heading for block in self.blocks() for heading in self._headings_of(block) if heading
        )

    def with_pin(
        self, line: Line, version: Version, *, digests: Sequence[str] = ()
    ) -> RequirementsFile:
        """Pin one requirement of this document to a version; see ``with_pins``."""
        return self.with_pins([Pin(line=line, version=version, digests=digests)])

    def with_pins(self, pins: Iterable[Pin]) -> RequirementsFile:
        """Pin requirements of this document to versions, all at once.

        A pin changes in its version alone; any other specifier is replaced by ``==version``.

        Raises:
            RequirementsError: the hashes of a line are spelled in a way that can't be edited.
            ValueError: a line is not of this document.
        """
        texts = {line.number: line.text for line in self.lines}
        for pin in pins:
            if texts.get(pin.line.number) != pin.line.text:
                raise ValueError(f"{pin.line.place} is not a line of this document")
            texts[pin.line.number] = pin_line(pin.line, pin.version, pin.digests, pin.comment)
        edited = self._reread(list(texts.values()))
        if len(edited.lines) != len(self.lines):  # a stray backslash has come to a line's end
            raise RequirementsError(
                "a line is spelled in a way that can't be edited without changing the next",
                path=self.path,
                hint="take stray backslashes out of the lines with hashes",
            )
        return edited

    def with_requirement(
        self,
        requirement: Requirement,
        *,
        group: str | None = None,
        sort: Sort = "block",
        digests: Sequence[str] = (),
        policy: str = "",
    ) -> RequirementsFile:
        """Add one requirement; see ``Addition`` and ``with_requirements``."""
        comment = f"pipflow: {policy}" if policy else ""
        addition = Addition(
            requirement=requirement, group=group, sort=sort, digests=digests, comment=comment
        )
        return self.with_requirements([addition])

    def with_requirements(self, additions: Sequence[Addition]) -> RequirementsFile:
        """Add requirements, each in the order of canonical names.

        They go into the first block that has requirements, else to the end of the file.

        Raises:
            RequirementsError: no heading is called as the ``group`` of one.
        """
        texts = [line.text for line in self.lines]
        blocks = self.blocks()
        pieces = {
            block.start: [(entry.name, texts[entry.start : entry.stop]) for entry in block.entries]
            for block in blocks
        }
        loose: list[tuple[NormalizedName, list[str]]] = []  # where no block has requirements yet
        for addition in additions:
            block = self._block_for(addition, blocks)
            there = loose if block is None else pieces[block.start]
            _insert(there, addition, self._spell(addition))
        put_together: list[str] = []
        place = 0
        for block in blocks:
            body = [text for _, piece in pieces[block.start] for text in piece]
            put_together += [*texts[place : block.body], *body]
            place = block.entries[-1].stop if block.entries else block.body
        put_together += texts[place:]
        put_together += [text for _, piece in loose for text in piece]
        return self._assemble(put_together)

    def without(self, lines: Collection[Line]) -> RequirementsFile:
        """Remove lines, with the comment lines that belong to them; a block's heading stays."""
        numbers = {line.number for line in lines}
        gone = {index for index, line in enumerate(self.lines) if line.number in numbers}
        for block in self.blocks():
            for entry in block.entries:
                if entry.requirement in gone:
                    gone.update(range(entry.start, entry.stop))
        kept = [line.text for index, line in enumerate(self.lines) if index not in gone]
        return self._assemble(kept)

    def _assemble(self, texts: Sequence[str]) -> RequirementsFile:
        """Put texts together: each is closed but for the last, which ends as the file ended."""
        if not texts:
            return self._reread([])
        *inner, last = texts
        newline = self._newline()
        if self.lines and not _ending(self.lines[-1].text):
            last = last.removesuffix(_ending(last))
        closed = [*(_close(text, newline) for text in inner), last]
        for place, (text, below) in enumerate(pairwise(closed)):
            if text.endswith("\r") and below.startswith("\n"):  # they would become one ending
                closed[place] = f"{text}\n"
        return self._reread(closed)

    def _reread(self, texts: Sequence[str]) -> RequirementsFile:
        text = "".join(texts)
        data = self.mark + text.encode(self.encoding, _on_error(self.encoding))
        edited = self.from_bytes(data, path=self.path)
        if (edited.mark, edited.encoding) != (self.mark, self.encoding):
            raise RequirementsError(
                "the change would alter the encoding that the file is read in",
                path=self.path,
                hint="save the file as UTF-8, without a `coding` comment",
            )
        return edited

    def _newline(self) -> str:
        """Return the line ending that the file has most."""
        endings = [
            _ending(physical)
            for line in self.lines
            for physical in line.text.splitlines(keepends=True)
        ]
        known = [ending for ending in endings if ending in {"\n", "\r\n", "\r"}]
        return max(known, key=known.count) if known else "\n"

    def _hash_layout(self) -> str:
        for line in self.lines:
            if line.requirement is not None and line.option_values("--hash"):
                layout = hash_layout(line)
                return layout if layout.endswith(" ") else " "  # a tab parts no first option
        return f" \\{self._newline()}    "

    def _headings_of(self, block: Block) -> tuple[str, ...]:
        return tuple(heading_text(line.comment) for line in self.lines[block.start : block.body])

    def _spell(self, addition: Addition) -> str:
        """Write a requirement as it was typed, extras in order and the marker behind ``; ``."""
        requirement = addition.requirement
        extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
        marker = f"; {requirement.marker}" if requirement.marker else ""
        return "".join(
            [
                f"{requirement.name}{extras}{requirement.specifier}{marker}",
                *(f"{self._hash_layout()}--hash={digest}" for digest in addition.digests),
                f"  # {addition.comment}" if addition.comment else "",
                self._newline(),
            ]
        )

    def _block_for(self, addition: Addition, blocks: Sequence[Block]) -> Block | None:
        """Return the block that an addition belongs to, or the first that has requirements."""
        group = addition.group
        if group is None:
            filled = [block for block in blocks if block.entries]
            names = (addition.near,)
            near = (b for b in filled if any(entry.name in names for entry in b.entries))
            return next(near, filled[0] if filled else None)
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


def _insert(pieces: list[tuple[NormalizedName, list[str]]], addition: Addition, text: str) -> None:
    """Put the text of an addition among the entries of a block."""
    name = canonicalize_name(addition.requirement.name)
    if addition.sort == "block":
        pieces.append((name, [text]))
        pieces.sort(key=lambda piece: piece[0])
    else:
        later = (place for place, piece in enumerate(pieces) if piece[0] > name)
        pieces.insert(next(later, len(pieces)), (name, [text]))


def _declared_encoding(data: bytes) -> str:
    """Return what ``# -*- coding: latin-1 -*-`` in the first two lines says, else UTF-8."""
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
    """End a text so that whatever comes after it is a line of its own."""
    if not _ending(text):
        text += newline
    return text + _ending(text) if goes_on(text.splitlines()[-1]) else text
