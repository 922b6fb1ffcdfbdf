"""Environments: found in a project's files by functions that hand values on."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest

from pipflow_tasks.environments.discovery import Discovery, builder_for, find_builds
from pipflow_tasks.environments.environment import Environment, find_environments
from pipflow_tasks.environments.lacking import find_lack
from pipflow_tasks.environments.target import find_targets
from pipflow_tasks.errors import DockerfileError
from pipflow_tasks.index.pip_settings import PipSettings
from pipflow_tasks.manifest.library import Library, read_more
from pipflow_tasks.manifest.reading import read_manifest
from pipflow_tasks.settings import Settings

DOCKERFILE = """\
FROM python:3.9-slim
COPY requirements.txt base.txt ./
RUN pip install --require-hashes -r requirements.txt
"""
COMPOSE = """\
services:
  web: {build: {context: ., dockerfile: web/Dockerfile}}
  job: {build: {context: ., dockerfile: job/Dockerfile}}
"""
VARIABLES = {"PATH": ""}


def discover(root: Path, settings: Settings) -> Discovery:
    library = read_more(Library(root=root, here=root), settings.files, VARIABLES)
    return find_builds(library, settings, VARIABLES)


def environment_of(root: Path, settings: Settings) -> Environment:
    found = discover(root, settings)
    manifest = read_manifest(found.library, settings.files, VARIABLES)
    (environment,) = find_environments(
        find_targets(found, settings, VARIABLES),
        manifest,
        settings,
        library=found.library,
        now=datetime(2030, 1, 1, tzinfo=timezone.utc),
        pip=PipSettings(index_url="https://index.example/simple/"),
        variables=VARIABLES,
    )
    return environment


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "requirements.txt").write_text("-r base.txt\n")
    (tmp_path / "base.txt").write_text("aa==1\n")
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    return tmp_path


@pytest.fixture
def services(root: Path) -> Path:
    """Give each of two services a file of its own, which includes what both install."""
    (root / "compose.yaml").write_text(COMPOSE)
    for name in ("web", "job"):
        (root / name).mkdir()
        (root / f"{name}.txt").write_text("-r base.txt\n")
        (root / name / "Dockerfile").write_text(
            DOCKERFILE.replace("requirements.txt", f"{name}.txt")
        )
    return root


def test_environment_holds_what_an_install_step_says(root: Path) -> None:
    """An environment has the Dockerfile's name, its target, its rules, its sources."""
    found = environment_of(root, Settings())

    assert (found.name, found.target.python) == ("Dockerfile", "3.9")
    assert [step.place for step in found.steps] == ["Dockerfile:3"]
    assert found.sources == {"requirements.txt": "Dockerfile:3"}
    assert found.rules.requires_hashes
    assert found.rules.index_urls == ("https://index.example/simple/",)
    assert [build.recipe.path for build in found.builds] == ["Dockerfile"]
    assert any("platform" in notice for notice in found.target.notes)


@pytest.mark.parametrize(("python", "name"), [("", "host"), ("3.11", "python")])
def test_environment_without_build_has_a_name(root: Path, python: str, name: str) -> None:
    """With nothing to build, the environment is the host's Python, or that of the setting."""
    (root / "Dockerfile").unlink()

    found = environment_of(root, Settings(python=python))

    assert (found.name, found.builds, found.steps) == (name, (), ())


def test_environment_of_services_is_named_by_the_first(services: Path) -> None:
    """Services that install the files with equal targets are one environment."""
    found = environment_of(services, Settings(file="web.txt,job.txt"))

    assert found.name == "web"
    assert [build.recipe.service for build in found.builds] == ["web", "job"]


@pytest.mark.parametrize(
    ("changed", "built"),
    [
        (["web.txt"], ["web"]),
        (["job.txt"], ["job"]),
        (["base.txt"], ["web", "job"]),
        ([], ["web", "job"]),
    ],
)
def test_services_that_install_a_changed_file_are_built(
    services: Path, changed: list[str], built: list[str]
) -> None:
    """The builder comes from the discovery: it builds the services that install a changed file."""
    settings = Settings(file="web.txt,job.txt")
    builder = builder_for(discover(services, settings), changed, settings, VARIABLES)

    assert builder is not None
    assert [*builder.services] == built


def test_dockerfile_that_cannot_be_read_is_told_when_it_counts(root: Path) -> None:
    """A project with a broken Dockerfile is discovered; whoever needs the Dockerfile raises."""
    (root / "Dockerfile").write_text("RUN\n")

    found = discover(root, Settings())

    assert found.builder is not None
    assert isinstance(find_lack(found.builds, (), VARIABLES), DockerfileError)
    with pytest.raises(DockerfileError, match="before the first FROM"):
        find_targets(found, Settings(), VARIABLES)
