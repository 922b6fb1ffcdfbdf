"""What the tests of faults share: a project, an index, and counts that are added up at the end."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from faults.counts import PROPERTY, Counts

if TYPE_CHECKING:
    pass

IS_NIGHTLY = os.environ.get("PIPFLOW_NIGHTLY") == "1"


@pytest.fixture
def is_nightly() -> bool:
    """Whether there is time for thousands of faults, and not only for some."""
    return IS_NIGHTLY


@pytest.fixture
def counts(request: pytest.FixtureRequest) -> Counts:
    """Count faults; the test fails by ``Counts.details``."""
    counts = Counts()
    request.node.user_properties.append((PROPERTY, counts.values))
    return counts
