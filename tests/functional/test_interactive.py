"""`upgrade-all --interactive` on a real terminal: a list to tick."""

from __future__ import annotations

import json
import re
import signal
from typing import TYPE_CHECKING

import pytest
from functional.temporary_project import ENGINE
from functional.terminal import on_terminal

if TYPE_CHECKING:
    from functional.temporary_project import TemporaryProject
    from loopback_index import LoopbackIndex

DOWN, ENTER, CTRL_C = "\x1b[B", "\r", "\x03"
WORDS = {
    "pipflow_tasks": ["upgrade-all", "--interactive"],
    "invoke": ["deps.upgrade-all", "--interactive"],
}
QUESTION = "What is to move?"
_CODE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
LINES = "alone==1.0\nbase==1.0\nneeding==1.0\n"


@pytest.fixture(autouse=True)
def _fill(project: TemporaryProject, index: LoopbackIndex) -> None:
    for version in ("1.0", "2.0"):
        index.add("alone", version)
        index.add("base", version)
        index.add("needing", version, requires_dist=["base>=2"] if version == "2.0" else [])
    project.requirements = LINES
    project.environment["PROMPT_TOOLKIT_NO_CPR"] = "1"  # nobody answers where the cursor is


@pytest.mark.parametrize("module", [*WORDS])
def test_what_is_ticked_moves(project: TemporaryProject, module: str) -> None:
    """What is ticked moves, with what it needs; all else stays and is named; one build has it."""
    docker = project.stand_in("docker", ENGINE)
    with on_terminal(project, *WORDS[module], module=module) as terminal:
        terminal.await_text("needing 1.0 to 2.0")
        terminal.send(f"{DOWN} {ENTER}")
        assert terminal.finish() == 0
    assert project.requirements == "alone==1.0\nbase==2.0\nneeding==2.0\n"
    assert [call.requirements for call in docker.builds] == [project.requirements]
    assert "alone   1.0 to 2.0  major" in terminal.printed
    _, report = terminal.printed.split("python 3.9, glibc")
    assert "left      alone==1.0 (requirements.txt:1): not ticked" in _CODE.sub("", report)


def test_nothing_is_ticked(project: TemporaryProject, index: LoopbackIndex) -> None:
    """Where nothing is ticked, nothing changes, all of it is named, and the status is 0."""
    index.add("loose", "1.0")
    project.requirements = f"{LINES}loose\n"
    docker = project.stand_in("docker", ENGINE)
    with on_terminal(project, *WORDS["pipflow_tasks"]) as terminal:
        terminal.await_text(QUESTION)
        terminal.send(ENTER)
        assert terminal.finish() == 0
    printed = _CODE.sub("", terminal.printed)
    assert "left      3 lines, not ticked: alone==1.0 (requirements.txt:1)," in printed
    assert "left      loose (requirements.txt:4): not pinned" in printed
    assert "hint      1 requirement is not pinned; `pin` pins it" in printed
    assert "nothing to change" in printed
    assert (project.requirements, docker.builds) == (f"{LINES}loose\n", ())


@pytest.mark.parametrize("module", [*WORDS])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals(project: TemporaryProject, module: str, number: signal.Signals) -> None:
    """Ctrl-C in the list changes nothing, and has the status of an interrupted command."""
    docker = project.stand_in("docker", ENGINE)
    with on_terminal(project, *WORDS[module], module=module) as terminal:
        terminal.await_text(QUESTION)
        if number == signal.SIGINT:
            terminal.send(f" {CTRL_C}")
        else:
            terminal.signal(number)
        assert terminal.finish() == 1
    by = "" if number == signal.SIGINT else f" by {number.name}"  # a key, not a signal
    assert f"interrupted{by}; nothing was changed" in terminal.printed
    assert terminal.printed.count("\x1b[?2004h") <= terminal.printed.count("\x1b[?2004l")
    assert "Traceback" not in terminal.printed
    assert terminal.printed.count("\x1b[?25l") <= terminal.printed.count("\x1b[?25h")
    assert (project.requirements, docker.builds) == (LINES, ())
    assert project.pipflow("upgrade-all", "--no-rebuild").status == 0  # nothing is left locked


def test_all_of_them(project: TemporaryProject) -> None:
    """`a` ticks all; a dry run shows what would move, and does nothing."""
    with on_terminal(project, *WORDS["pipflow_tasks"], "--dry-run", columns=60) as terminal:
        terminal.await_text(QUESTION)
        terminal.send(f"a{ENTER}")
        assert terminal.finish() == 0
    _, report = terminal.printed.split("python 3.9, glibc")
    assert report.count("to move") == 3
    assert project.requirements == LINES


def test_report_for_a_program(project: TemporaryProject) -> None:
    """The list is on standard error: a report that goes elsewhere is whole."""
    words = [*WORDS["pipflow_tasks"], "--no-rebuild", "--format", "json"]
    with on_terminal(project, *words, pipes_output=True) as terminal:
        terminal.await_text(QUESTION)
        terminal.send(f" {ENTER}")
        assert terminal.finish() == 0
        report = json.loads(terminal.stdout)
    assert [change["project"] for change in report["changes"]] == ["alone"]
    assert report["left_alone"] == [
        {
            "requirement": f"{name}==1.0",
            "file": "requirements.txt",
            "line": line,
            "reason": "not ticked",
        }
        for line, name in ((2, "base"), (3, "needing"))
    ]


