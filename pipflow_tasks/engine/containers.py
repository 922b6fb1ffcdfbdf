"""The containers that images are asked and tried in: their names, and an end that is certain."""

from __future__ import annotations

import time
import uuid

from ..processes import ProgramError, run_program

_PAUSE_SECONDS = 0.1


def new_name() -> str:
    """Return a name that no other container has, to remove it by."""
    return f"pipflow-{uuid.uuid4().hex}"


def remove_container(engine: str, name: str, *, timeout_seconds: float = 20.0) -> bool:
    """Remove a container, running or not, and wait until it is gone.

    One ``rm`` is not enough: it fails where the engine is busy with the container, and ends early
    where another one is at work.

    Args:
        engine: the program that has it, ``docker`` or ``podman``.
        name: its name; there need not be such a container.
        timeout_seconds: how long to go on.

    Returns:
        whether it is gone for certain in time; without an engine it is.
    """
    deadline = time.monotonic() + timeout_seconds
    while True:
        _succeeds([engine, "rm", "--force", name], deadline)
        if not _succeeds([engine, "container", "inspect", name], deadline):
            return time.monotonic() < deadline
        time.sleep(_PAUSE_SECONDS)


def _succeeds(command: list[str], deadline: float) -> bool:
    try:
        done = run_program(
            command, timeout_seconds=max(deadline - time.monotonic(), 0), own_session=True
        )
    except ProgramError:
        return False
    return done.status == 0
