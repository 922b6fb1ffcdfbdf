"""Completion: what the real shells make of a word when the Tab key is pressed."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import shlex
import shutil
import subprocess
import termios
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from functional.temporary_project import TemporaryProject

_TIMEOUT_SECONDS = 60
STARTS = {
    "bash": ["--norc", "--noprofile", "-i"],
    "zsh": ["-f", "-i"],
    "fish": ["--interactive"],
}
SOURCES = {
    "bash": 'eval "$(pipflow --completion bash)"',
    "zsh": 'bindkey -e; eval "$(pipflow --completion zsh)"',
    "fish": "pipflow --completion fish | source",
}
SHELLS = [
    pytest.param(
        name, marks=pytest.mark.skipif(shutil.which(name) is None, reason=f"there is no {name}")
    )
    for name in STARTS
]
TAB, HOME, END, ENTER = "\t", "\x01", "\x05", "\r"


@pytest.fixture(autouse=True)
def _fill(project: TemporaryProject) -> None:
    project.remove("tasks.py")
    project.requirements = (
        "# Web\nflask==3.0\n\n# Data stores:\npsycopg[binary]==3.1\n-r more.txt\n"
    )
    project.write("more.txt", "Redis==5.0\n")
    program = project.programs / "pipflow"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(project.python)} -m pipflow_tasks "$@"\n')
    program.chmod(0o755)


def _control_terminal() -> None:
    """Make standard input the terminal of this session."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Terminal:
    """A shell on a terminal of its own."""

    def __init__(self, project: TemporaryProject, shell: str) -> None:
        self._ours, theirs = pty.openpty()
        program = shutil.which(shell)
        assert program is not None
        self._process = subprocess.Popen(
            [program, *STARTS[shell]],
            cwd=project.folder,
            env={
                **project.environment,
                "PATH": f"{project.programs}:/usr/bin:/bin",
                "TERM": "xterm",
            },
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=_control_terminal,
        )
        os.close(theirs)
        self.type(f"{SOURCES[shell]}; printf '<%s>' ready{ENTER}")
        self.read("<ready>")

    def close(self) -> None:
        """End the shell."""
        self._process.kill()
        self._process.wait()
        os.close(self._ours)

    def type(self, text: str) -> None:
        """Type a text."""
        os.write(self._ours, text.encode())

    def read(self, end: str) -> str:
        """Return what is printed up to a text."""
        printed = ""
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        while end not in printed:
            assert time.monotonic() < deadline, printed
            if select.select([self._ours], [], [], 0.1)[0]:
                part = os.read(self._ours, 65536).decode(errors="replace")
                if "\x1b[c" in part or "\x1b[0c" in part:  # fish asks the terminal what it is
                    self.type("\x1b[?1;2c")
                printed += part
        return printed

    def words(self, text: str) -> list[str]:
        """Return the words of the line that a text and Tab become."""
        self.type(f"{text}{TAB}{HOME}printf '<%s>' {END} end.{ENTER}")
        printed = self.read("<end.>").partition("<pipflow>")[2].partition("<end.>")[0]
        return [part.removesuffix(">") for part in printed.split("<")[1:]]


CASES = [
    ("pipflow upgrade-", ["upgrade-all"]),
    ("pipflow outd", ["outdated"]),
    ("pipflow add --dr", ["add", "--dry-run"]),
    ("pipflow upgrade fl", ["upgrade", "flask"]),
    ("pipflow remove flask re", ["remove", "flask", "Redis"]),
    ("pipflow outdated --level mi", ["outdated", "--level", "minor"]),
    ("pipflow outdated --level=mi", ["outdated", "--level=minor"]),
    ("pipflow check --format ma", ["check", "--format", "markdown"]),
    ("pipflow --color al", ["--color", "always"]),
    ("pipflow upgrade-all --only flask,ps", ["upgrade-all", "--only", "flask,psycopg"]),
    ("pipflow add --group We", ["add", "--group", "Web"]),
    ("pipflow add --group Da", ["add", "--group", "Data stores"]),
    ("pipflow add --group 'Da", ["add", "--group", "Data stores"]),
    ("pipflow add --group Data\\ s", ["add", "--group", "Data stores"]),
    ("pipflow outdated --file mor", ["outdated", "--file", "more.txt"]),
    ("pipflow upgrade --file more.txt R", ["upgrade", "--file", "more.txt", "Redis"]),
    ("pipflow help upgrade-", ["help", "upgrade-all"]),
]


