"""What an Invoke user expects of the namespace, however its tasks are mounted and called."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from functional.real_index import is_reachable
from functional.temporary_project import ENGINE, Finished, TemporaryProject, dockerfile
from loopback_index import LoopbackIndex
from pythons import find_python

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]

ELSEWHERE = {"oldest": ("3.10", "invoke==2.2.0"), "newest": ("3.13", "invoke>=3.0.3")}
"""The oldest Python and Invoke that are supported, and the newest: a series, a requirement."""

_ELSEWHERE_MARKS = [pytest.mark.online, pytest.mark.xdist_group("elsewhere")]
everywhere = pytest.mark.parametrize(
    "python",
    ["here", *(pytest.param(name, marks=_ELSEWHERE_MARKS) for name in ELSEWHERE)],
    indirect=True,
)
"""Runs a test with the Python and Invoke of the tests, and with those above."""


@pytest.fixture(scope="module")
def install(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """Return a function that installs the package for one of ``ELSEWHERE``, once."""

    @cache
    def installed(name: str) -> str:
        series, invoke = ELSEWHERE[name]
        folder = tmp_path_factory.mktemp(name) / "venv"
        make = [find_python(series), "-m", "venv", "--without-pip", str(folder)]
        subprocess.run(make, check=True)
        python = str(folder / "bin" / "python")
        words = ["install", "--quiet", str(ROOT), invoke]
        subprocess.run([sys.executable, "-m", "pip", "--python", python, *words], check=True)
        return python

    return installed


@pytest.fixture
def python(
    request: pytest.FixtureRequest, install: Callable[[str], str], project: TemporaryProject
) -> None:
    """Run the project's programs with one of the Pythons."""
    if request.param == "here":
        return
    if not is_reachable():
        pytest.skip("the index can't be reached")
    project.python = install(request.param)


OLD, NEW = "lib==1.0\n", "lib==2.0\n"
PROD = "requirements/prod.txt"


@pytest.fixture(autouse=True)
def _fill(project: TemporaryProject, index: LoopbackIndex) -> None:
    index.add("lib", "1.0")
    index.add("lib", "2.0")
    index.add("new", "1")
    index.add("new", "0.9")
    project.requirements = OLD
    project.write(PROD, OLD)


CALLS = """\
import pipflow_tasks
from invoke import Collection, task

deps = {deps}

@task(pre=[deps["upgrade-all"]])
def before(c):
    pass

@task
def own(c):
    deps["upgrade-all"](c)

@task
def library(c):
    with pipflow_tasks.Project.from_context(c) as project:
        project.apply(project.plan_upgrade_all())

namespace = Collection(before, own, library, {mount})
{configure}
"""
WORDS = ["deps.upgrade-all", "before", "own", "library"]


def write_tasks(
    project: TemporaryProject,
    *configure: str,
    deps: str = "pipflow_tasks.namespace",
    mount: str = "deps=deps",
) -> None:
    """Write tasks that upgrade all by each way to call a task."""
    project.write("tasks.py", CALLS.format(deps=deps, mount=mount, configure="\n".join(configure)))


def require_file(project: TemporaryProject, name: str) -> None:
    """Check that this requirements file was upgraded, and no other."""
    upgraded = {file: project.read(file) for file in ("requirements.txt", PROD)}
    assert upgraded == {"requirements.txt": OLD, PROD: OLD} | {name: NEW}


# which settings are meant


@pytest.mark.usefixtures("python")
@everywhere
@pytest.mark.parametrize("word", WORDS)
def test_configuration_of_the_namespace(project: TemporaryProject, word: str) -> None:
    """What the mounted collection is configured with counts for each way to call its tasks."""
    docker = project.stand_in("docker", ENGINE)
    write_tasks(project, f'deps.configure({{"pipflow": {{"file": "{PROD}", "rebuild": "never"}}}})')
    done = project.invoke(word)
    assert (done.status, docker.built) == (0, [])
    require_file(project, PROD)


