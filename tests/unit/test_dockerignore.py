"""Ignore files: what the builder gets to see; tests/engine asks a real one the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipflow_tasks.dockerfile import hidden_by

IGNORED: list[tuple[str, dict[str, int | None]]] = [
    ("*.txt\n", {"requirements.txt": 1, "app/requirements.txt": None}),
    ("**/*.txt\n", {"requirements.txt": 1, "app/deep/requirements.txt": 1}),
    ("**\n!requirements.txt\n", {"requirements.txt": None, "app/x.py": 1}),
    ("*\n!app/requirements.txt\n", {"app/requirements.txt": None, "app/x.py": 1}),
    ("requirements.txt\n!*.txt\n*.txt\n", {"requirements.txt": 3}),
    ("# requirements.txt\n\n  requirements.txt  \n", {"requirements.txt": 3}),
    ("/requirements.txt\n", {"requirements.txt": 1}),
    ("./app/\n", {"app/requirements.txt": 1, "apps/requirements.txt": None}),
    ("app\n!app/requirements.txt\n", {"app/requirements.txt": None, "app/x.py": 1}),
    ("requirements-?.txt\n", {"requirements-a.txt": 1, "requirements-ab.txt": None}),
    ("requirements-[ab].txt\n", {"requirements-a.txt": 1, "requirements-c.txt": None}),
    ("requirements-[^ab].txt\n", {"requirements-a.txt": None, "requirements-c.txt": 1}),
    ("a/**/b.txt\n", {"a/b.txt": 1, "a/x/y/b.txt": 1, "b.txt": None}),
    ("**/requirements\n", {"app/requirements/base.txt": 1, "requirements.txt": None}),
    ("Requirements.txt\n", {"requirements.txt": None}),
    ("requirements\\.txt\n", {"requirements.txt": 1}),
    ("REQUIREMENTS.TXT\nrequirements.txt ", {"requirements.txt": 2}),
]


@pytest.mark.parametrize(("text", "expected"), IGNORED, ids=[text for text, _ in IGNORED])
def test_hides(text: str, expected: dict[str, int | None]) -> None:
    """The last pattern that matches a path, or a folder above it, decides."""
    assert {path: hidden_by(text, path) for path in expected} == expected


@given(st.text(alphabet="*?[]!^a-/.\\#\n "), st.text(alphabet="ab/.", min_size=1))
def test_any_text_is_read(text: str, path: str) -> None:
    """Whatever stands in the file, a line of it hides a path, or none."""
    line = hidden_by(text, path)
    assert line is None or 1 <= line <= len(text.splitlines())
