"""Advice of ``check``: where it is due, where it is not, and that its lines do what they say.

Each Dockerfile of ``tests/data/advice`` has one rule; see the README there.
"""

from __future__ import annotations

import json
import os
import shutil
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pipflow_tasks import Project, Settings

if TYPE_CHECKING:
    from functional.temporary_project import TemporaryProject

    from pipflow_tasks.plan import Finding, Replacement

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data" / "advice"
NAMES = sorted(path.stem for path in DATA.glob("*.json"))
TODAY = datetime(2026, 11, 29, tzinfo=timezone.utc)
ENVIRONMENT = {"PATH": "", "HOME": "", "PIP_CONFIG_FILE": os.devnull}
MOST_ROUNDS = 10
STILL_THERE = {"INVOKE_PIPFLOW_CODES": "ended-python=ignore"}
"""For programs, which look at the clock: their Python has not ended, whatever the day is."""


def read(name: str) -> dict[str, Any]:
    """Return what is expected of a Dockerfile."""
    expected: dict[str, Any] = json.loads((DATA / f"{name}.json").read_text("utf-8"))
    return expected


def make(folder: Path, name: str) -> Path:
    """Make a project with a Dockerfile and what its steps install; return the Dockerfile."""
    files = {"requirements.txt": "flask==3.0.0\n", "app.py": "", **read(name).get("files", {})}
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")
    return Path(shutil.copyfile(DATA / f"{name}.Dockerfile", folder / "Dockerfile"))


def check(folder: Path, *, now: datetime = TODAY) -> tuple[Finding, ...]:
    """Return what is found in a project without its index."""
    file = next(folder.glob("**/main.txt"), folder / "requirements.txt")
    settings = Settings(file=file.relative_to(folder).as_posix(), platform="linux/amd64")
    with Project.open(folder, settings=settings, environment=ENVIRONMENT, now=now) as project:
        return project.plan_check(offline=True).findings


def paste(dockerfile: Path, replacement: Replacement) -> None:
    """Write lines into a Dockerfile in place of others, as a person would."""
    lines = dockerfile.read_text("utf-8").split("\n")
    lines[replacement.first - 1 : replacement.last] = replacement.lines
    dockerfile.write_text("\n".join(lines), "utf-8")


def describe(finding: Finding) -> str:
    """Return the code and the line of a finding; a hyphen where there are no lines to write."""
    return f"{finding.code} {finding.line}{'' if finding.replacement else ' -'}"


@pytest.mark.parametrize("name", NAMES)
def test_advice(tmp_path: Path, name: str) -> None:
    """What is expected is found, and nothing else."""
    make(tmp_path, name)
    assert [describe(each) for each in check(tmp_path)] == read(name)["expected"], read(name)[
        "rule"
    ]


@pytest.mark.parametrize("name", NAMES)
def test_each_fix_removes_its_advice(tmp_path: Path, name: str) -> None:
    """With the lines of a finding pasted, it is gone, and nothing new is found."""
    dockerfile = make(tmp_path, name)
    found = check(tmp_path)
    for finding in found:
        if finding.replacement is not None:
            make(tmp_path, name)
            paste(dockerfile, finding.replacement)
            left = [each.code for each in check(tmp_path)]
            assert finding.code not in left
            assert set(left) <= {each.code for each in found}


@pytest.mark.parametrize("name", [name for name in NAMES if (DATA / f"{name}.fixed").exists()])
def test_all_fixes_in_turn(tmp_path: Path, name: str) -> None:
    """Whoever pastes until nothing is left to paste gets the file that is meant."""
    dockerfile = make(tmp_path, name)
    for _ in range(MOST_ROUNDS):
        pasteable = [each.replacement for each in check(tmp_path) if each.replacement]
        if not pasteable:
            break
        paste(dockerfile, pasteable[0])
    assert dockerfile.read_text("utf-8") == (DATA / f"{name}.fixed").read_text("utf-8")


