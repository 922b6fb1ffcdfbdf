"""``remove``: take lines out, and the locked lines that only they need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import PackageIndexError, PipflowError, RequirementsError
from ..requirements import as_one_word
from ..resolution import Conflict, Preference, solve_around
from .draft import Draft, join, remove, warn
from .inputs import as_given, roots_of
from .locking import find_asking, find_unknown, say_need, update_lock
from .moving import roots_without, settle_goals
from .requests import find_removable
from .settling import settle_current

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from packaging.utils import NormalizedName

    from ..manifest.documents import Manifest
    from ..requirements import Line, Request
    from .inputs import Inputs


def draft_remove(
    manifest: Manifest,
    requests: Sequence[Request],
    prepare: Callable[[], Inputs],
    *,
    resolve: bool,
) -> tuple[Draft, Inputs | None]:
    """Take the lines of projects out.

    Args:
        manifest: the files.
        requests: names; with a marker, only the line with that marker.
        prepare: returns the inputs; it is called only where something is looked up.
        resolve: report which other requirements still need the projects.

    Returns:
        the draft, and the inputs, if anything was looked up.

    Raises:
        RequirementsError: the files do not have one of them, or a locked line is needed.
        PackageIndexError: the files are locked, and an index failed.
    """
    found = {line.place: line for each in requests for line in find_removable(manifest, each)}
    lines = tuple(found.values())
    if manifest.is_locked:
        try:
            inputs = prepare()
            return _remove_locked(inputs, lines), inputs
        except PackageIndexError as error:
            error.hint = "--no-resolve takes the lines alone out of the locked file"
            raise
    left = {line.name for line in manifest.lines if line.place not in found}
    names = {line.name for line in lines if line.name} - left
    if not resolve or not names:
        return remove(lines), None
    try:
        inputs = prepare()
        return join([remove(lines), warn(*_tell_who_needs(inputs, names))]), inputs
    except PipflowError as error:
        told = warn(f"which requirements still need it was not looked up: {error.message}")
        return join([remove(lines), told]), None


def _remove_locked(inputs: Inputs, lines: Sequence[Line]) -> Draft:
    """Take lines out of locked files, with the locked lines that only they need.

    Raises:
        RequirementsError: a requirement needs a locked line.
    """
    for line in lines:
        if line.via:
            raise _needed_error(inputs, line)
        if line.name and line.pin:  # should it be needed all the same
            kept = Preference(version=line.pin)
            inputs = inputs.within(inputs.limits.preferring(line.name, kept))
    places = {line.place for line in lines}
    gone = {line.name for line in lines if line.name}
    gone -= {line.name for line in inputs.manifest.direct if line.place not in places}
    current = [root for root in roots_without(inputs, ()) if root.place not in places]
    settlement = settle_goals(inputs, (), current)
    told = settlement.notices if settlement is not None else Draft()
    inputs = settlement.inputs if settlement is not None else inputs
    return join([remove(lines), told, update_lock(inputs, settlement, gone=gone)])


def _needed_error(inputs: Inputs, line: Line) -> RequirementsError:
    solution = settle_current(inputs).solution if inputs.resolves else None
    asking = as_one_word(*find_asking(line, inputs.manifest, solution))
    return RequirementsError(
        f"{line.spelled_name} is there because {say_need(line.via)} it",
        path=line.path,
        line=line.number,
        hint=f"`remove {asking}` removes it, too",
    )


def _tell_who_needs(inputs: Inputs, gone: Collection[NormalizedName]) -> Iterator[str]:
    """Yield which other requirements still need a project: pip will install it again."""
    roots = [root for root in roots_of(inputs) if root.name not in gone]
    inputs.candidates.prefetch(roots)
    found, _, _ = solve_around(inputs.candidates, [as_given(inputs, root) for root in roots])
    if isinstance(found, Conflict):
        return
    for pick in find_unknown(inputs, found):
        if pick.name not in gone:
            yield f"whether {pick} needs {' or '.join(sorted(gone))} is unknown"
    for name in sorted(gone):
        needing = [str(cause.parent) for cause in found.causes.get(name, ()) if cause.parent]
        if needing:
            then = "pip will install it again, not pinned"
            if place := inputs.rules.without_dependencies:
                then = f"{place} installs without dependencies, so the image will lack it"
            yield f"{say_need(needing, still=True)} {name}: {then}"
