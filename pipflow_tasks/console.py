"""Standard output and standard error, also where they are closed, full, or a pipe that ended.

What is printed is escaped here: text of an index or an image never gets at the terminal. The words
that lines begin with have a colour, on a terminal alone: https://no-color.org says when not. There,
long lines are wrapped between words. A live line (see ``progress``) is away while anything else is
printed.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import threading
from textwrap import wrap
from types import MappingProxyType
from typing import TYPE_CHECKING

from .errors import UsageError, escape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import TextIO

COLOR_CHOICES = ("auto", "always", "never")

_RED, _GREEN, _YELLOW, _CYAN, _BOLD, _FAINT = "1;31", "32", "1;33", "1;36", "1", "2"
_PREFIXES = {"error:": _RED, "warning:": _YELLOW, "hint:": _CYAN}
"""How messages on standard error begin."""

REPORT_WORDS: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("added", "changed", "moved", "pinned", "removed", "can move"), _GREEN),
        **dict.fromkeys(("to add", "to change", "to move", "to pin", "to remove"), _GREEN),
        **dict.fromkeys(("held", "newer", "undone", "warning"), _YELLOW),
        "error": _RED,
        **dict.fromkeys(("hint", "next", "undo", "fix:", "advice"), _CYAN),
        **dict.fromkeys(("for", "note", "left", "size"), _FAINT),
        **dict.fromkeys(("image", "file", "files", "why", "why not", "building"), _BOLD),
    }
)
"""How lines of a text report begin, each with its colour."""

_chosen = "auto"

_COMMAND = re.compile("`[^`]+`")

_terminal = threading.RLock()
"""Is held by who writes a live line, or takes it away."""

_lent = 0
"""How many print to the terminal, or ask the user, and want no live line meanwhile."""

_erase: Callable[[], None] | None = None
"""Takes the live line away; None: there is none."""


def choose_color(choice: str) -> None:
    """Say when this process prints colours; ``auto`` is on a terminal.

    Raises:
        UsageError: there is no such choice.
    """
    global _chosen
    if choice not in COLOR_CHOICES:
        known = ", ".join(COLOR_CHOICES)
        raise UsageError(f'`--color` has no value "{choice}"', hint=f"use one of {known}")
    _chosen = choice


def is_colored(stream: TextIO | None) -> bool:
    """Return whether colours are printed to a stream."""
    if stream is None or _chosen == "never":
        return False
    if _chosen == "always":
        return True
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0") not in {"", "0"}:
        return True
    return is_terminal(stream)


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether a stream is a terminal that can do more than print one line below another."""
    try:
        is_one = stream is not None and stream.isatty()
    except ValueError:  # it is closed
        return False
    return is_one and os.environ.get("TERM") != "dumb"


def paint_headings(text: str) -> str:
    """Return a help text for standard output, with its headings in bold."""
    if not is_colored(sys.stdout):
        return text
    lines = text.split("\n")
    headings = {line for line in lines if line.endswith(":") and not line.startswith(" ")}
    shown = [_painted(line, _BOLD) if line in headings else line for line in lines]
    return "\n".join(_paint_line(line, {"Usage:": _BOLD}) for line in shown)


def _paint(text: str, words: Mapping[str, str], stream: TextIO | None) -> str:
    """Return a text with the colours of the words that its lines begin with."""
    if not words or not is_colored(stream):
        return text
    return "\n".join(_paint_line(line, words) for line in text.split("\n"))


def _paint_line(line: str, words: Mapping[str, str]) -> str:
    rest = line.lstrip(" ")
    indent = line[: len(line) - len(rest)]
    for word, style in words.items():
        is_whole = rest.startswith(word) and rest[len(word) : len(word) + 1] in {"", " "}
        if is_whole and (not indent or word == "fix:"):
            return f"{indent}{_painted(word, style)}{rest[len(word) :]}"
    return line


