"""Bake files: a folder of files with their expected readings, and what holds for any text."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.test_compose import changed

from pipflow_tasks.bake import read_bake_files
from pipflow_tasks.errors import BakeError

CASES = Path(__file__).parents[1] / "data" / "bake"
NAMES = sorted(path.stem for path in CASES.glob("*.json") if "." not in path.stem)
WORDS = ["default", "a", "${A}", "${", "$${", "%{", "x y", "id=a", ""]
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.floats(-9, 9), st.sampled_from(WORDS)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(WORDS), inner, max_size=3)
    ),
    max_leaves=8,
)
TARGET = st.dictionaries(
    st.sampled_from(
        ["inherits", "args", "tags", "context", "dockerfile", "target", "platforms", "secret"]
    ),
    VALUES,
    max_size=4,
)
BLOCKS = st.one_of(VALUES, st.dictionaries(st.sampled_from(WORDS), TARGET, max_size=3))
FILES = st.dictionaries(st.sampled_from(["variable", "group", "target"]), BLOCKS, max_size=3)


def reading_of(texts: dict[str, str], environment: dict[str, str]) -> Any:
    """Give what a case file holds under `expected`."""
    try:
        return changed(read_bake_files(texts.items(), environment))
    except BakeError as error:
        return {"error": {"path": error.path, "message": error.message}}


@pytest.mark.parametrize("name", NAMES)
def test_reads_as_expected(name: str) -> None:
    """Every bake file of the folder reads as its JSON file says."""
    case = json.loads((CASES / f"{name}.json").read_text("utf-8"))
    paths = sorted(CASES.glob(f"{name}.bake*.json"), key=lambda path: len(path.name))
    texts = {path.name: path.read_text("utf-8") for path in paths}

    actual = reading_of(texts, case.get("environment", {}))

    assert case["expected"] == actual


@given(st.one_of(st.text(max_size=20), FILES.map(json.dumps)))
def test_any_text_is_read_or_refused(text: str) -> None:
    """The reader raises nothing but BakeError, whatever it is given."""
    read = reading_of({"docker-bake.json": text, "docker-bake.override.json": text}, {"A": "a"})

    assert "error" not in read or read["error"]["path"] in {
        "docker-bake.json",
        "docker-bake.override.json",
    }


def test_deep_nesting_is_refused() -> None:
    """A file that is nested without end is refused, too."""
    error = reading_of({"docker-bake.json": "[" * 100_000}, {})["error"]

    assert error["path"] == "docker-bake.json"
