"""``lock`` and ``unlock``: write a line for every transitive dependency, or remove these."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .draft import Draft, hint, join, remove, warn
from .locking import find_origins, find_transitive, name_open_ends, write_locked
from .settling import settle_current

if TYPE_CHECKING:
    from ..manifest.documents import Manifest
    from .inputs import Inputs


def draft_lock(inputs: Inputs) -> Draft:
    """Write a line for every transitive dependency of the requirements.

    Raises:
        VersionConflict: the requirements conflict.
        NoCandidate: a requirement has no version that suits.
    """
    settlement = settle_current(inputs, waive=False)
    inputs = settlement.inputs
    transitive = find_transitive(find_origins(inputs), settlement)
    parts = [
        settlement.notices,
        warn(*name_open_ends(inputs)),
        write_locked(settlement, transitive),
    ]
    if not transitive:
        parts.append(
            hint("the requirements have no transitive dependencies: there is nothing to lock")
        )
    return join(parts)


def draft_unlock(manifest: Manifest) -> Draft:
    """Remove the locked lines."""
    told = Draft()
    if not manifest.is_locked:
        told = hint("the file is not locked: it has no line with `# via`")
    return join([remove(manifest.locked), told])
