"""`pipflow --isolated`: for hooks, and for CI on foreign code."""

from __future__ import annotations

import pytest
from functional.temporary_project import COMPOSE_V2, TemporaryProject, dockerfile
from loopback_index import LoopbackIndex

OLD, NEW = "lib==1.0\n", "lib==2.0\n"
MARK = "from pathlib import Path\nPath(__file__).with_name('was-run').touch()\n"
COMPOSE = """\
services:
  app:
    build:
      context: .
      args:
        PYTHON: "{value}"
"""

ABOVE = """\
services:
  app:
    build: {context: .., dockerfile: outside.txt}
"""
EXTENDING = """\
include: [../outside.yml]
services:
  a:
    extends: {file: ../outside.yml, service: a}
    build: .
"""


@pytest.fixture(autouse=True)
def _fill(project: TemporaryProject, index: LoopbackIndex) -> None:
    index.add("lib", "1.0")
    index.add("lib", "2.0")
    project.requirements = OLD
    project.remove("tasks.py")
    (project.folder / ".git").mkdir()


def refused(project: TemporaryProject, *words: str, said: str, place: str) -> None:
    """Check that an isolated run stops with an error at a place, and changes nothing."""
    before = project.contents()
    done = project.pipflow("--isolated", *(words or ("upgrade-all",)))
    assert (done.status, project.contents()) == (1, before), done.output
    assert "Traceback" not in done.stderr
    assert said in done.output
    assert place in done.output


# Python of the project


@pytest.mark.parametrize("words", [("--isolated", "upgrade-all"), ("upgrade-all", "--isolated")])
def test_tasks_file_is_not_run(project: TemporaryProject, words: tuple[str, ...]) -> None:
    """A tasks file without settings is looked at, and not run."""
    project.write(
        "tasks.py",
        f"{MARK}import pipflow_tasks\nfrom invoke import Collection\n"
        "namespace = Collection(deps=pipflow_tasks.namespace)\n"
        "namespace.configure({'run': {'echo': True}})\n",
    )
    done = project.pipflow(*words)
    assert (done.status, project.requirements) == (0, NEW), done.stderr
    assert not project.exists("was-run")


@pytest.mark.parametrize(
    "line",
    [
        "namespace = pipflow_tasks.namespace_for(file='prod.txt')",
        "namespace = pipflow_tasks.namespace_for('.', file='prod.txt')",
        "namespace = pipflow_tasks.namespace_for(**{})",
        "namespace = pipflow_tasks.namespace_for(folder)",
        "namespace = make('.', image='shop')",
        "pipflow_tasks.namespace.configure({'pipflow': {'file': 'prod.txt'}})",
        "pipflow_tasks.namespace.configure(folder)",
        "pipflow_tasks.namespace.configure({**folder})",
        "folder['pipflow'] = {'file': 'prod.txt'}",
        "folder = dict(pipflow={'file': 'prod.txt'})",
    ],
)
def test_settings_of_the_tasks_file(project: TemporaryProject, line: str) -> None:
    """A tasks file that makes settings is an error that names the line."""
    project.write(
        "tasks.py",
        f"{MARK}import pipflow_tasks\nfrom pipflow_tasks import namespace_for as make\n"
        f"namespace, folder = None, {{}}\n{line}\n",
    )
    refused(project, said="invoke.yaml", place="tasks.py:6: ")


def test_settings_for_another_folder(project: TemporaryProject) -> None:
    """Settings of a namespace that is for another folder are none of the project's."""
    project.write(
        "tasks.py",
        f"{MARK}from invoke import Collection\nfrom pipflow_tasks import namespace_for\n"
        "namespace = Collection(namespace_for('.'), namespace_for('web', file='prod.txt'))\n",
    )
    done = project.pipflow("--isolated", "upgrade-all")
    assert (done.status, project.requirements) == (0, NEW), done.stderr
    assert not project.exists("was-run")


