"""``lock`` and ``unlock``: the file says all that the image has, until it is told not to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from functional.temporary_project import ENGINE, TemporaryProject
from functional.test_hashes import dry_run, hashes_of

if TYPE_CHECKING:
    from loopback_index import LoopbackIndex

BEFORE = "# app\r\ntop == 1.0   # the one\r\n\r\n# tests\r\ncheck==1.0"
LOCKED = (
    "# app\r\nlow==1.0  # via mid\r\nmid==1.0  # via top\r\ntop == 1.0   # the one\r\n"
    "\r\n# tests\r\ncheck==1.0\r\nleaf==1.0  # via check"
)


@pytest.fixture(autouse=True)
def _fill(index: LoopbackIndex) -> None:
    index.add("top", "1.0", requires_dist=["mid"])
    index.add("mid", "1.0", requires_dist=["low>=1"])
    index.add("low", "1.0")
    index.add("check", "1.0", requires_dist=["leaf"])
    index.add("leaf", "1.0")


def test_lock_and_unlock(project: TemporaryProject) -> None:
    """``lock`` writes and builds, a second one finds nothing to do, ``unlock`` gives all back."""
    docker = project.stand_in("docker", ENGINE)
    project.requirements = BEFORE
    done = project.invoke("deps.lock")
    assert done.status == 0, done.stderr
    assert project.requirements == LOCKED
    assert len(docker.builds) == 1
    again = project.invoke("deps.lock")
    assert (again.status, "nothing to change" in again.stdout) == (0, True)
    assert len(docker.builds) == 1
    assert project.invoke("deps.unlock").status == 0
    assert project.requirements == BEFORE
    assert len(docker.builds) == 2
    again = project.invoke("deps.unlock")
    assert (again.status, "is not locked" in again.stdout) == (0, True)


def test_failed_build_unlocks(project: TemporaryProject) -> None:
    """Where the image can't be built, the file is as it was."""
    project.stand_in("docker", {**ENGINE, "build": 1})
    project.requirements = BEFORE
    assert project.invoke("deps.lock").status == 3
    assert project.requirements == BEFORE


def test_line_of_the_lock_gets_its_hashes(project: TemporaryProject, index: LoopbackIndex) -> None:
    """In a file that pins hashes, a line of the lock without one is written anew with its own."""
    own = f"check==1.0 {hashes_of(index, 'check', '1.0')[0]}\n"
    project.requirements = f"{own}leaf==1.0  # via check  # pipflow: <2\n"
    done = project.invoke("deps.lock")
    assert done.status == 0, done.stderr
    (option,) = hashes_of(index, "leaf", "1.0")
    assert project.requirements == f"{own}leaf==1.0 {option}  # via check  # pipflow: <2\n"


