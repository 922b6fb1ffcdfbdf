"""All or nothing: signals, a second run, folders that can't be written, half-merged files."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
import sys
import time
from pathlib import Path

import pytest
from functional.temporary_project import (
    ENGINE,
    Answer,
    Finished,
    Running,
    StandIn,
    TemporaryProject,
)
from loopback_index import Fault, LoopbackIndex

HANGING: dict[str, int | str] = {"version": 0, "build": "hang"}


@pytest.fixture(autouse=True)
def _fill(project: TemporaryProject, index: LoopbackIndex) -> None:
    index.add("lib", "1.0")
    index.add("lib", "2.0")
    index.add("new", "1")
    index.add("new", "0.9")
    project.requirements = "\ufefflib==1.0  # é\r\n"


SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


def interrupt(project: TemporaryProject, docker: StandIn, number: int, *words: str) -> Finished:
    """Send a signal to a run when what it has started hangs; return what the run answered."""
    with project.started(*words) as running:
        docker.await_hanging()
        running.send(number)
        return running.finish()


@pytest.mark.parametrize("number", SIGNALS)
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


def test_signal_while_the_program_is_loaded(project: TemporaryProject) -> None:
    """Ctrl-C in the first moments ends the program with an error, not with a traceback."""
    heeds = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
    raises = "signal.raise_signal(signal.SIGINT)\n"
    project.write("early/invoke/__init__.py", heeds + raises)
    early = {"PYTHONPATH": str(project.folder / "early")}
    done = project.pipflow("upgrade-all", environment=early)
    assert (done.status, done.stdout) == (1, "")
    assert done.stderr == "error: interrupted by SIGINT; nothing was changed\n"


@pytest.mark.parametrize("is_ahead", [True, False])
def test_signal_when_the_image_is_there(project: TemporaryProject, is_ahead: bool) -> None:
    """A builder that is ended when the engine has the new image leaves one ahead of the files."""
    told = {**HANGING, "image inspect": ["7 sha256:a", f"7 sha256:{'b' if is_ahead else 'a'}"]}
    docker = project.stand_in("docker", told)
    before = project.contents()
    done = interrupt(project, docker, signal.SIGINT, "deps.upgrade-all")
    assert (done.status, project.contents()) == (3, before)
    said = "may be ahead of the files: shop; build it with: docker build"
    assert (said in done.stdout) is is_ahead
    assert len(journals(project)) == is_ahead


def test_timeout_when_the_image_is_there(project: TemporaryProject) -> None:
    """A builder that takes too long, and is ended when the image is there, is run again."""
    inspected = ["7 sha256:a", "7 sha256:b"]
    told: dict[str, Answer] = {"version": 0, "build": ["hang", 0], "image inspect": inspected}
    docker = project.stand_in("docker", told)
    before = project.contents()
    done = project.invoke("-T", "1", "deps.upgrade-all")
    assert (done.status, project.contents()) == (3, before)
    assert "image     built again from the files as they were: shop" in done.stdout
    assert len(docker.builds) == 2


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
    done = interrupt(project, docker, signal.SIGTERM, "deps.upgrade-all", "--keep")
    docker.require_dead()
    assert (done.status, project.requirements) == (3, "\ufefflib==2.0  # é\r\n")


def test_signal_during_rebuild(project: TemporaryProject) -> None:
    """An interrupted `rebuild` is status 3, and its builder is dead."""
    docker = project.stand_in("docker", HANGING)
    done = interrupt(project, docker, signal.SIGINT, "deps.rebuild")
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
    done = interrupt(project, docker, signal.SIGTERM, "deps.upgrade-all")
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


@pytest.mark.parametrize("number", SIGNALS)
def test_signal_during_a_look_up(
    project: TemporaryProject, index: LoopbackIndex, number: signal.Signals
) -> None:
    """A signal before anything is written is an error like others; the file is untouched."""
    index.break_project("lib", Fault(stall_seconds=600))
    before = project.contents()
    with project.started("deps.upgrade-all", "test") as running:
        sent = interrupt_look_up(running, index, number)
        done = running.finish()
    assert time.monotonic() - sent < 5, "it waited for the look-up"
    assert (done.status, done.stdout, project.contents()) == (1, "", before)
    assert done.stderr == f"error: interrupted by {number.name}; nothing was changed\n"


@pytest.mark.parametrize("words", [("deps.upgrade-all",), ("deps.outdated",), ("deps.check",)])
def test_report_of_an_interrupted_look_up(
    project: TemporaryProject, index: LoopbackIndex, words: tuple[str, ...]
) -> None:
    """Who reads JSON gets an object with the error."""
    index.break_project("lib", Fault(stall_seconds=600))
    with project.started(*words, "--format", "json") as running:
        interrupt_look_up(running, index, signal.SIGINT)
        done = running.finish()
    error = done.report["error"]
    assert (error["code"], error["exit_status"], done.status) == ("interrupted", 1, 1)
    assert error["message"] == "interrupted by SIGINT; nothing was changed"


def interrupt_look_up(running: Running, index: LoopbackIndex, number: int) -> float:
    """Send a signal once the index is asked; return when, by the monotonic clock."""
    while not index.requests:
        assert not running.has_ended
        time.sleep(0.01)
    running.send(number)
    return time.monotonic()


SLOW_REPORT = """\
import sys, time
import pipflow_tasks.report.text as text
write = text.write
def slowly(*arguments, **options):
    print("all is done", file=sys.stderr, flush=True)
    time.sleep(2)
    return write(*arguments, **options)
