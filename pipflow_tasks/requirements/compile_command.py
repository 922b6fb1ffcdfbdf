"""The commands of pip-compile and ``uv pip compile``, as the headers of compiled files have them.

Only commands that can be run without a shell are read. Others, and those of the user's own that
``CUSTOM_COMPILE_COMMAND`` or ``UV_CUSTOM_COMPILE_COMMAND`` has put there, are texts to show.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_PIP_COMPILE, _UV = ("pip-compile",), ("uv", "pip", "compile")
_OF_SHELLS = re.compile(r"[$`\n]|\*\*\*\*")  # the last one hides credentials
_PUNCTUATION = frozenset("();<>|&")
_VERSION = re.compile(r"\d+\.\d+")
_PYTHON, _INTERPRETER = ("--python-version",), ("-p", "--python")
_PLATFORM = ("--python-platform",)
_OUTPUT = ("-o", "--output-file")


class CompileCommand(Struct, frozen=True, kw_only=True):
    """A command that compiles requirements.

    Attributes:
        words: its arguments, the program first.
    """

    words: tuple[str, ...]

    @property
    def is_uv(self) -> bool:
        """Whether it is one of uv, which can compile for another Python than it runs with."""
        return self.words[: len(_UV)] == _UV

    @property
    def is_universal(self) -> bool:
        """Whether it compiles for every platform and for every later Python."""
        return "--universal" in self.words

    @property
    def shown(self) -> str:
        """The command as one would type it."""
        return shlex.join(self.words)

    @property
    def python(self) -> str:
        """The series of the Python that it names, ``3.8``; empty where it names none."""
        named = [*_values(self.words, _INTERPRETER), *_values(self.words, _PYTHON)]
        found = [match[0] for each in named if (match := _VERSION.match(each))]
        return found[-1] if found else ""

    @property
    def output(self) -> str:
        """The file that it names as its output, or an empty string."""
        return next(_values(self.words, _OUTPUT), "")

    def writing(self, output: str) -> CompileCommand:
        """Return the command with an output, if it has none: else uv keeps no version."""
        if self.output or not self.is_uv:
            return self
        return CompileCommand(words=(*self.words, "-o", output))

    def for_image(self, python: str, platform: str, *, is_universal: bool) -> CompileCommand:
        """Return uv's command for an image; pip-compile has no options for that.

        Args:
            python: the series of its Python.
            platform: uv's name of its platform; empty keeps what the command has.
            is_universal: it has several platforms.
        """
        if not self.is_uv:
            return self
        if self.is_universal or is_universal:
            words = _without(self.words, _PLATFORM)
            words += () if self.is_universal else ("--universal",)
            if self.is_universal and (not self.python or _key(self.python) <= _key(python)):
                return CompileCommand(words=words)
            return CompileCommand(words=(*_without(words, _PYTHON), "--python-version", python))
        words = (*_without(self.words, _PYTHON), "--python-version", python)
        if platform:
            words = (*_without(words, _PLATFORM), "--python-platform", platform)
        return CompileCommand(words=words)

    def upgrading(self, packages: Iterable[str]) -> CompileCommand:
        """Return the command that moves packages as well; all of them, where there are none."""
        words = tuple(word for each in packages for word in ("--upgrade-package", each))
        return CompileCommand(words=(*self.words, *(words or ("--upgrade",))))


def read_command(text: str) -> CompileCommand | None:
    """Return the command of pip-compile or uv that a header has; None where it is another one."""
    if _OF_SHELLS.search(text):
        return None
    lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        words = tuple(lexer)
    except ValueError:
        return None
    if any(_PUNCTUATION.issuperset(word) for word in words if word):
        return None
    is_known = words[: len(_UV)] == _UV or words[: len(_PIP_COMPILE)] == _PIP_COMPILE
    return CompileCommand(words=tuple(shlex.split(text))) if is_known else None


def is_later(python: str, other: str) -> bool:
    """Return whether a series of Python is later than another one."""
    return _key(python) > _key(other)


def _key(python: str) -> list[int]:
    return [int(number) for number in python.split(".")]


def _values(words: Iterable[str], names: tuple[str, ...]) -> Iterator[str]:
    """Yield the values of an option, behind it or joined to it."""
    is_next = False
    for word in words:
        if is_next:
            yield word
        is_next = word in names
        if (joined := _joined(word, names)) is not None:
            yield joined


def _joined(word: str, names: tuple[str, ...]) -> str | None:
    for name in names:
        if name.startswith("--") and word.startswith(f"{name}="):
            return word[len(name) + 1 :]
        if not name.startswith("--") and word.startswith(name) and word != name:
            return word[len(name) :].removeprefix("=")
    return None


def _without(words: tuple[str, ...], names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words without an option and its value."""
    kept: list[str] = []
    is_value = False
    for word in words:
        if is_value or word in names:
            is_value = not is_value
        elif _joined(word, names) is None:
            kept.append(word)
    return tuple(kept)
