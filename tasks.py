"""The project's own tasks; ``deps.*`` is the product, used on the shipped example."""

from __future__ import annotations

import sys

from invoke.collection import Collection
from invoke.context import Context
from invoke.tasks import task

import pipflow_tasks


@task
def lint(c: Context) -> None:
    """Check the style of the code, and that it is formatted."""
    c.run(f"{sys.executable} -m ruff check")
    c.run(f"{sys.executable} -m ruff format --check")


@task
def types(c: Context) -> None:
    """Check the types of package and tests."""
    c.run(f"{sys.executable} -m mypy")


@task(help={"only": "A folder or file below tests/, or options for pytest."})
def test(c: Context, only: str = "") -> None:
    """Run the tests: unit, functional, and with real images where an engine answers."""
    at_once = "--numprocesses=4 --dist=loadgroup"  # most wait for programs that they start
    c.run(f"{sys.executable} -m pytest {at_once} {only}", pty=sys.stdout.isatty())


namespace = Collection(lint, types, test, deps=pipflow_tasks.namespace_for("examples/single"))
