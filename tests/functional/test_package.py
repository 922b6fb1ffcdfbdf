"""What is published: sdist and wheel, what is in them, and that they install."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from functional.real_index import is_reachable
from pythons import find_python

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.online, pytest.mark.xdist_group("package")]
IS_NIGHTLY = os.environ.get("PIPFLOW_NIGHTLY") == "1"


def run(*words: str, folder: Path = ROOT) -> str:
    """Run a program that must not fail; return what it prints."""
    done = subprocess.run(words, cwd=folder, check=False, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the sdist, and the wheel that is built from it."""
    if not is_reachable():
        pytest.skip("the default index can't be reached")
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", str(folder))
    return folder


def test_metadata(built: Path) -> None:
    """An index would take both, and show the README."""
    files = sorted(map(str, built.iterdir()))
    assert len(files) == 2
    printed = run(sys.executable, "-m", "twine", "--no-color", "check", "--strict", *files)
    assert printed.count("PASSED") == 2


def test_contents(built: Path) -> None:
    """The wheel has the package with its types and its schema, the sdist the repository."""
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        names = packed.namelist()
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"pipflow_tasks"}
    assert {"pipflow_tasks/py.typed", "pipflow_tasks/report/report.schema.json"} <= {*names}
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        inside = {name.partition("/")[2].partition("/")[0] for name in archive.getnames()}
    assert inside >= {".ci", ".github", "action.yml", "benchmarks", "docs", "tests", "CHANGELOG.md"}
    assert inside & {".git", ".venv", ".mypy_cache", ".pytest_cache", "dist", "site"} == set()


def test_sdist_has_what_its_tests_need(built: Path, tmp_path: Path) -> None:
    """Who packs it for a distribution can run the tests: each can be loaded, with its files."""
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (folder,) = tmp_path.iterdir()
    pytest_here = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    run(*pytest_here, "--collect-only", folder=folder)
    run(*pytest_here, "tests/unit/test_docs.py", "tests/unit/test_benchmarks.py", folder=folder)


@pytest.mark.parametrize("series", ["here", "3.10", "3.11", "3.12", "3.13", "3.14"])
def test_wheel_installs(built: Path, tmp_path: Path, series: str) -> None:
    """Both commands work in a fresh virtual environment, of each Python that is supported."""
    if not IS_NIGHTLY:
        pytest.skip("takes a minute; set PIPFLOW_NIGHTLY=1")
    (wheel,) = built.glob("*.whl")
    run(find_python(series), "-m", "venv", str(tmp_path / "venv"))
    programs = tmp_path / "venv" / "bin"
    run(str(programs / "pip"), "install", "--quiet", str(wheel))
    assert run(str(programs / "pipflow"), "--version", folder=tmp_path).startswith("pipflow ")
    project = tmp_path / "project"
    project.mkdir()
    (project / "requirements.txt").write_text("idna==3.6\n")
    (project / "Dockerfile").write_text(
        "FROM python:3.12-slim\nCOPY requirements.txt .\n"
        "RUN pip install --no-cache-dir -r requirements.txt\n"
    )
    (project / "tasks.py").write_text(
        "from invoke import Collection\nimport pipflow_tasks\n"
        "namespace = Collection(deps=pipflow_tasks.namespace)\n"
    )
    for words in (("pipflow", "check", "--offline"), ("invoke", "deps.check", "--offline")):
        assert "no problems found" in run(str(programs / words[0]), *words[1:], folder=project)