def test_line_that_only_says_so_itself_stays(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """What needs nobody can know keeps the lines that say they are there via it, hashes or not."""
    index.add("odd", "1.0", wheel=False, sdist="dynamic", requires_dist=["leaf"])
    own = f"odd==1.0 {hashes_of(index, 'odd', '1.0')[0]}\n"
    project.requirements = text = f"leaf==1.0  # via odd\n{own}"
    done = project.invoke("deps.lock")
    assert (done.status, project.requirements) == (0, text), done.stderr


def test_dry_run_locks_nothing(project: TemporaryProject) -> None:
    """``--dry-run`` says what would be written, and what moved is told apart in JSON."""
    project.requirements = BEFORE
    done = project.invoke("deps.lock", "--dry-run", "--format", "json")
    assert project.requirements == BEFORE
    assert {(change["project"], change["from"]) for change in done.report["changes"]} == {
        ("low", None),
        ("mid", None),
        ("leaf", None),
    }


def test_closure_is_hashed(project: TemporaryProject, index: LoopbackIndex) -> None:
    """In a file with hashes every line gets them: pip takes it without looking further."""
    hashes = {name: hashes_of(index, name, "1.0") for name in ("top", "mid", "low")}
    project.requirements = f"top==1.0 \\\n    {hashes['top'][0]}\n"
    done = project.invoke("deps.lock")
    assert done.status == 0, done.stderr
    assert project.requirements == (
        f"low==1.0 \\\n    {hashes['low'][0]}  # via mid\n"
        f"mid==1.0 \\\n    {hashes['mid'][0]}  # via top\n"
        f"top==1.0 \\\n    {hashes['top'][0]}\n"
    )
    taken = dry_run(project.folder, index, "--no-deps")
    assert "Would install low-1.0 mid-1.0 top-1.0" in taken.stdout, taken.stderr
    for version in ("1.1", "2.0"):
        index.add("low", version)
    assert project.invoke("deps.upgrade-all").status == 0
    assert f"low==2.0 \\\n    {hashes_of(index, 'low', '2.0')[0]}  # via mid\n" in (
        project.requirements
    )
    assert dry_run(project.folder, index, "--no-deps").status == 0
    assert dry_run(project.folder, index).status == 0
    assert project.invoke("deps.unlock").status == 0
    assert project.requirements == f"top==1.0 \\\n    {hashes['top'][0]}\n"


def test_remove_needs_the_index(project: TemporaryProject) -> None:
    """In a locked file a removal that can't be followed is refused; unless that is asked for."""
    project.requirements = LOCKED
    url = {"PIP_INDEX_URL": "http://127.0.0.1:1/simple/"}
    done = project.invoke("deps.remove", "check", environment=url)
    assert (done.status, project.requirements) == (1, LOCKED)
    assert "--no-resolve" in done.stderr
    done = project.invoke("deps.remove", "check", "--no-resolve", environment=url)
    assert done.status == 0
    assert project.requirements == LOCKED.replace("check==1.0\r\n", "")
    assert "run `lock`" in done.stderr


def test_comment_alone_changes(project: TemporaryProject) -> None:
    """Where only what a line says of itself changes, that is written, and said."""
    project.requirements = LOCKED.replace("via top", "via check, top")
    done = project.invoke("deps.lock")
    assert project.requirements == LOCKED
    assert "nothing to change" not in done.stdout
    assert "`# via top` becomes the comment of mid (requirements.txt:3)" in done.stdout


def test_why_as_text_and_json(project: TemporaryProject) -> None:
    """``why`` tells the way that leads to a project, from the line on."""
    project.requirements = BEFORE
    done = project.pipflow("why", "low")
    assert done.status == 0
    assert done.stdout.splitlines()[-1] == (
        "why       top==1.0 (requirements.txt:2) → mid 1.0 → low 1.0 (low>=1)"
    )
    (path,) = project.pipflow("why", "low", "--format", "json").report["paths"]
    assert path[0] == {
        "project": "top",
        "version": "1.0",
        "requirement": "top==1.0",
        "file": "requirements.txt",
        "line": 2,
        "environments": ["Dockerfile"],
    }
    assert [step["requirement"] for step in path[1:]] == ["mid", "low>=1"]
    assert project.requirements == BEFORE


def test_why_of_what_is_not_there(project: TemporaryProject) -> None:
    """A project that nothing needs is an error."""
    project.requirements = BEFORE
    done = project.pipflow("why", "nothing")
    assert (done.status, "nothing needs nothing" in done.stderr) == (1, True)


def test_removal_hits_its_line_where_hashes_shift_others(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """A pin that gets more lines of hashes above does not make another line go."""
    index.add("aaa", "1.0", requires_dist=["zzz"])
    index.add("aaa", "2.0", tags=["py3-none-any", "cp39-cp39-win_amd64"], sdist=True)
    for name in ("mmm", "nnn", "zzz"):
        index.add(name, "1.0")
    project.requirements = "".join(
        f"{name}==1.0 \\\n    {hashes_of(index, name, '1.0')[0]}\n"
        for name in ("aaa", "mmm", "nnn")
    )
    assert project.invoke("deps.lock").status == 0
    assert "zzz==1.0" in project.requirements
    done = project.invoke("deps.upgrade-all")
    assert done.status == 0, done.stderr
    pins = [line.split()[0] for line in project.requirements.splitlines() if "==" in line]
    assert pins == ["aaa==2.0", "mmm==1.0", "nnn==1.0"]
    assert dry_run(project.folder, index, "--no-deps").status == 0


def test_outdated_speaks_of_what_would_be(project: TemporaryProject, index: LoopbackIndex) -> None:
    """Of a locked file, `outdated` says what would be added, and which comments would change."""
    index.add("check", "2.0", requires_dist=["leaf", "twig", "low"])
    index.add("twig", "1.0")
    project.requirements = LOCKED
    done = project.pipflow("outdated")
    assert "to add    twig  1.0        (requirements.txt:9)" in done.stdout
    assert "can move  check 1.0 to 2.0 (requirements.txt:7)" in done.stdout
    assert "hint      `# via check, mid` becomes the comment of low (requirements.txt:2)" in (
        done.stdout
    )
    assert project.requirements == LOCKED


def test_included_file_is_locked_and_unlocked_with_the_other(project: TemporaryProject) -> None:
    """A file and what it includes have one lock; `unlock` of what is included leaves the other."""
    project.requirements = base = "top==1.0\n"
    dev = project.write("dev.txt", "-r requirements.txt\ncheck==1.0\n")
    before = dev.read_text()
    words = ("--file", "dev.txt", "--no-rebuild")
    locked = project.pipflow("lock", *words)
    assert locked.status == 0, locked.output
    assert project.requirements == "low==1.0  # via mid\nmid==1.0  # via top\ntop==1.0\n"
    assert dev.read_text() == "-r requirements.txt\ncheck==1.0\nleaf==1.0  # via check\n"
    done = project.pipflow("unlock", *words)
    assert (project.requirements, dev.read_text()) == (base, before)
    assert "removed   low  1.0 (requirements.txt:1)" in done.stdout
    assert "removed   leaf 1.0 (dev.txt:3)" in done.stdout
    project.pipflow("lock", *words)
    project.pipflow("unlock", "--no-rebuild")
    assert project.requirements == base
    assert dev.read_text() == "-r requirements.txt\ncheck==1.0\nleaf==1.0  # via check\n"