@pytest.mark.parametrize("word", WORDS)
def test_tables_of_two_levels_are_merged(project: TemporaryProject, word: str) -> None:
    """Each setting of an inner collection counts, unless an outer one has the same setting."""
    docker = project.stand_in("docker", ENGINE)
    project.write("Dockerfile", dockerfile("3.9", PROD))
    write_tasks(
        project,
        f'deps.configure({{"pipflow": {{"file": "{PROD}", "image": "inner"}}}})',
        'namespace.configure({"pipflow": {"image": "outer"}})',
    )
    assert project.invoke(word).status == 0
    assert [" outer " in built for built in docker.built] == [True]
    require_file(project, PROD)


@pytest.mark.parametrize("word", ["py.deps.upgrade-all", *WORDS[1:]])
def test_configuration_of_a_collection_between(project: TemporaryProject, word: str) -> None:
    """A collection between the root and the namespace counts as well, for a pre-task, too."""
    write_tasks(
        project,
        f'py.configure({{"pipflow": {{"file": "{PROD}"}}}})',
        'namespace.configure({"pipflow": {"rebuild": "never"}})',
        mount='py := Collection("py", deps=deps)',
    )
    assert project.invoke(word).status == 0
    require_file(project, PROD)


@pytest.mark.parametrize("word", WORDS)
def test_settings_of_namespace_for(project: TemporaryProject, word: str) -> None:
    """The folder and the settings that `namespace_for` is given count for each way to call."""
    write_tasks(project, deps='pipflow_tasks.namespace_for("requirements", file="prod.txt")')
    assert project.invoke(word).status == 0
    require_file(project, PROD)


# the order of the settings, the lowest first; each level overrides those before it

LEVELS = ["namespace_for", "configure", "root", "user", "project", "environment", "runtime"]


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("highest", LEVELS)
def test_order_of_settings(project: TemporaryProject, highest: str, word: str) -> None:
    """The order is Invoke's: collections, user's file, project's file, environment, `-f`."""
    used = LEVELS[: LEVELS.index(highest) + 1]
    files = {level: PROD if level == highest else f"no/{level}.txt" for level in used}
    table = "pipflow:\n  file: {}\n"
    write_tasks(
        project,
        *(
            f'{collection}.configure({{"pipflow": {{"file": "{files[level]}"}}}})'
            for level, collection in (("configure", "deps"), ("root", "namespace"))
            if level in files
        ),
        deps=f'pipflow_tasks.namespace_for(file="{files["namespace_for"]}")',
    )
    if "user" in files:
        (project.home / ".invoke.yaml").write_text(table.format(files["user"]))
    if "project" in files:
        project.write("invoke.yaml", table.format(files["project"]))
    if "environment" in files:
        project.environment["INVOKE_PIPFLOW_FILE"] = files["environment"]
    if "runtime" in files:
        project.write("ci.yaml", table.format(files["runtime"]))
        word = f"-f ci.yaml {word}"
    done = project.invoke(*word.split())
    assert done.status == 0, done.stderr
    require_file(project, PROD)


@pytest.mark.usefixtures("python")
@everywhere
@pytest.mark.parametrize("highest", ["root", "project", "environment", "runtime"])
def test_order_of_settings_everywhere(project: TemporaryProject, highest: str) -> None:
    """The order does not depend on the versions of Python and Invoke."""
    test_order_of_settings(project, highest, "before")


@pytest.mark.parametrize(
    ("name", "hint"), [("FIL", "did you mean INVOKE_PIPFLOW_FILE?"), ("NOPE", "unset it")]
)
def test_variable_without_a_setting(project: TemporaryProject, name: str, hint: str) -> None:
    """A variable that looks like a setting and is none: status 1, and a name that is near."""
    done = project.invoke("deps.upgrade-all", environment={f"INVOKE_PIPFLOW_{name}": PROD})
    assert (done.status, done.stdout, project.requirements) == (1, "", OLD)
    assert done.stderr.endswith(f"\nhint: {hint}\n")


# in own tasks

OWN = """\
import pipflow_tasks
from invoke import Collection, task

deps = pipflow_tasks.namespace

@task
def own(c):
{body}

namespace = Collection(own, deps=deps)
"""


def write_own(project: TemporaryProject, *body: str) -> None:
    """Write a project's own task."""
    project.write("tasks.py", OWN.format(body="\n".join(f"    {line}" for line in body)))


