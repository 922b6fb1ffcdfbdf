"""What the tests of faults share: how much time there is, and counts added up at the end."""

from __future__ import annotations

import os

import pytest
from faults.counts import PROPERTY, Counts

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
