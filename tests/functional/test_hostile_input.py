"""Input that no person writes: an error with a message, or an answer, and never a traceback."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from functional.temporary_project import Finished, TemporaryProject
from loopback_index import LoopbackIndex

DIGITS = "9" * 100_000
DEEP = 20_000
FROM = "FROM python:3.9-slim\n"
INSTALL = "COPY . .\nRUN pip install -r requirements.txt\n"

FILES = {
    "version of many digits": {"requirements.txt": f"lib=={DIGITS}\n"},
    "range of many digits": {"requirements.txt": f"lib<{DIGITS}\n"},
    "marker of many digits": {"requirements.txt": f'lib==1.0; python_version > "{DIGITS}"\n'},
    "policy of many digits": {"requirements.txt": f"lib==1.0  # pipflow: <{DIGITS}\n"},
    "local wheel of many digits": {"requirements.txt": f"./lib-{DIGITS}-py3-none-any.whl\n"},
    "deep marker": {"requirements.txt": f"lib==1.0; {'(' * DEEP}python_version>'3'{')' * DEEP}\n"},
    "deep variables": {"requirements.txt": f"lib==1.0 {'${' * DEEP}\n"},
    "deep extras": {"requirements.txt": f"lib{'[' * DEEP}{']' * DEEP}==1.0\n"},
    "includes in a circle": {"requirements.txt": "-r requirements.txt\nlib==1.0\n"},
    "includes in a row": {
        "requirements.txt": "-r 0.txt\nlib==1.0\n",
        **{f"{at}.txt": f"-r {at + 1}.txt\n" for at in range(2_000)},
        "2000.txt": "",
    },
    "tag of many digits": {"Dockerfile": f"FROM python:{DIGITS}\n{INSTALL}"},
    "tag of many minor digits": {"Dockerfile": f"FROM python:3.{DIGITS}\n{INSTALL}"},
    "python of many digits": {"Dockerfile": f"{FROM}RUN python3.{DIGITS} -m pip install lib\n"},
    "uv python of many digits": {
        "Dockerfile": f"{FROM}RUN uv python install {DIGITS}\n"
        f"RUN uv venv --python {DIGITS}\n{INSTALL}"
    },
    "platform of many digits": {
        "Dockerfile": f"{FROM}COPY . .\n"
        f"RUN pip install --platform manylinux_{DIGITS}_{DIGITS}_x86_64 --only-binary :all: "
        f"--python-version {DIGITS} -t x -r requirements.txt\n"
    },
    "pip of many digits": {"Dockerfile": f"{FROM}RUN pip install pip=={DIGITS}\n{INSTALL}"},
    "python-version file": {
        ".python-version": DIGITS,
        "Dockerfile": f"{FROM}COPY . .\nRUN uv venv && uv pip install -r requirements.txt\n",
    },
    "deep substitution": {"Dockerfile": f"{FROM}RUN {'$(' * DEEP}{')' * DEEP}\n{INSTALL}"},
    "deep backquotes": {"Dockerfile": f"{FROM}RUN {'`' * DEEP}\n{INSTALL}"},
    "deep subshells": {"Dockerfile": f"{FROM}RUN {'( ' * DEEP}{') ' * DEEP}\n{INSTALL}"},
    "deep groups": {"Dockerfile": f"{FROM}RUN {'{ ' * DEEP}:{'; }' * DEEP}\n{INSTALL}"},
    "deep conditions": {"Dockerfile": f"{FROM}RUN {'if :; then ' * DEEP}{' fi' * DEEP}\n{INSTALL}"},
    "deep defaults": {"Dockerfile": f"{FROM}ARG X={'${X:-' * DEEP}{'}' * DEEP}\nRUN $X\n{INSTALL}"},
    "deep defaults in FROM": {
        "Dockerfile": f"ARG X\nFROM {'${X:-' * DEEP}python:3.9{'}' * DEEP}\n{INSTALL}"
    },
    "deep shells": {"Dockerfile": f"{FROM}RUN {'sh -c ' * DEEP}true\n{INSTALL}"},
    "deep prefixes": {"Dockerfile": f"{FROM}RUN {'env ' * DEEP}true\n{INSTALL}"},
    "deep JSON form": {"Dockerfile": f"{FROM}RUN {'[' * DEEP}{']' * DEEP}\n{INSTALL}"},
    "numbers in JSON form": {"Dockerfile": f"{FROM}SHELL [{DIGITS}]\n{INSTALL}"},
    "stages in a row": {
        "Dockerfile": "FROM python:3.9 AS s0\n"
        + "".join(f"FROM s{at} AS s{at + 1}\n" for at in range(5_000))
        + INSTALL
    },
    "stages that copy in a row": {
        "Dockerfile": "FROM python:3.9 AS s0\n"
        + "".join(f"FROM python:3.9 AS s{at + 1}\nCOPY --from=s{at} /x /x\n" for at in range(2_000))
        + INSTALL
    },
    "deep YAML": {"compose.yaml": "services: " + "[" * DEEP + "]" * DEEP},
    "deep YAML maps": {"compose.yaml": "services: {app: " + "{a: " * DEEP + "}" * DEEP + "}"},
    "number in YAML": {"compose.yaml": f"services: {{app: {{build: ., ports: [{DIGITS}]}}}}\n"},
    "time in YAML": {"compose.yaml": "services: {app: {build: ., x: 9999-99-99}}\n"},
    "recursive YAML": {"compose.yaml": "services: &a {app: *a}\n"},
    "aliases in YAML": {
        "compose.yaml": "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
        + "".join(f"a{at + 1}: &a{at + 1} [{f'*a{at}, ' * 9}]\n" for at in range(12))
        + "services: {app: {build: ., command: *a12}}\n"
    },
    "variables in YAML": {
        "compose.yaml": f"services: {{app: {{build: '{'${X:-' * DEEP}.{'}' * DEEP}'}}}}\n"
    },
    "services that extend in a circle": {
        "compose.yaml": "services: {a: {extends: b, build: .}, b: {extends: a}}\n"
    },
    "services that extend in a row": {
        "compose.yaml": "services:\n  s0: {build: .}\n"
        + "".join(f"  s{at + 1}: {{extends: s{at}}}\n" for at in range(3_000))
    },
    "includes of compose in a circle": {
        "compose.yaml": "include: [compose.yaml]\nservices: {app: {build: .}}\n"
    },
    "deep bake file": {
        "Dockerfile": "",
        "docker-bake.hcl": f'target "app" {{ x = {"[" * DEEP}{"]" * DEEP} }}\n',
    },
    "deep bake expression": {
        "Dockerfile": "",
        "docker-bake.hcl": f'target "app" {{ x = {"(" * DEEP}1{")" * DEEP} }}\n',
    },
    "deep bake template": {
        "Dockerfile": "",
        "docker-bake.hcl": f'target "app" {{ context = "{"${" * DEEP}{"}" * DEEP}" }}\n',
    },
    "numbers in a bake file": {
        "Dockerfile": "",
        "docker-bake.hcl": f'variable "x" {{ default = {DIGITS} }}\n'
        'target "app" { tags = [x] }\n',
    },
    "deep bake JSON": {"Dockerfile": "", "docker-bake.json": "[" * DEEP + "]" * DEEP},
    "deep TOML": {
        "pyproject.toml": f"x = {'[' * DEEP}{']' * DEEP}\n",
        "Dockerfile": f"{FROM}COPY . .\nRUN pip install . -r requirements.txt\n",
    },
    "number in TOML": {
        "pyproject.toml": f"x = {DIGITS}\n[project]\nname = 'shop'\nversion = '1'\n",
        "Dockerfile": f"{FROM}COPY . .\nRUN pip install . -r requirements.txt\n",
    },
    "deep conda environment": {
        "environment.yml": f"dependencies: {'[' * DEEP}{']' * DEEP}\n",
        "Dockerfile": "FROM continuumio/miniconda3\nCOPY . .\n"
        "RUN conda env create -n x -f environment.yml\n"
        "RUN conda run -n x pip install -r requirements.txt\n",
    },
    "number in a conda environment": {
        "environment.yml": f"dependencies: [python={DIGITS}, pip: {DIGITS}]\n",
        "Dockerfile": "FROM continuumio/miniconda3\nCOPY . .\n"
        "RUN conda env create -n x -f environment.yml\n"
        "RUN conda run -n x pip install -r requirements.txt\n",
    },
    "ignore file": {".dockerignore": f"{'[' * DEEP}\n{'**/' * DEEP}\n{'!' * DEEP}\n"},
    "git's ignore file": {".gitignore": f"{'[' * DEEP}\n{'**/' * DEEP}\n{'!' * DEEP}\n"},
    "pip's configuration": {
        "pip.conf": f"[global]\ntimeout = {DIGITS}\nretries = {DIGITS}\n",
        "Dockerfile": f"{FROM}COPY pip.conf /etc/pip.conf\n{INSTALL}",
    },
    "deep settings": {"invoke.yaml": f"pipflow: {'[' * DEEP}{']' * DEEP}\n"},
    "number in settings": {"invoke.yaml": f"pipflow: {{cooldown_days: {DIGITS}}}\n"},
    "deep settings in JSON": {"invoke.json": f'{{"pipflow": {"[" * DEEP}{"]" * DEEP}}}\n'},
    "names of files": {"requirements.txt": f"-r {'x' * 5000}\n-c {'y/' * 5000}\nlib==1.0\n"},
}
"""Files of a project, by what is wrong with them."""


@pytest.fixture(autouse=True)
def _fill(project: TemporaryProject, index: LoopbackIndex) -> None:
    index.add("lib", "1.0")
    project.requirements = "lib==1.0\n"


def require_plain(project: TemporaryProject, *words: str) -> None:
    """Check that a program answers in words, in time, and changes nothing that is not asked."""
    before = project.contents()
    done = project.pipflow(*words)
    assert "Traceback" not in done.output, done.output[-2000:]
    assert done.status in {0, 1, 2}, done.output[-2000:]
    assert done.output.strip()
    assert project.contents() == before


@pytest.mark.parametrize("name", FILES)
def test_files(project: TemporaryProject, name: str) -> None:
    """Long numbers, deep nesting, circles and long rows in any file that is read."""
    for file, text in FILES[name].items():
        project.write(file, text)
    for words in (("outdated",), ("check",)):
        require_plain(project, *words)


@pytest.mark.parametrize(
    "name", ["timeout_seconds", "cooldown_days", "python", "platform", "image", "service"]
)
@pytest.mark.parametrize("value", [DIGITS, "[" * DEEP], ids=["digits", "brackets"])
def test_settings(project: TemporaryProject, name: str, value: str) -> None:
    """A setting in the environment."""
    project.environment[f"INVOKE_PIPFLOW_{name.upper()}"] = value
    require_plain(project, "outdated")


@pytest.mark.parametrize(
    "package",
    [
        f"lib=={DIGITS}",
        f"lib<{DIGITS}",
        f"lib; {'(' * DEEP}",
        f"lib{'[' * DEEP}",
        "(" * DEEP,
        f"a{DIGITS}",
    ],
    ids=["pin", "range", "marker", "extras", "parentheses", "name"],
)
def test_packages(project: TemporaryProject, package: str) -> None:
    """A package on the command line."""
    require_plain(project, "add", "--no-rebuild", package)


MAIN = "from pipflow_tasks.__main__ import main; main()"
"""The program, for folders that Python itself would not start in."""


def without_rights() -> tuple[str, ...]:
    """Return the words that run a program without root's right to read everything."""
    if os.geteuid() != 0:
        return ()
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("root reads everything, and there is no setpriv to give that up")
    rights = "-dac_override,-dac_read_search"
    return (setpriv, f"--bounding-set={rights}", f"--inh-caps={rights}")