@pytest.mark.usefixtures("python")
@everywhere
def test_task_returns_its_outcome(project: TemporaryProject) -> None:
    """A called task returns what has changed."""
    write_own(
        project,
        'print(*deps["upgrade-all"](c).changes)',
        "assert not deps['add'](c, 'lib').changes",
    )
    done = project.invoke("own")
    assert (done.status, done.stdout.count("Change(project='lib'")) == (0, 1)


def test_outcome_of_a_dry_run(project: TemporaryProject) -> None:
    """A dry run and a report return what could change, and nothing is written."""
    write_own(
        project,
        "for outcome in (deps['add'](c, 'new', dry_run=True), deps['outdated'](c)):",
        "    assert [each.project for each in outcome.changes] != [], outcome",
        "    assert outcome.written == ()",
    )
    done = project.invoke("own")
    assert (done.status, done.stderr, project.requirements) == (0, "", OLD)


def test_several_namespaces_are_named(project: TemporaryProject) -> None:
    """A project of several namespaces says which one it means."""
    project.write(
        "tasks.py",
        "from pipflow_tasks import Project, namespace_for\n"
        "from invoke import Collection, task\n"
        "a, b = namespace_for(), namespace_for('requirements', file='prod.txt')\n"
        "@task\n"
        "def which(c):\n"
        "    Project.from_context(c)\n"
        "@task\n"
        "def one(c):\n"
        "    with Project.from_context(c, b) as project:\n"
        "        project.apply(project.plan_upgrade_all())\n"
        "namespace = Collection(which, one, a=a, b=b)\n",
    )
    done = project.invoke("which")
    assert done.status == 1
    assert "several namespaces" in done.stderr
    assert project.invoke("one").status == 0
    require_file(project, PROD)


@pytest.mark.usefixtures("python")
@everywhere
def test_open_reads_the_projects_settings(project: TemporaryProject) -> None:
    """`Project.open` without settings has those of invoke.yaml and of the environment."""
    project.write("invoke.yaml", f"pipflow:\n  file: {PROD}\n  sort: nonsense\n")
    write_own(
        project,
        "with pipflow_tasks.Project.open() as project:",
        "    project.apply(project.plan_upgrade_all())",
    )
    done = project.invoke("own", environment={"INVOKE_PIPFLOW_SORT": "insert"})
    assert done.status == 0, done.stderr
    require_file(project, PROD)


def test_open_with_settings_reads_none(project: TemporaryProject) -> None:
    """`Project.open` with settings has these alone."""
    project.write("invoke.yaml", "pipflow:\n  file: none.txt\n")
    write_own(
        project,
        f"with pipflow_tasks.Project.open('.', pipflow_tasks.Settings(file='{PROD}')) as project:",
        "    project.apply(project.plan_upgrade_all())",
    )
    assert project.invoke("own").status == 0
    require_file(project, PROD)


# mounting


@pytest.mark.usefixtures("python")
@everywhere
def test_namespace_has_a_name(project: TemporaryProject) -> None:
    """`add_collection` needs no name: the namespace is called `deps`."""
    project.write(
        "tasks.py",
        "import pipflow_tasks\nfrom invoke import Collection\n"
        "ns = Collection()\nns.add_collection(pipflow_tasks.namespace)\n"
        "ns.add_collection(pipflow_tasks.namespace_for('services/api'))\n",
    )
    listed = project.invoke("--list")
    assert listed.status == 0
    assert "deps.add" in listed.stdout
    assert "api.add" in listed.stdout
    assert "'deps' tasks:" in project.invoke("--list", "deps").stdout


@pytest.mark.usefixtures("python")
@everywhere
def test_namespace_alone_reports_what_is_outdated(project: TemporaryProject) -> None:
    """`invoke deps` runs `outdated`."""
    done = project.invoke("deps")
    assert (done.status, project.requirements) == (0, OLD)
    assert "can move" in done.stdout