def test_every_code_of_advice_has_an_example() -> None:
    """Each code that this package advises with is in a file that shows it, with its fix."""
    text = (ROOT / "docs" / "advice.md").read_text("utf-8")
    explained = {line.split("`")[1] for line in text.splitlines() if line.startswith("## `")}
    shown = {each.split()[0] for name in NAMES for each in read(name)["expected"]}
    assert shown == explained


@pytest.mark.parametrize(
    "day", [datetime(2024, 10, 7, tzinfo=timezone.utc), datetime(2024, 10, 8, tzinfo=timezone.utc)]
)
def test_the_clock_decides(tmp_path: Path, day: datetime) -> None:
    """The last day still counts; from the next one on, the Python has ended."""
    make(tmp_path, "ended-python")
    found = check(tmp_path, now=day)
    assert [each.message for each in found] == (
        ["Python 3.8 reached its end of life on 2024-10-07: it gets no more security fixes"]
        if day.day == 8
        else []
    )


@pytest.mark.parametrize(
    ("day", "expected"), [("2024-10-08", "3.9"), ("2026-05-30", "3.11"), ("2040-01-01", "3.15")]
)
def test_what_goes_on_is_offered(tmp_path: Path, day: str, expected: str) -> None:
    """The next Python that has half a year left, or the newest that is known."""
    make(tmp_path, "ended-python")
    now = datetime.fromisoformat(day).replace(tzinfo=timezone.utc)
    (found, *_) = check(tmp_path, now=now)
    assert found.replacement is not None
    assert found.replacement.lines == (f"FROM python:{expected}-slim",)


@pytest.mark.parametrize(
    "folder", ["single", "compose", "cpu-gpu", "monorepo/services/api", "monorepo/services/web"]
)
def test_examples_get_no_advice(tmp_path: Path, folder: str) -> None:
    """What this repository shows is what it advises."""
    shutil.copytree(ROOT / "examples" / folder, tmp_path, dirs_exist_ok=True)
    found = check(tmp_path)
    assert [f"{each.code} {each.line}" for each in found if each.code != "unpinned"] == []


def test_advice_is_no_failure(project: TemporaryProject) -> None:
    """Advice ends with status 0, below errors and warnings, unless the setting makes it more."""
    make(project.folder, "cache")
    done = project.pipflow("check", "--offline", environment=STILL_THERE)
    assert done.status == 0
    assert done.stdout.splitlines()[1:] == [
        "advice    Dockerfile:4: pip leaves its cache in the image",
        "          fix: write `--no-cache-dir`; or, if BuildKit builds, "
        "`RUN --mount=type=cache,target=/root/.cache/pip`, which keeps downloads for the next "
        "build; write in place of line 4:",
        "            RUN pip install --no-cache-dir -r requirements.txt",
        "1 piece of advice",
    ]
    codes = {"INVOKE_PIPFLOW_CODES": "cache-in-layer=error"}
    assert project.pipflow("check", "--offline", environment=codes).status == 1
    project.requirements = "flask\nlib=1.0\n"
    done = project.pipflow("check", "--offline", environment=STILL_THERE)
    words = [line.split()[0] for line in done.stdout.splitlines() if line[:1].isalpha()]
    assert words[words.index("error") :][:3] == ["error", "warning", "advice"]


def test_lines_that_change_twice_are_said_once(project: TemporaryProject) -> None:
    """The lines of a fix would undo those above; so they come once these are written."""
    project.write("app.py", "")
    project.requirements = "flask==3.0.0\n"
    project.write(
        "Dockerfile", "FROM python:3.13-slim\nCOPY . .\nRUN pip install -r requirements.txt\n"
    )
    shown = project.pipflow("check", "--offline", environment=STILL_THERE).stdout
    assert shown.count("RUN pip install") == 1
    assert "; once the fix above is made, `check` shows the lines" in shown
    report = project.pipflow("check", "--offline", "--format=json", environment=STILL_THERE).report
    assert [each["replacement"] for each in report["findings"]] == [
        {
            "first": 2,
            "last": 3,
            "lines": [
                "COPY requirements.txt ./",
                "RUN pip install -r requirements.txt",
                "COPY . .",
            ],
        },
        {
            "first": 3,
            "last": 3,
            "lines": ["RUN pip install --no-cache-dir -r requirements.txt"],
        },
    ]


