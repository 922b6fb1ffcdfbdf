"""Advice: what would make the image smaller, its build quicker, or both the same tomorrow.

Nothing here keeps the tasks from working. Each piece names the lines to write, where it is certain
which these are; where it is not certain that something is wrong, nothing is said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import DockerfileError, TargetError
from .cache import check_cache
from .compilers import check_compilers
from .ended import check_ended
from .layers import check_layers, check_upgrades
from .order import check_order
from .wheels import check_copied, check_wheels
from .written import Writing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from ...environments.discovery import Discovery
    from ...plan import Finding


def check_advice(discovery: Discovery, today: date) -> Iterator[Finding]:
    """Find what could be better in the Dockerfiles that install the files."""
    for build in discovery.builds:
        try:
            if build.steps and build.dockerfile.unknown is None:
                writing = Writing.of(build)
                yield from (
                    *check_ended(writing, today),
                    *check_order(writing, discovery.library),
                    *check_upgrades(writing),
                    *check_cache(writing),
                    *check_wheels(writing),
                    *check_copied(writing),
                    *check_layers(writing),
                    *check_compilers(writing, discovery.library),
                )
        except (DockerfileError, TargetError):  # findings of their own
            continue
