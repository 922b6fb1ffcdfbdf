"""`pipflow`: the same tasks as a program of their own."""

from __future__ import annotations

import pytest
from functional.temporary_project import ENGINE, TemporaryProject, dockerfile
from loopback_index import LoopbackIndex

TASKS = ("add", "outdated", "pin", "rebuild", "remove", "upgrade", "upgrade-all")


@pytest.fixture(autouse=True)
def _fill(project: TemporaryProject, index: LoopbackIndex) -> None:
    index.add("requests", "2.30.0")
    index.add("requests", "2.31.0")
    index.add("flask", "3.0.3")
    index.add("flask", "4.0a1")
    project.remove("tasks.py")


@pytest.mark.parametrize(
    "words",
    [
        ("add", "requests", "flask"),
        ("add", "requests,", "flask"),
        ("add", "requests flask"),
        ("add", "--no-rebuild", "requests", "flask"),
        ("add", "requests", "--no-rebuild", "flask"),
        ("add", "requests", "flask", "--file", "requirements.txt"),
        ("add", "--file=requirements.txt", "requests", "--format=text", "flask"),
        ("add", "--", "requests", "flask"),
        ("add", "--packages", "requests flask"),
        ("--echo", "add", "requests", "flask"),
    ],
    ids=" ".join,
)
def test_every_further_word_is_a_package(project: TemporaryProject, words: tuple[str, ...]) -> None:
    """Options may come before, between or behind the packages, with a space or `=`."""
    done = project.pipflow(*words)
    assert (done.status, "Traceback" in done.output) == (0, False)
    assert project.requirements == "flask==3.0.3\nrequests==2.31.0\n"


@pytest.mark.parametrize(
    "words",
    [
        ("add", "requests==2.30.0", "--pre", "flask"),
        ("add", "requests ==2.30.0", "flask", "--pre"),
        ("--dry", "add", "flask"),
        ("add", "flask", "--dry-run"),
        ("add", "-e", "flask"),
    ],
    ids=" ".join,
)
def test_options_mean_what_they_say(project: TemporaryProject, words: tuple[str, ...]) -> None:
    """A specifier stays with its package; a dry run writes nothing; unknown options are refused."""
    done = project.pipflow(*words)
    if "-e" in words:
        assert done.status == 1
        assert "Traceback" not in done.stderr
    elif "--pre" in words:
        assert project.requirements == "flask==4.0a1\nrequests==2.30.0\n"
        return
    assert not project.exists()


def test_markers_stay_whole(project: TemporaryProject) -> None:
    """A word with a marker is one package, and the next word another."""
    done = project.pipflow("add", "requests; python_version > '3'", "flask")
    assert done.status == 0
    assert project.requirements == 'flask==3.0.3\nrequests==2.31.0; python_version > "3"\n'


def test_other_tasks(project: TemporaryProject) -> None:
    """`upgrade-all`, `upgrade`, `outdated`, `rebuild` and `remove` work as well."""
    docker = project.stand_in("docker", ENGINE)
    project.requirements = "flask==3.0.3\nrequests==2.30.0\n"
    assert project.pipflow("outdated", "--exit-code").status == 2
    assert project.pipflow("view-all", "--exit-code", "--skip", "requests").status == 0
    assert project.pipflow("upgrade-all", "--level", "patch").status == 0
    assert project.requirements == "flask==3.0.3\nrequests==2.30.0\n"
    assert project.pipflow("upgrade-all").status == 0
    assert project.pipflow("upgrade", "requests<2.31", "flask").status == 0
    assert project.requirements == "flask==3.0.3\nrequests==2.30.0  # pipflow: <2.31\n"
    assert project.pipflow("remove", "flask", "requests").status == 0
    assert project.requirements == ""
    assert len(docker.built) == 3
    assert project.pipflow("rebuild", "--no-cache").status == 0
    assert docker.built[-1] == "build --no-cache --tag shop --file Dockerfile ."


@pytest.mark.parametrize("words", [("--list",), ("-l",), ("--help",), ()], ids=" ".join)
def test_tasks_are_listed(project: TemporaryProject, words: tuple[str, ...]) -> None:
    """`pipflow --list`, `--help` and `pipflow` alone list the tasks, without a prefix."""
    done = project.pipflow(*words)
    assert (done.status, done.stderr) == (0, "")
    for task in TASKS:
        assert any(line.startswith(f"  {task} ") for line in done.stdout.splitlines())
    assert "deps." not in done.stdout