text.write = slowly
from invoke.main import program
sys.argv = ["invoke", "deps.upgrade-all", "test"]
program.run()
"""


def test_signal_when_all_is_done(project: TemporaryProject) -> None:
    """A signal behind the build does not cut the report off; the task that follows is not run."""
    project.stand_in("docker", ENGINE)
    with project.started_words(project.python, "-c", SLOW_REPORT) as running:
        while running.read_line() != "all is done\n":
            assert not running.has_ended
        running.send(signal.SIGINT)
        done = running.finish()
    assert (done.status, project.requirements) == (1, "\ufefflib==2.0  # é\r\n")
    assert "undo      " in done.stdout
    assert "the tests ran" not in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("begins", ["look-up", "build"])
def test_five_interruptions(project: TemporaryProject, index: LoopbackIndex, begins: str) -> None:
    """Who keeps pressing Ctrl-C gets what the first one gives, with its report; no traceback."""
    docker = project.stand_in("docker", HANGING)
    if begins == "look-up":
        index.break_project("lib", Fault(stall_seconds=600))
    before = project.contents()
    with project.started("deps.upgrade-all") as running:
        if begins == "look-up":
            while not index.requests:
                time.sleep(0.01)
        else:
            docker.await_hanging()
        for _ in range(5):
            running.send(signal.SIGINT)
            time.sleep(0.02)
        done = running.finish()
    assert (done.status, project.contents()) == (3 if begins == "build" else 1, before)
    assert "Traceback" not in done.output
    assert "KeyboardInterrupt" not in done.output
    if begins == "build":
        assert "interrupted by SIGINT" in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone ends a child with its parent")
def test_builder_ends_with_a_killed_run(project: TemporaryProject) -> None:
    """Nobody is left to end the builder after `kill -9`: it ends by itself."""
    docker = project.stand_in("docker", HANGING)
    with project.started("deps.upgrade-all") as running:
        docker.await_hanging()
        running.send(signal.SIGKILL)
        builder = docker.builds[-1].pid
        deadline = time.monotonic() + 10
        while is_alive(builder):
            assert time.monotonic() < deadline, "the builder outlived the tool"
            time.sleep(0.01)
        docker.end()  # its child, which a real builder would end


def is_alive(pid: int) -> bool:
    """Return whether a process runs; one that nobody has waited for yet does not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def test_second_run_waits(project: TemporaryProject) -> None:
    """While one run builds, another that would write says for whom it waits, and then plans."""
    docker = project.stand_in("docker", HANGING)
    with project.started("deps.upgrade-all") as running:
        docker.await_hanging()
        assert project.invoke("deps.outdated").status == 0
        with project.started("deps.add", "new", "--no-rebuild") as second:
            assert second.read_line().startswith("waiting for `upgrade-all` (process ")
            assert "new" not in project.requirements
            running.send(signal.SIGTERM)
            assert running.finish().status == 3
            done = second.finish()
    assert (done.status, done.stderr) == (0, "")
    assert project.requirements == "\ufefflib==1.0  # é\r\nnew==1\r\n"


