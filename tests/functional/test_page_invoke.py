"""The page about Invoke: each of its examples is a project, and its commands work there."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from functional.temporary_project import ENGINE, TemporaryProject
from loopback_index import LoopbackIndex

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "invoke.md").read_text("utf-8")
README = (ROOT / "README.md").read_text("utf-8")
LIBRARY = (ROOT / "docs" / "library.md").read_text("utf-8")
RECIPES = (ROOT / "docs" / "recipes.md").read_text("utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def examples() -> list[tuple[dict[str, str], list[str]]]:
    """Return the page's examples: files by their names, and the commands that follow them."""
    found: list[tuple[dict[str, str], list[str]]] = []
    for language, text in BLOCK.findall(PAGE):
        if language == "console":
            found[-1][1].extend(line[2:] for line in text.splitlines() if line.startswith("$ "))
            continue
        if not found or found[-1][1]:
            found.append(({}, []))
        name = text.partition("\n")[0].removeprefix("# ")
        found[-1][0][name] = text
    return found


EXAMPLES = examples()


@pytest.mark.parametrize(("files", "commands"), EXAMPLES, ids=range(len(EXAMPLES)))
def test_example_of_the_page(
    project: TemporaryProject, index: LoopbackIndex, files: dict[str, str], commands: list[str]
) -> None:
    """An example's commands end with status 0 in a project that has the example's files."""
    for version in ("2.31.0", "2.32.0"):
        index.add("requests", version)
    project.stand_in("docker", ENGINE)
    for folder in (project.folder, project.folder.parent / "example"):
        folder.mkdir(exist_ok=True)
        (folder / "requirements.txt").write_text("requests==2.31.0\n")
        (folder / "Dockerfile").write_text(project.read("Dockerfile"))
    project.remove("tasks.py")
    for name, text in files.items():
        project.write(name, text)
    for name in ("invoke", "pipflow", "python"):
        module = {"invoke": "-m invoke", "pipflow": "-m pipflow_tasks"}.get(name, "")
        (project.programs / name).write_text(f'#!/bin/sh\nexec {sys.executable} {module} "$@"\n')
        (project.programs / name).chmod(0o755)
    assert commands
    for command in commands:
        done = subprocess.run(
            ["/bin/sh", "-euc", command],
            cwd=project.folder,
            env={**project.environment, "PATH": f"{project.programs}:/usr/bin:/bin"},
            capture_output=True,
            encoding="utf-8",
            check=False,
            timeout=60,
        )
        assert (done.returncode, "Traceback" in done.stderr) == (0, False), (command, done.stderr)
    changed = "requests==2.32.0\n" in (
        project.requirements,
        *(path.read_text() for path in project.folder.glob("services/*/requirements.txt")),
    )
    assert changed or "deps.add requests" in " ".join(commands)


def python_blocks() -> dict[str, str]:
    """Return the Python of the page, of the README and of the library's page, by file names."""
    texts = README + PAGE + LIBRARY + RECIPES
    blocks = [text for language, text in BLOCK.findall(texts) if language == "python"]
    return {f"example_{number}.py": text for number, text in enumerate(blocks)}


@pytest.fixture(scope="module")
def typed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the examples, and with settings for strict checks."""
    folder = tmp_path_factory.mktemp("typed")
    for name, text in python_blocks().items():
        (folder / name).write_text(text)
    (folder / "tasks.py").write_text("def release(c: object) -> None: ...\n")
    (folder / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}')
    return folder


def test_mypy_accepts_the_examples(typed: Path) -> None:
    """What the README and the pages show passes mypy's strict checks."""
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-incremental", *python_blocks()],
        cwd=typed,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_pyright_accepts_the_examples(typed: Path) -> None:
    """It passes pyright's strict checks, but for what Invoke's own `task` leaves untyped."""
    done = subprocess.run(
        [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "--outputjson"],
        cwd=typed,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    report = json.loads(done.stdout)
    assert report["summary"]["filesAnalyzed"] > len(python_blocks())
    untyped = ('Type of "task" is partially unknown', "Untyped function decorator")
    found = [each["message"] for each in report["generalDiagnostics"]]
    assert [message for message in found if not message.startswith(untyped)] == []
