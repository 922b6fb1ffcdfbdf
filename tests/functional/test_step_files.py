"""Files and flags of the install step: overrides, constraints with hashes, which releases count."""

from __future__ import annotations

import pytest
from functional.temporary_project import TemporaryProject
from loopback_index import LoopbackIndex

UV = "FROM python:3.9-slim\n{}COPY . .\nRUN uv pip install --system {} -r requirements.txt\n"
PIP = "FROM python:3.9-slim\n{}COPY . .\nRUN pip install {} -r requirements.txt\n"


@pytest.fixture(autouse=True)
def releases(index: LoopbackIndex) -> None:
    """Serve a project with a pre-release, and one that asks for an old version of it."""
    index.add("lib", "1.0")
    index.add("lib", "2.0")
    index.add("lib", "2.1rc1")
    index.add("top", "1.0")
    index.add("top", "1.1", requires_dist=["lib<2"])


@pytest.mark.parametrize(
    ("before", "flags"),
    [
        ("", "--override overrides.txt"),
        ("", "--overrides=overrides.txt"),
        ("ENV UV_OVERRIDE=overrides.txt\n", ""),
    ],
)
def test_overrides(project: TemporaryProject, before: str, flags: str) -> None:
    """What overrides say replaces what versions ask of these projects."""
    project.write("overrides.txt", "lib==2.0\n")
    project.write("Dockerfile", UV.format(before, flags))
    project.requirements = "lib==2.0\ntop==1.0\n"
    done = project.invoke("deps.upgrade-all")
    assert done.status == 0, done.output
    assert project.requirements == "lib==2.0\ntop==1.1\n"
    project.requirements = "lib==1.0\ntop==1.0\n"
    done = project.invoke("deps.check")
    assert "lib 1.0 does not satisfy ==2.0 (overrides.txt:1)" in done.output


def test_overrides_for_pip_do_not_count(project: TemporaryProject) -> None:
    """Pip has no overrides."""
    project.write("overrides.txt", "lib==2.0\n")
    project.write("Dockerfile", PIP.format("ENV UV_OVERRIDE=overrides.txt\n", ""))
    project.requirements = "lib==1.0\ntop==1.0\n"
    done = project.invoke("deps.upgrade-all", "--only", "top")
    assert done.status == 0, done.output
    assert project.requirements == "lib==1.0\ntop==1.1\n"


def test_overrides_that_are_missing(project: TemporaryProject) -> None:
    """A file of overrides that does not exist is an error that names the step."""
    project.write("Dockerfile", UV.format("", "--override overrides.txt"))
    project.requirements = "lib==1.0\n"
    done = project.invoke("deps.upgrade-all")
    assert done.status == 1
    assert "there is no file overrides.txt, and Dockerfile:3 installs with these" in done.output


@pytest.mark.parametrize("way", ["step", "file"])
def test_constraints_with_hashes(project: TemporaryProject, way: str) -> None:
    """Where a constraint has a hash, pip wants one for each requirement."""
    project.write("constraints.txt", f"other==1.0 --hash=sha256:{'0' * 64}\n")
    project.write("Dockerfile", PIP.format("", "-c constraints.txt" if way == "step" else ""))
    head = "" if way == "step" else "-c constraints.txt\n"
    project.requirements = f"{head}lib==1.0\n"
    done = project.invoke("deps.check")
    assert done.status == 1
    assert "lib has no hash" in done.output
    project.requirements = head
    done = project.invoke("deps.add", "lib")
    assert done.status == 0, done.output
    assert "lib==2.0 \\\n    --hash=sha256:" in project.requirements


def test_constraints_with_hashes_for_uv(project: TemporaryProject) -> None:
    """Uv wants no other hashes for them."""
    project.write("constraints.txt", f"other==1.0 --hash=sha256:{'0' * 64}\n")
    project.write("Dockerfile", UV.format("", "-c constraints.txt"))
    done = project.invoke("deps.add", "lib")
    assert done.status == 0, done.output
    assert project.requirements == "lib==2.0\n"


@pytest.mark.parametrize(
    ("before", "flags", "head", "taken"),
    [
        ("", "--all-releases lib", "", "2.1rc1"),
        ("", "--all-releases :all:", "", "2.1rc1"),
        ("", "--all-releases other", "", "2.0"),
        ("", "--all-releases :all: --only-final lib", "", "2.0"),
        ("ENV PIP_ALL_RELEASES=:all:\n", "", "", "2.1rc1"),
        ("", "", "--all-releases lib\n", "2.1rc1"),
        ("", "--pre", "--only-final=lib\n", "2.0"),
    ],
)
def test_releases_that_count(
    project: TemporaryProject, before: str, flags: str, head: str, taken: str
) -> None:
    """``--all-releases`` and ``--only-final`` say for which projects pre-releases count."""
    project.write("Dockerfile", PIP.format(before, flags))
    project.requirements = head
    done = project.invoke("deps.add", "lib")
    assert done.status == 0, done.output
    assert project.requirements == f"{head}lib=={taken}\n"


@pytest.mark.parametrize(
    ("before", "flags"), [("", "--torch-backend cpu"), ("ENV UV_TORCH_BACKEND=auto\n", "")]
)
def test_backend_of_torch(
    project: TemporaryProject, index: LoopbackIndex, before: str, flags: str
) -> None:
    """Uv's own index for PyTorch is unknown: an error asks for ``index_for``."""
    index.add("torch", "1.0")
    index.add("torch", "1.1")
    project.write("Dockerfile", UV.format(before, flags))
    project.requirements = "torch==1.0\n"
    done = project.invoke("deps.upgrade-all")
    assert done.status == 1
    assert "uv takes torch from an index of its own" in done.output
    settings = {"INVOKE_PIPFLOW_INDEX_FOR": f"torch*={index.url}"}
    done = project.invoke("deps.upgrade-all", environment=settings)
    assert done.status == 0, done.output
    assert project.requirements == "torch==1.1\n"


def test_lowest_versions(project: TemporaryProject) -> None:
    """Uv's ``--resolution lowest`` is named as what does not count."""
    project.write("Dockerfile", UV.format("", "--resolution lowest"))
    project.requirements = "lib==1.0\n"
    done = project.invoke("deps.upgrade-all")
    assert "Dockerfile:3 says --resolution lowest, which does not count" in done.output
