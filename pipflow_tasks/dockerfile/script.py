"""The commands of a RUN where they are written, for edits of the Dockerfile's text.

``shell`` splits the text that a shell is given; this says where that is in the lines of the
instruction, which are continued and may have comments between them.
"""

from __future__ import annotations

import re
from itertools import accumulate
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from .grammar import read_parts
from .shell import HEREDOCS, Command, read_commands
from .words import BLANKS, unquote

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .grammar import Instruction
    from .shell import Word

# fmt: off
_CONTROL = frozenset({
    "!", "case", "do", "done", "elif", "else", "esac", "fi", "for", "function", "if", "then",
    "until", "while", "{", "}",
})
# fmt: on


class Script(Struct, frozen=True, kw_only=True):
    """The commands of a RUN.

    Attributes:
        text: the whole instruction, with its continued lines.
        escape: what continues a line.
        start: where the first command begins, behind the flags.
        commands: in the order of the text.
        operators: what is between them, parentheses included.
        is_flat: they follow each other, in no parentheses, branches or loops.
    """

    text: str
    escape: str
    start: int
    commands: tuple[Command, ...]
    operators: frozenset[str]
    is_flat: bool

    @property
    def is_plain(self) -> bool:
        """Whether each runs once the one before has succeeded."""
        return self.is_flat and self.operators <= {"&&"}

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

    def without(self, command: Command) -> str:
        """Return the text without a command; an empty text where it is the only one."""
        index = self.commands.index(command)
        if len(self.commands) == 1:
            return ""
        if index + 1 < len(self.commands):
            return self.edited((command.start, self.commands[index + 1].start, ""))
        return self.edited((self.commands[index - 1].end, command.end, ""))


def read_script(instruction: Instruction, lines: Sequence[str], escape: str) -> Script | None:
    """Return the commands of a RUN, given its lines; None where they can't be edited.

    That is the exec form, heredocs, and comments behind a command.
    """
    try:
        found = read_commands(instruction.arguments if instruction.json is None else "")
    except RecursionError:  # it is nested too deeply
        return None
    commands = [each for each in found if isinstance(each, Command)]
    operators = frozenset(each for each in found if isinstance(each, str))
    has_comment = any(each.startswith("#") for each in operators)
    redirected = {word.operator for each in commands for word in each.redirections}
    if not commands or has_comment or redirected & HEREDOCS:
        return None
    places = _places(instruction, lines, escape)
    has_control = any(word.text in _CONTROL for each in commands for word in each.words[:1])
    return Script(
        text="\n".join(lines),
        escape=escape,
        start=places[0],
        commands=tuple(
            Command(
                words=_placed(each.words, places),
                redirections=_placed(each.redirections, places),
            )
            for each in commands
        ),
        operators=operators,
        is_flat=operators <= {"&&", ";"} and not has_control and found[-1] is commands[-1],
    )


def _places(instruction: Instruction, lines: Sequence[str], escape: str) -> list[int]:
    """Return where each character of the arguments is in the lines of an instruction."""
    parts, _ = read_parts(lines, 0, escape)
    starts = [*accumulate((len(line) + 1 for line in lines), initial=0)]
    joined = "".join(text for _, text in parts).rstrip(BLANKS)
    places = [starts[number] + each for number, text in parts for each in range(len(text))]
    return places[len(joined) - len(instruction.arguments) : len(joined)]


def _placed(words: Iterable[Word], places: Sequence[int]) -> tuple[Word, ...]:
    """Return words at other places, and without their quotes."""
    return tuple(
        replace(
            each,
            text=each.text.strip("\"'") if "$" in each.text else unquote(each.text),
            start=places[each.start],
            end=places[each.end - 1] + 1,
        )
        for each in words
    )
