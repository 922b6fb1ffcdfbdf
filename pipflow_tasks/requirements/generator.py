"""Files that another tool writes: pip-compile, uv and others name themselves at the top."""

from __future__ import annotations

import re
import shlex
from itertools import pairwise, takewhile
from typing import TYPE_CHECKING

from msgspec import Struct

from ..errors import redact
from ..values import Pattern
from .compile_command import CompileCommand, read_command
from .line import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .line import Line

_MADE_BY = Pattern(
    r"(?:auto-?generated|@generated|^#+\s*(?:this file (?:is|was) )?generated) (?:by|with) "
    r"([\w.-]*\w)",
    re.IGNORECASE,
)
_WITH_PYTHON = Pattern(r"\bwith python (\d+\.\d+)", re.IGNORECASE)
_ANNOUNCES = Pattern(r"#.*\b(?:command|run|update)\b.*:\s*$", re.IGNORECASE)
_ANNOUNCED = Pattern(r"#\s+(\S.*)")
_COMMAND = Pattern(r"#\s+((?:\w+=\S+\s+)*(?:pip-compile|uv|poetry|pdm|pipenv)\s.*)")
_VIA = Pattern(r"(?:#\s*via\s+|#\s+)(?:-r|--requirement)[ =](\S+)\s*$")
_STREAMS = frozenset({"-", "--output-file=-"})
_MOST_TEXT = 2000
"""The length of a comment in which a tool names itself."""
_HEADER = {Kind.COMMENT, Kind.BLANK, Kind.OPTION}
_SOURCES = (".in", ".toml", ".cfg", ".py", ".txt", ".lock")


class Generator(Struct, frozen=True, kw_only=True):
    """The tool that wrote a file.

    Attributes:
        tool: the name of the tool.
        command: the command that wrote the file, if the file has it; credentials hidden.
        source: the files that it was made from, as the command or the comments name them, if any.
        python: the series of the Python that it was made for (``3.8``), where the header says that.
    """

    tool: str
    command: str = ""
    source: str = ""
    python: str = ""

    @property
    def compiling(self) -> CompileCommand | None:
        """The command, where it is pip-compile's or uv's and needs no shell."""
        return read_command(self.command)

    @property
    def way(self) -> str:
        """What changes the file so that it stays changed."""
        return f"change {self.source or 'its source'} and run `{self.command or self.tool}`"


def find_generator(lines: Sequence[Line]) -> Generator | None:
    """Return the tool that the comments at the top of a file name as its author, if any."""
    tool = command = python = ""
    is_announced = False
    for line in takewhile(lambda line: line.kind in _HEADER, lines):
        comment = line.comment if len(line.comment) <= _MOST_TEXT else ""
        made_by = None if tool else _MADE_BY.search(comment)
        if made_by:
            tool, with_python = made_by[1], _WITH_PYTHON.search(comment)
            python = with_python[1] if with_python else ""
        pattern = _ANNOUNCED if is_announced else _COMMAND
        if tool and not made_by and (found := pattern.match(comment)):
            command = redact(found[1].strip())
            if not _STREAMS.isdisjoint(command.split()):
                command = ""  # what it was given and where it went, a shell alone knew
            break
        is_announced |= bool(tool and _ANNOUNCES.match(comment))
    if not tool:
        return None
    source = _source(command) if _COMMAND.match(f"# {command}") else ""
    compiling = read_command(command)
    return Generator(
        tool=tool,
        command=command,
        source=source or _source_by_via(lines),
        python=python or (compiling.python if compiling is not None else ""),
    )


def _source_by_via(lines: Iterable[Line]) -> str:
    """Return the files that comments such as ``# via -r requirements.in`` name."""
    comments = (text for line in lines for text in line.text.splitlines())
    short = (text for text in comments if len(text) <= _MOST_TEXT)
    named = (found[1] for text in short if (found := _VIA.search(text)))
    return " and ".join(dict.fromkeys(redact(name) for name in named if name != "-"))


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