def _painted(text: str, style: str) -> str:
    return f"\x1b[{style}m{text}\x1b[0m"


def open_streams() -> None:
    """Open what is closed of the first three file descriptors on the null device.

    Otherwise the next file that is opened gets the number of standard output, and what a builder
    prints is written into it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115


def say(text: str, words: Mapping[str, str] = _PREFIXES) -> None:
    """Print to standard error; if that can't be written, nobody can be told.

    Args:
        text: a line, or several; long ones of a message, which begins with a prefix, are wrapped.
        words: how lines may begin, each with the colour.
    """
    shown = escape(text)
    if shown.partition(" ")[0] in _PREFIXES:
        lines, width = shown.split("\n"), columns(sys.stderr)
        shown = "\n".join(each for line in lines for each in wrap_line(line, width, _below(line)))
    try:
        with lending():
            print(_paint(shown, words, sys.stderr), file=sys.stderr, flush=True)
    except (OSError, ValueError):
        _silence(sys.stderr)


@contextlib.contextmanager
def lending() -> Iterator[None]:
    """Keep the live line away while somebody else prints to the terminal, or asks the user."""
    global _lent, _erase
    with _terminal:
        _lent += 1
        erase, _erase = _erase, None
        if erase is not None:
            erase()
    try:
        yield
    finally:
        with _terminal:
            _lent -= 1


def draw(show: Callable[[], None], erase: Callable[[], None]) -> None:
    """Draw a live line, unless the terminal is lent; before anything else it is erased."""
    global _erase
    with _terminal:
        if not _lent:
            _erase = erase
            show()


def write_out(text: str, words: Mapping[str, str] = MappingProxyType({})) -> None:
    """Print a report to standard output; characters that it can't encode are escaped.

    Args:
        text: the report.
        words: how its lines may begin, each with the colour.

    Raises:
        OSError: it can't be written.
    """
    if sys.stdout is None:
        raise OSError("standard output is closed")
    try:
        encoding = sys.stdout.encoding or "utf-8"
        shown = escape(text).encode(encoding, "backslashreplace").decode(encoding)
        print(_paint(shown, words, sys.stdout), flush=True)
    except ValueError as error:
        raise OSError("standard output is closed") from error
    except OSError:
        _silence(sys.stdout)
        raise


def _below(line: str) -> str:
    """Return the blanks that the rest of a message's line begins with: it is below the first."""
    word, _, rest = line.partition(" ")
    if word in _PREFIXES:
        return " " * (len(line) - len(rest))
    return " " * (len(line) - len(line.lstrip(" ")) + 2)


def wrap_line(line: str, width: int, below: str) -> list[str]:
    """Return a line as lines of at most a width, broken between words; 0: it stays one.

    Commands stay whole: they may be pasted. ``below`` is what each further line begins with.
    """
    if not 0 < width < len(line):
        return [line]
    whole = _COMMAND.sub(lambda found: found[0].replace(" ", "\0"), line)
    parts = wrap(
        whole, width, subsequent_indent=below, break_long_words=False, break_on_hyphens=False
    )
    return [part.replace("\0", " ") for part in parts]


def columns(stream: TextIO | None) -> int:
    """Return how wide the terminal is that a stream is; 0: it is none."""
    try:
        is_one = stream is not None and stream.isatty()
        return os.get_terminal_size(stream.fileno()).columns if stream and is_one else 0
    except (OSError, ValueError):  # it is closed
        return 0


def silence_output() -> None:
    """Print nothing more to standard output, which has failed."""
    if sys.stdout is not None:
        _silence(sys.stdout)


def _silence(stream: TextIO) -> None:
    """Lead a stream that failed to the null device: Python writes what is left of it at its end."""
    null = os.open(os.devnull, os.O_WRONLY)
    with contextlib.suppress(OSError, ValueError):
        os.dup2(null, stream.fileno())
    os.close(null)
