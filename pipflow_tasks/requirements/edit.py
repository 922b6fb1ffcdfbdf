"""Replacing the smallest span of a line: its version, its hashes, its comment."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec.structs import replace
from packaging.utils import canonicalize_name

from ..errors import RequirementsError
from ..values import Pattern
from .line import NAME, find_comment, join_physical, read_lines
from .options import HASH, split_options

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from packaging.version import Version

    from .line import Line

_GAP = Pattern(r"(?:[ \t]|\\(?:\r\n|\r|\n))+")
_OURS = Pattern(r"\S {2}# via ")
_VERSION = re.compile(r"\s*([^\s,)]+)")

Span = tuple[int, int]


def pin_line(
    line: Line,
    version: Version,
    digests: Sequence[str],
    comment: str | None = None,
    extras: Collection[str] = (),
) -> str:
    """Return the text of a requirement line with a new version, and new hashes.

    A comment keeps its column if there are enough spaces before it. A ``# via`` comment in the
    form that ``lock`` writes keeps its two spaces instead.

    Args:
        line: a requirement line without URL.
        version: the version to pin it to; a specifier that is no pin is replaced as a whole.
        digests: ``sha256:...`` of every file of that version; empty to leave them as they are.
        comment: its new comment, perhaps empty; None keeps the old one.
        extras: those that it gets besides its own.

    Raises:
        RequirementsError: the hashes of the line have a form that can't be edited.
    """
    if comment is not None and line.comment:
        line = _reread(line, _with_comment(line, comment))
    if extras:
        line = _reread(line, add_extras(line, extras))
    if version != line.pin or digests:
        line = _reread(line, _with_version(line, version, digests))
    if comment is not None and not line.comment:  # it has no column to keep
        return _with_comment(line, comment)
    return line.text


def _with_version(line: Line, version: Version, digests: Sequence[str]) -> str:
    span = _version_span(line)
    new = str(version) if line.pin is not None else f"=={version}"
    is_ours = bool(line.via) and _OURS.search(line.text) is not None
    hashes = list(_hash_edits(line, digests)) if digests else []
    return _replace(line, [(span, new), *hashes], keep_column=not hashes and not is_ours)


def hash_layout(line: Line) -> str:
    """Return the text before each hash of a line: spaces, perhaps with a line ending."""
    tokens = list(HASH.finditer(line.content))
    if not tokens:  # the option is abbreviated, for example
        return " "
    offsets = _content_offsets(line)
    if len(tokens) > 1:
        gap = line.text[offsets[tokens[0].end() - 1] + 1 : offsets[tokens[1].start()]]
    else:
        before = _end_before(line, tokens[0].start())
        gap = line.text[offsets[before - 1] + 1 : offsets[tokens[0].start()]]
        gap = gap if "\\" in gap else " "
    return gap if _GAP.fullmatch(gap) else " "


def _with_comment(line: Line, comment: str) -> str:
    """Return the text of a line with its comment replaced, or with a new one behind its content."""
    joined, offsets = join_physical(line.text.splitlines(keepends=True))
    found = find_comment(joined)
    if found is None:
        last = offsets[len(joined.rstrip()) - 1] + 1
        return f"{line.text[:last]}  {comment}{line.text[last:]}" if comment else line.text
    blanks, mark = found
    begin = offsets[mark if comment else blanks]
    stop = offsets[-1] + 1
    return line.text[:begin] + comment + line.text[stop:]


def _reread(line: Line, text: str) -> Line:
    """Return a line with another text.

    Raises:
        RequirementsError: the text is no single line any more.
    """
    first, *others = read_lines(text, line.path)
    if others:  # a stray backslash ends a line now
        raise RequirementsError(
            "this line can't be edited without changing the line below",
            path=line.path,
            line=line.number,
            hint="remove stray backslashes from it",
        )
    return replace(first, number=line.number)


def add_extras(line: Line, extras: Collection[str]) -> str:
    """Return the text of a line with more extras: in order, if its own are in order."""
    subject, _ = split_options(line.content)
    end, span = _find_extras(subject)
    if span is None:
        new = f"[{','.join(sorted(extras, key=canonicalize_name))}]"
        return _replace(line, [((end, end), new)], keep_column=True)
    inside = subject[slice(*span)]
    there = [extra.strip() for extra in inside.split(",") if extra.strip()]
    every = [*there, *sorted(extras, key=canonicalize_name)]
    if there == sorted(there, key=canonicalize_name):
        every.sort(key=canonicalize_name)
    new = (", " if ", " in inside else ",").join(every)
    return _replace(line, [(span, new)], keep_column=True)


def typed_specifier(line: Line) -> str:
    """Return the specifier of a requirement line that is not pinned, as it is written."""
    return line.content[slice(*_version_span(line))]


def _hash_edits(line: Line, digests: Sequence[str]) -> list[tuple[Span, str]]:
    """Return the edits that replace the first hash by all new ones and remove the others.

    A line without hashes gets them at its end.
    """
    tokens = list(HASH.finditer(line.content))
    if not tokens and not line.option_values("--hash"):
        newline = "\r\n" if line.text.endswith("\r\n") else "\n"
        end = len(line.content)
        return [((end, end), "".join(f" \\{newline}    --hash={each}" for each in digests))]
    if tuple(token[2] for token in tokens) != line.option_values("--hash"):
        raise RequirementsError(
            "the hashes of this line have a form that can't be edited",
            path=line.path,
            line=line.number,
            hint="write each hash as --hash=sha256:...",
        )
    opening, closing = tokens[0][1], tokens[0][3]
    joined = hash_layout(line).join(f"{opening}{digest}{closing}" for digest in digests)
    gone = [((_end_before(line, token.start()), token.end()), "") for token in tokens[1:]]
    return [(tokens[0].span(), joined), *gone]


def _end_before(line: Line, place: int) -> int:
    """Return where the word before a place in the content ends."""
    return len(line.content[:place].rstrip())


def _find_extras(subject: str) -> tuple[int, Span | None]:
    """Return where the name of a requirement ends, and what is in its brackets, if it has any.

    packaging has parsed the requirement already, so that all is in its place.
    """
    name = NAME.match(subject)
    assert name is not None
    end = name.end()
    bracket = end + len(subject[end:]) - len(subject[end:].lstrip())
    has_extras = subject[bracket : bracket + 1] == "["
    return end, (bracket + 1, subject.index("]", bracket)) if has_extras else None


def _version_span(line: Line) -> Span:
    """Return the span in the content of a pin's version, or else of the whole specifier."""
    subject, _ = split_options(line.content)
    end, extras = _find_extras(subject)
    start = end if extras is None else extras[1] + 1
    stop = subject.index(";", start) if ";" in subject[start:] else len(subject)
    stop = start + len(subject[start:stop].rstrip())
    if line.pin is None:
        return start, stop
    version = _VERSION.match(subject, subject.index("==", start) + 2, stop)
    assert version is not None
    return version.span(1)


