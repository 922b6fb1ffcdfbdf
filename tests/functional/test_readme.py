"""The README's commands are run as they stand, and the first one says what the README shows."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from functional.temporary_project import COMPOSE_V2, TemporaryProject
from loopback_index import LoopbackIndex

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
FIRST, *OTHERS = re.findall(r"^```console\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
COMPOSE = "services:\n  app:\n    build: .\n"


@pytest.fixture(autouse=True)
def _fill(project: TemporaryProject, index: LoopbackIndex) -> None:
    for name in ("flask", "idna", "urllib3"):
        index.add(name, "1.0")
        index.add(name, "2.0")
    index.add("requests", "2.32.5")
    index.add("requests", "2.34.2", requires_python=">=3.10")
    project.write("compose.yaml", COMPOSE)


def test_first_example(project: TemporaryProject) -> None:
    """What the README begins with is what the program prints."""
    git = shutil.which("git")
    if git is None:
        pytest.skip("there is no git")
    (project.programs / "git").symlink_to(git)
    project.requirements = "# the web\nflask==2.0\nidna==2.0\nurllib3==2.0\n"
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "Begin"]):
        who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
        subprocess.run([git, *who, *words], cwd=project.folder, check=True)
    project.stand_in("docker", COMPOSE_V2)
    command, _, expected = FIRST.partition("\n")
    prompt, program, *words = shlex.split(command)
    assert (prompt, program) == ("$", "pipflow")
    done = project.pipflow(*words)
    assert done.status == 0, done.stderr
    printed = "".join(line for line in done.stdout.splitlines(True) if "built:" not in line)
    assert printed == "".join(line for line in expected.splitlines(True) if "built:" not in line)
    assert "image     built: docker compose build app" in done.stdout


COMMANDS = [
    line.partition("#")[0].removeprefix("$ pipflow ").strip()
    for block in OTHERS
    for line in block.splitlines()
    if line.startswith("$ pipflow ")
]
NAMED = [
    f"{word} {rest}".strip()
    for row in re.findall(r"^\| (`.*?) \| .*\|$", README, re.MULTILINE)
    for word, _, rest in (each.partition(" ") for each in re.findall(r"`([^`]+)`", row))
]


@pytest.mark.parametrize("command", [*COMMANDS, *NAMED])
def test_command(project: TemporaryProject, index: LoopbackIndex, command: str) -> None:
    """Each command that is shown ends with status 0, where what it names is there."""
    for name, version in (("django", "4.2"), ("django", "5.0"), ("urllib3", "2.0")):
        index.add(name, version)
    index.add("requests", "2.32.4")
    project.stand_in("docker", COMPOSE_V2)
    project.requirements = "django==5.0\nflask==1.0\nurllib3==1.0\n"
    if command == "adopt":
        project.requirements = "django==5.0\nurllib3==1.0\n"
    if command.startswith("upgrade "):
        project.requirements = "django==4.2\n"
    if command.startswith("add "):
        project.requirements = "urllib3==1.0\n"
    done = project.pipflow(*shlex.split(command))
    assert done.status == 0, done.output


def test_commands_are_found() -> None:
    """The tables and blocks of the README are read as they are meant."""
    assert len(COMMANDS) >= 4
    assert {name.partition(" ")[0] for name in NAMED} >= {"add", "remove", "upgrade-all", "check"}
