"""Names for containers, and their removal."""

from __future__ import annotations

import time
import uuid

from ..processes import ProgramError, run_program

_PAUSE_SECONDS = 0.1


def new_name() -> str:
    """Return a name that no other container has."""
    return f"pipflow-{uuid.uuid4().hex}"


def remove_container(engine: str, name: str, *, timeout_seconds: float = 20.0) -> bool:
    """Remove a container if there is one, running or not; return whether it is gone in time.

    One ``rm`` is not enough: it fails while the engine is busy with the container, and ends early
    while another ``rm`` is running.
    """
    deadline = time.monotonic() + timeout_seconds
    while True:
        _succeeds([engine, "rm", "--force", name], deadline)
        if not _succeeds([engine, "container", "inspect", name], deadline):
            return time.monotonic() < deadline
        time.sleep(_PAUSE_SECONDS)


def _succeeds(command: list[str], deadline: float) -> bool:
    try:
        seconds = max(deadline - time.monotonic(), 0)
        return run_program(command, timeout_seconds=seconds, own_session=True).status == 0
    except ProgramError:
        return False