@pytest.mark.usefixtures("python")
@everywhere
@pytest.mark.parametrize(
    ("mount", "name"),
    [
        ("reqs=pipflow_tasks.namespace", "reqs.add"),
        ("py=Collection(reqs=pipflow_tasks.namespace)", "py.reqs.add"),
        ("pipflow_tasks", "deps.add"),
    ],
)
def test_hints_have_the_name_of_the_mount(project: TemporaryProject, mount: str, name: str) -> None:
    """A hint names the task as the user calls it."""
    project.write(
        "tasks.py",
        f"import pipflow_tasks\nfrom invoke import Collection\nnamespace = Collection({mount})\n",
    )
    done = project.invoke(name, "--help")
    assert (done.status, done.stdout) == (1, "")
    assert done.stderr.endswith(f"\nhint: use `invoke --help {name}` to see the options\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("'api', servce='x'", "did you mean service?"),
        ("rebuild='sometimes'", "use one of auto, always, never"),
        ("cooldown_days=-1", "from 0 to 3650"),
    ],
)
@pytest.mark.parametrize("words", [("--list",), ("add", "lib")], ids=" ".join)
def test_wrong_argument_of_a_mount(
    project: TemporaryProject, arguments: str, said: str, words: tuple[str, ...]
) -> None:
    """A wrong argument of `namespace_for` is an error with a hint, also under `--list`."""
    project.write(
        "tasks.py",
        f"from pipflow_tasks import namespace_for\nnamespace = namespace_for({arguments})\n",
    )
    done = project.invoke(*words)
    assert (done.status, done.stdout, "Traceback" in done.stderr) == (1, "", False)
    assert said in done.stderr


def test_wrong_argument_is_one_of_our_errors(project: TemporaryProject) -> None:
    """Code that mounts can catch the error as a `UsageError`."""
    project.write(
        "tasks.py",
        "import pipflow_tasks\n"
        "try:\n    pipflow_tasks.namespace_for(nonsense=1)\n"
        "except pipflow_tasks.UsageError as error:\n    print(error)\n"
        "namespace = pipflow_tasks.namespace\n",
    )
    done = project.invoke("--list")
    assert done.status == 0
    assert 'there is no setting "nonsense"' in done.stdout


# Invoke's settings of `run`


def shell(project: TemporaryProject, name: str, text: str) -> None:
    """Put a shell script on the path."""
    project.environment["PATH"] += ":/usr/bin:/bin"
    (project.programs / name).write_text(f"#!/bin/sh\n{text}\n")
    (project.programs / name).chmod(0o755)


TALKING = """\
[ "$1" = build ] || exit 0
echo "on stdout"; echo "on stderr" >&2; exit {status}
"""


@pytest.mark.parametrize(
    ("hide", "shown"),
    [
        ("", {"stdout", "stderr"}),
        ("--hide=stdout", {"stderr"}),
        ("--hide=err", {"stdout"}),
        ("--hide=both", set()),
    ],
)
def test_output_of_the_builder_is_hidden(
    project: TemporaryProject, hide: str, shown: set[str]
) -> None:
    """`invoke --hide` hides what the builder prints, and a failed build shows it all the same."""
    shell(project, "docker", TALKING.format(status=0))
    done = project.invoke(*hide.split(), "deps.upgrade-all")
    assert done.status == 0
    assert {name for name in ("stdout", "stderr") if f"on {name}" in done.stderr} == shown
    assert "on stdout" not in done.stdout

    shell(project, "docker", TALKING.format(status=1))
    done = project.invoke(*hide.split(), "deps.add", "new")
    assert done.status == 3
    assert {name for name in ("stdout", "stderr") if f"on {name}" in done.stderr} == {
        "stdout",
        "stderr",
    }


def test_environment_reaches_every_program(project: TemporaryProject) -> None:
    """`run.env` is added to what every program of the builder gets."""
    shell(project, "docker", 'echo "$1 $DOCKER_HOST" >>"$RECORD"')
    project.write(
        "invoke.yaml",
        f"run:\n  env:\n    DOCKER_HOST: tcp://there\n    RECORD: {project.folder}/record\n"
        "pipflow:\n  verify: pip check\n",
    )
    assert project.invoke("deps.upgrade-all").status == 0
    seen = [line.split() for line in project.read("record").splitlines()]
    assert {words[0] for words in seen} >= {"version", "build", "run"}
    assert {words[1] for words in seen} == {"tcp://there"}


@pytest.mark.parametrize("hide", ["", "--hide=both"])
def test_timeout_ends_the_build(project: TemporaryProject, hide: str) -> None:
    """`invoke -T` ends a build that takes longer: status 3, the file is as it was."""
    docker = project.stand_in("docker", {"version": 0, "build": "hang"})
    with project.started("-T", "4", *hide.split(), "deps.upgrade-all") as running:
        docker.await_hanging()
        done = running.finish()
    assert (done.status, project.requirements) == (3, OLD)
    assert "was ended after 4 s" in done.stderr
    docker.require_dead()


