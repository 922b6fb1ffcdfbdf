"""Split the text of a Dockerfile into instructions.

The grammar is that of BuildKit's Dockerfile frontend (the "Dockerfile reference")::

    file        = [BOM] directive* (comment | blank | instruction)*
    directive   = "#" ("syntax" | "escape" | "check") "=" value      only above all else
    instruction = KEYWORD flag* arguments (escape newline arguments)* heredoc*
    flag        = "--" name ["=" value]
    arguments   = JSON list of strings (exec form) | text (shell form)
    heredoc     = lines up to the word after "<<" or "<<-"           of RUN, COPY and ADD alone

Comments and blank lines between continued lines are skipped.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ..errors import DockerfileError
from .words import BLANKS, partition, split_words, unquote, word_end

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class Heredoc(Struct, frozen=True, kw_only=True):
    """A here-document of an instruction.

    Attributes:
        name: the word that ends it, without quotes.
        body: its lines, each with a final newline, without the tabs that ``<<-`` removes.
    """

    name: str
    body: str


class Instruction(Struct, frozen=True, kw_only=True):
    """One instruction, its continued lines joined.

    Attributes:
        keyword: in upper case.
        line: 1-based line of the keyword.
        last_line: that of its end, heredocs included.
        flags: names without dashes and values as written (``--link`` has the value "").
        arguments: what follows the flags, as written.
        json: the words of the exec form, or None for the shell form.
        heredocs: in the order of the arguments.
        trigger: the instruction behind ONBUILD.
    """

    keyword: str
    line: int
    last_line: int = 0
    flags: tuple[tuple[str, str], ...] = ()
    arguments: str = ""
    json: tuple[str, ...] | None = None
    heredocs: tuple[Heredoc, ...] = ()
    trigger: Instruction | None = None

    @property
    def script(self) -> str:
        """What the shell of a RUN is given: the arguments, and the heredocs below them."""
        bodies = (f"{each.body}{each.name}" for each in self.heredocs)
        return "\n".join([self.arguments, *bodies])


_BLANKS = re.compile(rf"[{BLANKS}]*")
_DIRECTIVE = re.compile(r"#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(\S.*)")
_DIRECTIVES = frozenset({"syntax", "escape", "check"})
_OWN_FRONTEND = re.compile(r"(?:[\w.:-]+/)?docker/dockerfile(?:-upstream)?(?:[:@].*)?$")
HEREDOC = re.compile(r"\d*<<(-?)([^<]+)$")
# fmt: off
_KEYWORDS = frozenset({
    "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL",
    "MAINTAINER", "ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
})
# fmt: on
_WITH_EXEC_FORM = frozenset({"ADD", "CMD", "COPY", "ENTRYPOINT", "RUN", "SHELL", "VOLUME"})
_WITH_HEREDOCS = frozenset({"ADD", "COPY", "RUN"})


class DockerfileText(Struct, kw_only=True):
    """The lines of a file, and how far they have been read; ``first_line`` is their number."""

    path: str
    lines: list[str]
    first_line: int = 1
    escape: str = "\\"
    any_keyword: bool = False
    position: int = 0

    @classmethod
    def from_text(cls, text: str, path: str, first_line: int = 1) -> DockerfileText:
        """Split a text into lines and read its directives.

        Raises:
            DockerfileError: a directive is repeated, or `escape` has an invalid value.
        """
        lines = [line.rstrip("\r") for line in text.removeprefix("\ufeff").split("\n")]
        source = cls(path=path, lines=lines, first_line=first_line)
        seen: set[str] = set()
        for number, line in enumerate(lines, first_line):
            match = _DIRECTIVE.match(line.lstrip())
            name = match[1].lower() if match else ""
            if match is None or name not in _DIRECTIVES:
                break
            if name in seen:
                raise source._error(f"a second `# {name}=`", number)
            seen.add(name)
            value = match[2].rstrip()
            if name == "escape":
                if value not in ("\\", "`"):
                    raise source._error(
                        f"`# escape={value}` is neither `\\` nor a backtick", number
                    )
                source.escape = value
            if name == "syntax":  # another frontend may have instructions of its own
                source.any_keyword = not _OWN_FRONTEND.match(value.split()[0])
        return source

    def instructions(self) -> Iterator[Instruction]:
        """Yield the instructions.

        Raises:
            DockerfileError: a keyword is unknown, or a heredoc has no end.
        """
        while self.position < len(self.lines):
            line = self.position + self.first_line
            parts, self.position = read_parts(self.lines, self.position, self.escape)
            text = "".join(part for _, part in parts)
            if text.strip(BLANKS):
                instruction = self._instruction(text, line)
                yield replace(instruction, last_line=self.position + self.first_line - 1)

    def _instruction(self, text: str, line: int, *, onbuild: bool = False) -> Instruction:
        keyword, _, rest = partition(text.strip(BLANKS))
        keyword = keyword.upper()
        if keyword not in _KEYWORDS and not self.any_keyword:
            hint = f"does the line before lack its `{self.escape}`?"
            raise self._error(f"unknown instruction `{keyword}`", line, hint)
        if keyword == "ONBUILD":
            if onbuild or not rest:
                raise self._error("ONBUILD needs an instruction other than ONBUILD", line)
            trigger = self._instruction(rest, line, onbuild=True)
            return Instruction(keyword=keyword, line=line, arguments=rest, trigger=trigger)
        flags, arguments = _split_flags(rest)
        words = _exec_form(arguments) if keyword in _WITH_EXEC_FORM else None
        heredocs: tuple[Heredoc, ...] = ()
        if keyword in _WITH_HEREDOCS and words is None and "<<" in arguments:
            heredocs = tuple(self._heredocs(arguments, line))
        return Instruction(
            keyword=keyword,
            line=line,
            flags=flags,
            arguments=arguments,
            json=words,
            heredocs=heredocs,
        )

    def _heredocs(self, arguments: str, line: int) -> Iterator[Heredoc]:
        for match in filter(None, map(HEREDOC.match, split_words(arguments, "\\"))):
            name = unquote(match[2])
            body: list[str] = []
            for place in range(self.position, len(self.lines)):
                content = self.lines[place].lstrip("\t") if match[1] else self.lines[place]
                if content == name:
                    break
                body.append(f"{content}\n")
            else:
                hint = f"end it with a line that is `{name}` and nothing else"
                raise self._error(f"the heredoc `<<{match[2]}` has no end", line, hint)
            self.position += len(body) + 1
            yield Heredoc(name=name, body="".join(body))

    def _error(self, message: str, line: int, hint: str = "") -> DockerfileError:
        return DockerfileError(message, path=self.path, line=line, hint=hint)


def read_parts(
    lines: Sequence[str], position: int, escape: str
) -> tuple[list[tuple[int, str]], int]:
    """Return what joins to the instruction at a line, and the number of the line behind it.

    Each part has the number of its line, counted from 0.
    """
    escaped = re.escape(escape)
    # A doubled escape at the end of a line is a literal one and does not continue it.
    continuation = re.compile(rf"(?:(?<!{escaped})|^){escaped}[ \t]*$")
    parts: list[tuple[int, str]] = []
    for number in range(position, len(lines)):
        line = lines[number]
        if line.lstrip().startswith("#") or (parts and not line.strip()):
            if parts:
                continue
            return parts, number + 1
        match = continuation.search(line)
        parts.append((number, line[: match.start()] if match else line))
        if match is None:
            return parts, number + 1
    return parts, len(lines)


def _split_flags(text: str) -> tuple[tuple[tuple[str, str], ...], str]:
    """Return the flags, with quotes and escapes resolved, and what follows them."""
    flags: list[tuple[str, str]] = []
    position = _after_blanks(text, 0)
    while text.startswith("--", position):
        end = word_end(text, position, BLANKS)
        word, position = unquote(text[position:end]), _after_blanks(text, end)
        if word == "--":
            break
        name, _, value = word[2:].partition("=")
        flags.append((name, value))
    return tuple(flags), text[position:]


def _after_blanks(text: str, position: int) -> int:
    found = _BLANKS.match(text, position)
    assert found is not None
    return found.end()


def _exec_form(arguments: str) -> tuple[str, ...] | None:
    if not arguments.startswith("["):
        return None
    try:
        words = json.loads(arguments)
    except ValueError:
        return None
    return tuple(words) if all(isinstance(word, str) for word in words) else None