def test_only_what_is_meant_is_asked_and_named(project: TemporaryProject) -> None:
    """What `--only` leaves out is neither offered nor named."""
    words = [*WORDS["pipflow_tasks"], "--no-rebuild", "--only", "alone", "--format", "json"]
    with on_terminal(project, *words, pipes_output=True) as terminal:
        terminal.await_text(QUESTION)
        terminal.send(ENTER)
        assert terminal.finish() == 0
        report = json.loads(terminal.stdout)
    assert "needing" not in terminal.printed
    assert [left["requirement"] for left in report["left_alone"]] == ["alone==1.0"]


def test_narrow_terminal(project: TemporaryProject, index: LoopbackIndex) -> None:
    """In 24 columns rows are broken, and names may be cut off, but no version is."""
    long = "a-rather-long-name-of-a-project"
    for name, versions in ((long, ("1.0", "2.0")), ("calver", ("2024.11.12", "2025.1.1.post1"))):
        for version in versions:
            index.add(name, version)
    project.requirements = f"{LINES}calver==2024.11.12\n{long}==1.0\n"
    with on_terminal(project, *WORDS["pipflow_tasks"], "--no-rebuild", columns=24) as terminal:
        terminal.await_text(QUESTION)
        while terminal.read(0.5):
            pass
        shown = _CODE.sub("", terminal.printed).replace("\r", "")
        terminal.send(ENTER)
        assert terminal.finish() == 0
    assert shown.endswith(
        " » ○ alone 1.0 to 2.0\n       major\n"
        "   ○ base 1.0 to 2.0\n       major\n"
        "     needing 1.0 to 2.0\n       major\n"
        "   ○ calver 2024.11.12\n       to 2025.1.1.post1\n       major\n"
        "   ○ a-rather-long-name-\n       1.0 to 2.0 major"
    )


def test_slow_index(project: TemporaryProject, index: LoopbackIndex) -> None:
    """The line of progress is gone while the list is there, and comes back behind it."""
    index.delay_seconds = 0.8
    words = [*WORDS["pipflow_tasks"], "--no-rebuild", "--no-cache-dir"]
    with on_terminal(project, *words) as terminal:
        terminal.await_text("needing 1.0 to 2.0")
        terminal.read(0.5)
        assert terminal.read(1) == ""
        terminal.send(f" {ENTER}")
        assert terminal.finish() == 0
    before, _ = terminal.printed.split(QUESTION, 1)
    assert "looking up" in before
    assert project.requirements == LINES.replace("alone==1.0", "alone==2.0")


@pytest.mark.parametrize("color", ["never", "always"])
def test_colors(project: TemporaryProject, color: str) -> None:
    """The list has no colours where the report has none."""
    words = [*WORDS["pipflow_tasks"], "--no-rebuild", "--color", color]
    with on_terminal(project, *words) as terminal:
        terminal.await_text(QUESTION)
        terminal.send(ENTER)
        assert terminal.finish() == 0
    assert ("\x1b[38;5;" in terminal.printed or "\x1b[0;38;5;" in terminal.printed) is (
        color == "always"
    )


def test_nothing_can_move(project: TemporaryProject) -> None:
    """Where nothing moves, nobody is asked."""
    project.requirements = LINES.replace("1.0", "2.0")
    with on_terminal(project, *WORDS["pipflow_tasks"]) as terminal:
        assert terminal.finish() == 0
    assert QUESTION not in terminal.printed
    assert "nothing to change" in terminal.printed


def test_no_terminal(project: TemporaryProject, index: LoopbackIndex) -> None:
    """Where nobody can be asked, the command ends before it looks anything up, and says why."""
    for done in (
        project.pipflow(*WORDS["pipflow_tasks"]),
        project.invoke(*WORDS["invoke"], "--format", "json"),
    ):
        assert done.status == 1
        assert done.stderr == (
            "error: `--interactive` needs a terminal to ask on\n"
            "hint: name what is to move with `--only`, or leave the option out\n"
        )
    assert done.report["error"]["exit_status"] == 1
    with on_terminal(project, *WORDS["pipflow_tasks"], environment={"TERM": "dumb"}) as terminal:
        assert terminal.finish() == 1
    assert "needs a terminal" in terminal.printed
    assert (project.requirements, index.requests) == (LINES, [])


def test_extra_is_missing(project: TemporaryProject, index: LoopbackIndex) -> None:
    """Without the extra, the error has the line that installs it."""
    tasks = project.read("tasks.py")
    project.write("tasks.py", f'import sys\nsys.modules["questionary"] = None\n{tasks}')
    with on_terminal(project, *WORDS["invoke"], module="invoke") as terminal:
        assert terminal.finish() == 1
    assert "`--interactive` needs questionary, which is not installed" in terminal.printed
    assert 'pip install "pipflow-tasks[interactive]"' in terminal.printed
    assert index.requests == []


def test_help_and_completion(project: TemporaryProject) -> None:
    """The help and the completion know the option, of this command alone."""
    assert "--interactive" in project.pipflow("upgrade-all", "--help").stdout
    assert "--interactive" in project.invoke("--help", "deps.upgrade-all").stdout
    line = "pipflow upgrade-all --inter"
    completed = project.pipflow("--complete", "bash", "--inter", line).stdout
    assert "--interactive" in completed
    assert "--interactive" not in project.pipflow("outdated", "--help").stdout
