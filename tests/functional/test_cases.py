"""Resolution cases: what each command makes of a file, an index and an image.

A case is a file ``tests/data/cases/NAME.json``:

- ``about``: one sentence;
- ``index``: the recordings in ``index/`` it is served from; ``projects``: its own, which come last;
- ``requirements``: the lines of the file; ``files``: further files, by name;
- ``image``: the base image; ``platform``: Docker's name, linux/amd64 where it is not given;
- ``command``: a task's name; ``arguments``: what the method of ``Project`` takes;
- ``expected``: the ``pins`` that the image installs afterwards, from the file and those that it
  includes; ``held`` (what does not get its newest version) and ``left_alone`` with their reasons,
  ``warnings``, what ``outdated``
  ``would_move``, the ``paths`` of ``why``, and all ``lines`` of files that are or were locked; or
  the ``error``, line by line (status 1).

Another tool is asked the same: pip, run by a Python of the image's version, or uv, where
``oracle`` says so or this machine has no such Python. ``no_oracle`` says why none can be asked.
"""

from __future__ import annotations

import functools
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from functional.prepared_pip import prepare_pip
from loopback_index import LoopbackIndex
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from tools.recorded_index import load, serve

from pipflow_tasks import Project
from pipflow_tasks.errors import PipflowError
from pipflow_tasks.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipflow_tasks.project import Plan

FOLDER = Path(__file__).parents[1] / "data" / "cases"
CASES = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}

MACHINES = {"linux/amd64": "x86_64", "linux/arm64": "aarch64"}

_MAX_LINES = 12
_TIMEOUT_SECONDS = 120

Case = dict[str, Any]


@pytest.fixture
def index(case: Case) -> Iterator[LoopbackIndex]:
    """Serve what the case recorded."""
    with LoopbackIndex() as index:
        index.with_hashes = False
        projects = load(FOLDER / "index", [*case.get("index", ()), case.get("projects", {})])
        serve(index, projects)
        yield index


@pytest.fixture
def folder(case: Case, tmp_path: Path) -> Path:
    """Write the case's files."""
    write_files(case, tmp_path)
    return tmp_path


def write_files(case: Case, folder: Path) -> None:
    """Write the case's files."""
    files = {
        "requirements.txt": case["requirements"],
        "Dockerfile": [
            f"FROM {case['image']}",
            "COPY . .",
            "RUN pip install -r requirements.txt",
        ],
        **case.get("files", {}),
    }
    for name, lines in files.items():
        (folder / name).write_text("".join(f"{line}\n" for line in lines))