def _content_offsets(line: Line) -> list[int]:
    """Return the place in the text of each character of the content."""
    joined, offsets = join_physical(line.text.splitlines(keepends=True))
    lead = len(joined) - len(joined.lstrip())
    return offsets[lead : lead + len(line.content)]


def _replace(line: Line, edits: Sequence[tuple[Span, str]], *, keep_column: bool) -> str:
    """Replace spans of the content, the last one first, so that the earlier ones stay in place."""
    text, offsets = line.text, _content_offsets(line)
    for (start, stop), new in sorted(edits, reverse=True):
        is_gap = start == stop or not new  # a gap begins where the character before it ends
        begin = offsets[start - 1] + 1 if is_gap else offsets[start]
        end = offsets[stop - 1] + 1
        tail = text[end:]
        if keep_column:
            tail = _keep_column(tail, growth=len(new) - (end - begin))
        text = text[:begin] + new + tail
    return text


def _keep_column(tail: str, *, growth: int) -> str:
    """Remove or add spaces before a comment, so that the comment stays in its column."""
    first = tail.splitlines()[0] if tail else ""
    found = find_comment(first)
    if found is None or set(first[slice(*found)]) != {" "}:
        return tail
    spaces = found[1] - found[0]
    wanted = spaces - growth if spaces > growth else spaces
    return tail[: found[0]] + " " * wanted + tail[found[1] :]
