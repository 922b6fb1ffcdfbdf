"""Environments: found in a project's files by functions that hand values on."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest

from pipflow_tasks.environments.discovery import Discovery, builder_for, find_builds
from pipflow_tasks.environments.environment import (
    Environment,
    complete_manifest,
    find_environments,
)
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


def environments_of(root: Path, settings: Settings) -> tuple[Environment, ...]:
    found = discover(root, settings)
    manifest = read_manifest(found.library, settings.files, VARIABLES)
    return find_environments(
        find_targets(found, settings, VARIABLES),
        manifest,
        settings,
        library=found.library,
        now=datetime(2030, 1, 1, tzinfo=timezone.utc),
        pip=PipSettings(index_url="https://index.example/simple/"),
        variables=VARIABLES,
    )


def environment_of(root: Path, settings: Settings) -> Environment:
    (environment,) = environments_of(root, settings)
    return environment


def lines_of(root: Path, settings: Settings) -> dict[str, list[str]]:
    """Return what each environment reads of the project's files, by its name."""
    found = discover(root, settings)
    manifest = read_manifest(found.library, settings.files, VARIABLES)
    completed = {
        each.name: complete_manifest(manifest, each, found.library, VARIABLES, None)
        for each in environments_of(root, settings)
    }
    return {
        name: [line.content for line in each.lines if line.content]
        for name, each in completed.items()
    }


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


def test_equal_environments_of_services_are_one(services: Path) -> None:
    """Services that install the same into equal images are one environment of the first's name."""
    (services / "compose.yaml").write_text(COMPOSE.replace("job/Dockerfile", "web/Dockerfile"))

    found = environment_of(services, Settings(file="base.txt"))

    assert found.name == "web"
    assert [build.recipe.service for build in found.builds] == ["web", "job"]


def test_services_are_environments(services: Path) -> None:
    """Services that install files of their own are environments, each with what it includes."""
    web, job = environments_of(services, Settings(file="web.txt,job.txt"))

    assert (web.name, job.name) == ("web", "job")
    assert web.files == {services / "web.txt", services / "base.txt"}
    assert job.files == {services / "job.txt", services / "base.txt"}
    assert (web.within, job.within) == ("", "")


def test_services_with_different_pythons_are_environments(services: Path) -> None:
    """One file that services install with different Pythons has an environment for each."""
    dockerfile = services / "job" / "Dockerfile"
    dockerfile.write_text(dockerfile.read_text().replace("3.9", "3.12"))

    web, job = environments_of(services, Settings(file="base.txt"))

    assert (web.target.python, job.target.python) == ("3.9", "3.12")
    assert web.files == job.files == {services / "base.txt"}


STAGES = """\
FROM python:3.9-slim AS base
COPY *.txt ./
RUN pip install -r base.txt
FROM base AS cpu
RUN pip install --index-url https://cpu.example/simple/ -r cpu.txt
FROM python:3.12-slim AS gpu
COPY *.txt ./
RUN pip install -r base.txt -r gpu.txt gpu-driver
"""


@pytest.fixture
def stages(root: Path) -> Path:
    """Give two stages a file each, beside one that both install."""
    (root / "Dockerfile").write_text(STAGES)
    (root / "cpu.txt").write_text("-c limits.txt\nbb==1\n")
    (root / "limits.txt").write_text("cc<2\n")
    (root / "gpu.txt").write_text("--extra-index-url https://gpu.example/simple/\nbb==2\n")
    return root


def test_stages_are_environments(stages: Path) -> None:
    """Stages that install files of their own are environments with rules of their own."""
    cpu, gpu = environments_of(stages, Settings(file="base.txt,cpu.txt,gpu.txt"))

    assert (cpu.name, cpu.target.python) == ("Dockerfile#cpu", "3.9")
    assert (gpu.name, gpu.target.python) == ("Dockerfile#gpu", "3.12")
    assert cpu.files == {stages / "base.txt", stages / "cpu.txt"}
    assert gpu.files == {stages / "base.txt", stages / "gpu.txt"}
    assert [step.place for step in cpu.steps] == ["Dockerfile:3", "Dockerfile:5"]
    assert [step.place for step in gpu.steps] == ["Dockerfile:8"]
    assert "https://gpu.example/simple/" not in cpu.rules.index_urls
    assert "https://gpu.example/simple/" in gpu.rules.index_urls
    assert "https://cpu.example/simple/" not in gpu.rules.index_urls
    assert [line.content for line in gpu.packages] == ["gpu-driver"]
    assert cpu.packages == ()


