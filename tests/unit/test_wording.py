"""What a report says of files and images after a build."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipflow_tasks.plan import Builder, Outcome, Plan
from pipflow_tasks.report.wording import describe_image

BUILDER = Builder(
    name="docker",
    command=("docker", "build", "."),
    options_at=2,
    folder=Path(),
    images=("shop",),
    next_step="docker run shop",
)


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (Outcome(status="planned"), ["image would be built: docker build ."]),
        (Outcome(status="built"), ["image built: docker build .", "next docker run shop"]),
        (
            Outcome(status="skipped"),
            ["image not built, as requested; build it with: docker build ."],
        ),
        (
            Outcome(status="failed", failure="it failed", kept=True),
            ["files keep their changes (--keep)"],
        ),
        (
            Outcome(status="failed", undone=("r.txt",), rebuilt=("shop",), left=("s.txt: edited",)),
            [
                "files as they were: r.txt (--keep keeps the changes)",
                "file s.txt: edited",
                "image built again from the files as they were: shop",
            ],
        ),
        (
            Outcome(status="failed", ahead=("shop",)),
            [
                "image may be ahead of the files: shop; building it again from them failed, too: "
                "docker build ."
            ],
        ),
        (
            Outcome(status="unchanged", remarks=("r.txt was written in place: why",)),
            ["file r.txt was written in place: why"],
        ),
    ],
)
def test_state_of_files_and_image(outcome: Outcome, words: list[str]) -> None:
    """Each state is said in a line, with the command where there is something to do."""
    said = describe_image(Plan(command="add", builder=BUILDER), outcome)
    assert [" ".join(each) for each in said] == words
