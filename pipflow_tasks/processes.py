"""Run a program with a time limit and without input, and return what it printed.

A build has no time limit: see ``engine.building``.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import nullcontext
from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec import Struct

from .console import lending
from .isolation import is_isolated
from .progress import SILENT
from .values import repr_without

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from .progress import Progress

_END_WITH_PARENT = 1
"""PR_SET_PDEATHSIG of Linux."""


class RunSettings(Struct, frozen=True, kw_only=True):
    """How commands that build and verify are run, as Invoke's settings of ``run`` say.

    Attributes:
        echo: print each command to standard error before it runs.
        hidden: ``stdout``, ``stderr`` or both: what a command prints there is shown only if it
            fails.
        added: variables that a command gets besides those of this process.
        timeout_seconds: a command that takes longer is ended, and has failed; None: no limit.
        stand_in: gets each command as one line for a shell, runs nothing, and returns an exit
            status; it makes an engine needless. None: the commands are run.
        progress: shows what is built where all that a builder prints is hidden.
    """

    echo: bool = False
    hidden: frozenset[str] = frozenset()
    added: Mapping[str, str] = MappingProxyType({})
    timeout_seconds: float | None = None
    stand_in: Callable[[str], int] | None = None
    progress: Progress = SILENT

    __repr__ = repr_without("added")

    @property
    def hides_all(self) -> bool:
        """Whether nothing is seen of what a command prints, unless it fails."""
        return self.hidden >= {"stdout", "stderr"}


class ProgramError(Exception):
    """A program could not be started, took too long, or failed; the sentence says which.

    Every caller turns it into an error or an answer of its own.
    """


class Ended(Struct, frozen=True, kw_only=True):
    """The result of a program.

    Attributes:
        status: its exit status.
        stdout: what it printed.
        stderr: what it printed to standard error; empty where the user has seen it.
    """

    status: int
    stdout: bytes
    stderr: bytes

    @property
    def text(self) -> str:
        """What it printed, as text."""
        return self.stdout.decode("utf-8", "replace")

    @property
    def error_text(self) -> str:
        """What it printed to standard error, as text."""
        return self.stderr.decode("utf-8", "replace")


def end_with_parent() -> Callable[[], None] | None:
    """Return what a program has to call before it starts, to end when this thread ends.

    What it needs is looked up here: behind a fork, other threads may have left locks behind. Linux
    only; None elsewhere.
    """
    if sys.platform != "linux":
        return None
    import ctypes

    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is None:
        return None
    parent, getppid, leave = os.getpid(), os.getppid, os._exit
    number = ctypes.c_ulong(signal.SIGTERM)

    def ask() -> None:
        prctl(_END_WITH_PARENT, number, 0, 0, 0)
        if getppid() != parent:  # it has ended already
            leave(1)

    return ask


def run_program(
    command: Sequence[str],
    *,
    timeout_seconds: float,
    folder: Path | str | None = None,
    environment: Mapping[str, str] | None = None,
    added: Mapping[str, str] = MappingProxyType({}),
    shows_errors: bool = False,
    own_session: bool = False,
    of_user: bool = False,
) -> Ended:
    """Run a program to its end, and return its status and what it printed.

    Args:
        command: its arguments; there is no shell.
        timeout_seconds: it is killed after this.
        folder: where it runs; default: the current one.
        environment: all of its variables; default: those of this process.
        added: variables besides these.
        shows_errors: what it prints to standard error is for the user to see.
        own_session: the signals of the terminal do not reach it.
        of_user: no project decides what it does, so that it is started with ``--isolated``, too.

    Raises:
        ProgramError: it can't be started, or took too long.
    """
    if is_isolated() and not of_user:
        raise ProgramError(f"`--isolated` does not start {command[0]}")
    try:
        with lending() if shows_errors else nullcontext():
            done = subprocess.run(
                command,
                cwd=folder,
                env={**(os.environ if environment is None else environment), **added},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=None if shows_errors else subprocess.PIPE,
                timeout=timeout_seconds,
                start_new_session=own_session,
                check=False,
            )
    except OSError as error:
        raise ProgramError(f"{command[0]} can't be started: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise ProgramError(f"it took longer than {timeout_seconds:g} s") from error
    return Ended(status=done.returncode, stdout=done.stdout, stderr=done.stderr or b"")


def output_of(
    command: Sequence[str],
    *,
    timeout_seconds: float,
    folder: Path | str | None = None,
    added: Mapping[str, str] = MappingProxyType({}),
    own_session: bool = False,
) -> str | None:
    """Return what a program prints; None where it can't be run, fails, or takes too long."""
    try:
        done = run_program(
            command,
            timeout_seconds=timeout_seconds,
            folder=folder,
            added=added,
            own_session=own_session,
        )
    except ProgramError:
        return None
    return done.text if done.status == 0 else None
