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
with it, for the command that has to understand it.
"""

from __future__ import annotations

import codecs
import enum
import re
import shlex
from dataclasses import dataclass, replace
from functools import cache
from optparse import OptionParser
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from .errors import RequirementsError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from optparse import Option

Sort = Literal["block", "insert"]

_COMMENT = re.compile(r"(^|\s+)#.*$")
_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_CONFLICT = re.compile(r"(<{7}|\|{7}|>{7})(\s|$)|={7}$")
_ARCHIVES = (".whl", ".zip", ".tar.gz", ".tgz", ".tar", ".tar.bz2", ".tbz", ".tar.xz", ".txz")
_URL_SCHEMES = frozenset({"http", "https", "file", "ftp", "ssh", "git", "hg", "bzr", "sftp", "svn"})
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class Kind(enum.Enum):
    """What a logical line is; the value names it in a sentence."""

    BLANK = "a blank line"
    COMMENT = "a comment"
    REQUIREMENT = "a requirement"
    EDITABLE = "an editable install"
    REFERENCE = "a URL or a path"
    OPTION = "an option"
    UNREADABLE = "not a valid line"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One logical line of a requirements file.

    Attributes:
        number: its first physical line, from 1.
        text: all its characters, line endings included.
        content: what pip reads of it: continued lines joined, the comment gone, stripped.
        kind: what it is.
        comment: its comment from the ``#`` on, or an empty string.
        name: the canonical project name, where the line tells one.
        requirement: the PEP 508 requirement, for ``Kind.REQUIREMENT``. Where its version is a
            ``${VARIABLE}``, the specifier is a stand-in and ``has_variable`` is true.
        pin: the version, where the specifier is a single ``==`` without wildcard.
        options: long option names with their values (``""`` for a flag), in the line's order.
        problem: what is wrong with an unreadable line.
    """

    number: int
    text: str
    content: str
    kind: Kind
    comment: str = ""
    name: NormalizedName | None = None
    requirement: Requirement | None = None
    pin: Version | None = None
    options: tuple[tuple[str, str], ...] = ()
    problem: str = ""

    @property
    def has_variable(self) -> bool:
        """Whether pip will put an environment variable's value into this line."""
        return _VARIABLE.search(self.content) is not None

    @property
    def is_indented(self) -> bool:
        """Whether the line begins with a blank."""
        return self.text[:1] in {" ", "\t"}

    def option_values(self, name: str) -> tuple[str, ...]:
        """Return the values given to the option with that long name."""
        return tuple(value for option, value in self.options if option == name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A requirement and the comment lines that belong to it: ``lines[start:stop]``."""

    start: int
    requirement: int
    stop: int
    name: NormalizedName


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A run of comment and requirement lines without a blank line or an option between them.

    The comment lines before the first requirement are the heading; ``lines[start:body]``.
    """

    start: int
    body: int
    stop: int
    entries: tuple[Entry, ...]


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
            return cls(path=path, lines=tuple(_read(text)), mark=mark, encoding=encoding)
        return cls(path=path, lines=tuple(_read(data.decode("utf-8", "surrogateescape"))))

    def to_bytes(self) -> bytes:
        """Return the file's bytes."""
        text = "".join(line.text for line in self.lines)
        return self.mark + text.encode(self.encoding, _on_error(self.encoding))

    @property
    def requirements(self) -> tuple[Line, ...]:
        """The lines that name a project, of whatever kind."""
        return tuple(line for line in self.lines if line.name is not None)

    def find(self, name: str) -> tuple[Line, ...]:
        """Return the lines of a project, compared by canonical name."""
        wanted = canonicalize_name(name)
        return tuple(line for line in self.lines if line.name == wanted)

    def option_values(self, name: str) -> tuple[str, ...]:
        """Return the values that option lines give to the option with that long name."""
        return tuple(value for line in self.lines for value in line.option_values(name))

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
        return tuple(_blocks(self.lines))

    def headings(self) -> tuple[str, ...]:
        """Return the text of every comment line that stands in a block's heading."""
        return tuple(
            heading for block in self.blocks() for heading in self._headings_of(block) if heading
        )

    def with_pin(self, line: Line, version: Version) -> RequirementsFile:
        """Pin the requirement in the place of ``line``, which may come from before other pins moved.

        A pin changes in its version alone; any other specifier is replaced by ``==version``. The
        column of a comment behind it stays where the blanks before it allow.
        """
        start, stop = _version_span(line)
        new = str(version) if line.pin is not None else f"=={version}"
        return self._replace(line, _splice(line, start, stop, new))

    def with_requirement(
        self, requirement: Requirement, *, group: str | None = None, sort: Sort = "block"
    ) -> RequirementsFile:
        """Add a requirement, in the order of canonical names.

        It goes into the first block that has requirements, else to the end of the file.

        Args:
            requirement: what to write, in PEP 508's words.
            group: a heading: its block is taken instead.
            sort: ``block`` sorts the whole block, stably; ``insert`` moves no other line.

        Raises:
            RequirementsError: no heading is called ``group``.
        """
        name = canonicalize_name(requirement.name)
        text = _spell(requirement) + self._newline()
        block = self._block_for(group)
        texts = [line.text for line in self.lines]
        if block is None:
            return self._assemble([*texts, text])
        pieces = [(entry.name, texts[entry.start : entry.stop]) for entry in block.entries]
        if sort == "block":
            pieces.append((name, [text]))
            pieces.sort(key=lambda piece: piece[0])
        else:
            later = [place for place, piece in enumerate(pieces) if piece[0] > name]
            pieces.insert(later[0] if later else len(pieces), (name, [text]))
        last = block.entries[-1].stop if block.entries else block.body
        body = [text for _, piece in pieces for text in piece]
        return self._assemble([*texts[: block.body], *body, *texts[last:]])

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

    def _replace(self, line: Line, text: str) -> RequirementsFile:
        """Return the document with other text in the place of one line."""
        return self._reread(
            [text if other.number == line.number else other.text for other in self.lines]
        )

    def _assemble(self, texts: Sequence[str]) -> RequirementsFile:
        """Put texts together: each is closed but for the last, which ends as the file ended."""
        if not texts:
            return self._reread([])
        *inner, last = texts
        newline = self._newline()
        if self.lines and not _ends_line(self.lines[-1].text):
            last = last.removesuffix(_ending(last))
        return self._reread([*(_close(text, newline) for text in inner), last])

    def _reread(self, texts: Sequence[str]) -> RequirementsFile:
        return replace(self, lines=tuple(_read("".join(texts))))

    def _newline(self) -> str:
        """Return the line ending that the file has most."""
        endings = [
            _ending(physical)
            for line in self.lines
            for physical in line.text.splitlines(keepends=True)
        ]
        known = [ending for ending in endings if ending in {"\n", "\r\n", "\r"}]
        return max(known, key=known.count) if known else "\n"

    def _headings_of(self, block: Block) -> tuple[str, ...]:
        lines = self.lines[block.start : block.body]
        return tuple(line.comment.strip("#=-*~ \t").removesuffix(":") for line in lines)

    def _block_for(self, group: str | None) -> Block | None:
        """Return the block called ``group``, or the first that has requirements."""
        blocks = self.blocks()
        if group is None:
            return next((block for block in blocks if block.entries), None)
        wanted = group.strip("#=-*~ \t").removesuffix(":").casefold()
        for block in blocks:
            if wanted in (heading.casefold() for heading in self._headings_of(block)):
                return block
        known = ", ".join(f'"{heading}"' for heading in self.headings())
        raise RequirementsError(
            f'no block has the heading "{group}"',
            path=self.path,
            hint=f"the headings are {known}" if known else "the file has no heading comments",
        )


def expand_variables(text: str, environment: Mapping[str, str]) -> str:
    """Put the values of ``${VARIABLES}`` in, as pip does: unknown and empty ones stay as they are.

    The result is for asking an index. It is never written or printed.
    """
    return _VARIABLE.sub(lambda match: environment.get(match[1]) or match[0], text)


def split_requirements(text: str) -> tuple[Requirement, ...]:
    """Read requirements typed in one word, separated by commas or blanks.

    ``requests[socks]>=2.30,<3 flask`` is two. A marker reaches to the next comma or to the end.

    Raises:
        RequirementsError: a part is not a PEP 508 requirement.
    """
    return tuple(_parse_typed(part) for part in _split_typed(text))


def _parse_typed(text: str) -> Requirement:
    if text.startswith("-"):
        raise RequirementsError(
            f'"{text}" is an option, not a package',
            hint="options stand before or after the packages, as words of their own; "
            "`invoke --help deps.add` lists them",
        )
    try:
        requirement = Requirement(text)
    except ValueError as error:
        reason = str(error).splitlines()[0]
        raise RequirementsError(
            f'"{text}" is not a requirement: {reason}',
            hint='write a name, or a name with a specifier in quotes, like "django>=4.2,<5"',
        ) from error
    if requirement.url is not None:
        raise RequirementsError(
            f'"{text}" names an address, not a version to look up',
            hint="write the line into the requirements file; it will be left alone",
        )
    return requirement


def _split_typed(text: str) -> Iterator[str]:
    """Cut where one requirement ends and the next begins."""
    start = 0
    quote = ""
    depth = 0
    in_marker = False
    for index, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
            continue
        if character in "\"'" and in_marker:
            quote = character
        elif character in "[(":
            depth += 1
        elif character in ")]":
            depth -= 1
        elif character == ";":
            in_marker = True
        elif depth == 0 and (character == "," or (character.isspace() and not in_marker)):
            after = text[index + 1 :].lstrip(" \t\r\n")
            before = text[start:index].rstrip()
            goes_on = (
                not after
                or after[0] in "<>=!~([;,@"
                or before.endswith(("<", ">", "=", "@", "~", ","))
            )
            if character == "," and in_marker:
                goes_on = False
            if not goes_on:
                if before.strip(", \t\r\n"):
                    yield before.strip(", \t\r\n")
                start, in_marker = index + 1, False
    if text[start:].strip(", \t\r\n"):
        yield text[start:].strip(", \t\r\n")


def _spell(requirement: Requirement) -> str:
    """Write a requirement as it was typed, extras in order and the marker behind ``; ``."""
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    marker = f"; {requirement.marker}" if requirement.marker else ""
    return f"{requirement.name}{extras}{requirement.specifier}{marker}"


def _on_error(encoding: str) -> str:
    return "surrogateescape" if encoding == "utf-8" else "surrogatepass"


def _ending(text: str) -> str:
    """Return the characters that end a physical line."""
    lines = text.splitlines(keepends=True)
    return lines[-1][len(lines[-1].splitlines()[0]) :] if lines else ""


def _ends_line(text: str) -> bool:
    return bool(_ending(text))


def _close(text: str, newline: str) -> str:
    """End a text so that whatever comes after it is a line of its own."""
    if not _ends_line(text):
        text += newline
    last = text.splitlines()[-1]
    return text + newline if _goes_on(last) else text


def _goes_on(physical: str) -> bool:
    """Tell whether the next physical line continues this one."""
    return physical.endswith("\\") and not _COMMENT.match(physical)


def _read(text: str) -> Iterator[Line]:
    number = 1
    held: list[str] = []
    for physical in text.splitlines(keepends=True):
        held.append(physical)
        if not _goes_on(physical.splitlines()[0]):
            yield _read_line(held, number)
            number += len(held)
            held = []
    if held:
        yield _read_line(held, number)


def _join(physical: Sequence[str]) -> tuple[str, list[int]]:
    """Join continued lines as pip does, and tell where in the text each character stands."""
    joined: list[str] = []
    offsets: list[int] = []
    start = 0
    for line in physical:
        bare = line.splitlines()[0]
        kept = bare.strip("\\") if _goes_on(bare) else bare
        if _COMMENT.match(bare):
            joined.append(" ")
            offsets.append(start)
        begin = start + (bare.find(kept) if kept else 0)
        joined.append(kept)
        offsets.extend(range(begin, begin + len(kept)))
        start += len(line)
    return "".join(joined), offsets


def _read_line(physical: Sequence[str], number: int) -> Line:
    joined, _ = _join(physical)
    found = _COMMENT.search(joined)
    content = (joined[: found.start()] if found else joined).strip()
    comment = joined[found.start() :].strip() if found else ""
    line = Line(
        number=number,
        text="".join(physical),
        content=content,
        kind=Kind.COMMENT if comment else Kind.BLANK,
        comment=comment,
    )
    return _understand(line) if content else line


def _understand(line: Line) -> Line:
    """Tell what the content of a line is."""
    subject, rest = _split_options(line.content)
    try:
        options = _read_options(rest)
    except ValueError as error:
        return replace(line, kind=Kind.UNREADABLE, problem=str(error))
    if not subject:
        editable = [value for name, value in options if name == "--editable"]
        if editable:
            name = _name_of_reference(editable[-1])
            return replace(line, kind=Kind.EDITABLE, name=name, options=options)
        return replace(line, kind=Kind.OPTION, options=options)
    if _is_reference(subject):
        name = _name_of_reference(subject)
        return replace(line, kind=Kind.REFERENCE, name=name, options=options)
    try:
        requirement = _parse(subject)
        pin = None if _VARIABLE.search(subject) else _pin(requirement)
    except (ValueError, RecursionError) as error:
        return replace(
            line, kind=Kind.UNREADABLE, options=options, problem=str(error).splitlines()[0]
        )
    return replace(
        line,
        kind=Kind.REQUIREMENT,
        name=canonicalize_name(requirement.name),
        requirement=requirement,
        pin=pin,
        options=options,
    )


def _parse(text: str) -> Requirement:
    """Read a requirement; a variable that PEP 508 can't read stands for some version."""
    try:
        return Requirement(text)
    except ValueError:
        named = _NAME.match(text)
        if not named or text.startswith("$", named.end()) or not _VARIABLE.search(text):
            raise
        return Requirement(_VARIABLE.sub("0", text))


def _pin(requirement: Requirement) -> Version | None:
    clauses = list(requirement.specifier)
    if len(clauses) != 1 or clauses[0].operator != "==" or clauses[0].version.endswith(".*"):
        return None
    return Version(clauses[0].version)


def _split_options(content: str) -> tuple[str, str]:
    """Cut before the first word that begins with ``-``; words are parted by single blanks."""
    if content.startswith("-"):
        return "", content
    place = content.find(" -")
    return (content, "") if place < 0 else (content[:place].rstrip(), content[place + 1 :])


def _is_reference(subject: str) -> bool:
    scheme, colon, _ = subject.partition(":")
    if colon and scheme.lower().partition("+")[0] in _URL_SCHEMES:
        return True
    before_address = subject.partition("@")[0].partition(";")[0].strip()
    if "/" in before_address or "\\" in before_address or subject.startswith("."):
        return True
    return "@" not in subject and before_address.partition("[")[0].lower().endswith(_ARCHIVES)


def _name_of_reference(reference: str) -> NormalizedName | None:
    """Tell the project from ``#egg=name``, ``name @ url`` or the name of a wheel."""
    address, _, fragment = reference.partition("#")
    for part in fragment.split("&"):
        key, _, value = part.partition("=")
        if key == "egg" and (egg := _NAME.match(value)):
            return canonicalize_name(egg[0])
    named = _NAME.match(address)
    if named and address[named.end() :].partition("[")[0].lstrip()[:1] == "@":
        return canonicalize_name(named[0])
    file_name = address.partition("?")[0].partition(";")[0].strip().rsplit("/", 1)[-1]
    if file_name.endswith(".whl") and file_name.count("-") >= 4:
        return canonicalize_name(file_name.partition("-")[0])
    return None


class _Options(OptionParser):
    """pip's options for requirements files, with pip's parser: optparse, abbreviations and all."""

    def error(self, msg: str) -> NoReturn:
        raise ValueError(msg)


@cache
def _option_parser() -> _Options:
    def record(option: Option, _: str, value: str | None, parser: Any) -> None:
        parser.values.seen.append((option.get_opt_string(), value or ""))

    parser = _Options(add_help_option=False, prog="pip")
    parser.set_defaults(seen=[])
    with_value = (
        ("-i", "--index-url", "--pypi-url"), ("--extra-index-url",), ("-f", "--find-links"),
        ("-r", "--requirement"), ("-c", "--constraint"), ("-e", "--editable"),
        ("--no-binary",), ("--only-binary",), ("--trusted-host",), ("--use-feature",),
        ("--hash",), ("-C", "--config-settings", "--config-setting"), ("--global-option",),
        ("--install-option",), ("--all-releases",), ("--only-final",),
    )  # fmt: skip
    flags = ("--no-index", "--pre", "--prefer-binary", "--require-hashes")
    for names in with_value:
        parser.add_option(*names, action="callback", callback=record, type="string", nargs=1)
    for name in flags:
        parser.add_option(name, action="callback", callback=record)
    return parser


def _read_options(text: str) -> tuple[tuple[str, str], ...]:
    """Read options as pip does.

    Raises:
        ValueError: pip would not take them.
    """
    if not text:
        return ()
    parser = _option_parser()
    values = parser.get_default_values()
    values.seen = []
    parser.parse_args(shlex.split(text), values)
    return tuple(values.seen)


def _blocks(lines: Sequence[Line]) -> Iterator[Block]:
    start = 0
    for stop in range(len(lines) + 1):
        if stop == len(lines) or lines[stop].kind not in {Kind.COMMENT, Kind.REQUIREMENT}:
            if stop > start:
                yield _block(lines, start, stop)
            start = stop + 1


def _block(lines: Sequence[Line], start: int, stop: int) -> Block:
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


def _version_span(line: Line) -> tuple[int, int]:
    """Tell where in the content the version of a pin, or else the whole specifier, stands.

    packaging has read the requirement already: the name, its extras and the end of the specifier
    are where they must be.
    """
    subject, _ = _split_options(line.content)
    name = _NAME.match(subject)
    assert name is not None
    start = name.end()
    bracket = start + len(subject[start:]) - len(subject[start:].lstrip())
    if subject[bracket : bracket + 1] == "[":
        start = subject.index("]", bracket) + 1
    stop = subject.index(";", start) if ";" in subject[start:] else len(subject)
    stop = start + len(subject[start:stop].rstrip())
    if line.pin is None:
        return start, stop
    start = subject.index("==", start) + 2
    version = re.compile(r"\s*([^\s,)]+)").match(subject, start, stop)
    assert version is not None
    return version.span(1)


def _splice(line: Line, start: int, stop: int, new: str) -> str:
    """Replace ``content[start:stop]`` in the text of a line; a comment behind keeps its column."""
    joined, offsets = _join(line.text.splitlines(keepends=True))
    lead = len(joined) - len(joined.lstrip())
    offsets.append(offsets[-1] + 1)
    begin = offsets[lead + start] if start < stop else offsets[lead + start - 1] + 1
    end = offsets[lead + stop - 1] + 1
    tail = line.text[end:]
    here = tail.splitlines()[0] if tail else ""
    comment = _COMMENT.search(here)
    if comment is not None and set(comment[1]) == {" "}:
        blanks = len(comment[1])
        wanted = blanks - (len(new) - (end - begin))
        if wanted >= 1:
            tail = tail[: comment.start()] + " " * wanted + tail[comment.start() + blanks :]
    return line.text[:begin] + new + tail
