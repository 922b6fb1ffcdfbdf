"""What the functional tests share: an index, and a project whose programs ask it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from functional.temporary_project import TemporaryProject
from loopback_index import LoopbackIndex

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def index() -> Iterator[LoopbackIndex]:
    """Serve an index with nothing in it."""
    with LoopbackIndex() as index:
        yield index


@pytest.fixture
def project(tmp_path: Path, index: LoopbackIndex) -> Iterator[TemporaryProject]:
    """Make a project for python:3.9-slim, without requirements.txt, where no engine is found."""
    project = TemporaryProject(tmp_path, index_url=index.url)
    yield project
    project.close()