def test_many_runs_at_once(project: TemporaryProject, index: LoopbackIndex) -> None:
    """Of commands that start together, each plans on what the one before has written."""
    names = [f"one-{at}" for at in range(8)]
    for name in names:
        index.add(name, "1")
    with contextlib.ExitStack() as all_of_them:
        started = [
            all_of_them.enter_context(project.started("deps.add", name, "--no-rebuild"))
            for name in names
        ]
        statuses = [running.finish().status for running in started]
    assert statuses == [0] * len(names)
    for name in names:
        assert f"{name}==1\r\n" in project.requirements


def test_roots_that_share_a_file_wait_for_each_other(project: TemporaryProject) -> None:
    """The lock is on the file, by whatever way a command comes to it."""
    docker = project.stand_in("docker", HANGING)
    project.write("other/tasks.py", project.read("tasks.py"))
    project.write("other/requirements.txt", "-r ../requirements.txt\n")
    with project.started("deps.upgrade-all") as running:
        docker.await_hanging()
        with project.started("deps.add", "new", "--no-rebuild", within="other") as second:
            assert second.read_line().startswith("waiting for `upgrade-all`")
            running.send(signal.SIGTERM)
            running.finish()
            assert second.finish().status == 0


# A run that was killed


def kill_during_build(project: TemporaryProject, *words: str) -> StandIn:
    """Kill a run while its image is built; return the engine, which works from then on."""
    docker = project.stand_in("docker", HANGING)
    with project.started(*(words or ("deps.upgrade-all",))) as running:
        docker.await_hanging()
        running.send(signal.SIGKILL)
        docker.end()  # nobody else does: the tool can't any more
        running.finish()
    docker.require_dead()
    docker.close()
    return project.stand_in("docker", ENGINE, again=True)


def journals(project: TemporaryProject) -> list[str]:
    """Return the names of what was written down of changes that are not done."""
    return [path.name for path in project.state.glob("journals/*.json")]


def test_killed_build_is_said(project: TemporaryProject) -> None:
    """Who only reads says that the image may be older, writes nothing, and is not status 0."""
    kill_during_build(project)
    before = project.contents()
    outdated = project.invoke("deps.outdated", "--exit-code")
    assert outdated.status == 2
    sentence = "`upgrade-all` was ended after it wrote requirements.txt: the image may be older"
    assert f"warning: {sentence}; `rebuild` builds it" in outdated.stderr
    check = project.invoke("deps.check")
    assert (check.status, sentence in check.stdout) == (1, True)
    dry = project.invoke("deps.upgrade-all", "--dry-run")
    assert (dry.status, sentence in dry.stderr) == (0, True)
    assert project.contents() == before
    assert len(journals(project)) == 1


@pytest.mark.parametrize("words", [("rebuild",), ("add", "new"), ("upgrade-all",)])
def test_killed_build_is_done_first(project: TemporaryProject, words: tuple[str, ...]) -> None:
    """The next command that changes something builds the image that is owed, and goes on."""
    docker = kill_during_build(project)
    task, *packages = words
    done = project.invoke(f"deps.{task}", *packages)
    assert done.status == 0
    assert "`upgrade-all` was ended before the image was built; building it first" in done.stderr
    assert "lib==2.0" in (docker.builds[0].requirements or "")
    assert len(docker.built) == (1 if task == "upgrade-all" else 2)
    assert journals(project) == []
    assert project.invoke("deps.outdated", "--exit-code").stderr == ""


