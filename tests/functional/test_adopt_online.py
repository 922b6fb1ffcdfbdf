"""On the real index: what uv compiled is adopted, and uv takes the same set from the result.

With PIPFLOW_NIGHTLY=1, in each form that a compiled file may have; else in one.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from functional.real_index import is_reachable
from functional.temporary_project import TemporaryProject, dockerfile
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.online

SOURCES = {
    "flask": "# web\nflask<3.1  # until the move\ngunicorn\n",
    "django": "django~=4.2.0\ndjangorestframework\npsycopg[binary]\n",
    "fastapi": "fastapi\nuvicorn[standard]\npydantic>=2,<2.10\n",
    "celery": "celery[redis]\nrequests[socks]!=2.32.0\nsentry-sdk[flask]\n",
    "data": "pandas<2.2\npyarrow\nmatplotlib\n",
    "tools": "pytest\npytest-cov\nblack\nmypy\n",
    "cloud": "boto3\nhttpx[http2]\njinja2\n",
    "sql": "sqlalchemy[asyncio]>=2,<3\nalembic\naiosqlite\n",
}
FORMS = {
    "compiled": (),
    "hashes": ("--generate-hashes",),
    "universal": ("--universal",),
    "line": ("--annotation-style=line",),
    "frozen": ("--no-annotate", "--no-header"),
}


@pytest.fixture(autouse=True, scope="module")
def _online() -> None:
    if not is_reachable():
        pytest.skip("the default index can't be reached")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give uv a cache of its own."""
    return tmp_path_factory.mktemp("uv")


def compile_with_uv(folder: Path, cache: Path, source: str, *options: str) -> str:
    """Return what uv makes of a file for the image, with its header."""
    words = [
        "pip", "compile", source, "--quiet", "--no-config", "--no-python-downloads",
        "--python-version", "3.11", *options,
    ]  # fmt: skip
    if "--universal" not in options:
        words += ["--python-platform", "x86_64-manylinux_2_36"]
    kept = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-m", "uv", *words],
        cwd=folder,
        env={**kept, "UV_CACHE_DIR": str(cache), "UV_SYSTEM_CERTS": "1"},
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def pins_of(text: str) -> dict[str, str]:
    """Return the versions in what uv printed."""
    found = re.findall(r"^([\w.-]+)(?:\[[^]]*\])?==(\S+)", text, re.MULTILINE)
    return {canonicalize_name(name): version for name, version in found}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("source", SOURCES)
def test_uv_takes_the_same_set(
    project: TemporaryProject, cache: Path, source: str, form: str
) -> None:
    """No version moves, and `lock` has nothing to change in the result."""
    if form != "compiled" and os.environ.get("PIPFLOW_NIGHTLY") != "1":
        pytest.skip("PIPFLOW_NIGHTLY is not set")
    del project.environment["PIP_INDEX_URL"]
    image = dockerfile("3.11").replace("3.11-slim", "3.11-slim-bookworm")
    project.write("Dockerfile", image)
    project.write("invoke.yaml", "pipflow:\n  platform: linux/amd64\n")
    if form != "frozen":
        project.write("requirements.in", SOURCES[source])
    project.write("compiled.in", SOURCES[source])
    text = compile_with_uv(project.folder, cache, "compiled.in", *FORMS[form])
    project.requirements = text.replace("compiled.in", "requirements.in")
    before = pins_of(compile_with_uv(project.folder, cache, "requirements.txt"))
    done = project.invoke("deps.adopt", "--no-rebuild")
    assert done.status == 0, done.output
    after = pins_of(compile_with_uv(project.folder, cache, "requirements.txt"))
    assert before == after
    again = project.invoke("deps.lock", "--no-rebuild")
    assert (again.status, "nothing to change" in again.stdout) == (0, True), again.output
