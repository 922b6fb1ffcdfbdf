"""The last line of a report: the command that undoes file and image."""

from __future__ import annotations

import shlex
import shutil
import subprocess

import pytest
from functional.temporary_project import ENGINE, TemporaryProject
from loopback_index import LoopbackIndex

GIT = shutil.which("git")
TEXT = "# ours\nlib==1.0\nold==1  # stays\n"
BY_HAND = "by hand: no single command leads back, and git does not have {} as before"


@pytest.fixture(autouse=True)
def _fill(project: TemporaryProject, index: LoopbackIndex) -> None:
    for name, version in (("lib", "1.0"), ("lib", "2.0"), ("old", "1"), ("new", "1")):
        index.add(name, version)
    project.requirements = TEXT


def git(project: TemporaryProject, *words: str) -> None:
    """Run git in the project, with the folder of programs that the tool is given."""
    assert GIT is not None
    user = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    subprocess.run([GIT, *user, *words], cwd=project.folder, check=True, capture_output=True)


def commit(project: TemporaryProject) -> None:
    """Put the project under git, with all its files."""
    if GIT is None:
        pytest.skip("there is no git")
    (project.programs / "git").symlink_to(GIT)
    git(project, "init", "--quiet")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "all")


def undo_of(text: str) -> str:
    """Return the command of the last line of a report."""
    word, _, command = text.splitlines()[-1].partition(" ")
    assert word == "undo"
    return command.strip()


def run(project: TemporaryProject, command: str) -> None:
    """Run a command as a user would who pastes it."""
    for part in command.split(" && "):
        program, *words = shlex.split(part)
        if program == "git":
            git(project, *words)
        else:
            call = project.invoke if program == "invoke" else project.pipflow
            done = call(*words)
            assert done.status == 0, done.output


def test_committed_file(project: TemporaryProject) -> None:
    """A file that git has is checked out, and the image is built from it."""
    commit(project)
    docker = project.stand_in("docker", ENGINE)
    done = project.invoke("deps.upgrade-all")
    assert undo_of(done.stdout) == "git checkout -- requirements.txt && invoke deps.rebuild"
    run(project, undo_of(done.stdout))
    assert (project.requirements, docker.builds[-1].requirements) == (TEXT, TEXT)


@pytest.mark.parametrize("state", ["edited", "ignored", "staged", "not added"])
def test_file_that_git_does_not_have_so(project: TemporaryProject, state: str) -> None:
    """Where a checkout would bring other bytes back, the tasks are used; what is staged counts."""
    if state == "ignored":
        project.write(".gitignore", "*.txt\n")
    if state == "not added":
        project.remove("requirements.txt")
    commit(project)
    project.requirements = f"{TEXT}# edited\n"
    if state == "staged":
        git(project, "add", "--all")
    before = project.requirements
    command = undo_of(project.invoke("deps.upgrade-all", "--no-rebuild").stdout)
    expected = "invoke deps.upgrade --no-rebuild lib==1.0"
    assert command == ("git checkout -- requirements.txt" if state == "staged" else expected)
    run(project, command)
    assert project.requirements == before


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("add", "new"), "remove new"),
        (("remove", "lib"), "add lib==1.0"),
        (("upgrade", "lib"), "upgrade lib==1.0"),
        (("add", "lib2", "new"), "remove lib2 new"),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, tuple) else "",
)
def test_tasks_lead_back(
    project: TemporaryProject, index: LoopbackIndex, words: tuple[str, ...], expected: str
) -> None:
    """Without git, the task that leads back is named as it was called, and does it."""
    index.add("lib2", "1")
    docker = project.stand_in("docker", ENGINE)
    done = project.pipflow(*words)
    assert undo_of(done.stdout) == f"pipflow {expected}"
    run(project, undo_of(done.stdout))
    assert (project.requirements, len(docker.built)) == (TEXT, 2)


def test_several_tasks_build_once(project: TemporaryProject, index: LoopbackIndex) -> None:
    """Where several tasks lead back, the last one builds."""
    index.add("newer", "1", requires_dist=["lib>=2"])
    docker = project.stand_in("docker", ENGINE)
    done = project.invoke("deps.add", "newer", "--with-upgrades", "--file", "requirements.txt")
    assert undo_of(done.stdout) == (
        "invoke deps.remove --file requirements.txt --no-rebuild newer && "
        "invoke deps.upgrade --file requirements.txt lib==1.0"
    )
    run(project, undo_of(done.stdout))
    assert (project.requirements, len(docker.built)) == (TEXT, 2)


def test_lock_is_unlocked(project: TemporaryProject, index: LoopbackIndex) -> None:
    """What `lock` wrote goes by `unlock`; of what has no way back, the line says why."""
    index.add("lib", "1.0", requires_dist=["under"])
    index.add("under", "1")
    done = project.invoke("deps.lock", "--no-rebuild")
    assert undo_of(done.stdout) == "invoke deps.unlock --no-rebuild"
    run(project, undo_of(done.stdout))
    assert project.requirements == TEXT
    project.requirements = "lib\n"
    done = project.invoke("deps.pin", "--no-rebuild")
    assert undo_of(done.stdout) == BY_HAND.format("requirements.txt")


