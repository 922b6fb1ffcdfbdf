"""What is shown while a command takes long: a line on a terminal, which is gone at the end."""

from __future__ import annotations

import re
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from asking_keyring import QUESTION
from functional.temporary_project import BUILD_OUTPUT, ENGINE
from functional.terminal import on_terminal, screen
from loopback_index import Fault

if TYPE_CHECKING:
    from functional.temporary_project import TemporaryProject
    from loopback_index import LoopbackIndex

LINE = re.compile(r"looking up (\d+) of (\d+)")
WIPED = "\r\x1b[2K"


@pytest.fixture(autouse=True)
def _fill(project: TemporaryProject, index: LoopbackIndex) -> None:
    for number in range(8):
        for version in ("1.0", "2.0"):
            index.add(f"lib{number}", version)
    project.requirements = "".join(f"lib{number}==1.0\n" for number in range(8))


def slow(index: LoopbackIndex) -> None:
    """Let each page take longer than what shows nothing."""
    index.delay_seconds = 0.8


@pytest.mark.parametrize("columns", [24, 80])
def test_look_ups_are_counted(
    project: TemporaryProject, index: LoopbackIndex, columns: int
) -> None:
    """A line says how many look-ups are done, and is gone at the end; the cursor stays visible."""
    slow(index)
    with on_terminal(project, "outdated", columns=columns) as terminal:
        assert terminal.finish() == 0
    counts = [(int(ended), int(begun)) for ended, begun in LINE.findall(terminal.printed)]
    assert counts == sorted(counts)
    assert counts[-1][1] >= 8
    assert all(ended <= begun for ended, begun in counts)
    assert screen(terminal.printed)[0].startswith("for       python 3.9")
    assert "looking up" not in "".join(screen(terminal.printed))
    assert "\x1b[?25" not in terminal.printed


def test_nothing_of_what_is_quick(project: TemporaryProject) -> None:
    """What takes less than half a second shows nothing, and does not even load rich."""
    options = ["-X", "importtime"]
    with on_terminal(project, "outdated", "--no-cache-dir", options=options) as terminal:
        assert terminal.finish() == 0
    assert WIPED not in terminal.printed
    assert "rich" not in loaded(terminal.printed)


def test_rich_is_loaded_for_the_line_alone(project: TemporaryProject, index: LoopbackIndex) -> None:
    """No command that is not on a terminal loads rich, however long it takes."""
    slow(index)
    options, words = ["-X", "importtime"], ["outdated", "--no-cache-dir"]
    with on_terminal(project, *words, options=options) as terminal:
        terminal.finish()
    assert "rich" in loaded(terminal.printed)
    for module in (["pipflow_tasks", *words], ["invoke", "deps.outdated"], ["invoke", "--list"]):
        done = project.run_words(
            [sys.executable, *options, "-m", *module], ".", project.environment
        )
        assert (done.status, "invoke" in loaded(done.stderr)) == (0, True)
        assert "rich" not in loaded(done.stderr)
        assert "looking up" not in done.output


def loaded(printed: str) -> set[str]:
    """Return the packages that Python says it has imported."""
    names = re.findall(r"import time: .*\| +([\w.]+)", printed)
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize(
    ("environment", "words", "has_line", "has_color"),
    [
        ({}, [], True, True),
        ({"NO_COLOR": "1"}, [], True, False),
        ({}, ["--color=never"], True, False),
        ({"TERM": "dumb"}, [], False, False),
    ],
    ids=str,
)
def test_terminals(
    project: TemporaryProject,
    index: LoopbackIndex,
    environment: dict[str, str],
    words: list[str],
    has_line: bool,
    has_color: bool,
) -> None:
    """`NO_COLOR` and `--color` count for the line, too; a dumb terminal has none."""
    slow(index)
    with on_terminal(project, "outdated", *words, environment=environment) as terminal:
        assert terminal.finish() == 0
    assert (LINE.search(terminal.printed) is not None) is has_line
    assert ("\x1b[3" in terminal.printed) is has_color


