"""Standard output and standard error, also where they are closed, full, or a pipe that ended.

What is printed is escaped here: text of an index or an image never gets at the terminal.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

from .errors import escape

if TYPE_CHECKING:
    from typing import TextIO


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


def say(text: str) -> None:
    """Print a line to standard error; if that can't be written, nobody can be told."""
    try:
        print(escape(text), file=sys.stderr, flush=True)
    except (OSError, ValueError):
        _silence(sys.stderr)


def write_out(text: str) -> None:
    """Print a report to standard output; characters that it can't encode are escaped.

    Raises:
        OSError: it can't be written.
    """
    if sys.stdout is None:
        raise OSError("standard output is closed")
    try:
        encoding = sys.stdout.encoding or "utf-8"
        shown = escape(text).encode(encoding, "backslashreplace").decode(encoding)
        print(shown, flush=True)
    except ValueError as error:
        raise OSError("standard output is closed") from error
    except OSError:
        _silence(sys.stdout)
        raise


def columns() -> int:
    """Return how wide the terminal is that standard output is; 0: it is none."""
    try:
        is_terminal = sys.stdout is not None and sys.stdout.isatty()
        return os.get_terminal_size(sys.stdout.fileno()).columns if is_terminal else 0
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
