"""All or nothing: signals, a second run, folders that can't be written, half-merged files."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import sys
import time

import pytest
from functional.temporary_project import ENGINE, TemporaryProject
from loopback_index import Fault, LoopbackIndex

HANGING: dict[str, int | str] = {"version": 0, "build": "hang"}


@pytest.fixture(autouse=True)
def _fill(project: TemporaryProject, index: LoopbackIndex) -> None:
    index.add("lib", "1.0")
    index.add("lib", "2.0")
    index.add("new", "1")
    project.requirements = "\ufefflib==1.0  # é\r\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_during_a_build(project: TemporaryProject, number: signal.Signals) -> None:
    """A signal to the tool alone ends the build and its children, restores, and exits with 3."""
    docker = project.stand_in("docker", HANGING)
    before = project.contents()
    with project.started("deps.upgrade-all", "test") as running:
        docker.await_hanging()
        assert "2.0" in project.requirements
        running.send(number)
        done = running.finish()
    docker.require_dead()
    assert (done.status, project.contents()) == (3, before)
    assert f"interrupted by {number.name}" in done.stderr
    assert "Traceback" not in done.output
    assert "the tests ran" not in done.stdout


def test_signal_during_the_build_of_a_new_file(project: TemporaryProject) -> None:
    """A file that `add` made is gone after an interrupted build."""
    docker = project.stand_in("docker", HANGING)
    project.remove("requirements.txt")
    before = project.contents()
    with project.started("deps.add", "lib", "--format", "json") as running:
        docker.await_hanging()
        assert project.requirements == "lib==2.0\n"
        running.send(signal.SIGTERM)
        done = running.finish()
    assert (done.status, project.contents()) == (3, before)
    assert done.report["image"]["status"] == "failed"


def test_signal_with_keep(project: TemporaryProject) -> None:
    """With `--keep` an interrupted build leaves the changes, and is status 3 all the same."""
    docker = project.stand_in("docker", HANGING)
    with project.started("deps.upgrade-all", "--keep") as running:
        docker.await_hanging()
        running.send(signal.SIGTERM)
        done = running.finish()
    docker.require_dead()
    assert (done.status, project.requirements) == (3, "\ufefflib==2.0  # é\r\n")


def test_signal_during_rebuild(project: TemporaryProject) -> None:
    """An interrupted `rebuild` is status 3, and its builder is dead."""
    docker = project.stand_in("docker", HANGING)
    with project.started("deps.rebuild") as running:
        docker.await_hanging()
        running.send(signal.SIGINT)
        done = running.finish()
    docker.require_dead()
    assert done.status == 3


@pytest.mark.parametrize("compose", ["", "services: {app: {build: .}}\n"])
def test_signal_during_verify(project: TemporaryProject, compose: str) -> None:
    """The container that tries the image is removed by the name that it was given."""
    docker = project.stand_in(
        "docker",
        {"version": 0, "build": 0, "compose": 0, "run": "hang", "compose run": "hang", "rm": 0},
    )
    if compose:
        project.write("compose.yaml", compose)
    project.write("invoke.yaml", "pipflow: {verify: sleep 600}\n")
    before = project.contents()
    with project.started("deps.upgrade-all") as running:
        docker.await_hanging()
        running.send(signal.SIGTERM)
        done = running.finish()
    assert (done.status, project.contents()) == (3, before)
    (run,) = (call.arguments for call in docker.calls if "run" in call.arguments)
    removals = {call.arguments for call in docker.calls if call.arguments[0] == "rm"}
    assert removals == {("rm", "--force", run[run.index("--name") + 1])}


def test_hang_up_that_was_ignored_stays_ignored(project: TemporaryProject) -> None:
    """A tool started with `nohup` goes on building when its terminal goes."""
    docker = project.stand_in("docker", HANGING)
    nohup = (sys.executable, "-c", (
        "import os, signal, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN); "
        "os.execv(sys.argv[1], sys.argv[1:])"
    ))  # fmt: skip
    with project.started("deps.upgrade-all", before=nohup) as running:
        docker.await_hanging()
        running.send(signal.SIGHUP)
        running.send(signal.SIGTERM)
        done = running.finish()
    assert "interrupted by SIGTERM" in done.stderr


def test_signal_during_a_look_up(project: TemporaryProject, index: LoopbackIndex) -> None:
    """Ctrl-C before anything is written: no traceback, not status 0, file untouched."""
    index.break_project("lib", Fault(stall_seconds=600))
    before = project.contents()
    with project.started("deps.upgrade-all") as running:
        while not index.requests:
            assert not running.has_ended
            time.sleep(0.01)
        running.send(signal.SIGINT)
        sent = time.monotonic()
        done = running.finish()
    assert done.status != 0
    assert time.monotonic() - sent < 5, "it waited for the look-up"
    assert project.contents() == before
    assert "Traceback" not in done.output


def test_second_run_is_kept_out(project: TemporaryProject) -> None:
    """While one run builds, another that would write is refused: status 1, nothing mixed up."""
    docker = project.stand_in("docker", HANGING)
    before = project.contents()
    with project.started("deps.upgrade-all") as running:
        docker.await_hanging()
        during = project.contents()
        second = project.invoke("deps.add", "new", "--no-rebuild")
        assert (second.status, second.stdout, project.contents()) == (1, "", during)
        assert "another run is changing this project" in second.stderr
        assert project.invoke("deps.outdated").status == 0
        running.send(signal.SIGTERM)
        assert running.finish().status == 3
    assert project.contents() == before
    assert project.invoke("deps.add", "new", "--no-rebuild").status == 0


def test_killed_run_leaves_no_lock(project: TemporaryProject) -> None:
    """After a run that was killed outright the next one works."""
    docker = project.stand_in("docker", HANGING)
    with project.started("deps.upgrade-all") as running:
        docker.await_hanging()
        running.send(signal.SIGKILL)
        docker.end()  # nobody else does: the tool can't any more
        running.finish()
    docker.require_dead()
    assert project.invoke("deps.add", "new", "--no-rebuild").status == 0


@pytest.mark.parametrize(
    "words",
    [("add", "new"), ("remove", "lib"), ("upgrade", "lib"), ("upgrade-all",), ("outdated",)],
)
def test_conflict_markers_come_first(
    project: TemporaryProject, index: LoopbackIndex, words: tuple[str, ...]
) -> None:
    """A file in the middle of a merge: status 1 with the line, before the index is asked."""
    text = "a==1\r\n<<<<<<< HEAD\r\nlib==1.0\r\n=======\r\nlib==1.5\r\n>>>>>>> theirs\r\n"
    project.requirements = text
    project.write("Dockerfile", "nonsense\n")
    task, *packages = words
    done = project.invoke(f"deps.{task}", *packages)
    assert (done.status, done.stdout, project.requirements) == (1, "", text)
    assert done.stderr.startswith("requirements.txt:2: a merge conflict")
    assert index.requests == []


def test_folder_that_can_not_be_written(project: TemporaryProject) -> None:
    """In a folder without write permission: status 1, one message, nothing built or changed."""
    before_words: tuple[str, ...] = ()
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("root writes everywhere, and there is no setpriv to give that up")
        rights = "-dac_override,-dac_read_search,-fowner"
        setpriv = str(shutil.which("setpriv"))
        before_words = (setpriv, f"--bounding-set={rights}", f"--inh-caps={rights}")
    docker = project.stand_in("docker", ENGINE)
    before = project.contents()
    project.folder.chmod(0o555)
    try:
        done = project.invoke("deps.upgrade-all", before=before_words)
    finally:
        project.folder.chmod(0o755)
    assert (done.status, done.stdout, project.contents()) == (1, "", before)
    assert docker.built == []
    assert done.stderr.startswith("requirements.txt: can't be written: ")
    assert "Traceback" not in done.stderr


def test_disk_that_is_full(project: TemporaryProject) -> None:
    """Where no byte can be written: status 1, the file is whole, and nothing is left beside it."""
    before = project.contents()
    limit = (sys.executable, "-c", (
        "import os, resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)); "
        "os.execv(sys.argv[1], sys.argv[1:])"
    ))  # fmt: skip
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 0
    done = project.invoke("deps.upgrade-all", before=limit)
    assert (done.status, done.stdout, project.contents()) == (1, "", before)
    assert done.stderr.startswith("requirements.txt: can't be written: ")


@pytest.mark.parametrize("kind", ["folder", "unreadable text"])
def test_file_that_is_none(project: TemporaryProject, kind: str) -> None:
    """A folder of the file's name is refused with a message; odd bytes are kept."""
    path = project.folder / "requirements.txt"
    if kind == "folder":
        path.unlink()
        path.mkdir()
        done = project.invoke("deps.upgrade-all")
        assert (done.status, done.stdout) == (1, "")
        assert done.stderr.startswith("requirements.txt: can't be read: ")
    else:
        path.write_bytes(b"# \xff\xfe caf\xe9\nlib==1.0\n")
        assert project.invoke("deps.upgrade-all").status == 0
        assert path.read_bytes() == b"# \xff\xfe caf\xe9\nlib==2.0\n"