def test_manifest_of_an_environment_has_its_files_alone(stages: Path) -> None:
    """What limits or precedes the lines of one environment's file is not in another's manifest."""
    settings = Settings(file="base.txt,cpu.txt,gpu.txt")
    found = discover(stages, settings)
    manifest = read_manifest(found.library, settings.files, VARIABLES)
    cpu, gpu = (
        complete_manifest(manifest, each, found.library, VARIABLES, None)
        for each in environments_of(stages, settings)
    )

    assert [*cpu.requirements] == ["base.txt", "cpu.txt"]
    assert [*gpu.requirements] == ["base.txt", "gpu.txt"]
    assert [*cpu.constraints] == ["limits.txt"]
    assert [*gpu.constraints] == []
    assert [line.place for line in gpu.find("bb")] == ["gpu.txt:2"]


def test_file_that_nothing_installs_counts_for_each(stages: Path) -> None:
    """A file of the project that no environment installs belongs to each of them."""
    (stages / "more.txt").write_text("-r cpu.txt\ndd==1\n")

    read = lines_of(stages, Settings(file="more.txt,base.txt,gpu.txt"))

    assert read["Dockerfile#gpu"][:2] == ["-r cpu.txt", "dd==1"]
    assert "bb==1" not in read["Dockerfile#gpu"]
    assert "bb==1" in read["Dockerfile#cpu"]


def test_environment_within_another_is_marked(root: Path) -> None:
    """An environment that has less than one with the same target and rules names that one."""
    (root / "dev.txt").write_text("bb==1\n")
    (root / "Dockerfile").write_text(
        "FROM python:3.9-slim AS base\nCOPY *.txt ./\nRUN pip install -r requirements.txt\n"
        "FROM base AS dev\nRUN pip install -r dev.txt\nFROM base AS prod\n"
    )

    dev, prod = environments_of(root, Settings(file="requirements.txt,dev.txt"))

    assert (dev.name, dev.within) == ("Dockerfile#dev", "")
    assert (prod.name, prod.within) == ("Dockerfile#prod", "Dockerfile#dev")
    assert prod.files == {root / "requirements.txt", root / "base.txt"}


def test_venv_that_is_copied_is_one_environment(root: Path) -> None:
    """A stage that copies a venv and installs into it continues the environment."""
    (root / "dev.txt").write_text("bb==1\n")
    (root / "Dockerfile").write_text(
        "FROM python:3.9-slim AS build\nRUN python -m venv /opt/venv\nCOPY *.txt ./\n"
        "RUN /opt/venv/bin/pip install -r requirements.txt\n"
        "FROM python:3.9-slim\nCOPY --from=build /opt/venv /opt/venv\nCOPY dev.txt ./\n"
        "RUN /opt/venv/bin/pip install -r dev.txt\n"
    )

    found = environment_of(root, Settings(file="requirements.txt,dev.txt"))

    assert (found.name, len(found.steps)) == ("Dockerfile", 2)
    assert len(found.files) == 3


