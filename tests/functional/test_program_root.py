"""Where `pipflow` finds its project, and which settings it takes from the project's tasks file."""

from __future__ import annotations

import pytest
from functional.temporary_project import ENGINE, TemporaryProject, dockerfile
from loopback_index import LoopbackIndex

OLD, NEW = "lib==1.0\n", "lib==2.0\n"

CELERY = """\
from celery import Celery
raise SystemExit("a tasks.py that is none of Invoke's was run")
"""

API = """\
from invoke import Collection
from pipflow_tasks import namespace_for

namespace = Collection(
    namespace_for("services/api", file="prod.txt", rebuild="never"),
    namespace_for("services/web", file="none.txt"),
)
"""


@pytest.fixture(autouse=True)
def _fill(project: TemporaryProject, index: LoopbackIndex) -> None:
    index.add("lib", "1.0")
    index.add("lib", "2.0")
    project.remove("tasks.py")
    (project.folder / ".git").mkdir()


# the folder


@pytest.mark.parametrize("file", ["requirements.txt", "dev-requirements.txt", "requirements/a.txt"])
def test_nearest_requirements_file_is_the_project(project: TemporaryProject, file: str) -> None:
    """The nearest folder upward with a requirements file is the project, not one above it."""
    project.requirements = OLD
    project.write(f"services/api/{file}", OLD)
    project.write("services/api/src/main.py", "")
    text = dockerfile("3.12").replace("requirements.txt ./", ". .")
    project.write("services/api/Dockerfile", text.replace("requirements.txt", file))
    name = file if file != "requirements.txt" else ""
    words = ("--file", name) if name else ()
    done = project.pipflow("upgrade-all", *words, within="services/api/src")
    assert done.status == 0, done.stderr
    assert (project.requirements, project.read(f"services/api/{file}")) == (OLD, NEW)
    assert "python 3.12" in done.stdout


@pytest.mark.parametrize(
    "name", ["Dockerfile", "Containerfile", "app.dockerfile", "compose.yml", "docker-compose.yml"]
)
def test_requirements_file_comes_before_builds(project: TemporaryProject, name: str) -> None:
    """A folder with a requirements file is meant, also where one below it has a build alone."""
    project.requirements = OLD
    project.write(f"services/api/{name}", "services: {}\n" if "compose" in name else "FROM a\n")
    assert project.pipflow("upgrade-all", within="services/api").status == 0
    assert project.requirements == NEW


def test_other_requirements_files_need_a_build(project: TemporaryProject) -> None:
    """Without a build beside it, `docs/docs-requirements.txt` makes no project of `docs`."""
    project.requirements = OLD
    project.write("docs/docs-requirements.txt", "sphinx\n")
    assert project.pipflow("upgrade-all", within="docs").status == 0
    assert (project.requirements, project.exists("docs/requirements.txt")) == (NEW, False)


def test_folder_with_a_build_else(project: TemporaryProject) -> None:
    """Without a requirements file, the nearest folder with a Dockerfile is the project."""
    project.write("src/deep/main.py", "")
    project.write("src/Dockerfile.dockerignore", "")
    done = project.pipflow("add", "lib", within="src/deep")
    assert (done.status, project.requirements) == (0, NEW)


def test_project_is_within_the_repository(project: TemporaryProject) -> None:
    """What is above the repository is never the project."""
    project.requirements = OLD
    (project.folder / "vendor" / ".git").mkdir(parents=True)
    project.write("vendor/src/main.py", "")
    done = project.pipflow("upgrade-all", within="vendor/src")
    assert (done.status, project.requirements) == (1, OLD)
    assert "there is no such file" in done.stderr


def test_configuration_above_the_project(project: TemporaryProject) -> None:
    """The nearest invoke.yaml upward in the repository counts, also without a tasks file."""
    docker = project.stand_in("docker", ENGINE)
    project.write("invoke.yaml", "pipflow:\n  rebuild: never\n")
    project.write("services/api/requirements.txt", OLD)
    project.write("services/api/Dockerfile", dockerfile("3.12"))
    done = project.pipflow("upgrade-all", within="services/api")
    assert (done.status, docker.built) == (0, [])
    assert project.read("services/api/requirements.txt") == NEW


# the tasks file


@pytest.mark.parametrize(
    ("name", "other"),
    [("tasks.py", ""), ("tasks.py", "tasks.py"), ("tasks/__init__.py", "tasks.py")],
)
@pytest.mark.parametrize("within", ["services/api", "services/api/src"])
def test_settings_of_namespace_for(
    project: TemporaryProject, name: str, other: str, within: str
) -> None:
    """The namespace whose folder is the project has its settings; Celery's file is not run."""
    docker = project.stand_in("docker", ENGINE)
    project.write(name, API)
    if other:
        project.write(f"services/api/{other}", CELERY)
    project.write("services/api/requirements.txt", OLD)
    project.write("services/api/prod.txt", OLD)
    project.write("services/api/Dockerfile", dockerfile("3.12").replace("requirements", "prod"))
    project.write("services/api/src/main.py", "")
    done = project.pipflow("upgrade-all", within=within)
    assert (done.status, docker.built) == (0, []), done.stderr
    assert project.read("services/api/requirements.txt") == OLD
    assert project.read("services/api/prod.txt") == NEW


