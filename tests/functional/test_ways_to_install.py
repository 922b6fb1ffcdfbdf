"""Other ways to install the file: helpers of pip, wheels, constraints, projects."""

from __future__ import annotations

import pytest
from functional.temporary_project import TemporaryProject
from loopback_index import LoopbackIndex

HEAD = "FROM python:3.9-slim\nCOPY . .\n"
NOT_INSTALLED = "nothing installs requirements.txt"


@pytest.fixture(autouse=True)
def releases(index: LoopbackIndex) -> None:
    """Serve two versions of a project, one of which another project limits."""
    index.add("lib", "1.0")
    index.add("lib", "1.5")
    index.add("lib", "2.0")
    index.add("top", "1.0", requires_dist=["lib<2"])


def upgrade(project: TemporaryProject, dockerfile: str, status: int = 0) -> str:
    """Return what `upgrade-all` prints for a Dockerfile and an old pin."""
    project.write("Dockerfile", dockerfile)
    project.requirements = "lib==1.0\n"
    done = project.invoke("deps.upgrade-all")
    assert done.status == status, done.output
    return done.output


@pytest.mark.parametrize(
    ("command", "named"),
    [
        ("pip-install -r requirements.txt", "pip-install"),
        ("./bin/install.sh --quiet -r requirements.txt", "install.sh"),
        ("bash -e bin/install.sh -r requirements.txt", "install.sh"),
        ("python bin/install.py --requirement requirements.txt", "install.py"),
        ("python -m installer_of_ours -r requirements.txt", "installer_of_ours"),
    ],
)
def test_helper(project: TemporaryProject, command: str, named: str) -> None:
    """A program that is given the file with ``-r`` counts as the install step, with a note."""
    output = upgrade(project, f"{HEAD}RUN {command}\n")
    assert project.requirements == "lib==2.0\n"
    assert NOT_INSTALLED not in output
    assert f"Dockerfile:3: {named} is given requirements.txt with -r" in output
    checked = project.invoke("deps.check")
    assert "nothing installs" not in checked.output


@pytest.mark.parametrize(
    "command",
    [
        "rm -r requirements.txt",
        "grep -r lib requirements.txt",
        "pip-audit -r requirements.txt",
        "python -m pip_audit -r requirements.txt",
        "pip-install -r /etc/other.txt",
    ],
)
def test_no_helper(project: TemporaryProject, command: str) -> None:
    """A program whose ``-r`` installs nothing is no install step."""
    dockerfile = f"FROM python:3.9-slim\nCOPY requirements.txt .\nRUN {command}\n"
    assert NOT_INSTALLED in upgrade(project, dockerfile, status=1)
    assert project.requirements == "lib==1.0\n"


def test_pip_sync(project: TemporaryProject) -> None:
    """pip-sync installs the file as it is."""
    output = upgrade(project, f"{HEAD}RUN pip install pip-tools && pip-sync requirements.txt\n")
    assert NOT_INSTALLED not in output
    assert "installs without dependencies" in output


@pytest.mark.parametrize(
    "install",
    ["pip install /wheels/*", "pip install --no-index --find-links=/wheels /wheels/*.whl"],
)
def test_wheels_that_are_installed(project: TemporaryProject, install: str) -> None:
    """The wheels that one stage makes are installed in the next, where other packages count."""
    upgrade(
        project,
        "FROM python:3.9-slim AS wheels\nCOPY requirements.txt .\n"
        "RUN pip wheel -w /wheels -r requirements.txt\n"
        "FROM python:3.9-slim\nCOPY --from=wheels /wheels /wheels\n"
        f"RUN {install} top==1.0\n",
    )
    assert project.requirements == "lib==1.5\n"


def test_wheels_for_another_python(project: TemporaryProject) -> None:
    """Wheels that another Python installs than made them are an error."""
    project.write(
        "Dockerfile",
        "FROM python:3.9-slim AS wheels\nCOPY requirements.txt .\n"
        "RUN pip wheel -w /wheels -r requirements.txt\n"
        "FROM python:3.11-slim\nCOPY --from=wheels /wheels /wheels\nRUN pip install /wheels/*\n",
    )
    project.requirements = "lib==1.0\n"
    done = project.invoke("deps.upgrade-all")
    assert done.status == 1
    assert "python 3.9" in done.output
    assert "python 3.11" in done.output


@pytest.mark.parametrize("install", ["-e . -c requirements.txt", "/app -c /app/requirements.txt"])
def test_file_as_constraints(project: TemporaryProject, install: str) -> None:
    """A file that only limits an install is edited all the same, with a note."""
    output = upgrade(
        project, f"FROM python:3.9-slim\nWORKDIR /app\nCOPY . /app\nRUN pip install {install}\n"
    )
    assert project.requirements == "lib==2.0\n"
    assert NOT_INSTALLED not in output
    assert "installs with requirements.txt as constraints" in output


PROJECTS = {
    "setuptools": (
        "pyproject.toml",
        '[project]\nname = "app"\ndynamic = ["dependencies"]\n'
        '[tool.setuptools.dynamic]\ndependencies = {file = ["requirements.txt"]}\n',
    ),
    "setuptools-one": (
        "pyproject.toml",
        '[project]\nname = "app"\ndynamic = ["version", "dependencies"]\n'
        '[tool.setuptools.dynamic.dependencies]\nfile = "requirements.txt"\n',
    ),
    "hatch": (
        "pyproject.toml",
        '[project]\nname = "app"\ndynamic = ["dependencies"]\n'
        '[tool.hatch.metadata.hooks.requirements_txt]\nfiles = ["requirements.txt"]\n',
    ),
    "cfg": ("setup.cfg", "[options]\ninstall_requires = file: requirements.txt\n"),
}


@pytest.mark.parametrize("case", PROJECTS)
@pytest.mark.parametrize("install", ["pip install .", "pip install -e .", "uv pip install /app"])
def test_project_that_reads_the_file(project: TemporaryProject, case: str, install: str) -> None:
    """A project whose dependencies are read from the file installs it."""
    project.write(*PROJECTS[case])
    output = upgrade(
        project, f"FROM python:3.9-slim\nWORKDIR /app\nCOPY . .\nRUN {install} top==1.0\n"
    )
    assert project.requirements == "lib==1.5\n"
    assert NOT_INSTALLED not in output


def test_extra_that_reads_the_file(project: TemporaryProject) -> None:
    """A file that only an extra reads is installed where that extra is asked for."""
    project.write(
        "pyproject.toml",
        '[project]\nname = "app"\ndynamic = ["optional-dependencies"]\n'
        "[tool.setuptools.dynamic.optional-dependencies]\n"
        'Web = {file = ["requirements.txt"]}\n',
    )
    assert NOT_INSTALLED not in upgrade(project, f"{HEAD}RUN pip install '.[web]'\n")
    assert NOT_INSTALLED in upgrade(project, f"{HEAD}RUN pip install .\n", status=1)


@pytest.mark.parametrize(
    "text",
    [
        '[project]\nname = "app"\ndependencies = ["top==1.0"]\n',
        '[project]\nname = "app"\n[project.optional-dependencies]\nmore = ["lib<2"]\n',
    ],
)
def test_dependencies_that_a_project_states(project: TemporaryProject, text: str) -> None:
    """What a project states itself is installed beside the file."""
    project.write("pyproject.toml", text)
    upgrade(project, f"{HEAD}RUN pip install -r requirements.txt '.[more]'\n")
    assert project.requirements == "lib==1.5\n"
