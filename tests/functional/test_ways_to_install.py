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


CONDA = "FROM condaforge/miniforge3:24.3.0-0\nCOPY . /w\nWORKDIR /w\n"


@pytest.mark.parametrize(
    "command",
    [
        "conda env create -f environment.yml",
        "conda env create --file=environment.yml --name work",
        "conda env update -n base -f environment.yml",
        "mamba env create",
        "micromamba install -y -n base -f environment.yml",
    ],
)
def test_file_that_a_conda_environment_names(project: TemporaryProject, command: str) -> None:
    """What the section `pip:` names is installed: files, packages beside them, and options."""
    project.write(
        "environment.yml",
        "dependencies:\n  - python=3.9\n  - pip:\n    - -r requirements.txt\n    - top==1.0\n",
    )
    output = upgrade(project, f"{CONDA}RUN {command}\n")
    assert (project.requirements, NOT_INSTALLED in output) == ("lib==1.5\n", False)
    assert output.startswith("for       python 3.9,")


def test_options_in_a_conda_environment(project: TemporaryProject) -> None:
    """Constraints and indexes count, and paths are relative to the environment's file."""
    project.write("conf/limits.txt", "lib<2\n")
    project.write(
        "conf/environment.yml",
        "dependencies:\n  - python=3.9\n  - pip:\n"
        "    - -r ../requirements.txt\n    - --constraint limits.txt\n    - --pre\n",
    )
    upgrade(project, f"{CONDA}RUN conda env create -f conf/environment.yml\n")
    assert project.requirements == "lib==1.5\n"


@pytest.mark.parametrize(
    ("command", "program"),
    [
        ("conda install --yes --file requirements.txt", "conda"),
        ("mamba create -n work --file=requirements.txt python=3.9", "mamba"),
        ("micromamba install -n base -f requirements.txt", "micromamba"),
    ],
)
def test_list_that_conda_installs(project: TemporaryProject, command: str, program: str) -> None:
    """Channels of conda are no package index: the command asks; with `python`, a note says so."""
    project.write("Dockerfile", f"FROM python:3.9\nCOPY . .\nRUN {command}\n")
    project.requirements = "lib==1.0\n"
    done = project.invoke("deps.upgrade-all")
    assert (done.status, project.requirements) == (1, "lib==1.0\n")
    assert done.stderr.startswith(
        f"error: Dockerfile:3: {program} installs requirements.txt from its channels, which are no "
        "package index\nhint: "
    )
    done = project.invoke("deps.outdated", environment={"INVOKE_PIPFLOW_PYTHON": "3.9"})
    assert (done.status, f"line 3 installs it with {program}" in done.output) == (0, True)