def steps_of(project: TemporaryProject, install: str) -> None:
    """Write three steps that leave their cache."""
    for name in "abc":
        project.write(f"{name}.txt", f"{name}==1.0\n")
    steps = "".join(f"COPY {name}.txt .\n{install.format(name)}\n" for name in "abc")
    project.write("Dockerfile", f"FROM python:3.13-slim\n{steps}")


def test_many_steps_keep_their_lines(project: TemporaryProject) -> None:
    """Three steps that leave their cache are named each, with the line to paste."""
    steps_of(project, "RUN pip install -r {}.txt")
    words = ["check", "--offline", "--file=a.txt"]
    text = project.pipflow(*words, environment=STILL_THERE).stdout
    markdown = project.pipflow(*words, "--format=markdown", environment=STILL_THERE).stdout
    for name, line in (("a", 3), ("b", 5), ("c", 7)):
        assert f"advice    Dockerfile:{line}: pip leaves its cache in the image\n" in text
        new = f"RUN pip install --no-cache-dir -r {name}.txt"
        assert f"write in place of line {line}:\n            {new}\n" in text
        assert f"\n  {new}\n" in markdown


def test_many_steps_without_lines_are_one_piece(project: TemporaryProject) -> None:
    """Three steps that leave their cache, for which no lines are known, are said in one line."""
    steps_of(project, "RUN <<EOF\npip install -r {}.txt\nEOF")
    lines = project.pipflow("check", "--offline", "--file=a.txt", environment=STILL_THERE).stdout
    assert (
        "advice    Dockerfile: 3 steps leave pip's cache in the image: line 3, line 7, line 11\n"
        "          fix: write `--no-cache-dir` behind `install`\n"
    ) in lines


def test_other_formats_have_the_lines(project: TemporaryProject) -> None:
    """Markdown has them as code, GitHub in a notice, SARIF in a note."""
    make(project.folder, "cache")
    new = "RUN pip install --no-cache-dir -r requirements.txt"
    markdown = project.pipflow(
        "check", "--offline", "--format=markdown", environment=STILL_THERE
    ).stdout
    assert f"\n  ```dockerfile\n  {new}\n  ```\n" in f"{markdown}\n"
    github = project.pipflow(
        "check", "--offline", "--format=github", environment=STILL_THERE
    ).stdout
    assert github.startswith("::notice file=Dockerfile,line=4,title=cache-in-layer::pip leaves")
    assert f"%0A{new}\n" in github
    sarif = json.loads(
        project.pipflow("check", "--offline", "--format=sarif", environment=STILL_THERE).stdout
    )
    (result,) = sarif["runs"][0]["results"]
    assert (result["level"], result["message"]["text"].splitlines()[-1]) == ("note", new)


def test_inline_dockerfiles_have_no_lines(project: TemporaryProject) -> None:
    """In a compose file, the lines of a Dockerfile are indented: the fix is said in words."""
    project.remove("Dockerfile")
    project.requirements = "flask==3.0.0\n"
    project.write(
        "compose.yaml",
        "services:\n  app:\n    build:\n      context: .\n      dockerfile_inline: |\n"
        "        FROM python:3.13-slim\n        COPY requirements.txt .\n"
        "        RUN pip install -r requirements.txt\n",
    )
    report = project.pipflow("check", "--offline", "--format=json", environment=STILL_THERE).report
    (found,) = report["findings"]
    assert (found["code"], found["line"], found["replacement"]) == ("cache-in-layer", 8, None)
