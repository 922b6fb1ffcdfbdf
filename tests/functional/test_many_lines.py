"""Commands on files of very many lines: their time grows with the lines, and not with the square.

With PIPFLOW_NIGHTLY=1 on 100,000 lines. Whether the pins go together is not asked: that would take
an answer of the index for each.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from loopback_index import LoopbackIndex

from pipflow_tasks import Project, Settings

pytestmark = pytest.mark.no_cover
IS_NIGHTLY = os.environ.get("PIPFLOW_NIGHTLY") == "1"
LINES = 100_000 if IS_NIGHTLY else 4_000

COMMANDS: dict[str, Callable[[Project], object]] = {
    "add": lambda project: project.apply(
        project.plan_add("new other", resolve=False), rebuild="never"
    ),
    "remove": lambda project: project.apply(
        project.plan_remove("p000005", resolve=False), rebuild="never"
    ),
    "check": lambda project: project.plan_check(offline=True),
}


@pytest.fixture(scope="module")
def filled() -> Iterator[LoopbackIndex]:
    """Serve the projects that are added."""
    with LoopbackIndex() as index:
        index.add("new", "1.0")
        index.add("other", "1.0")
        yield index


@pytest.mark.parametrize("command", COMMANDS)
def test_time_grows_with_the_lines(command: str, tmp_path: Path, filled: LoopbackIndex) -> None:
    """Four times the lines take about four times as long, and 100,000 take seconds."""
    environment = {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": filled.url, "PATH": ""}
    settings = Settings(python="3.9", platform="linux/amd64")

    def measure(lines: int) -> float:
        text = "".join(f"p{number:06d}==1\n" for number in range(lines))
        (tmp_path / "requirements.txt").write_text(text)
        start = time.process_time()
        with Project.open(tmp_path, settings, environment=environment) as project:
            COMMANDS[command](project)
        return time.process_time() - start

    small = measure(LINES // 4)
    for _ in range(3):
        large = measure(LINES)
        if large < 9 * small + 0.1:
            assert large < 60
            return
        small = max(small, measure(LINES // 4))
    pytest.fail(f"{LINES} lines take {large:.2f} s, {LINES // 4} take {small:.2f} s")