def test_builder_has_the_terminal_of_standard_error(project: TemporaryProject) -> None:
    """If standard error is a terminal, the builder sees it, with or without `pty`."""
    shell(project, "docker", '[ "$1" != build ] || [ -t 2 ]')
    assert project.invoke("--pty", "deps.upgrade-all").status == 3
    controller, terminal = os.openpty()
    done = subprocess.run(
        [project.python, "-m", "invoke", "deps.upgrade-all"],
        cwd=project.folder,
        env=project.environment,
        stdout=subprocess.PIPE,
        stderr=terminal,
        check=False,
        timeout=60,
    )
    os.close(controller)
    os.close(terminal)
    assert (done.returncode, project.requirements) == (0, NEW)


@pytest.mark.parametrize(("block", "said"), [("cd('x')", "namespace_for"), ("prefix('x')", "env")])
@pytest.mark.parametrize(
    "call", ['deps["upgrade-all"](c)', "pipflow_tasks.Project.from_context(c)"]
)
def test_cd_and_prefix_are_refused(
    project: TemporaryProject, block: str, said: str, call: str
) -> None:
    """Within `c.cd` or `c.prefix` a task is an error: nobody is led to another folder by guess."""
    write_own(project, f"with c.{block}:", f"    {call}")
    done = project.invoke("own")
    assert (done.status != 0, done.stdout, project.requirements) == (True, "", OLD)
    assert "can't be called within" in done.stderr
    assert said in done.stderr


MOCKED = """\
import tasks
from invoke.context import MockContext
from pipflow_tasks import BuildError

c = MockContext(run={run})
try:
    tasks.own(c)
finally:
    for call in c.run.mock_calls:
        print(call.args)
"""


def mocked(project: TemporaryProject, run: str) -> Finished:
    """Run the project's own task with a context of a test."""
    write_own(project, "c.run('pytest')", 'deps["upgrade-all"](c)')
    project.write("try.py", MOCKED.format(run=run))
    done = subprocess.run(
        [project.python, "try.py"],
        cwd=project.folder,
        env={**project.environment, "PYTHONPATH": str(project.folder)},
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )
    return Finished(status=done.returncode, stdout=done.stdout, stderr=done.stderr)


@pytest.mark.usefixtures("python")
@everywhere
def test_mock_context_sees_the_build(project: TemporaryProject) -> None:
    """Under `MockContext`, the commands that build and verify go to `c.run`; none is run."""
    project.write("invoke.yaml", "pipflow:\n  verify: pip check\n")
    docker = project.stand_in("docker", ENGINE)
    done = mocked(project, "True")
    assert done.status == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == [
        "('pytest',)",
        "('docker build --tag shop --file Dockerfile .',)",
    ]
    assert (project.requirements, docker.built) == (NEW, [])


def test_mock_context_needs_no_engine(project: TemporaryProject) -> None:
    """Under `MockContext` no docker need be there, and a failed build puts the file back."""
    done = mocked(project, "{'pytest': True, 'docker build --tag shop --file Dockerfile .': False}")
    assert (done.status != 0, project.requirements) == (True, OLD)
    assert "ended with status 1" in done.stderr


def test_mock_context_without_a_result(project: TemporaryProject) -> None:
    """A command that a test has no result for is an error that names it; the file is put back."""
    done = mocked(project, "{'pytest': True}")
    assert project.requirements == OLD
    assert "NotImplementedError: docker build --tag shop" in done.stderr


@pytest.mark.usefixtures("python")
@everywhere
def test_errors_and_hidden_output_everywhere(project: TemporaryProject) -> None:
    """What the tests above say of hidden output and of errors holds for each version."""
    test_output_of_the_builder_is_hidden(project, "--hide=both", set())
    project.requirements = OLD
    test_cd_and_prefix_are_refused(project, "cd('x')", "namespace_for", 'deps["add"](c, "new")')
    test_wrong_argument_of_a_mount(project, "nonsense=1", "use one of", ("--list",))
