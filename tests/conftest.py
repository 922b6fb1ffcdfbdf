"""Profiles for the property tests, HYPOTHESIS_PROFILE=nightly searches longer; nobody's keyring.

And what tests of several folders share: an authority for servers with TLS, an index, and a project
whose programs ask it.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from faults.counts import PROPERTY, add_up
from functional.temporary_project import TemporaryProject
from hypothesis import HealthCheck, settings
from loopback_index import LoopbackIndex

os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"
settings.register_profile("default", max_examples=200, deadline=None)
settings.register_profile(
    "nightly",
    max_examples=10_000,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.hookimpl(trylast=True)  # behind the one that marks property tests
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave property tests out of the coverage: tracing them takes longer than they do.

    What they reach, the examples beside them reach too; where there are none, they are traced.
    """
    drawn = [item for item in items if item.get_closest_marker("hypothesis")]
    with_examples = {item.path for item in items if item not in drawn}
    for item in drawn:
        if item.path in with_examples:
            item.add_marker(pytest.mark.no_cover)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the tests of faults have counted."""
    reports = (report for each in terminalreporter.stats.values() for report in each)
    found = [
        value
        for report in reports
        if getattr(report, "when", "") == "call"
        for name, value in report.user_properties
        if name == PROPERTY
    ]
    if line := add_up(found):
        terminalreporter.write_line(f"faults: {line}")


@pytest.fixture(scope="session", autouse=True)
def _state_folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep locks, journals and the cache of what runs here out of the user's folders."""
    os.environ["XDG_STATE_HOME"] = str(tmp_path_factory.mktemp("state"))
    os.environ["PIPFLOW_CACHE_DIR"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture
def authority() -> trustme.CA:
    """Make a certificate authority that nobody trusts."""
    return trustme.CA()


@pytest.fixture
def bundle(authority: trustme.CA, tmp_path: Path) -> str:
    """Write the authority's certificate to a file."""
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


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
