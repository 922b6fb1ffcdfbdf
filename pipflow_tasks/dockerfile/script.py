"""The commands of a RUN where they are written, for edits of the Dockerfile's text.

``commands`` follows what a RUN does; this says at which characters its words are. A text is that
of one instruction, with its continued lines. Comments between these are no words::

    RUN --mount=... command [joint command]*        joint = "&&" "||" ";" "|" "&"
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

from .install import installer_of
from .words import unquote, word_end

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_KEYWORD = re.compile(r"\s*RUN(?=[ \t\\])", re.IGNORECASE)
_SKIPPED = re.compile(r"(?:[ \t]*(?:#[^\n]*)?\n)*")
"""Comments and blank lines below a line that is continued."""
_JOINT = re.compile(r"&&|\|\||[;|&()]")
_REDIRECTION = re.compile(r"(?:&(?=>)|\d*)(?:>>|>\||<>|[<>]&?)[ \t]*")
_STOPS = " \t\n;&|()<>"
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=.*", re.DOTALL)
# fmt: off
_CONTROL = frozenset({
    "!", "case", "do", "done", "elif", "else", "esac", "fi", "for", "function", "if", "then",
    "until", "while", "{", "}",
})
# fmt: on
_WRAPPERS = frozenset({"sudo", "-H", "-E", "exec", "time"})


class Word(Struct, frozen=True, kw_only=True):
    """A word of a command, without its quotes, and where it is in the text."""

    text: str
    start: int
    end: int


class WrittenCommand(Struct, frozen=True, kw_only=True):
    """A simple command: at least one word, and the joint before it (empty for the first)."""

    words: tuple[Word, ...]
    joint: str

    @property
    def start(self) -> int:
        """Where it begins."""
        return self.words[0].start

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.words[-1].end

    @property
    def own(self) -> tuple[Word, ...]:
        """Its words from the program on: without variables before it, and without `sudo`."""
        found = [*self.words]
        while found and (_ASSIGNMENT.fullmatch(found[0].text) or found[0].text in _WRAPPERS):
            found.pop(0)
        return tuple(found)

    @property
    def texts(self) -> list[str]:
        """The texts of these words."""
        return [word.text for word in self.own]

    @property
    def installer(self) -> tuple[str, Sequence[str]] | None:
        """The installer that it starts, and its arguments; see ``installer_of``."""
        return installer_of(self.texts) if self.own else None


class Script(Struct, frozen=True, kw_only=True):
    """The commands of a RUN.

    Attributes:
        text: the whole instruction, with its continued lines.
        escape: what continues a line.
        start: where the first command begins, behind the flags.
        commands: in the order of the text.
        joints: what joins them, parentheses included.
        is_flat: they follow each other, in no parentheses, branches or loops.
    """

    text: str
    escape: str
    start: int
    commands: tuple[WrittenCommand, ...]
    joints: frozenset[str]
    is_flat: bool

    @property
    def is_plain(self) -> bool:
        """Whether each runs once the one before has succeeded."""
        return self.is_flat and self.joints <= {"&&"}

    @property
    def body(self) -> str:
        """Its commands, without keyword and flags."""
        return self.text[self.start :]

    @property
    def head(self) -> str:
        """Its keyword and flags."""
        return self.text[: self.start]

    def edited(self, *edits: tuple[int, int, str]) -> str:
        """Return the text with spans of it replaced, which do not overlap."""
        text = self.text
        for start, end, new in sorted(edits, reverse=True):
            text = text[:start] + new + text[end:]
        return text

    def removal(self, word: Word) -> tuple[int, int, str]:
        """Return the edit that removes a word, and its line where nothing else is there."""
        begin = len(self.text[: word.start].rstrip(" \t"))
        if self.text[begin - 1 : begin] != "\n":
            return begin, word.end, ""
        continued = re.compile(rf"[ \t]*{re.escape(self.escape)}[ \t]*\n")
        after = continued.match(self.text, word.end)
        if after is not None:
            return begin, after.end(), ""
        if word.end < len(self.text.rstrip()):
            rest = self.text[word.end :]
            return word.start, word.end + len(rest) - len(rest.lstrip(" \t")), ""
        *_, last = continued.finditer(self.text, 0, begin)
        return last.start(), word.end, ""

    def without(self, command: WrittenCommand) -> str:
        """Return the text without a command; an empty text where it is the only one."""
        index = self.commands.index(command)
        if len(self.commands) == 1:
            return ""
        if index + 1 < len(self.commands):
            return self.edited((command.start, self.commands[index + 1].start, ""))
        return self.edited((self.commands[index - 1].end, command.end, ""))


def read_script(text: str, escape: str) -> Script | None:
    """Return the commands of a RUN; None where it has the exec form, or what is not read here."""
    keyword = _KEYWORD.match(text)
    try:
        tokens = [] if keyword is None else [*_tokens(text, keyword.end(), escape)]
    except RecursionError:  # it is nested too deeply
        return None
    flags = 0
    while flags < len(tokens) and _is_flag(tokens[flags]):
        flags += 1
    tokens = tokens[flags:]
    first = tokens[0] if tokens else None
    if None in tokens or not isinstance(first, Word) or text.startswith("[", first.start):
        return None
    commands: list[WrittenCommand] = []
    words: list[Word] = []
    joints, joint = set[str](), ""
    for token in tokens:
        if isinstance(token, Word):
            words.append(token)
            continue
        if words:
            commands.append(WrittenCommand(words=tuple(words), joint=joint))
        words, joint = [], str(token)
        joints.add(joint)
    if words:
        commands.append(WrittenCommand(words=tuple(words), joint=joint))
    has_control = any(each.words[0].text in _CONTROL for each in commands)
    return Script(
        text=text,
        escape=escape,
        start=first.start,
        commands=tuple(commands),
        joints=frozenset(joints),
        is_flat=joints <= {"&&", ";"} and not has_control and bool(words),
    )


def _is_flag(token: Word | str | None) -> bool:
    return isinstance(token, Word) and token.text.startswith("--")


def _tokens(text: str, position: int, escape: str) -> Iterator[Word | str | None]:
    """Yield words and joints; None for what is not read here: heredocs, comments in a command."""
    continued = re.compile(rf"{re.escape(escape)}[ \t]*\n")
    while position < len(text):
        line_end = continued.match(text, position)
        joint = _JOINT.match(text, position)
        redirection = _REDIRECTION.match(text, position)
        if line_end is not None:
            skipped = _SKIPPED.match(text, line_end.end())
            position = line_end.end() if skipped is None else skipped.end()
        elif text[position] in " \t\n":
            position += 1
        elif text[position] == "#" or text.startswith("<<", position):
            yield None
            return
        elif joint is not None and redirection is None:
            yield joint[0]
            position = joint.end()
        else:
            start = position if redirection is None else redirection.end()
            end = word_end(text, start, _STOPS, escape, nested=True)
            broken = continued.search(text, start, end)
            if broken is not None:
                if text[broken.end() : broken.end() + 1] not in {" ", "\t"}:
                    yield None  # a word that goes on in the next line
                    return
                end = broken.start()
            if end <= start:
                yield None
                return
            yield Word(text=_plain(text[position:end]), start=position, end=end)
            position = end


def _plain(text: str) -> str:
    return unquote(text) if "$" not in text else text.strip("\"'")