def test_terminal_with_few_letters(project: TemporaryProject, index: LoopbackIndex) -> None:
    """A terminal that has ASCII alone gets the line, too."""
    slow(index)
    environment = {"LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "POSIX"}
    environment["PYTHONIOENCODING"] = "ascii"
    with on_terminal(project, "outdated", environment=environment) as terminal:
        assert terminal.finish() == 0
    assert LINE.search(terminal.printed)
    assert terminal.printed.isascii()


@pytest.mark.parametrize("module", ["pipflow_tasks", "invoke"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals(
    project: TemporaryProject, index: LoopbackIndex, module: str, number: signal.Signals
) -> None:
    """Ctrl-C leaves no line behind, and has the status that it has elsewhere; so has a signal."""
    index.delay_seconds = 5
    words = ["outdated" if module == "pipflow_tasks" else "deps.outdated", "--no-cache-dir"]
    with on_terminal(project, *words, module=module) as terminal:
        terminal.await_text("looking up")
        if number == signal.SIGINT:
            terminal.send("\x03")
        else:
            terminal.signal(number)
        status = terminal.finish()
    message = f"error: interrupted by {number.name}; nothing was changed"
    assert screen(terminal.printed) == [message, ""]
    with project.started("deps.outdated") as running:
        time.sleep(2)
        running.send(number)
        assert running.finish().status == status == 1


def test_error(project: TemporaryProject, index: LoopbackIndex) -> None:
    """An error is printed where the line was."""
    index.break_project("lib3", Fault(stall_seconds=0.8, status=403))
    with on_terminal(project, "outdated") as terminal:
        assert terminal.finish() == 1
    assert LINE.search(terminal.printed)
    assert screen(terminal.printed)[0].startswith("error: the index at ")


def test_report_for_a_program(project: TemporaryProject, index: LoopbackIndex) -> None:
    """The line is on standard error: a report that goes elsewhere is whole."""
    slow(index)
    words = ["outdated", "--format", "json"]
    with on_terminal(project, *words, pipes_output=True) as terminal:
        assert terminal.finish() == 0
        report = terminal.stdout
    assert LINE.search(terminal.printed)
    assert screen(terminal.printed) == [""]
    assert report.startswith("{")


@pytest.mark.parametrize("provider", ["import", "subprocess"])
def test_password_is_asked_for(
    project: TemporaryProject, index: LoopbackIndex, provider: str
) -> None:
    """While a keyring asks for a password, no line is drawn over the question."""
    index.delay_seconds = 0.4
    index.credentials = ("me", "hush")
    project.environment |= {
        "PIP_KEYRING_PROVIDER": provider,
        "PYTHON_KEYRING_BACKEND": "asking_keyring.Asking",
        "PYTHONPATH": str(Path(__file__).parents[1]),
    }
    program = project.programs / "keyring"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m keyring "$@"\n')
    program.chmod(0o755)
    with on_terminal(project, "outdated", "--no-cache-dir") as terminal:
        terminal.await_text(QUESTION)
        time.sleep(1)
        assert terminal.read(0).strip() == ""
        asked = terminal.printed
        terminal.send("hush\n")
        status = terminal.finish()
    assert (status, asked.endswith(QUESTION)) == (0, True)
    assert LINE.search(terminal.printed)
    assert screen(terminal.printed)[0] == f"{QUESTION}hush"


def test_plan_comes_before_the_build(project: TemporaryProject, index: LoopbackIndex) -> None:
    """The user sees what will change, then what the builder prints, then the report."""
    slow(index)
    project.stand_in("docker", ENGINE)
    with on_terminal(project, "upgrade", "lib1", "lib6") as terminal:
        assert terminal.finish() == 0
    lines = screen(terminal.printed)
    assert lines[:4] == [
        "to move   lib1 1.0 to 2.0 (requirements.txt:2)",
        "to move   lib6 1.0 to 2.0 (requirements.txt:7)",
        "building  shop",
        BUILD_OUTPUT,
    ]
    assert lines[4].startswith("for       python 3.9")
    assert "moved     lib1 1.0 to 2.0 (requirements.txt:2)" in lines[5:]


def test_build_that_prints_nothing(project: TemporaryProject) -> None:
    """Where Invoke hides what a builder prints, a line says what is built; its failure is shown."""
    project.write("invoke.yaml", "run: {hide: both}\n")
    program = project.programs / "docker"
    program.write_text(
        '#!/bin/sh\n[ "$1" = build ] || exit 0\n/bin/sleep 1.5\necho the builder failed\nexit 1\n'
    )
    program.chmod(0o755)
    with on_terminal(project, "rebuild") as terminal:
        assert terminal.finish() == 3
    assert "building shop · 1 s" in terminal.printed
    assert screen(terminal.printed)[:2] == ["building  shop", "the builder failed"]


def test_ctrl_c_in_a_build_that_prints_nothing(project: TemporaryProject) -> None:
    """The line is gone, the files are as they were, and the status is that of a build."""
    project.write("invoke.yaml", "run: {hide: both}\n")
    docker = project.stand_in("docker", {"version": 0, "build": "hang"})
    before = project.requirements
    with on_terminal(project, "upgrade", "lib1") as terminal:
        terminal.await_text("building shop")
        docker.await_hanging()
        terminal.send("\x03")
        assert terminal.finish() == 3
    docker.require_dead()
    assert project.requirements == before
    assert screen(terminal.printed)[0] == "building  shop"
    assert "building shop" not in "\n".join(screen(terminal.printed))


def test_log_has_a_line_for_what_takes_long(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """Where there is no terminal, a phase that takes more than ten seconds prints one line."""
    index.delay_seconds = 0.6
    for number in range(9):  # a page and metadata each
        index.add(f"deep{number}", "1.0", requires_dist=[f"deep{number + 1}"])
    index.add("deep9", "1.0")
    done = project.pipflow("add", "deep0", "--dry-run")
    line, warning = done.stderr.splitlines()
    assert warning.startswith("warning: deep0 has only one release")
    assert re.fullmatch(r"looking up takes more than 10 s: \d+ of \d+ so far", line)
