"""Names that were typed: what is near a wrong one, and what is unusual about a new project.

A name that somebody mistypes may be one that somebody else has registered for that.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from ..errors import PipflowError
from ..resolution import project_of
from ..resolution.finder import say_age
from .inputs import find_close, releases, roots_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from ..resolution import Key
    from ..resolution.finder import Releases
    from .inputs import Inputs

_YOUNG = timedelta(days=30)


def near_needed(inputs: Inputs, wanted: str) -> str:
    """Return a hint at a similar name among what the requirements need, or nothing.

    What they need is looked up for this; where that fails, there is no hint.
    """
    if not inputs.resolves:
        return ""
    try:
        picks = inputs.candidates.prefetch(roots_of(inputs))
        needed = {
            str(project_of(dependency.name)): pick
            for pick in picks.values()
            for dependency in inputs.candidates.dependencies(pick)
        }
    except PipflowError:
        return ""
    close = find_close(wanted, needed)
    if not close:
        return ""
    needing = f"{needed[close].project} {needed[close].version or ''}".rstrip()
    return f"did you mean {close}, which {needing} needs?"


def warn_of_new(inputs: Inputs, added: Iterable[tuple[str, Key]], now: datetime) -> Iterator[str]:
    """Yield that a project is new on its index, or has one release alone.

    Args:
        inputs: what its index has.
        added: projects, as they are written, with their keys.
        now: what ages are counted from.
    """
    for name, key in added:
        found = releases(inputs, key)
        first = _first_upload(found, now)
        age = "" if first is None else f"{say_age(max(now - first, timedelta()))} ago"
        if len(found.all) == 1:
            uploaded = f", uploaded {age}" if age else ""
            what = f"{name} has only one release, {found.all[0]}{uploaded}"
        elif age:
            what = f"the first release of {name} was uploaded {age}"
        else:
            continue
        yield f"{what}; check that it is the project that you mean"


def _first_upload(found: Releases, now: datetime) -> datetime | None:
    """Return when a young project was first uploaded; None for others, and where it is unknown."""
    times: list[datetime] = []
    for version in found.all:
        for file in found.files[version]:
            if file.uploaded is None or file.uploaded <= now - _YOUNG:
                return None
            times.append(file.uploaded)
    return min(times, default=None)