@pytest.mark.parametrize(("text", "status"), [("pipflow = {}\n", 1), ("run = {}\n", 0)])
def test_configuration_in_python(project: TemporaryProject, text: str, status: int) -> None:
    """An `invoke.py` is not run; if it makes settings of pipflow, that is an error."""
    project.write("src/main.py", "")
    project.write("invoke.py", MARK + text)
    done = project.pipflow("--isolated", "upgrade-all", within="src")
    assert done.status == status, done.stderr
    assert ("../invoke.py:3: " in done.stderr) == bool(status)
    assert not project.exists("was-run")


def test_modules_of_the_project_are_not_imported(project: TemporaryProject) -> None:
    """A module in the current folder does not stand in for one that pipflow uses."""
    for name in ("keyring", "pip", "yaml", "requests", "rich", "packaging"):
        project.write(f"{name}.py", MARK)
    project.write("invoke.yaml", "tasks:\n  executor_class: evil.Executor\n")
    project.write("evil.py", MARK)
    done = project.pipflow("--isolated", "upgrade-all")
    assert (done.status, project.requirements) == (0, NEW), done.stderr
    assert not project.exists("was-run")


# programs


@pytest.mark.parametrize("always", ["", "pipflow:\n  rebuild: always\n  verify: pip check\n"])
@pytest.mark.parametrize("compose", ["", COMPOSE.format(value="3.9")])
def test_nothing_is_built_and_no_program_is_run(
    project: TemporaryProject, always: str, compose: str
) -> None:
    """No engine is asked or builds, whatever the settings say; the file is written."""
    docker = project.stand_in("docker", COMPOSE_V2)
    podman = project.stand_in("podman", {"info": 0, "build": 0})
    if compose:
        project.write("compose.yml", compose)
    if always:
        project.write("invoke.yaml", always + "run:\n  env:\n    PIP_INDEX_URL: http://evil\n")
    done = project.pipflow("--isolated", "upgrade-all")
    assert (done.status, project.requirements) == (0, NEW), done.stderr
    assert (docker.calls, podman.calls) == ((), ())


def test_build_command_is_not_run(project: TemporaryProject) -> None:
    """The setting `build_command` names a program that is not run."""
    make = project.stand_in("make", {"": 0})
    project.write("invoke.yaml", "pipflow:\n  build_command: make image\n  python: '3.9'\n")
    done = project.pipflow("--isolated", "upgrade-all")
    assert (done.status, project.requirements, make.calls) == (0, NEW, ())


def test_base_image_is_not_run(project: TemporaryProject) -> None:
    """An image is not asked for its Python: the project names it."""
    docker = project.stand_in("docker", COMPOSE_V2)
    project.write("Dockerfile", dockerfile("3.9").replace("python:3.9-slim", "evil/image:1"))
    refused(project, said="`python`", place="Dockerfile:1")
    assert docker.calls == ()


def test_rebuild_is_refused(project: TemporaryProject) -> None:
    """`rebuild` would do nothing else than build."""
    docker = project.stand_in("docker", COMPOSE_V2)
    refused(project, "rebuild", said="builds nothing", place="pipflow rebuild")
    assert docker.calls == ()


# variables


def test_variable_in_an_address(project: TemporaryProject) -> None:
    """A variable that is set is not expanded into an address: its value might be a secret."""
    project.environment["SECRET"] = "hunter2"
    project.requirements = "--index-url http://127.0.0.1:1/${SECRET}/simple\nlib==1.0\n"
    refused(project, said="the variable SECRET, which `--isolated` does not expand", place="unset")
    assert "hunter2" not in project.pipflow("--isolated", "upgrade-all").output


@pytest.mark.parametrize("file", ["", ".env"])
@pytest.mark.parametrize("value", ["${PY}", "${PY:-3.9}"])
def test_variable_in_a_compose_file(project: TemporaryProject, value: str, file: str) -> None:
    """A variable that is set decides the target without `--isolated`, so it is an error with it."""
    project.write("Dockerfile", "ARG PYTHON\n" + dockerfile("${PYTHON}"))
    project.write("compose.yml", COMPOSE.format(value=value))
    if file:
        project.write(file, "PY=3.12\n")
    else:
        project.environment["PY"] = "3.12"
    refused(project, said="the variable PY", place="--isolated")