def test_killed_build_that_fails_is_undone(project: TemporaryProject) -> None:
    """If what is owed can't be built, the file is as before it, and nothing else is tried."""
    before = project.contents()
    kill_during_build(project)
    project.stand_in("docker", {"version": 0, "build": [1, 0]}, again=True)
    done = project.invoke("deps.add", "new", "--format", "json")
    assert (done.status, project.contents()) == (3, before)
    assert done.report["image"]["undone"] == ["requirements.txt"]
    assert "ended with status 1, for an earlier `upgrade-all` that was ended" in done.stderr
    assert journals(project) == []


def hang_in_verify(project: TemporaryProject, number: int) -> StandIn:
    """Send a signal to a run whose `verify` hangs; return an engine where it still does."""
    hanging: dict[str, int | str] = {**ENGINE, "run": "hang", "rm": 0}
    docker = project.stand_in("docker", hanging)
    with project.started("deps.upgrade-all", "--verify", "sleep 600") as running:
        docker.await_hanging()
        running.send(number)
        if number == signal.SIGKILL:
            os.killpg(docker.calls[-1].pid, number)
        running.finish()
    docker.close()
    return project.stand_in("docker", hanging, again=True)


def test_interrupted_verify_is_not_run_again(project: TemporaryProject) -> None:
    """After Ctrl-C in a `verify` that hangs, the image is built from the old file, not tried."""
    before = project.contents()
    docker = hang_in_verify(project, signal.SIGINT)
    assert project.contents() == before
    done = project.invoke("deps.add", "new")
    assert done.status == 0
    assert len(docker.builds) == 2
    assert not any("run" in call.arguments for call in docker.calls)
    assert journals(project) == []


def test_killed_verify_that_hangs_is_left_by_ctrl_c(project: TemporaryProject) -> None:
    """What is tried again, and hangs again, ends with Ctrl-C: the file goes back, as is said."""
    before = project.contents()
    docker = hang_in_verify(project, signal.SIGKILL)
    assert project.contents() != before
    done = interrupt(project, docker, signal.SIGINT, "deps.add", "new")
    assert (done.status, project.contents()) == (3, before)
    by = "error: interrupted by SIGINT, while finishing an earlier `upgrade-all` that was ended\n"
    assert done.stderr.endswith(by)
    assert done.stdout.splitlines() == [
        "files     as they were: requirements.txt",
        "image     may be ahead of the files: shop; `rebuild` builds it",
    ]
    assert project.invoke("deps.rebuild").status == 0
    assert journals(project) == []


def test_killed_build_of_a_file_that_was_edited_since(project: TemporaryProject) -> None:
    """What the user has written since is not touched, also where the build fails."""
    kill_during_build(project)
    project.requirements = "lib==1.5\n"
    project.stand_in("docker", {"version": 0, "build": 1}, again=True)
    done = project.invoke("deps.rebuild")
    assert (done.status, project.requirements) == (3, "lib==1.5\n")
    assert "requirements.txt: another program has changed it" in done.stdout


def test_killed_build_is_forgotten_on_demand(project: TemporaryProject) -> None:
    """The option that leaves the image out drops what is owed, with a warning."""
    docker = kill_during_build(project)
    done = project.invoke("deps.add", "new", "--no-rebuild")
    assert (done.status, docker.built) == (0, [])
    assert "warning: an earlier `upgrade-all` was not finished; that is forgotten" in done.stderr
    assert journals(project) == []


def test_killed_build_is_owed_where_nothing_is_built(project: TemporaryProject) -> None:
    """The setting, or an engine that does not answer, leaves it owed."""
    docker = kill_during_build(project)
    project.write("invoke.yaml", "pipflow: {rebuild: never}\n")
    assert project.invoke("deps.add", "new").status == 0
    assert docker.built == []
    project.remove("invoke.yaml")
    project.stand_in("docker", {"version": 1}, again=True)
    assert project.invoke("deps.remove", "new").status == 0
    assert len(journals(project)) == 1
    docker = project.stand_in("docker", ENGINE, again=True)
    assert project.invoke("deps.rebuild").status == 0
    assert (len(docker.built), journals(project)) == (2, [])


