"""What Invoke itself does with our tasks: help, lists, and what a list imports."""

from __future__ import annotations

import pytest
from functional.temporary_project import ENGINE, TemporaryProject
from loopback_index import LoopbackIndex

TASKS = ("add", "outdated", "rebuild", "remove", "upgrade", "upgrade-all")

HEAVY = {"requests", "urllib3", "msgspec", "yaml", "resolvelib", "rich", "truststore", "packaging"}


@pytest.mark.parametrize("task", ["add", "remove", "upgrade"])
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_behind_a_task_is_refused(project: TemporaryProject, task: str, option: str) -> None:
    """`invoke deps.add --help` passes `--help` as a package: status 1, and the right command."""
    project.requirements = "lib==1.0\n"
    done = project.invoke(f"deps.{task}", option)
    assert (done.status, done.stdout, project.requirements) == (1, "", "lib==1.0\n")
    assert f"invoke --help deps.{task}" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("task", TASKS)
def test_help_of_a_task(project: TemporaryProject, task: str) -> None:
    """`invoke --help deps.TASK` explains the task and each of its options, with examples."""
    done = project.invoke("--help", f"deps.{task}")
    assert (done.status, done.stderr) == (0, "")
    assert f"  Examples:\n\n      invoke deps.{task}" in done.stdout
    options = done.stdout.partition("Options:\n")[2].strip("\n")
    starts = [line for line in options.splitlines() if line.startswith("  -")]
    assert starts
    for line in starts:
        name, _, text = line.strip().partition("  ")
        assert name.startswith("--"), f"an option has a short form: {line}"
        assert text.strip(), f"an option has no help: {line}"


def test_tasks_are_listed(project: TemporaryProject) -> None:
    """`invoke --list` shows every task and the project's own, each with a sentence."""
    done = project.invoke("--list")
    assert (done.status, done.stderr) == (0, "")
    for task in (*(f"deps.{name}" for name in TASKS), "test"):
        assert any(line.startswith(f"  {task} ") for line in done.stdout.splitlines())
    assert "deps.outdated (deps, deps.view-all)" in done.stdout


TELL = (
    "import atexit, sys\natexit.register(lambda: print(*sys.modules, file=open('modules', 'w')))\n"
)


ANEW = {"PYTHONHASHSEED": "0"}
"""With a variable of Python's own, a test's command runs in a Python that has loaded nothing."""


def imported(project: TemporaryProject, *words: str) -> set[str]:
    """Return the names of the modules that a run of Invoke imports, and of their packages."""
    assert project.invoke(*words, environment=ANEW).status == 0
    names = project.read("modules").split()
    return {*names, *(name.partition(".")[0] for name in names)}


@pytest.mark.parametrize("words", [("--list",), ("--help", "deps.add"), ("test",)], ids=" ".join)
def test_listing_is_light(project: TemporaryProject, words: tuple[str, ...]) -> None:
    """If none of our tasks runs, the only heavy imports are those of Invoke itself."""
    tasks = project.read("tasks.py")
    project.write("tasks.py", f"{TELL}from invoke import task\n@task\ndef test(c): pass\n")
    own = imported(project, "--list")
    project.write("tasks.py", TELL + tasks)
    modules = imported(project, *words)
    assert "pipflow_tasks" in modules
    assert (modules - own) & HEAVY == set()


def test_running_is_not_light(project: TemporaryProject, index: LoopbackIndex) -> None:
    """A task that asks the index imports the modules that the test above looks for."""
    project.write("tasks.py", TELL + project.read("tasks.py"))
    index.add("lib", "1.0")
    assert {"requests", "urllib3", "msgspec"} < imported(project, "deps.add", "lib")


NEEDLESS = {
    *("requests", "urllib3", "isal", "optparse", "pipflow_tasks.checks", "pipflow_tasks.bake"),
    *(f"pipflow_tasks.planning.{name}" for name in ("add", "adopt", "pin", "remove", "why")),
}


def test_a_fresh_command_loads_what_it_needs(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """With a fresh cache, neither the network nor another command's modules are loaded."""
    project.requirements = "lib==1.0\n"
    project.write("tasks.py", TELL + project.read("tasks.py"))
    index.cache_control = "max-age=600, public"
    index.add("lib", "1.0")
    assert {"requests", "pipflow_tasks.planning.upgrade"} < imported(project, "deps.outdated")
    loaded = imported(project, "deps.outdated")
    assert "pipflow_tasks.planning.upgrade" in loaded
    assert loaded & NEEDLESS == set()


@pytest.mark.parametrize("words", [("deps.add",), ("deps.add", "--dry-run"), ("deps.nonsense",)])
def test_wrong_words_leave_no_traceback(project: TemporaryProject, words: tuple[str, ...]) -> None:
    """A missing package or an unknown task is an error of Invoke, without a traceback."""
    done = project.invoke(*words)
    assert done.status == 1
    assert "Traceback" not in done.output
    assert not project.exists()


def test_called_from_a_task(project: TemporaryProject, index: LoopbackIndex) -> None:
    """A task of the project can call one of ours with its context."""
    index.add("lib", "1.0")
    docker = project.stand_in("docker", ENGINE)
    project.write(
        "tasks.py",
        "import pipflow_tasks\nfrom invoke import task\n\n@task\ndef go(c):\n"
        "    pipflow_tasks.namespace['add'](c, 'lib')\n",
    )
    assert project.invoke("go").status == 0
    assert (project.requirements, len(docker.built)) == ("lib==1.0\n", 1)


def test_files_of_the_project_are_written_at_the_end(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """What a tasks file has written and not closed is in its file, as without one of our tasks."""
    index.add("lib", "1.0")
    project.requirements = "lib==1.0\n"
    lines = "class Log:\n    file = open('log', 'w')\n\nLog.file.write('all')\n"
    project.write("tasks.py", f"{project.read('tasks.py')}\n{lines}")
    for words in (["--list"], ["deps.outdated"]):
        assert project.invoke(*words, environment=ANEW).status == 0
        assert project.read("log") == "all"
        project.write("log", "")
