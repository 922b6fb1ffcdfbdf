"""The report as text: columns, reasons below their lines, and lines that fit a terminal."""

from __future__ import annotations

from functional.temporary_project import ENGINE, TemporaryProject
from functional.terminal import on_terminal, screen
from loopback_index import LoopbackIndex


def fill(project: TemporaryProject, index: LoopbackIndex) -> None:
    project.stand_in("docker", ENGINE)
    for name, versions in {"a": ("1.0", "2.0"), "longer": ("10.1", "10.2.1")}.items():
        for version in versions:
            index.add(name, version)
    index.add("a", "3.0", requires_python=">=3.12")
    project.requirements = "a==1.0\nlonger==10.1\n"


def test_changes_are_in_columns(project: TemporaryProject, index: LoopbackIndex) -> None:
    """Names and versions of several changes are below each other; a reason is below its change."""
    fill(project, index)
    assert project.pipflow("outdated").stdout.splitlines()[1:] == [
        "can move  a      1.0  to 2.0    (requirements.txt:1)",
        "          3.0 needs Python >=3.12, the image has 3.9 (Dockerfile:1)",
        "can move  longer 10.1 to 10.2.1 (requirements.txt:2)",
    ]
    lines = project.pipflow("remove", "a", "longer", "--dry-run").stdout.splitlines()
    assert lines[:2] == [
        "to remove a      1.0  (requirements.txt:1)",
        "to remove longer 10.1 (requirements.txt:2)",
    ]


def test_one_change_has_no_columns(project: TemporaryProject, index: LoopbackIndex) -> None:
    """A change alone is a sentence."""
    fill(project, index)
    lines = project.pipflow("upgrade", "a").stdout.splitlines()
    assert "moved     a 1.0 to 2.0 (requirements.txt:1)" in lines


def test_line_is_named_as_it_is_written(project: TemporaryProject, index: LoopbackIndex) -> None:
    """A package is named with the extras of its line, in the order in which the line has them."""
    requires = ["a; extra == 'x'", "longer; extra == 'y-z'"]
    fill(project, index)
    index.add("Extra", "1.0", requires_dist=requires)
    index.add("Extra", "1.1", requires_dist=requires)
    project.requirements = "Extra[ y_z , x ]==1.0\n"
    moved = "moved     Extra[y_z,x] 1.0 to 1.1 (requirements.txt:1)"
    assert moved in project.pipflow("upgrade", "extra").stdout.splitlines()
    index.add("Extra", "2.0", requires_python=">=3.12")
    held = "held      Extra[y_z,x] at 1.1: 2.0 needs Python >=3.12"
    assert held in project.pipflow("outdated").stdout
    gone = "removed   Extra[y_z,x] 1.1 (requirements.txt:1)"
    assert gone in project.pipflow("remove", "extra").stdout.splitlines()
    added = "added     extra[x] 1.1 (requirements.txt:1)"
    assert added in project.pipflow("add", "extra[x]").stdout.splitlines()
    report = project.pipflow("remove", "extra", "--format", "markdown").stdout
    assert "| extra\\[x\\] | 1.1 |  | removed |" in report


def test_hashes_are_left_out(project: TemporaryProject, index: LoopbackIndex) -> None:
    """A line that is left alone, or listed again, is named without its hashes."""
    fill(project, index)
    hashes = f"--hash=sha256:{'1' * 64} \\\n    --hash sha256:{'2' * 64}"
    project.requirements = f"a>=1 {hashes}\nlonger==10.1 {hashes}\nlonger==10.1 {hashes}\n"
    left = "left      a>=1 (requirements.txt:1): "
    lines = project.pipflow("upgrade-all", "--dry-run", "--no-resolve").stdout.splitlines()
    assert any(line.startswith(left) for line in lines), lines
    found = project.pipflow("check", "--offline").stdout
    assert "longer is already listed: longer==10.1 (requirements.txt:3)" in found
    assert "sha256:1" not in found


def test_long_name_does_not_widen_all(project: TemporaryProject, index: LoopbackIndex) -> None:
    """A column is 30 wide at most; a name that is longer moves the rest of its own line."""
    index.add("n" * 60, "1.0")
    index.add("short", "1.0")
    first, second = project.pipflow("add", "n" * 60, "short").stdout.splitlines()[1:3]
    assert first == f"added     {'n' * 60} 1.0 (requirements.txt:1)"
    assert second == f"added     {'short':<30} 1.0 (requirements.txt:2)"


def test_lines_fit_the_terminal(project: TemporaryProject, index: LoopbackIndex) -> None:
    """On a terminal lines are wrapped between words, and go on behind ten blanks.

    A command, which may be pasted, stays one line; so does all in a file or a pipe.
    """
    fill(project, index)
    index.add("under", "1.0", requires_dist=["longer<10.2"])
    project.requirements = "a==1.0\nlonger==10.1\nunder==1.0\n" + "".join(
        f"loose-{number}\n" for number in range(9)
    )
    plain = project.pipflow("upgrade-all", "--dry-run").stdout.splitlines()
    words = ["upgrade-all", "--dry-run"]
    with on_terminal(project, *words, columns=60, environment={"NO_COLOR": "1"}) as terminal:
        terminal.finish()
    wrapped = screen(terminal.printed)
    (command,) = [line for line in plain if line.startswith("image")]
    assert command in wrapped
    (left,) = [line for line in plain if line.startswith("left")]
    start = wrapped.index(next(line for line in wrapped if line.startswith("left")))
    parts = [wrapped[start]]
    while wrapped[start + len(parts)].startswith(" " * 10):
        parts.append(wrapped[start + len(parts)])
    assert len(parts) > 3
    assert max(map(len, parts)) <= 60
    assert " ".join(part.strip() for part in parts) == left


def test_messages_fit_the_terminal(project: TemporaryProject, index: LoopbackIndex) -> None:
    """Errors and hints go on below their text, reasons behind two more blanks; not in a pipe."""
    index.add("lib", "1.0", requires_dist=["under-the-library>=2,!=2.1,!=2.2,!=2.3,!=2.4,<9"])
    index.add("under-the-library", "1.0")
    project.requirements = "under-the-library==1.0\n"
    words = ["add", "--no-rebuild", "lib"]
    with on_terminal(project, *words, columns=60, environment={"NO_COLOR": "1"}) as terminal:
        terminal.finish()
    assert screen(terminal.printed) == [
        "error: lib conflicts with the other requirements",
        "  lib 1.0 needs",
        "    under-the-library!=2.1,!=2.2,!=2.3,!=2.4,<9,>=2",
        "  the index has under-the-library 1.0",
        "hint: no version of lib is compatible: change what rules",
        "      these out",
        "",
    ]
    assert len(project.pipflow(*words).stderr.splitlines()) == 4
