"""Project shapes: what is found in a project without any setting, and what is asked for.

Each folder of ``tests/data/projects`` says what a user would expect; see the README there.
"""

from __future__ import annotations

import os
import shutil
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pipflow_tasks import PipflowError, Project, Settings
from pipflow_tasks.environments.environment import find_environments
from pipflow_tasks.environments.target import find_targets
from pipflow_tasks.index.pip_settings import PipSettings
from pipflow_tasks.manifest.reading import read_manifest
from pipflow_tasks.roots import find_project, folders_upward

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from pipflow_tasks.environments.build import Build
    from pipflow_tasks.target import Target

PROJECTS = Path(__file__).parents[1] / "data" / "projects"
SHAPES = sorted(path.parent for path in PROJECTS.glob("*/expected.toml"))
ENVIRONMENT = {"PATH": "", "HOME": "", "PIP_CONFIG_FILE": os.devnull}


def read_expected(shape: Path) -> dict[str, Any]:
    """Return what a shape expects."""
    return tomllib.loads((shape / "expected.toml").read_text("utf-8"))


def find(project: Project, top: Path, dockerfile: str = "") -> dict[str, Any]:
    """Return what a project finds, in the words of ``expected.toml``.

    Of several builds of one environment, the one of that Dockerfile is described.
    """
    discovery, target = project.image, project.target
    found: dict[str, Any] = {
        "file": os.path.relpath(project.settings.files[0], top),
        "python": ".".join(target.python.split(".")[:2]) if discovery.builds else "host",
        "libc": describe_libc(target) if discovery.builds else "host",
        "installer": target.installer,
    }
    if discovery.builds:
        described = [describe(build, top) for build in discovery.builds]
        same = (each for each in described if each["dockerfile"] == dockerfile)
        found |= next(same, described[0])
    return found


def find_all(project: Project, top: Path) -> list[dict[str, Any]]:
    """Return the environments of a project, in the words of ``expected.toml``."""
    discovery = project.image
    manifest = read_manifest(discovery.library, project.settings.files, ENVIRONMENT)
    found = find_environments(
        find_targets(discovery, project.settings, ENVIRONMENT),
        manifest,
        project.settings,
        library=discovery.library,
        now=datetime(2026, 11, 28, tzinfo=timezone.utc),
        pip=PipSettings(index_url="https://packages.example.com/simple/"),
        variables=ENVIRONMENT,
    )
    return [
        {
            "name": each.name,
            "python": ".".join(each.target.python.split(".")[:2]),
            "files": sorted(os.path.relpath(path, top) for path in each.files),
            "builds": [build.recipe.service or build.recipe.path for build in each.builds],
            "within": each.within,
        }
        for each in found
    ]


def describe_libc(target: Target) -> str:
    """Return the libc of a target, unless it is only assumed."""
    return "unknown" if target.libc_is_assumed else target.libc or "unknown"


def describe(build: Build, top: Path) -> dict[str, Any]:
    """Return where a build installs its file."""
    recipe = build.recipe
    step = next(iter(build.steps), None)
    return {
        "dockerfile": os.path.relpath(recipe.path, top),
        "context": os.path.relpath(recipe.context, top),
        "service": recipe.service,
        "line": None if step is None else step.line,
    }


def check_facts(project: Project, facts: list[dict[str, Any]]) -> None:
    """Check what `check --explain` says of the facts that hold besides, without an index."""
    explained: dict[str, list[str]] = {}
    for origin in project.plan_check(offline=True, explain=True).origins:
        explained.setdefault(origin.part, []).append(origin.value)
    for fact in facts:
        for part, values in fact.get("explained", {}).items():
            assert [each for each in values if each not in explained.get(part, [])] == [], explained


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_shape(shape: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is expected of the shape is found, or asked for, without an engine."""
    expected = read_expected(shape)
    root = tmp_path / "shape"
    shutil.copytree(shape, root, ignore=shutil.ignore_patterns("expected.toml"))
    (root / ".git").mkdir()
    monkeypatch.setenv("PATH", "")
    monkeypatch.chdir(root / expected.get("folder", "."))
    found, said, named = {}, "", []
    settings = Settings.from_mapping(expected.get("settings", {}))
    try:
        folder = find_project(folders_upward(Path.cwd()), ["requirements.txt"])
        with Project.open(folder, settings, ENVIRONMENT) as project:
            if "environment" not in expected:
                named = find_all(project, root)
            found = find(project, root, expected.get("environment", {}).get("dockerfile", ""))
            check_facts(project, expected.get("also", []))
    except PipflowError as error:
        said = str(error)
    if "question" in expected:
        words = (expected["question"]["setting"], *expected["question"]["names"])
        assert (found, [word for word in words if word not in said]) == ({}, [])
    elif "environments" in expected:
        all_wanted = [{"within": "", **each} for each in expected["environments"]]
        assert (said, named) == ("", all_wanted)
    else:
        wanted = {name: value for name, value in expected["environment"].items() if name in found}
        assert (said, {name: found[name] for name in wanted}) == ("", wanted)
        assert wanted
