"""Split the text of a shell into its commands, and say where their words are.

Follows POSIX's "Shell Command Language", with the redirections of bash. Nothing is expanded::

    script      = (command | operator | comment)*
    command     = (word | redirection)+
    redirection = [number | "&"] ("<" | ">" | ">>" | ">|" | "<&" | ">&" | "<>" | "<<<") word
                | [number] ("<<" | "<<-") word                  its body is below the line
    operator    = "&&" | "||" | ";" | ";;" | "|" | "|&" | "&" | "(" | ")" | newline
"""

from __future__ import annotations

import re
from itertools import dropwhile
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from .install import installer_of
from .words import unquote, word_end

if TYPE_CHECKING:
    from collections.abc import Sequence

ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)
HEREDOCS = frozenset({"<<", "<<-"})
WRITING = frozenset({">", ">|", ">>"})
_WRAPPERS = frozenset({"sudo", "-H", "-E", "exec", "time"})
_STOPS = " \t\r\n;&|()<>"
_TOKEN = re.compile(
    r"(?P<blank>[ \t\r]+|\\\n)"
    r"|(?P<mark>&&|\|\||;;|\|&|[;|()\n]|&(?!>)|#[^\n]*)"
    r"|(?:(?:&(?=>)|\d*)(?P<redirection><<<|<<-?|<>|>>|>\||[<>]&?)[ \t]*)?"
)


class Word(Struct, frozen=True, kw_only=True):
    """A word of a command, or the one that a redirection names, and where it is in the text.

    Attributes:
        text: as it is written.
        start: the first character of it, and of its redirection.
        end: the place behind it.
        operator: that of the redirection, without its number; else empty.
        body: the lines of a heredoc, without the tabs that ``<<-`` removes.
    """

    text: str
    start: int
    end: int
    operator: str = ""
    body: str = ""


class Command(Struct, frozen=True, kw_only=True):
    """A simple command: at least one word or redirection."""

    words: tuple[Word, ...]
    redirections: tuple[Word, ...] = ()

    @property
    def start(self) -> int:
        """Where it begins."""
        return min(each.start for each in (*self.words, *self.redirections))

    @property
    def end(self) -> int:
        """Where it ends."""
        return max(each.end for each in (*self.words, *self.redirections))

    @property
    def own(self) -> list[Word]:
        """Its words from the program on: without variables before it, and without `sudo`."""
        return [*dropwhile(_is_before, self.words)]

    @property
    def texts(self) -> list[str]:
        """The texts of these words."""
        return [word.text for word in self.own]

    @property
    def installer(self) -> tuple[str, Sequence[str]] | None:
        """The installer that it starts, and its arguments; see ``installer_of``."""
        return installer_of(self.texts) if self.own else None


def _is_before(word: Word) -> bool:
    return word.text in _WRAPPERS or ASSIGNMENT.fullmatch(word.text) is not None


def read_commands(script: str) -> tuple[Command | str, ...]:
    """Return the commands of a script, with the operators and comments between them.

    Raises:
        RecursionError: brackets are nested too deeply.
    """
    found: list[Command | str] = []
    parts: list[Word] = []
    for token in (*_tokens(script), ""):
        if isinstance(token, Word):
            parts.append(token)
            continue
        if parts:
            words = tuple([each for each in parts if not each.operator])
            redirections = tuple([each for each in parts if each.operator])
            found.append(Command(words=words, redirections=redirections))
            parts = []
        found += filter(None, [token])
    return tuple(found)


def _tokens(text: str) -> list[Word | str]:
    tokens: list[Word | str] = []
    heredocs: dict[int, Word] = {}
    position = 0
    while position < len(text):
        start, token = position, _TOKEN.match(text, position)
        assert token is not None
        position = token.end()
        if mark := token["mark"]:
            tokens.append(mark)
            if mark == "\n":
                for index, heredoc in heredocs.items():
                    tokens[index], position = _with_body(heredoc, text, position)
                heredocs = {}
        elif not token["blank"]:
            end = word_end(text, position, _STOPS, nested=True)
            operator = token["redirection"] or ""
            word = Word(text=text[position:end], start=start, end=end, operator=operator)
            if operator in HEREDOCS:
                heredocs[len(tokens)] = word
            tokens.append(word)
            position = end
    return tokens


def _with_body(heredoc: Word, text: str, start: int) -> tuple[Word, int]:
    """Return a heredoc whose body begins at a place, and the place behind that."""
    tabs = r"\t*" if heredoc.operator == "<<-" else ""
    last = re.compile(rf"^{tabs}{re.escape(unquote(heredoc.text))}\r?$", re.MULTILINE)
    found = last.search(text, start)
    body = text[start : found.start() if found else None]
    body = re.sub(r"^\t+", "", body, flags=re.MULTILINE) if tabs else body
    return replace(heredoc, body=body), found.end() if found else len(text)