def test_pythons_of_one_stage_are_environments(root: Path) -> None:
    """Two Pythons that one stage installs into are environments with names of their own."""
    (root / "dev.txt").write_text("bb==1\n")
    (root / "Dockerfile").write_text(
        "FROM debian:12\nRUN apt-get install -y python3.11 && uv python install 3.13\n"
        "COPY *.txt ./\nRUN python3.11 -m pip install -r requirements.txt aa-tool\n"
        "RUN uv pip install --python 3.13 -r dev.txt\n"
        "RUN uv pip install --python 3.13 bb-tool\n"
    )

    found = environments_of(root, Settings(file="requirements.txt,dev.txt"))

    assert {each.target.python for each in found} == {"3.11.2", "3.13"}
    assert len({each.name for each in found}) == 2
    packages = {each.target.python: [line.name for line in each.packages] for each in found}
    assert packages == {"3.11.2": ["aa-tool"], "3.13": ["bb-tool"]}


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


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (DOCKERFILE.replace("3.9", "3.12"), "have different images"),
        (DOCKERFILE + "RUN pip install bb\n", "install different things with it"),
    ],
)
def test_dockerfiles_that_differ_are_asked_for(root: Path, other: str, said: str) -> None:
    """With Dockerfiles that differ and are not named, the error says which setting to write."""
    (root / "Dockerfile").rename(root / "Dockerfile.a")
    (root / "Dockerfile.b").write_text(other)

    with pytest.raises(DockerfileError, match=said) as caught:
        environments_of(root, Settings())

    assert "set `dockerfile: Dockerfile.a` or `dockerfile: Dockerfile.b`" in caught.value.hint
    assert "`dockerfile: Dockerfile.a,Dockerfile.b`" in caught.value.hint
    found = environments_of(root, Settings(dockerfile="Dockerfile.a,Dockerfile.b"))
    assert [each.name for each in found] == ["Dockerfile.a", "Dockerfile.b"]


def test_dockerfiles_that_are_equal_are_one(root: Path) -> None:
    """Dockerfiles that are not named and make equal environments are one; the first is built."""
    (root / "Dockerfile").rename(root / "Dockerfile.a")
    (root / "Dockerfile.b").write_text(DOCKERFILE)

    found = environment_of(root, Settings())

    assert [build.recipe.path for build in found.builds] == ["Dockerfile.a", "Dockerfile.b"]
    assert "Dockerfile.b installs the file, too" in found.notices[0]


def test_python_of_each_environment(services: Path) -> None:
    """A value by environment is that of the environment alone, and a stage may have its own."""
    settings = Settings.from_mapping(
        {
            "file": "web.txt,job.txt",
            "python": {"job": "3.12"},
            "platform": "web=linux/arm64,job=linux/amd64",
        }
    )

    web, job = environments_of(services, settings)

    assert (web.target.python, job.target.python) == ("3.9", "3.12")
    assert [each.name for each in web.target.platforms] == ["linux/arm64"]
    assert [each.name for each in job.target.platforms] == ["linux/amd64"]


def test_bake_targets_are_environments(root: Path) -> None:
    """Targets of a bake file are environments of their names; equal ones are one."""
    (root / "Dockerfile").write_text(DOCKERFILE.replace("3.9", "$PYTHON", 1))
    (root / "Dockerfile").write_text(f"ARG PYTHON\n{(root / 'Dockerfile').read_text()}")
    (root / "docker-bake.json").write_text(
        """{"group": {"default": {"targets": ["old", "new", "next"]}}, "target": {
        "old": {"args": {"PYTHON": "3.9"}}, "new": {"args": {"PYTHON": "3.12"}},
        "next": {"args": {"PYTHON": "3.12"}}}}"""
    )

    old, new = environments_of(root, Settings())

    assert (old.name, old.target.python) == ("old", "3.9")
    assert (new.name, new.target.python) == ("new", "3.12")
    assert [build.recipe.bake for build in new.builds] == ["new", "next"]


def test_stages_that_share_a_base_and_install_no_more_are_one(root: Path) -> None:
    """A stage that the built one copies from is no environment of its own with the same base."""
    (root / "Dockerfile").write_text(
        DOCKERFILE.replace("slim", "slim AS base")
        + "FROM base AS assets\nRUN make assets\n"
        + "FROM base\nCOPY --from=assets /assets /assets\nRUN pip install bb\n"
    )

    assets, final = environments_of(root, Settings())

    assert (assets.name, assets.within) == ("Dockerfile#assets", final.name)
    assert [line.name for line in final.packages] == ["bb"]