@pytest.mark.parametrize("shell", SHELLS)
def test_word_is_completed(project: TemporaryProject, shell: str) -> None:
    """Commands, options, their values, names and headings of the files are completed."""
    terminal = Terminal(project, shell)
    try:
        found = {text: terminal.words(text) for text, _ in CASES}
    finally:
        terminal.close()
    assert found == dict(CASES)


def completed(project: TemporaryProject, *words: str) -> list[str]:
    """Return what is offered in the place of the last word, in the form that fish reads."""
    done = project.pipflow("--complete", "fish", *words)
    assert (done.status, done.stderr) == (0, "")
    return [line.partition("\t")[0] for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    ("heading", "typed", "completed"),
    [
        ("$(touch pwned)", '"$', '"\\$(touch pwned)'),
        ("Web `id` $HOME", '"We', '"Web \\`id\\` \\$HOME'),
        ("Ann's", "'An", "'Ann'\\''s"),
        ('the "new"', '"the', '"the \\"new\\"'),
        ("Stop!", '"St', ""),
        ("Stop!", "'St", "'Stop!"),
    ],
)
def test_quotes_of_bash(
    project: TemporaryProject, heading: str, typed: str, completed: str
) -> None:
    """What the file holds is never run: within open quotes it is written as they need it."""
    project.requirements = f"# {heading}\nflask==3.0\n"
    line = f"pipflow upgrade-all --only {typed}"
    done = project.pipflow("--complete", "bash", typed.lstrip("'\""), line)
    assert [each.lstrip("'\"") for each in done.stdout.splitlines()] == (
        [completed.lstrip("'\"")] if completed else []
    )


def test_offers(project: TemporaryProject) -> None:
    """What is typed already is not offered again, nor what would mean nothing there."""
    assert completed(project, "remove", "flask", "") == ["psycopg", "Redis"]
    assert completed(project, "upgrade-all", "--skip", "flask,") == [
        "flask,psycopg",
        "flask,Redis",
        "flask,Web",
        "flask,Data stores",
    ]
    assert completed(project, "adopt", "--direct", "'flask re") == ["flask Redis"]
    assert completed(project, "outdated", "--only='Data s") == ["--only=Data stores"]
    assert "sarif" in completed(project, "check", "--format", "")
    assert "sarif" not in completed(project, "add", "--format", "")
    assert completed(project, "add", "") == []
    assert completed(project, "lock", "") == []
    assert completed(project, "lock", "--file", "") == []
    assert completed(project, "upgrade", "--level") == []
    assert completed(project, "--completion", "") == ["bash", "zsh", "fish"]
    assert completed(project, "pin", "--names=fl") == ["--names=flask"]
    assert "--isolated" in completed(project, "cache", "-")
    assert completed(project)[0] == "add"


def test_names_of_the_file_that_is_set(project: TemporaryProject) -> None:
    """The file is that of the settings, as far as these are data; no Python is run."""
    project.write("invoke.yaml", "pipflow:\n  file: more.txt\n")
    project.write("tasks.py", "import pipflow_tasks\nraise SystemExit('run')\n")
    assert completed(project, "upgrade", "") == ["Redis"]
    project.remove("invoke.yaml")
    project.write("invoke.py", "pipflow = {}\nraise SystemExit('run')\n")
    assert completed(project, "upgrade", "f") == ["flask"]


def test_files_that_cannot_be_read(project: TemporaryProject) -> None:
    """Where the files are not as they should be, nothing is offered, and nothing is said."""
    project.requirements = "-r gone.txt\nflask==1.0\n"
    assert completed(project, "upgrade", "") == []
    project.remove("requirements.txt")
    assert completed(project, "upgrade", "") == []


def test_unknown_shell(project: TemporaryProject) -> None:
    """A shell that there is no script for is an error."""
    done = project.pipflow("--completion", "tcsh")
    assert (done.status, done.stdout) == (1, "")
    assert "hint: use one of bash, zsh, fish" in done.stderr
    assert completed(project, "--completion", "t") == []
