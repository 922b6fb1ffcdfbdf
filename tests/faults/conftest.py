"""What the tests of faults share: a project, an index, and counts that are added up at the end."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from faults.counts import PROPERTY, Counts
from functional.temporary_project import TemporaryProject
from loopback_index import LoopbackIndex

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

IS_NIGHTLY = os.environ.get("PIPFLOW_NIGHTLY") == "1"


@pytest.fixture
def is_nightly() -> bool:
    """Whether there is time for thousands of faults, and not only for some."""
    return IS_NIGHTLY


@pytest.fixture
def index() -> Iterator[LoopbackIndex]:
    """Serve an index with nothing in it."""
    with LoopbackIndex() as index:
        yield index


@pytest.fixture
def project(tmp_path: Path, index: LoopbackIndex) -> Iterator[TemporaryProject]:
    """Make a project for python:3.9-slim, without requirements.txt."""
    project = TemporaryProject(tmp_path, index_url=index.url)
    yield project
    project.close()


@pytest.fixture
def counts(request: pytest.FixtureRequest) -> Counts:
    """Count faults; the test fails by ``Counts.details``."""
    counts = Counts()
    request.node.user_properties.append((PROPERTY, counts.values))
    return counts