def test_package_of_tasks(project: TemporaryProject) -> None:
    """A package `tasks` counts if one of its modules imports pipflow_tasks."""
    docker = project.stand_in("docker", ENGINE)
    project.requirements = OLD
    project.write("tasks/__init__.py", "from .deps import namespace\n")
    project.write(
        "tasks/deps.py",
        "import pipflow_tasks\nnamespace = pipflow_tasks.namespace_for(rebuild='never')\n",
    )
    done = project.pipflow("upgrade-all")
    assert (done.status, project.requirements, docker.built) == (0, NEW, []), done.stderr


@pytest.mark.parametrize(
    "configured",
    [
        "namespace.configure({'pipflow': {'rebuild': 'never'}})",
        "deps.configure({'pipflow': {'rebuild': 'never'}})",
    ],
)
def test_settings_of_configure(project: TemporaryProject, configured: str) -> None:
    """What the collections around the namespace are configured with counts, as for Invoke."""
    docker = project.stand_in("docker", ENGINE)
    project.requirements = OLD
    project.write(
        "tasks.py",
        "import pipflow_tasks\nfrom invoke import Collection\n"
        f"deps = pipflow_tasks.namespace\nnamespace = Collection(py=deps)\n{configured}\n",
    )
    assert project.pipflow("upgrade-all").status == 0
    assert docker.built == []
    environment = {"INVOKE_PIPFLOW_REBUILD": "auto"}
    project.requirements = OLD
    assert project.pipflow("upgrade-all", environment=environment).status == 0
    assert len(docker.built) == 1


def test_settings_of_another_folder_do_not_count(project: TemporaryProject) -> None:
    """A namespace of another folder says nothing about the project; invoke.yaml does."""
    docker = project.stand_in("docker", ENGINE)
    project.requirements = OLD
    project.write("tasks.py", API)
    project.write("invoke.yaml", "pipflow:\n  image: team/shop\n")
    assert project.pipflow("upgrade-all").status == 0
    assert (project.requirements, " team/shop " in docker.built[0]) == (NEW, True)


def test_several_namespaces_of_one_folder(project: TemporaryProject) -> None:
    """Several namespaces for the project are an error that names them."""
    project.requirements = OLD
    project.write(
        "tasks.py",
        "from invoke import Collection\nfrom pipflow_tasks import namespace_for\n"
        "namespace = Collection(a=namespace_for(), b=namespace_for('.', file='prod.txt'))\n",
    )
    done = project.pipflow("upgrade-all")
    assert (done.status, done.stdout, project.requirements) == (1, "", OLD)
    assert "a.add, b.add" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("raise SystemExit('no')", "SystemExit: no"),
        ("pipflow_tasks.namespace_for(servce='x')", "did you mean service?"),
    ],
)
def test_tasks_file_that_fails(project: TemporaryProject, line: str, said: str) -> None:
    """A tasks file that can't be loaded is an error: the exception, its line, and the ways out."""
    project.requirements = OLD
    project.write("tasks.py", f"import pipflow_tasks\n\n{line}\n")
    done = project.pipflow("upgrade-all")
    assert (done.status, done.stdout, project.requirements) == (1, "", OLD)
    assert done.stderr.startswith("error: tasks.py:3: ")
    for word in (said, "invoke.yaml", "--isolated"):
        assert word in done.stderr
    assert "Traceback" not in done.stderr


def test_tasks_file_that_is_no_python(project: TemporaryProject) -> None:
    """A tasks file that names pipflow_tasks and is not valid Python is an error with its line."""
    project.requirements = OLD
    project.write("tasks.py", "import pipflow_tasks\nnamespace = (\n")
    done = project.pipflow("upgrade-all")
    assert (done.status, project.requirements) == (1, OLD)
    assert done.stderr.startswith("error: tasks.py:2: ")


def test_output_of_the_tasks_file(project: TemporaryProject) -> None:
    """What a tasks file prints does not reach the report."""
    project.requirements = OLD
    project.write("tasks.py", "import pipflow_tasks\nprint('loud')\nns = pipflow_tasks.namespace\n")
    done = project.pipflow("outdated", "--format", "json")
    assert done.report["command"] == "outdated"
    assert "loud" in done.stderr


def test_help_loads_no_tasks_file(project: TemporaryProject) -> None:
    """Help and lists need no project."""
    project.write("tasks.py", "import pipflow_tasks\nraise SystemExit(3)\n")
    assert project.pipflow("--list").status == 0
    assert project.pipflow("add", "--help").status == 0