@pytest.mark.parametrize(
    "words",
    [
        ("add", "--help"),
        ("--help", "add"),
        ("add", "requests", "--help"),
        ("add", "--pre", "--help", "requests"),
    ],
    ids=" ".join,
)
def test_help_of_a_task(project: TemporaryProject, words: tuple[str, ...]) -> None:
    """`--help` anywhere explains the task, and nothing is run."""
    done = project.pipflow(*words)
    assert (done.status, done.stderr, project.exists()) == (0, "", False)
    assert "Usage: pipflow" in done.stdout
    assert "--no-rebuild" in done.stdout
    assert "--level" not in done.stdout


def test_version_is_printed(project: TemporaryProject) -> None:
    """`pipflow --version` prints the program and its version."""
    done = project.pipflow("--version")
    assert (done.status, done.stderr) == (0, "")
    assert done.stdout.startswith("pipflow ")


@pytest.mark.parametrize(
    "words", [("nonsense",), ("add",), ("add", "--nonsense"), ("deps.add", "x")]
)
def test_wrong_words_leave_no_traceback(project: TemporaryProject, words: tuple[str, ...]) -> None:
    """An unknown task or option, or a missing package: status 1, a message, no traceback."""
    done = project.pipflow(*words)
    assert (done.status, done.stdout, project.exists()) == (1, "", False)
    assert done.stderr
    assert "Traceback" not in done.stderr


def test_hints_name_this_program(project: TemporaryProject) -> None:
    """A hint names the command of this program, not that of Invoke."""
    done = project.pipflow("add", "--", "--nonsense")
    assert done.status == 1
    assert "invoke --help deps.add" not in done.stderr


@pytest.mark.parametrize("within", [".", "src"])
def test_configuration_of_the_project(project: TemporaryProject, within: str) -> None:
    """The project's invoke.yaml and the environment are respected, also from a folder below."""
    project.write("tasks.py", "raise SystemExit('pipflow does not run tasks.py')\n")
    project.write("invoke.yaml", "pipflow:\n  file: reqs/base.txt\n  builder: podman\n")
    project.write("reqs/base.txt", "")
    project.write("Dockerfile", dockerfile("3.9", "reqs/base.txt"))
    project.write("src/module.py", "")
    project.write("Dockerfile", dockerfile("3.9", "reqs/base.txt"))
    docker = project.stand_in("docker", ENGINE)
    podman = project.stand_in("podman", {"info": 0, "build": 0})
    environment = {"INVOKE_PIPFLOW_IMAGE": "team/shop"}
    done = project.pipflow("add", "flask", within=within, environment=environment)
    assert done.status == 0
    assert project.read("reqs/base.txt") == "flask==3.0.3\n"
    assert docker.calls == ()
    assert podman.built == ["build --tag team/shop --file Dockerfile ."]


def test_project_without_tasks(project: TemporaryProject) -> None:
    """Without a tasks.py the nearest folder with the requirements file is the project."""
    project.requirements = "requests==2.30.0\n"
    project.write("invoke.yaml", "pipflow:\n  rebuild: never\n")
    project.write("src/deep/module.py", "")
    done = project.pipflow("upgrade-all", within="src/deep")
    assert (done.status, project.requirements) == (0, "requests==2.31.0\n")
    assert "not built, as requested" in done.stdout


def test_project_without_tasks_whose_file_is_elsewhere(project: TemporaryProject) -> None:
    """A requirements file that a setting names is found from a folder below as well."""
    project.write("reqs/base.txt", "requests==2.30.0\n")
    project.write("src/module.py", "")
    environment = {"INVOKE_PIPFLOW_FILE": "reqs/base.txt"}
    assert project.pipflow("upgrade-all", within="src", environment=environment).status == 0
    assert project.read("reqs/base.txt") == "requests==2.31.0\n"


def test_json_of_the_program(project: TemporaryProject) -> None:
    """`--format json` prints the same object as with Invoke."""
    report = project.pipflow("add", "flask", "--format", "json").report
    assert (report["command"], report["changes"][0]["to"]) == ("add", "3.0.3")


def test_exit_status_of_a_failed_build(project: TemporaryProject) -> None:
    """A failed build is status 3, and the new file is gone."""
    project.stand_in("docker", {"version": 0, "build": 1})
    assert project.pipflow("add", "flask").status == 3
    assert not project.exists()