def test_every_format(project: TemporaryProject) -> None:
    """JSON has it under a key of its own; Markdown has no commands; a dry run has none."""
    words = ("deps.add", "new", "--no-rebuild", "--format")
    expected = "invoke deps.remove --no-rebuild new"
    assert project.invoke(*words, "json", "--dry-run").report["undo"] == ""
    assert project.invoke(*words, "json").report["undo"] == expected
    assert project.invoke(*words, "json").report["undo"] == ""
    project.requirements = TEXT
    assert expected not in project.invoke(*words, "markdown").stdout


def test_kept_changes(project: TemporaryProject) -> None:
    """What `--keep` leaves after a failed build can be undone; what was put back is undone."""
    project.stand_in("docker", {"version": 0, "build": 1})
    assert "undo " not in project.invoke("deps.upgrade-all").stdout
    done = project.invoke("deps.upgrade-all", "--keep")
    assert undo_of(done.stdout) == "invoke deps.upgrade --no-rebuild lib==1.0"


LOCKED = "dep==1  # via lib\nlib==1.0\n"


@pytest.mark.parametrize(
    ("files", "words", "expected"),
    [
        pytest.param({"a.txt": LOCKED, "b.txt": ""}, ("add", "new"), "remove", id="locked"),
        pytest.param({"a.txt": LOCKED, "b.txt": ""}, ("remove", "lib"), "", id="went too"),
        pytest.param({"a.txt": LOCKED, "b.txt": ""}, ("upgrade", "lib"), "", id="moved too"),
        pytest.param({"a.txt": LOCKED, "b.txt": "new==1\n"}, ("lock",), "", id="locked more"),
        pytest.param({"a.txt": "", "b.txt": "lib==1.0\n"}, ("remove", "lib"), "", id="other file"),
        pytest.param(
            {"a.txt": "lib==1.0\n", "b.txt": "lib==2.0\n"}, ("upgrade", "lib"), "", id="one of two"
        ),
        pytest.param({"a.txt": "lib==1.0\n", "b.txt": ""}, ("upgrade", "lib"), "upgrade", id="one"),
        pytest.param({"a.txt": "lib==1.0\n", "b.txt": ""}, ("upgrade", "lib<3"), "", id="policy"),
        pytest.param(
            {"a.txt": f"lib==1.0 --hash=sha256:{'0' * 64}\n", "b.txt": ""},
            ("upgrade", "lib", "--no-resolve"),
            "",
            id="hashes",
        ),
        pytest.param({"a.txt": "old==1\nlib==1.0\n", "b.txt": ""}, ("add", "new"), "", id="sorted"),
        pytest.param(
            {"a.txt": "old==1\nlib==1.0\n", "b.txt": ""}, ("remove", "lib"), "", id="place"
        ),
        pytest.param({"a.txt": "lib\n", "b.txt": ""}, ("remove", "lib"), "", id="not pinned"),
        pytest.param({"a.txt": "lib==1.0\n", "b.txt": ""}, ("remove", "lib"), "add", id="added"),
        pytest.param({"a.txt": "lib == 1.0\n", "b.txt": ""}, ("remove", "lib"), "", id="spaces"),
        pytest.param(
            {"a.txt": 'lib==1.0; sys_platform == "linux"\n', "b.txt": ""},
            ("remove", "lib"),
            "",
            id="marker",
        ),
    ],
)
def test_several_files_lead_back_or_the_line_says_why(
    project: TemporaryProject,
    index: LoopbackIndex,
    files: dict[str, str],
    words: tuple[str, ...],
    expected: str,
) -> None:
    """The command gives every file its bytes again; where none would, the line says so."""
    index.add("lib", "1.0", requires_dist=["dep"])
    index.add("lib", "2.0", requires_dist=["dep>=2"])
    index.add("new", "1", requires_dist=["more"])
    index.add("more", "1")
    for version in ("1", "2"):
        index.add("dep", version)
    for name, text in files.items():
        project.write(name, text)
    project.write(
        "Dockerfile",
        "FROM python:3.12-slim AS a\nCOPY . .\nRUN pip install -r a.txt\n"
        "FROM python:3.12-slim AS b\nCOPY . .\nRUN pip install -r b.txt\n",
    )
    done = project.pipflow(*words, "--no-rebuild", "--file", "a.txt,b.txt")
    assert done.status == 0, done.output
    assert any(project.read(name) != text for name, text in files.items())
    changed = " and ".join(name for name, text in files.items() if project.read(name) != text)
    undo = undo_of(done.stdout)
    if not expected:
        assert undo == BY_HAND.format(changed)
        return
    assert undo.split()[1] == expected
    run(project, undo)
    assert {name: project.read(name) for name in files} == files
