"""A terminal that programs run on, with what they print and what its user types."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from functional.temporary_project import heed_signals

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from functional.temporary_project import TemporaryProject

__all__ = ["Terminal", "on_terminal", "screen"]

_TIMEOUT_SECONDS = 60
_CODE = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])|(\r)|(\n)|([^\x1b\r\n]+)")


class Terminal:
    """A program that runs on a terminal of its own."""

    def __init__(self, process: subprocess.Popen[str], ours: int) -> None:
        self._process = process
        self._ours = ours
        self._printed = b""

    def send(self, typed: str) -> None:
        """Type on its keyboard."""
        os.write(self._ours, typed.encode())

    def signal(self, number: int) -> None:
        """Send a signal to the program alone."""
        self._process.send_signal(number)

    def await_text(self, text: str) -> None:
        """Wait until a text was printed."""
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        while text not in self.printed:
            assert time.monotonic() < deadline, f"{text!r} was not printed: {self.printed!r}"
            assert self.read(1) or self._process.poll() is None, self.printed

    def read(self, seconds: float) -> str:
        """Return what is printed next, or nothing after some seconds."""
        if not select.select([self._ours], [], [], seconds)[0]:
            return ""
        try:
            part = os.read(self._ours, 65536)
        except OSError:  # the program has ended
            return ""
        self._printed += part
        return part.decode(errors="replace")

    @property
    def printed(self) -> str:
        """All that was printed so far."""
        return self._printed.decode(errors="replace")

    def finish(self) -> int:
        """Wait for the end of the program, and return its exit status."""
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        while self.read(1) or self._process.poll() is None:
            assert time.monotonic() < deadline, f"it does not end: {self.printed!r}"
        return self._process.wait()

    @property
    def stdout(self) -> str:
        """What was printed to standard output, where that is a pipe."""
        assert self._process.stdout is not None
        return self._process.stdout.read()


@contextmanager
def on_terminal(
    project: TemporaryProject,
    *words: str,
    module: str = "pipflow_tasks",
    options: Sequence[str] = (),
    columns: int = 80,
    environment: Mapping[str, str] | None = None,
    pipes_output: bool = False,
) -> Iterator[Terminal]:
    """Run a module in a project on a terminal of so many columns, and end it with the block."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with subprocess.Popen(
        [project.python, *options, "-m", module, *words],
        cwd=project.folder,
        env={**project.environment, "TERM": "xterm", **(environment or {})},
        stdin=theirs,
        stdout=subprocess.PIPE if pipes_output else theirs,
        stderr=theirs,
        encoding="utf-8",
        start_new_session=True,
        preexec_fn=_take_terminal,
    ) as process:
        os.close(theirs)
        try:
            yield Terminal(process, ours)
        finally:
            if process.poll() is None:
                process.kill()
            os.close(ours)


def _take_terminal() -> None:
    """Make standard error the terminal that Ctrl-C comes from."""
    heed_signals()
    fcntl.ioctl(2, termios.TIOCSCTTY, 0)


def screen(printed: str) -> list[str]:
    """Return what is left on a terminal, as lines without colours and blanks at their ends."""
    lines, row, column = [""], 0, 0
    for numbers, command, is_return, is_feed, text in _CODE.findall(printed):
        if command == "K":
            lines[row] = "" if numbers == "2" else lines[row][:column]
        elif command == "A":
            row -= int(numbers or 1)
        elif command:
            assert command == "m", f"an unknown code: {numbers}{command}"
        elif is_return:
            column = 0
        elif is_feed:
            row += 1
            lines += [""] * (row == len(lines))
        elif text:
            before = lines[row].ljust(column)
            lines[row] = before[:column] + text + before[column + len(text) :]
            column += len(text)
    return [line.rstrip() for line in lines]
