"""The tasks of this repository; ``deps.*`` is the product itself, used on the example."""

from __future__ import annotations

import os
import sys

from invoke.collection import Collection
from invoke.context import Context
from invoke.tasks import task

import pipflow_tasks


@task
def lint(c: Context) -> None:
    """Check the style and the format of the code."""
    c.run(f"{sys.executable} -m ruff check")
    c.run(f"{sys.executable} -m ruff format --check")


@task
def types(c: Context) -> None:
    """Check the types of the package and the tests."""
    c.run(f"{sys.executable} -m mypy")


@task(
    help={
        "only": "A folder or file below tests/, or options of pytest.",
        "coverage": "Measure the coverage, and fail below the floor; the default in CI.",
        "fast": "Leave out what needs a container engine or the real index.",
    }
)
def test(c: Context, only: str = "", coverage: bool = False, fast: bool = False) -> None:
    """Run all tests; those with real images need a container engine, and are skipped without."""
    parallel = "--numprocesses=4 --dist=loadgroup"  # most tests wait for other programs
    marked = '-m "not engine and not online"' if fast else ""
    is_whole_run = "CI" in os.environ and not only and not fast
    measured = "--cov --cov-report=term" if coverage or is_whole_run else ""
    c.run(
        f"{sys.executable} -m pytest {parallel} {measured} {marked} {only}", pty=sys.stdout.isatty()
    )


namespace = Collection(lint, types, test, deps=pipflow_tasks.namespace_for("examples/single"))