def test_wheels_that_the_file_is_installed_from(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """A later step with the file counts; the index is that of the step that makes the wheels."""
    del project.environment["PIP_INDEX_URL"]
    upgrade(
        project,
        "FROM python:3.9-slim AS wheels\nCOPY requirements.txt .\n"
        f"RUN pip wheel --index-url {index.url} -w /wheels -r requirements.txt\n"
        "FROM python:3.9-slim\nCOPY --from=wheels /wheels /wheels\nCOPY requirements.txt .\n"
        "RUN pip install --no-index --find-links /wheels -r requirements.txt top==1.0\n",
    )
    assert project.requirements == "lib==1.5\n"


def test_plain_build_makes_the_last_stage(project: TemporaryProject) -> None:
    """Where several stages install files, those of the last one count; a stage can be named."""
    project.write(
        "Dockerfile",
        "FROM python:3.9-slim AS base\nCOPY . .\n"
        "FROM base AS dev\nRUN pip install -r dev.txt\n"
        "FROM base AS prod\nRUN pip install -r prod.txt\n",
    )
    (project.folder / "requirements.txt").unlink(missing_ok=True)
    project.write("dev.txt", "-r prod.txt\nlib==1.5\n")
    project.write("prod.txt", "top==1.0\n")
    assert "prod.txt" in project.invoke("deps.check", "--format", "json").stdout
    assert project.invoke("deps.add", "lib", "--no-rebuild").status == 0
    assert project.read("prod.txt") == "lib==1.5\ntop==1.0\n"


STATED = """\
[project]
name = "app"
dependencies = ["other==1.0"]
[project.optional-dependencies]
more = ["top==1.0"]
[dependency-groups]
dev = ["other==1.0", {include-group = "limits"}]
limits = ["top==1.0"]
plain = ["other==1.0"]
"""


@pytest.mark.parametrize(
    ("install", "version"),
    [
        ("uv pip install --system -r requirements.txt -r pyproject.toml --extra more", "1.5"),
        ("uv pip install --system -r requirements.txt -r pyproject.toml --all-extras", "1.5"),
        ("uv pip install --system -r requirements.txt -r pyproject.toml", "2.0"),
        ("pip install -r requirements.txt --group dev", "1.5"),
        ("pip install -r requirements.txt --group plain", "2.0"),
        (
            "pip install -r requirements.txt && pip install --group=/app/pyproject.toml:Limits",
            "1.5",
        ),
        ("uv pip install --system --group limits -r requirements.txt", "1.5"),
    ],
)
def test_requirements_of_metadata(
    project: TemporaryProject, index: LoopbackIndex, install: str, version: str
) -> None:
    """What uv's ``-r pyproject.toml`` and dependency groups name is installed beside the file."""
    index.add("other", "1.0")
    project.write("pyproject.toml", STATED)
    output = upgrade(project, f"FROM python:3.9-slim\nWORKDIR /app\nCOPY . .\nRUN {install}\n")
    assert project.requirements == f"lib=={version}\n"
    assert "is not read" not in output


def test_file_that_uv_reads_by_pyproject(project: TemporaryProject) -> None:
    """A pyproject.toml that reads its dependencies from the file installs it."""
    project.write(*PROJECTS["setuptools"])
    dockerfile = f"{HEAD}RUN uv pip install --system -r pyproject.toml\n"
    assert NOT_INSTALLED not in upgrade(project, dockerfile)
    assert project.requirements == "lib==2.0\n"


@pytest.mark.parametrize(
    ("install", "named"),
    [
        ("uv pip install --system -r setup.py", "-r setup.py"),
        ("uv pip install --system -r pylock.dev.toml", "-r pylock.dev.toml"),
        ("uv pip install --system -r /elsewhere/pyproject.toml", "-r /elsewhere/pyproject.toml"),
        ("pip install --group /elsewhere/pyproject.toml:dev", "--group /elsewhere/pyproject.toml"),
    ],
)
def test_metadata_that_is_not_read(project: TemporaryProject, install: str, named: str) -> None:
    """What can't be read is named, on a command of its own and beside the file."""
    head = "FROM python:3.9-slim\nCOPY requirements.txt setup.py* ./\n"
    project.write("setup.py", "")
    for step in (f"RUN pip install -r requirements.txt && {install}\n",
                 f"RUN {install} -r requirements.txt\n"):  # fmt: skip
        output = upgrade(project, head + step)
        assert project.requirements == "lib==2.0\n"
        assert f"Dockerfile:3 also installs what {named}" in output
        assert "which is not read" in output


@pytest.mark.parametrize(
    ("files", "named"),
    [
        ({"setup.py": "", "setup.cfg": "[metadata]\nname = app\n"}, "setup.py"),
        ({"pyproject.toml": '[build-system]\nrequires = ["poetry-core"]\n'}, "pyproject.toml"),
        ({"pyproject.toml": '[project]\nname = "app"\n', "setup.py": ""}, ""),
        ({"pyproject.toml": STATED, "setup.py": ""}, ""),
    ],
)
def test_project_that_only_a_build_understands(
    project: TemporaryProject, index: LoopbackIndex, files: dict[str, str], named: str
) -> None:
    """Where nothing states what a project needs, a note names the file that is not read."""
    index.add("other", "1.0")
    for name, text in files.items():
        project.write(name, text)
    output = upgrade(project, f"{HEAD}RUN pip install -r requirements.txt && pip install -e .\n")
    said = f"Dockerfile:3 also installs what {named} names, which is not read"
    assert (said in output, "is not read" in output) == (bool(named), bool(named))