def test_killed_run_without_a_build_leaves_nothing(project: TemporaryProject) -> None:
    """After a run that builds nothing, there is nothing to finish."""
    assert project.invoke("deps.upgrade-all", "--no-rebuild").status == 0
    assert journals(project) == []


KILLED_AT = """\
import os, signal, sys
count = int(os.environ.pop("KILLED_AT"))
done = 0
def killing(function):
    def call(*arguments, **options):
        global done
        done += 1
        if done == count:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **options)
    return call
import pipflow_tasks.files
for name in ("fsync", "fchmod", "replace", "unlink"):
    setattr(os, name, killing(getattr(os, name)))
pipflow_tasks.files._rename = killing(pipflow_tasks.files._rename)
from invoke.main import program
sys.argv[0] = "invoke"
program.run()
"""


def kill_at(project: TemporaryProject, count: int, *words: str) -> None:
    """Run Invoke, and kill it at a step."""
    program = project.folder.parent / "killed.py"
    program.write_text(KILLED_AT)
    project.run_file(program, *words, environment={"KILLED_AT": str(count)})


@pytest.mark.parametrize("count", range(1, 31))
def test_killed_at_each_step(project: TemporaryProject, count: int) -> None:
    """Wherever a run of two files is killed: both are old or both new after the next command."""
    project.requirements = "lib==1.0\n-r more.txt\n"
    project.write("more.txt", "new==0\n")
    docker = project.stand_in("docker", ENGINE)
    before = project.contents()
    kill_at(project, count, "deps.upgrade-all", "--only", "lib,new")
    seen = project.invoke("deps.outdated")
    assert seen.status in {0, 1}
    if seen.status:
        assert "`rebuild` puts them back" in seen.stderr
    done = project.invoke("deps.rebuild")
    assert done.status == 0, done.output
    after = {**before, "requirements.txt": b"lib==2.0\n-r more.txt\n", "more.txt": b"new==1\n"}
    assert project.contents() in (before, after)
    assert journals(project) == []
    last = docker.builds[-1].requirements
    assert last == project.requirements


def test_half_written_files_that_were_edited_since(project: TemporaryProject) -> None:
    """Nothing is touched where a file is neither old nor new; both files are named."""
    project.requirements = "lib==1.0\n-r more.txt\n"
    project.write("more.txt", "new==0\n")
    count = 0
    while "2.0" not in project.requirements or "new==1" in project.read("more.txt"):
        count += 1
        assert count < 40, "no kill came between the two files"
        project.requirements = "lib==1.0\n-r more.txt\n"
        project.write("more.txt", "new==0\n")
        for path in project.state.glob("journals/*"):
            path.unlink()
        kill_at(project, count, "deps.upgrade-all", "--no-rebuild")
    project.write("more.txt", "new==0.5\n")
    before = project.contents()
    done = project.invoke("deps.upgrade-all")
    assert (done.status, project.contents()) == (1, before)
    assert "requirements.txt and more.txt" in done.stderr
    assert project.invoke("deps.upgrade-all", "--no-rebuild").status == 0
    assert journals(project) == []


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
    assert done.stderr.startswith("error: requirements.txt:2: a merge conflict")
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
    assert done.stderr.startswith("error: requirements.txt: can't be written: ")
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
    assert "requirements.txt: can't be written: " in done.stderr


@pytest.mark.parametrize("kind", ["folder", "unreadable text"])
def test_file_that_is_none(project: TemporaryProject, kind: str) -> None:
    """A folder of the file's name is refused with a message; odd bytes are kept."""
    path = project.folder / "requirements.txt"
    if kind == "folder":
        path.unlink()
        path.mkdir()
        done = project.invoke("deps.upgrade-all")
        assert (done.status, done.stdout) == (1, "")
        assert done.stderr.startswith("error: requirements.txt: can't be read: ")
    else:
        path.write_bytes(b"# \xff\xfe caf\xe9\nlib==1.0\n")
        assert project.invoke("deps.upgrade-all").status == 0
        assert path.read_bytes() == b"# \xff\xfe caf\xe9\nlib==2.0\n"
