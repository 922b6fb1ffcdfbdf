"""Names for containers, and their removal."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING

from ..processes import output_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_PAUSE_SECONDS = 0.1


def new_name() -> str:
    """Return a name that no other container has."""
    return f"pipflow-{uuid.uuid4().hex}"


def remove_container(
    engine: str, name: str, added: Mapping[str, str], *, timeout_seconds: float = 20.0
) -> bool:
    """Remove a container if there is one, running or not; return whether it is gone in time.

    One ``rm`` is not enough: it fails while the engine is busy with the container, and ends early
    while another ``rm`` is running. ``added`` are variables besides those of this process.
    """
    deadline = time.monotonic() + timeout_seconds
    while True:
        _succeeds([engine, "rm", "--force", name], added, deadline)
        if not _succeeds([engine, "container", "inspect", name], added, deadline):
            return time.monotonic() < deadline
        time.sleep(_PAUSE_SECONDS)


def _succeeds(command: list[str], added: Mapping[str, str], deadline: float) -> bool:
    seconds = max(deadline - time.monotonic(), 0)
    printed = output_of(command, timeout_seconds=seconds, added=added, own_session=True)
    return printed is not None
