"""The pages for users: their commands run as they stand."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest
from functional.real_index import is_reachable
from functional.temporary_project import (
    BUILD_OUTPUT,
    COMPOSE_V2,
    ENGINE,
    Finished,
    TemporaryProject,
    dockerfile,
)
from loopback_index import LoopbackIndex

ROOT = Path(__file__).parents[2]
START = (ROOT / "docs" / "index.md").read_text("utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def follow(project: TemporaryProject, page: str) -> None:
    """Write the files of a page, run its commands, and compare what files become."""
    for language, text in BLOCK.findall(page):
        name, _, content = text.partition("\n")
        if language == "console":
            for line in text.splitlines():
                prompt, program, *words = shlex.split(line)
                assert (prompt, program) == ("$", "pipflow")
                done = project.pipflow(*words)
                assert done.status == 0, done.output
        elif name.endswith(" becomes"):
            assert project.read(name.removeprefix("# ").removesuffix(" becomes")) == content
        else:
            project.write(name.removeprefix("# "), content)


@pytest.fixture
def _index(index: LoopbackIndex) -> None:
    for name, versions in {
        "requests": ("1.0", "2.0"),
        "flask": ("2.0", "3.0"),
        "django": ("4.2", "5.2"),
        "idna": ("3.0",),
    }.items():
        for version in versions:
            needs = ["idna"] if name == "requests" else []
            index.add(name, version, requires_dist=needs)


@pytest.mark.usefixtures("_index")
def test_getting_started(project: TemporaryProject) -> None:
    """The files of the page and its commands, one after another, give what the page says."""
    docker = project.stand_in("docker", COMPOSE_V2)
    project.remove("tasks.py")
    follow(project, START)
    assert project.requirements == (
        "django==4.2  # pipflow: <5\nidna==3.0  # via requests\nrequests==2.0\n"
    )
    assert len(docker.built) == 3  # by add twice, and by lock


RECIPES = (ROOT / "docs" / "recipes.md").read_text("utf-8")
FIRST, *SECTIONS = re.split(r"^## ", RECIPES, flags=re.MULTILINE)
TRIED = [section for section in SECTIONS if "```console" in section]


def title_of(section: str) -> str:
    """Return the heading of a section."""
    return section.partition("\n")[0]


@pytest.mark.parametrize("section", TRIED, ids=title_of)
def test_recipe(project: TemporaryProject, index: LoopbackIndex, section: str) -> None:
    """The commands of a recipe make the files that it shows of those that it begins with."""
    for name, version, needs in (
        ("flask", "3.0", ["click"]),
        ("click", "8.1.7", []),
        ("requests", "2.31.0", []),
        ("requests", "2.32.0", []),
        ("requests", "3.0", []),
        ("pytest", "7.4.4", []),
        ("pytest", "8.0", []),
    ):
        if not (version == "3.0" and name == "requests" and "<3" not in section):
            index.add(name, version, requires_dist=needs)
    project.stand_in("docker", {"version": 0, "build": 0})
    project.remove("tasks.py")
    project.environment["INDEX"] = index.url
    project.requirements = ""
    follow(project, FIRST + section)


def test_recipes_are_found() -> None:
    """The sections are read as they are meant."""
    assert len(TRIED) >= 6


REPORTS = (ROOT / "docs" / "reports.md").read_text("utf-8")
LARGE = "sentence-transformers"
CONSOLE: list[str] = [text for language, text in BLOCK.findall(REPORTS) if language == "console"]


def console_with(part: str) -> str:
    """Return the commands of the page that have a part in them."""
    (found,) = (text for text in CONSOLE if part in text)
    return found


@pytest.fixture
def moving(project: TemporaryProject, index: LoopbackIndex) -> TemporaryProject:
    """A project with what the page about reports shows."""
    index.add("flask", "2.0.1")
    index.add("flask", "3.0.3")
    index.add("flask", "3.1", requires_python=">=3.10")
    for version in ("5.0", "5.1"):
        index.add("celery", version, requires_dist=["redis<5; extra == 'redis'"])
    for version in ("4.0", "5.0"):
        index.add("redis", version)
    for name in ("gunicorn", "rq", "uvloop"):
        index.add(name, "1.0")
    project.requirements = (
        "# web\nFlask==2.0.1\ngunicorn\n\ncelery[redis]==5.0\nredis==4.0\n\nrq\nuvloop>=0.1\n"
    )
    return project


def run_in_shell(project: TemporaryProject, command: str) -> Finished:
    """Run a command as one would in a terminal, with the programs of this machine."""
    (project.programs / "pipflow").write_text(
        f'#!/bin/sh\nexec {sys.executable} -m pipflow_tasks "$@"\n'
    )
    (project.programs / "pipflow").chmod(0o755)
    path = f"{project.programs}:/usr/bin:/bin"
    return project.run_words(["/bin/sh", "-euc", command], environment={"PATH": path})


def test_report_of_the_page(moving: TemporaryProject) -> None:
    """What the page shows of `outdated` is what the program prints, but for the breaks of lines."""
    command, _, expected = console_with("$ pipflow outdated\n").partition("\n")
    done = moving.pipflow(*shlex.split(command)[2:])
    assert done.status == 0, done.stderr
    assert done.stdout.split() == expected.split()


def test_announcement_of_the_page(moving: TemporaryProject) -> None:
    """What the page shows before and behind a build is what the program prints."""
    moving.stand_in("docker", ENGINE)
    command, _, expected = console_with("\nbuilding ").partition("\n")
    done = moving.pipflow(*shlex.split(command)[2:])
    assert done.status == 0, done.stderr
    before, after = expected.split("…\n")
    assert done.stderr == f"{before}{BUILD_OUTPUT}\n"
    assert done.stdout.split()[: len(after.split())] == after.split()


def test_report_for_a_pull_request(moving: TemporaryProject) -> None:
    """The report goes into the file that the next command takes."""
    moving.stand_in("docker", ENGINE)
    github = moving.stand_in("gh", {"pr create": 0})
    for line in console_with("gh pr create").splitlines():
        done = run_in_shell(moving, line.removeprefix("$ "))
        assert done.status == 0, done.output
    assert "| Flask | 2.0.1 | 3.0.3 |" in moving.read("report.md")
    (call,) = github.calls
    assert call.arguments[-1] == "report.md"


def test_report_is_filtered(project: TemporaryProject, index: LoopbackIndex) -> None:
    """The JSON has the keys that the page asks for."""
    if shutil.which("jq") is None:
        pytest.skip("there is no jq")
    for name, version in (("small", "1.0.1"), ("large", "2.0")):
        index.add(name, "1.0")
        index.add(name, version)
    project.requirements = "large==1.0\nsmall==1.0\n"
    done = run_in_shell(project, console_with("| jq ").strip().removeprefix("$ "))
    assert (done.status, done.stdout) == (0, "small\n"), done.stderr


def shape_of(printed: str) -> list[str]:
    """Return the words of a report, without what differs from one release to the next."""
    return re.sub(r"\d[\d.]*", "0", re.sub(r"(?m)^  [\w-]+ ", "  NAME ", printed)).split()


@pytest.mark.online
def test_sizes_of_the_pages(project: TemporaryProject) -> None:
    """What two pages show of a large package is what the program prints, but for the numbers."""
    if not is_reachable():
        pytest.skip("the default index can't be reached")
    building = (ROOT / "docs" / "building.md").read_text("utf-8")
    del project.environment["PIP_INDEX_URL"]
    project.write("Dockerfile", dockerfile("3.12").replace("slim", "slim-bookworm"))
    project.write("invoke.yaml", "pipflow:\n  platform: linux/amd64\n")
    project.requirements = "idna==3.10\n"
    for page, part, status in ((building, "--max-growth", 1), (REPORTS, "\nsize ", 0)):
        (shown,) = (text for _, text in BLOCK.findall(page) if f"$ pipflow add {LARGE}" in text)
        command, _, expected = shown.partition("\n")
        done = project.pipflow(*shlex.split(command)[2:], "--dry-run")
        assert (part in shown, done.status) == (True, status), done.output
        printed = "".join(
            line
            for line in (done.stderr if status else done.stdout).splitlines(keepends=True)
            if not line.startswith(("for ", "image ", "warning"))
        )
        assert shape_of(printed.replace("to add ", "added ")) == shape_of(expected)


LOCKING = (ROOT / "docs" / "locking.md").read_text("utf-8")


@pytest.mark.usefixtures("_index")
def test_locking(project: TemporaryProject) -> None:
    """The commands of the page adopt a frozen file, and several layers."""
    (console,) = (text for language, text in BLOCK.findall(LOCKING) if language == "console")
    project.requirements = "idna==3.0\nrequests==2.0\n"
    project.write("dev.txt", "flask==3.0\n")
    for line in console.splitlines():
        prompt, program, *words = shlex.split(line, comments=True)
        assert (prompt, program) == ("$", "pipflow")
        done = project.pipflow(*words)
        assert done.status == 0, done.output
    assert project.requirements == "idna==3.0  # via requests\nrequests==2.0\n\nflask==3.0\n"


SETTINGS = (ROOT / "docs" / "settings.md").read_text("utf-8")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(project: TemporaryProject, shell: str) -> None:
    """The line for each shell's own file gives it what completes."""
    (text,) = (text for language, text in BLOCK.findall(SETTINGS) if language == "sh")
    (command,) = re.findall(rf"pipflow --completion {shell}\b", text)
    done = project.pipflow(*command.split()[1:])
    assert done.status == 0, done.stderr
    assert "pipflow" in done.stdout


RUN = {
    "README.md": "test_readme.py",
    "docs/building.md": "test_pages.py",
    "docs/index.md": "test_pages.py",
    "docs/invoke.md": "test_page_invoke.py",
    "docs/locking.md": "test_pages.py",
    "docs/recipes.md": "test_pages.py",
    "docs/reports.md": "test_pages.py",
    "docs/settings.md": "test_pages.py",
}
"""The pages with commands, and the tests that run these; `.ci/run` runs those of CONTRIBUTING."""


def test_pages_with_commands() -> None:
    """No page for users has a block of commands that no test runs."""
    pages = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md"))
        if any(
            name in {"console", "sh", "bash"} or text.startswith("$ ")
            for name, text in BLOCK.findall(path.read_text("utf-8"))
        )
    }
    assert pages == RUN.keys()