def test_variable_in_an_argument_without_value(project: TemporaryProject) -> None:
    """An ARG without a value is what the variable says; with `--isolated` it is not just empty."""
    project.write(
        "Dockerfile",
        dockerfile("3.9").replace("COPY", "ARG C\nENV PIP_INDEX_URL=http://127.0.0.1:1/$C\nCOPY"),
    )
    project.environment["C"] = "simple"
    refused(project, said="the variable C, which `--isolated` does not expand", place="unset")


def test_variable_that_is_not_set(project: TemporaryProject) -> None:
    """A default value counts where the variable is not set: it is the project's own word."""
    project.write("Dockerfile", "ARG PYTHON\n" + dockerfile("${PYTHON}"))
    project.write("compose.yml", COMPOSE.format(value="${PY:-3.11}"))
    done = project.pipflow("--isolated", "upgrade-all")
    assert (done.status, "python 3.11" in done.stdout) == (0, True), done.stderr


def test_engine_and_proxies_of_the_user(project: TemporaryProject) -> None:
    """The user's own platform counts; what the engine and the network use is no obstacle."""
    project.environment.update({"DOCKER_DEFAULT_PLATFORM": "linux/arm64", "HTTP_PROXY": ""})
    project.write("Dockerfile", "ARG HTTP_PROXY\n" + dockerfile("3.9"))
    done = project.pipflow("--isolated", "upgrade-all")
    assert (done.status, "aarch64" in done.stdout) == (0, True), done.stderr


# files outside of the repository


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("requirements.txt", "lib==1.0\n-r ../outside.txt\n"),
        ("requirements.txt", "lib==1.0\n-c ../outside.txt\n"),
        ("requirements.txt", "lib==1.0\n-r /etc/passwd\n"),
        ("requirements.txt", "lib==1.0\n--find-links ..\n"),
        ("invoke.yaml", "pipflow:\n  file: ../outside.txt\n"),
        ("invoke.yaml", "pipflow:\n  dockerfile: ../outside.txt\n"),
        ("compose.yml", ABOVE),
        ("compose.yml", EXTENDING),
    ],
)
def test_file_outside_of_the_repository(project: TemporaryProject, name: str, text: str) -> None:
    """What the project names outside of its repository is not read, and not quoted."""
    outside = project.folder.parent
    (outside / "outside.txt").write_text("very-secret==1.0\n")
    (outside / "outside.yml").write_text("services: {a: {build: {context: very-secret}}}\n")
    project.write(name, text)
    done = project.pipflow("--isolated", "upgrade-all")
    assert "very-secret" not in done.output
    assert "root:" not in done.output
    assert "Traceback" not in done.stderr
    if text != EXTENDING:
        assert (done.status, "where `--isolated` reads no file" in done.stderr) == (1, True)


@pytest.mark.parametrize("name", ["requirements.txt", "Dockerfile", "compose.yml", "invoke.yaml"])
def test_link_out_of_the_repository(project: TemporaryProject, name: str) -> None:
    """A link that leads out of the repository is not followed."""
    outside = project.folder.parent / "outside"
    outside.write_text("very-secret: &\n")
    (project.folder / name).unlink(missing_ok=True)
    (project.folder / name).symlink_to(outside)
    refused(project, said="where `--isolated` reads no file", place=name)
    assert "very-secret" not in project.pipflow("--isolated", "upgrade-all").output


def test_user_configuration_counts(project: TemporaryProject) -> None:
    """The user's own files count: pip's configuration, and Invoke's."""
    (project.home / ".invoke.yaml").write_text("pipflow:\n  file: prod.txt\n")
    (project.home / ".config" / "pip").mkdir(parents=True)
    address = project.environment.pop("PIP_INDEX_URL")
    project.environment.pop("PIP_CONFIG_FILE")
    (project.home / ".config/pip/pip.conf").write_text(f"[global]\nindex-url = {address}\n")
    project.write("prod.txt", OLD)
    project.write("Dockerfile", dockerfile("3.9").replace("requirements", "prod"))
    done = project.pipflow("--isolated", "upgrade-all")
    assert (done.status, project.read("prod.txt")) == (0, NEW), done.stderr
