"""Files that another tool writes: pip-compile, uv and others name themselves at the top."""

from __future__ import annotations

import re
import shlex
from itertools import pairwise
from typing import TYPE_CHECKING

from msgspec import Struct

from ..errors import redact
from .line import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .line import Line

_MADE_BY = re.compile(
    r"(?:auto-?generated|@generated|^#+\s*(?:this file (?:is|was) )?generated) (?:by|with) "
    r"([\w.-]*\w)",
    re.IGNORECASE,
)
_COMMAND = re.compile(r"#\s+((?:\w+=\S+\s+)*(?:pip-compile|uv|poetry|pdm|pipenv)\s.*)")
_SOURCES = (".in", ".toml", ".cfg", ".py", ".txt", ".lock")


class Generator(Struct, frozen=True, kw_only=True):
    """The tool that wrote a file.

    Attributes:
        tool: the name of the tool.
        command: the command that wrote the file, if the file has it; credentials hidden.
        source: the files that the command names as its input, if any.
    """

    tool: str
    command: str = ""
    source: str = ""


def find_generator(lines: Iterable[Line]) -> Generator | None:
    """Return the tool that the comments at the top of a file name as its author, if any."""
    tool = ""
    for line in lines:
        if line.kind not in {Kind.COMMENT, Kind.BLANK, Kind.OPTION}:
            break
        if not tool:
            made_by = _MADE_BY.search(line.comment)
            tool = made_by[1] if made_by else ""
        elif command := _COMMAND.match(line.comment):
            shown = redact(command[1].strip())
            return Generator(tool=tool, command=shown, source=_source(shown))
    return Generator(tool=tool) if tool else None


def _source(command: str) -> str:
    try:
        words = shlex.split(command)
    except ValueError:
        return ""
    written = {after for word, after in pairwise(words) if word in {"-o", "--output-file"}}
    found = [
        word
        for word in words[1:]
        if word.endswith(_SOURCES) and not word.startswith("-") and word not in written
    ]
    return " and ".join(found)
