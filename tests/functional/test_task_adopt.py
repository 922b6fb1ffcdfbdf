"""``adopt``: one locked file of what another tool wrote, from which the image has the same.

A case is a file ``tests/data/adopt/NAME.json``; ``tests/data/adopt/README.md`` says what it holds.
Another tool is asked what the image gets from the files before and after: that must be the same.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from functional.test_cases import ask
from loopback_index import LoopbackIndex
from tools.recorded_index import load, serve

from pipflow_tasks import Project
from pipflow_tasks.errors import PipflowError
from pipflow_tasks.report.wording import describe_finding
from pipflow_tasks.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).parents[1] / "data" / "adopt"
CASES = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}
ADOPTED = {name: case for name, case in CASES.items() if "lines" in case["expected"]}

INSTALL = "RUN pip install -r requirements.txt"

Case = dict[str, Any]


@pytest.fixture
def case_index(case: Case) -> Iterator[LoopbackIndex]:
    """Serve the projects of the case."""
    with LoopbackIndex() as index:
        index.with_hashes = False
        serve(index, load(FOLDER, [case["projects"]]))
        yield index


@pytest.fixture
def folder(case: Case, tmp_path: Path) -> Path:
    """Write the case's files."""
    install = case.get("install", INSTALL)
    files = {"Dockerfile": [f"FROM {case['image']}", "COPY . .", install], **case["files"]}
    for name, lines in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(f"{line}\n" for line in lines))
    return tmp_path


def open_project(case: Case, folder: Path, index_url: str) -> Project:
    """Open the case's project."""
    settings = Settings(platform="linux/amd64", rebuild="never", file=case.get("file", ""))
    variables = {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": index_url, "PATH": ""}
    return Project.open(folder, settings, variables)


def adopt(case: Case, folder: Path, index_url: str) -> dict[str, Any]:
    """Adopt, and return what a case expects."""
    try:
        with open_project(case, folder, index_url) as project:
            plan = project.plan_adopt(**case.get("arguments", {}))
            project.apply(plan)
    except PipflowError as error:
        return {"error": str(error).splitlines()}
    written = folder / case.get("file", "requirements.txt")
    found = {
        "lines": written.read_text().splitlines(),
        "warnings": list(plan.warnings),
        "hints": list(plan.hints),
        "findings": [f"{describe_finding(each)}; {each.fix}" for each in plan.findings],
    }
    return {key: value for key, value in found.items() if value}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_adopts(case: Case, folder: Path, case_index: LoopbackIndex) -> None:
    """The file, what is warned of and what is said are as expected; an error changes nothing."""
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    found = adopt(case, folder, case_index.url)
    assert case["expected"] == found
    written = folder / case.get("file", "requirements.txt")
    for path, content in before.items():
        assert path.read_bytes() == content or (path == written and "lines" in found)


@pytest.mark.parametrize("case", ADOPTED.values(), ids=ADOPTED)
def test_lock_and_unlock_are_stable(case: Case, folder: Path, case_index: LoopbackIndex) -> None:
    """``lock`` has nothing to change in the result, and ``unlock`` leaves the direct lines."""
    adopt(case, folder, case_index.url)
    if "findings" in case["expected"]:  # done as they say
        (folder / "Dockerfile").write_text(f"FROM {case['image']}\nCOPY . .\n{INSTALL}\n")
    with open_project(case, folder, case_index.url) as project:
        assert project.plan_lock().edits == ()
        project.apply(project.plan_unlock())
        assert project.plan_unlock().edits == ()
    text = (folder / case.get("file", "requirements.txt")).read_text().splitlines()
    assert [line for line in case["expected"]["lines"] if "# via" not in line] == text


@pytest.mark.parametrize("case", ADOPTED.values(), ids=ADOPTED)
def test_image_has_the_same(case: Case, folder: Path, case_index: LoopbackIndex) -> None:
    """Uv, and in the nightly profile pip, takes the same from the result as from the sources."""
    if os.environ.get("PIPFLOW_NIGHTLY") != "1":
        case = {**case, "oracle": "uv"}
    names = [] if "oracle_lines" in case else case.get("compiled", ["requirements.txt"])
    before = case.get("oracle_lines") or [
        line for name in names for line in (folder / name).read_text().splitlines()
    ]
    asked = ask(case, before, folder, case_index.url)
    adopt(case, folder, case_index.url)
    after = (folder / case.get("file", "requirements.txt")).read_text().splitlines()
    assert asked is not None
    assert asked == ask(case, after, folder, case_index.url)