def run_pipflow(project: TemporaryProject, *words: str, folder: Path | None = None) -> Finished:
    """Run `pipflow` in a folder as somebody who may not read everything."""
    command = [*without_rights(), project.python, "-m", "pipflow_tasks", *words]
    return project.run_words(command, folder or ".")


@pytest.mark.parametrize("mode", [0o000, 0o444])
def test_folder_without_permission(project: TemporaryProject, mode: int) -> None:
    """A folder that may not be read, or not be entered, is named in an error."""
    folder = project.folder / "closed"
    project.write("closed/requirements.txt", "lib==1.0\n")
    start = (*without_rights(), "/bin/sh", "-c", 'cd closed && chmod "$0" . && exec "$@"')
    done = subprocess.run(
        [*start, oct(mode)[2:].zfill(3), project.python, "-c", MAIN, "outdated"],
        cwd=project.folder,
        env={**project.environment, "PATH": f"{project.programs}:/usr/bin:/bin"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )
    folder.chmod(0o755)
    assert (done.returncode, done.stdout, "Traceback" in done.stderr) == (1, "", False), done.stderr
    assert "Permission denied" in done.stderr


def test_folder_below_without_permission(project: TemporaryProject) -> None:
    """A folder of a database, which only its owner may read, is no obstacle."""
    project.write("data/deep/Dockerfile", FROM)
    (project.folder / "Dockerfile").rename(project.folder / "app.Dockerfile")
    (project.folder / "data").chmod(0)
    try:
        done = run_pipflow(project, "outdated")
    finally:
        (project.folder / "data").chmod(0o755)
    assert (done.status, "Traceback" in done.output) == (0, False), done.output


def test_folder_that_is_gone(project: TemporaryProject) -> None:
    """A current folder that has been removed is an error in words, with `--isolated` too."""
    start = ("/bin/sh", "-c", 'mkdir gone && cd gone && rmdir ../gone && exec "$@"', "sh")
    # a file, as what pip installs: with `-c`, Python 3.13.0 can't import asyncio in such a folder
    program = project.folder.parent / "program.py"
    program.write_text(MAIN)
    for words in (("outdated",), ("--isolated", "outdated")):
        done = subprocess.run(
            [*start, project.python, str(program), *words],
            cwd=project.folder,
            env={**project.environment, "PATH": "/usr/bin:/bin"},
            capture_output=True,
            encoding="utf-8",
            check=False,
            timeout=60,
        )
        assert (done.returncode, done.stdout) == (1, "")
        assert (
            done.stderr == "error: the current folder has been removed\nhint: change to another\n"
        )


def test_help_into_a_pipe_that_ended(project: TemporaryProject) -> None:
    """Help that nobody reads to its end is no traceback."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as pipe:
        done = subprocess.run(
            [project.python, "-m", "pipflow_tasks", "--help"],
            cwd=project.folder,
            env=project.environment,
            stdout=pipe,
            stderr=subprocess.PIPE,
            check=False,
            timeout=60,
        )
    assert (done.returncode, done.stderr) == (1, b"")