def carry_out(case: Case, folder: Path, index_url: str) -> Plan:
    """Plan what the case's command says."""
    settings = Settings(platform=case.get("platform", "linux/amd64"), rebuild="never")
    with Project.open(
        folder, settings, {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": index_url, "PATH": ""}
    ) as project:
        method = getattr(project, f"plan_{case['command'].replace('-', '_')}")
        plan: Plan = method(**case.get("arguments", {}))
        if case["command"] not in {"outdated", "why"}:
            project.apply(plan)
        return plan


def read_pins(case: Case, folder: Path) -> dict[str, str]:
    """Return what the file and those that it includes pin for the image."""
    text = (folder / "requirements.txt").read_text()
    included = re.findall(r"^-r (\S+)$", text, re.M)
    return find_pins(case, "".join([text, *((folder / name).read_text() for name in included)]))


def find_pins(case: Case, text: str) -> dict[str, str]:
    """Return what the lines pin whose markers, if any, apply to the image."""
    variables = {
        "python_version": python_of(case),
        "sys_platform": "linux",
        "platform_machine": MACHINES[case.get("platform", "linux/amd64")],
    }
    return {
        canonicalize_name(name): version
        for name, version, marker in re.findall(
            r"^([\w.-]+)(?:\[[^]]*\])?==([^\s;*]+)(?:; ([^#\n]+)|(?!\S))", text, re.M
        )
        if not marker or Marker(marker).evaluate(variables)
    }


def python_of(case: Case) -> str:
    """Return the version of the image's Python."""
    found = re.match(r"python:(\d+\.\d+)", case["image"])
    assert found is not None
    return found[1]


def read_lines(case: Case, folder: Path) -> dict[str, list[str]]:
    """Return the lines of the requirements files."""
    names = ["requirements.txt", *(n for n in case.get("files", ()) if n.endswith(".txt"))]
    return {name: (folder / name).read_text().splitlines() for name in names}


def tell(case: Case, folder: Path, index_url: str) -> dict[str, Any]:
    """Return what a case expects, as it turns out."""
    try:
        plan = carry_out(case, folder, index_url)
    except PipflowError as error:
        return {"error": str(error).splitlines()}
    lines = read_lines(case, folder)
    was_locked = "# via" in str([case["requirements"], case.get("files")])
    held = {change.project: change.reason for change in plan.changes if change.reason}
    held |= {held.project: held.reason for held in plan.held}
    told = {
        "pins": read_pins(case, folder),
        "would_move": {}
        if case["command"] != "outdated"
        else {change.project: str(change.after) for change in plan.changes},
        "held": held,
        "left_alone": {left.requirement: left.reason for left in plan.left_alone},
        "warnings": list(plan.warnings),
        "paths": [
            [f"{step.project} {step.version}: {step.requirement}" for step in path]
            for path in plan.paths
        ],
        "lines": lines if was_locked or "# via" in str(lines) else {},
    }
    return {key: value for key, value in told.items() if value or key == "pins"}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_case(case: Case, folder: Path, index: LoopbackIndex) -> None:
    """The pins, the reasons and the warnings are as expected, and what is said is short."""
    before = (folder / "requirements.txt").read_bytes()
    told = tell(case, folder, index.url)
    assert told == case["expected"]
    if "error" in told:
        assert (folder / "requirements.txt").read_bytes() == before
        assert len(told["error"]) <= _MAX_LINES + 2  # what failed, why, and the hint


HINTING = {
    name: case
    for name, case in CASES.items()
    if re.match(
        "hint: (without [^`]*, )?(`(upgrade|add) |--with-upgrades )",
        case["expected"].get("error", [""])[-1],
    )
}


@pytest.mark.parametrize("case", HINTING.values(), ids=HINTING)
def test_hint_helps(case: Case, folder: Path, index: LoopbackIndex) -> None:
    """The command of the hint passes; then, after another one, what was refused is done."""
    follow_hint(case, case["expected"]["error"][-1], folder, index.url)


def follow_hint(case: Case, hint: str, folder: Path, index_url: str) -> None:
    """Run the command of a hint, and what was refused before, unless it was this in another way."""
    arguments = case.get("arguments", {})
    if "--with-upgrades" in hint:
        assert carry_out(
            {**case, "arguments": {**arguments, "with_upgrades": True}}, folder, index_url
        ).changes
        return
    command, words = re.findall("`(upgrade|add) (.*?)`", hint)[0]
    hinted = {**case, "command": command, "arguments": {"requirements": shlex.split(words)}}
    assert carry_out(hinted, folder, index_url).changes
    if command == "upgrade" and " takes the newest version" not in hint:
        carry_out(case, folder, index_url)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_another_tool_agrees(case: Case, folder: Path, index: LoopbackIndex) -> None:
    """Pip with the image's Python, or uv, pins the same."""
    if "no_oracle" in case:
        pytest.skip(case["no_oracle"])
    expected = case["expected"]
    answer = ask(case, lines_for_oracle(case), folder, index.url)
    if "error" in expected:
        assert answer is None, answer
        return
    assert answer is not None, "it finds no set"
    assert expected["pins"] == {name: answer.get(name) for name in expected["pins"]}


LOCKED = {
    name: case
    for name, case in CASES.items()
    if "# via" in str(case["expected"].get("lines")) and "not_complete" not in case
}


@pytest.mark.parametrize("case", LOCKED.values(), ids=LOCKED)
def test_locked_file_is_complete(case: Case, folder: Path, index: LoopbackIndex) -> None:
    """Another tool takes what a locked file pins, and nothing besides."""
    carry_out(case, folder, index.url)
    lines = read_lines(case, folder)
    asked = [line for text in lines.values() for line in text if not line.startswith("-r")]
    assert ask(case, asked, folder, index.url) == read_pins(case, folder)


def lines_for_oracle(case: Case) -> list[str]:
    """Ask in a requirements file what the command asks: no pin falls, all else stands."""
    if "oracle_lines" in case:
        return list(case["oracle_lines"])
    arguments = case.get("arguments", {})
    named = {
        canonicalize_name(requirement.name): requirement
        for requirement in map(Requirement, _words(arguments.get("requirements", ())))
    }
    only, skip = (_words(arguments.get(key, ())) for key in ("only", "skip"))
    lines = [str(requirement) for requirement in named.values() if case["command"] == "add"]
    for line in case["requirements"]:
        if "# via" in line and case["command"] != "unlock":
            continue
        text, _, policy = line.partition("# pipflow:")
        text = text.partition(" #")[0].strip()
        if not text or text.startswith(("#", "-")):
            lines += [text] if text.startswith("-") else []
            continue
        requirement = Requirement(text)
        pin = re.fullmatch(r"==([^*]+)", str(requirement.specifier))
        name = canonicalize_name(requirement.name)
        moves = pin is not None and (
            name in named
            if case["command"] == "upgrade"
            else case["command"] in {"upgrade-all", "outdated"}
            and (not only or name in only)
            and name not in skip
            and policy.strip() != "hold"
        )
        if moves and pin is not None:
            asked = named[name].specifier if name in named else ""
            extras = f"[{','.join(requirement.extras)}]" if requirement.extras else ""
            marker = f"; {requirement.marker}" if requirement.marker else ""
            clauses = [str(asked or f">={pin[1]}"), policy.strip(), _level(pin[1], arguments)]
            lines.append(f"{name}{extras}{','.join(filter(None, clauses))}{marker}")
        else:
            lines.append(text)
    return lines


def _level(pin: str, arguments: dict[str, Any]) -> str:
    parts = {"minor": 1, "patch": 2}.get(arguments.get("level", ""))
    return f"=={'.'.join(pin.split('.')[:parts])}.*" if parts else ""


def _words(words: str | list[str]) -> list[str]:
    return words.split() if isinstance(words, str) else list(words)


def ask(case: Case, lines: list[str], folder: Path, index_url: str) -> dict[str, str] | None:
    """Return the versions that another tool takes, or None where it finds no set."""
    asked = folder / "asked.txt"
    asked.write_text("".join(f"{line}\n" for line in lines))
    if case.get("oracle") != "uv":
        python = find_python(python_of(case))
        if python is not None:
            return ask_pip(python, asked, index_url)
    machine = MACHINES[case.get("platform", "linux/amd64")]
    return ask_uv(python_of(case), machine, asked, index_url)


@functools.cache
def find_python(version: str) -> str | None:
    """Return pyenv's interpreter of a version, where there is one with pip."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    for path in sorted(root.glob(f"versions/{version}.*/bin/python")):
        done = subprocess.run([path, "-m", "pip", "--version"], capture_output=True, check=False)
        if done.returncode == 0:
            return str(path)
    return None


def ask_pip(python: str, asked: Path, index_url: str) -> dict[str, str] | None:
    """Let pip resolve without installing."""
    words = [
        "install", "--dry-run", "--ignore-installed", "--quiet", "--report", "-",
        "--no-cache-dir", "--disable-pip-version-check", "--no-input",
        "--index-url", index_url, "--requirement", asked.name,
    ]  # fmt: skip
    done = prepare_pip(python).run(words, asked.parent)
    if done.returncode != 0:
        assert re.search("ResolutionImpossible|No matching distribution", done.stderr), done.stderr
        return None
    report = json.loads(done.stdout)
    metadata = [entry["metadata"] for entry in report["install"]]
    return {canonicalize_name(each["name"]): each["version"] for each in metadata}


def ask_uv(python: str, machine: str, asked: Path, index_url: str) -> dict[str, str] | None:
    """Let uv resolve for another Python."""
    words = [
        "pip", "compile", asked.name, "--no-header", "--no-annotate", "--quiet", "--no-config",
        "--no-cache", "--no-python-downloads", "--no-build", "--python", sys.executable,
        "--python-version", python, "--python-platform", f"{machine}-manylinux_2_36",
        "--index-url", index_url,
    ]  # fmt: skip
    if subprocess.run([sys.executable, "-m", "uv", "--version"], check=False).returncode != 0:
        pytest.skip("there is neither a Python of this version nor uv")
    done = _run([sys.executable, "-m", "uv", *words], asked.parent, {})
    if done.returncode != 0:
        assert "No solution found" in done.stderr, done.stderr
        return None
    pins = re.findall(r"^([\w.-]+)(?:\[[^]]*\])?==(\S+)", done.stdout, re.MULTILINE)
    return {canonicalize_name(name): version for name, version in pins}


def _run(
    words: list[str], folder: Path, environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
    return subprocess.run(
        words,
        cwd=folder,
        env={**kept, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=_TIMEOUT_SECONDS,
    )
