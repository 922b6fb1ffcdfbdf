"""A month of a project: thirty commands in turn, on one repository, one index and one engine."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import sys
import time
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal

import msgspec
import yaml
from engine.images import RunInImage, image_id, require_image, run
from functional.temporary_project import Finished, TemporaryProject
from loopback_index import LoopbackIndex
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

STORY = Path(__file__).parents[1] / "data" / "month" / "days.yaml"
LIST = """\
import json
from importlib.metadata import distributions
print(json.dumps({each.metadata["Name"]: each.version for each in distributions()}))
"""
BASE = {"pip", "setuptools", "wheel"}
READING = {"check", "outdated", "why", "why-not"}


class Day(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A day; the README beside the story says what the fields are."""

    day: str
    released: dict[str, dict[str, Any] | None] = {}
    write: dict[str, str] = {}
    run: str
    killed_at: str = ""
    status: int = 0
    diff: str = ""
    says: str = ""
    images: Literal["built", "not built", "perhaps built"] = "built"


DAYS = msgspec.convert(yaml.safe_load(STORY.read_text("utf-8")), list[Day])


def test_month(
    project: TemporaryProject, index: LoopbackIndex, image_name: str, run_in_image: RunInImage
) -> None:
    """Each day's command changes the lines that it must, ends as it must, and the images agree."""
    assert len(DAYS) == 30
    require_image("python:3.9-slim")  # the worker's
    beside = Path(sys.executable).parent  # where `pipflow` is, for what is pasted
    project.environment["PATH"] = f"{beside}{os.pathsep}{project.environment['PATH']}"
    project.write("compose.yaml", project.read("compose.yaml").replace("app:", "web:"))
    git(project, "init", "--quiet")
    look = cache(partial(installed, run_in_image=run_in_image))
    undo = ""
    for number, day in enumerate(DAYS, 1):
        begin(day, project, index, image_name)
        planned = preview(day, project)
        done = act(day, project, index, undo)
        about = f"day {number}: {day.day}\n$ {day.run}\n{done.output}"
        assert done.status == day.status, about
        assert day.says in done.output, about
        assert changed_lines(project) == day.diff, about
        if done.status == 0:
            assert [pin_at(project, change) for change in planned] == [
                (change["project"], change["to"]) for change in planned
            ], about
        for image, pins, is_locked in images_of(project) if day.images == "built" else ():
            found = look(image_id(image))
            assert found.items() >= pins.items(), about
            assert not is_locked or found.keys() == pins.keys(), about
        undo = undo_of(done.stdout)


def begin(day: Day, project: TemporaryProject, index: LoopbackIndex, image_name: str) -> None:
    """Publish what comes out, write what people write, and commit it."""
    for release, what in day.released.items():
        index.add(*release.split(), **(what or {}))
    for path, text in day.write.items():
        project.write(path, text.replace("INDEX", index.url).replace("IMAGE", image_name))
    if day.run != "undo":
        git(project, "add", "--all")
        git(project, "commit", "--quiet", "--allow-empty", "--message", day.day)


def preview(day: Day, project: TemporaryProject) -> list[dict[str, Any]]:
    """Return the pins that a dry run says would be written; its report as JSON must be valid."""
    if day.run == "undo":
        return []
    command = day.run.partition(" --format ")[0]
    task, *words = (word.removeprefix("deps.") for word in shlex.split(command)[1:])
    dry = [] if task in READING else ["--dry-run"]
    done = project.pipflow(task, *(word for word in words if word != "test"), *dry, "--format=json")
    assert done.status == (day.status if day.status in {1, 2} else 0), done.output
    return [each for each in done.report["changes"] if dry and each["to"]]


def act(day: Day, project: TemporaryProject, index: LoopbackIndex, undo: str) -> Finished:
    """Run the command of a day; `undo` is the one to paste."""
    if day.run == "undo":
        return project.run_words(["sh", "-c", undo])
    program, *words = shlex.split(day.run)
    if not day.killed_at:
        return project.invoke(*words) if program == "invoke" else project.pipflow(*words)
    with project.started(*words) as running:
        while not any(each.path.endswith(day.killed_at) for each in index.requests):
            assert not running.has_ended, running.finish().output
            time.sleep(0.05)
        running.send(signal.SIGKILL)
        return running.finish()


def undo_of(stdout: str) -> str:
    """Return the command that a report ends with, or nothing."""
    found = re.search(r"^undo +(.*)$", stdout, re.MULTILINE)
    return found[1] if found else ""


def git(project: TemporaryProject, *words: str) -> str:
    """Run git in the project, as somebody."""
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    return run("git", "-C", str(project.folder), *who, *words)


def changed_lines(project: TemporaryProject) -> str:
    """Return what differs from the last commit: each file, and its lines that went and came."""
    lines: list[str] = []
    git(project, "add", "--all", "--intent-to-add")
    for line in git(project, "diff", "--unified=0", "--no-prefix").splitlines():
        if line.startswith("+++ "):
            lines.append(line.removeprefix("+++ "))
        elif line.startswith(("+", "-")) and not line.startswith("--- "):
            lines.append(line)
    return "".join(f"{line}\n" for line in lines)


def pin_at(project: TemporaryProject, change: dict[str, Any]) -> tuple[str, str]:
    """Return the project and the version of the line where a report says that a pin is written."""
    line = project.read(change["file"]).splitlines()[change["line"] - 1]
    name, version = pin_of(line)
    return name, version


def pin_of(line: str) -> tuple[str, str]:
    """Return the project and the version of a pin."""
    requirement = Requirement(line.partition("  #")[0])
    (specifier,) = requirement.specifier
    return canonicalize_name(requirement.name), specifier.version


def images_of(project: TemporaryProject) -> Iterator[tuple[str, dict[str, str], bool]]:
    """Yield each image, the pins of the file that it installs, and whether that file is locked."""
    for service in yaml.safe_load(project.read("compose.yaml"))["services"].values():
        dockerfile = project.read(service["build"].get("dockerfile", "Dockerfile"))
        lines = [*lines_of(project, dockerfile.split(" -r ")[1].split()[0])]
        is_locked = any("# via " in line for line in lines)
        yield service["image"], dict(map(pin_of, lines)), is_locked


def lines_of(project: TemporaryProject, name: str) -> Iterator[str]:
    """Yield the requirements of a file and of those that it includes."""
    for line in project.read(name).splitlines():
        if line.startswith("-r "):
            yield from lines_of(project, line.removeprefix("-r "))
        elif line and not line.startswith("#"):
            yield line


def installed(image: str, *, run_in_image: RunInImage) -> dict[str, str]:
    """Return the packages of an image and their versions, but for those of the base image."""
    done = run_in_image(image, "python", "-c", LIST)
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return {canonicalize_name(name): version for name, version in found.items() if name not in BASE}
