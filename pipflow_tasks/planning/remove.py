"""``remove``: take lines out, and the locked lines that only they need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import PackageIndexError, PipflowError
from ..requirements import as_one_word
from ..resolution import Conflict, Preference, project_of, solve_around
from .draft import Draft, remove, warn
from .inputs import as_given, key_of, names_only_in, roots_of, say_picks
from .lock import find_unknown, say_need, update_lock
from .requests import error_at, find_removable
from .settlement import NOTHING
from .settling import settle, settle_current

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from packaging.utils import NormalizedName

    from ..manifest.documents import Manifest
    from ..requirements import Line, Request
    from ..resolution import Solution
    from .inputs import Inputs


def draft_remove(
    manifest: Manifest,
    requests: Sequence[Request],
    prepare: Callable[[], Inputs],
    *,
    resolve: bool,
) -> tuple[list[Draft], Inputs | None]:
    """Take the lines of projects out, or only those with the marker of a request.

    With ``resolve``, report which other requirements still need the projects. ``prepare`` is
    called only where something is looked up, and what it returns is returned with the draft.

    Raises:
        RequirementsError: the files do not have one of them, or a locked line is needed.
        PackageIndexError: the files are locked, and an index failed.
    """
    found = {line.place: line for each in requests for line in find_removable(manifest, each)}
    lines = tuple(found.values())
    if manifest.is_locked:
        try:
            inputs = prepare()
            return [remove(lines), *_update_lock(inputs, lines)], inputs
        except PackageIndexError as error:
            error.hint = "--no-resolve takes the lines alone out of the locked file"
            raise
    left = {line.name for line in manifest.lines if line.place not in found}
    names = {line.name for line in lines if line.name} - left
    if not resolve or not names:
        return [remove(lines)], None
    try:
        inputs = prepare()
        return [remove(lines), warn(*_tell_who_needs(inputs, names))], inputs
    except PipflowError as error:
        told = f"which requirements still need it was not looked up: {error.message}"
        return [remove(lines), warn(told)], None


def _update_lock(inputs: Inputs, lines: Sequence[Line]) -> Iterator[Draft]:
    """Remove the locked lines that nothing needs without the removed lines.

    Raises:
        RequirementsError: a requirement needs a locked line.
    """
    for line in lines:
        if line.via:
            solution = settle_current(inputs).solution if inputs.resolves else NOTHING
            asking = as_one_word(*_find_asking(line, inputs.manifest, solution))
            problem = f"{line.spelled_name} is there because {say_need(line.via)} it"
            raise error_at(line, problem, hint=f"`remove {asking}` removes it, too")
        if line.name and line.pin:  # should it be needed all the same
            kept = Preference(version=line.pin)
            inputs = inputs.within(inputs.limits.preferring(key_of(inputs, line), kept))
    places = {line.place for line in lines}
    settlement = settle(inputs, (), gone=places)
    yield from settlement.notices
    yield from update_lock(settlement, gone=names_only_in(inputs, places))


def _find_asking(line: Line, manifest: Manifest, solution: Solution) -> Iterator[NormalizedName]:
    """Yield the direct requirements that a locked line comes from."""
    via = {each.name: set(each.via) for each in manifest.locked}
    for key, causes in solution.causes.items():
        parents = {cause.parent.project for cause in causes if cause.parent is not None}
        via.setdefault(project_of(key), set()).update(parents)
    direct = {each.name for each in manifest.direct}
    asking = [*line.via]
    for name in asking:  # it grows on the way
        asking.extend(sorted(via.get(name, set()).difference(asking, {line.name})))
        if name in direct:
            yield name


def _tell_who_needs(inputs: Inputs, gone: Collection[NormalizedName]) -> Iterator[str]:
    """Yield which other requirements still need a project: pip will install it again."""
    roots = [root for root in roots_of(inputs) if project_of(root.name) not in gone]
    inputs.candidates.prefetch(roots)
    found, _, _ = solve_around(inputs.candidates, [as_given(inputs, root) for root in roots])
    if isinstance(found, Conflict):
        return
    for project, shown in find_unknown(inputs, found):
        if project not in gone:
            yield f"whether {shown} needs {' or '.join(sorted(gone))} is unknown"
    for name in sorted(gone):
        causes = (each for key in inputs.partition.keys(name) for each in found.causes.get(key, ()))
        needing = say_picks(inputs, (cause.parent for cause in causes if cause.parent))
        if needing:
            then = "pip will install it again, not pinned"
            if place := inputs.skips_dependencies:
                then = f"{place} installs without dependencies, so the image will lack it"
            yield f"{say_need(needing, still=True)} {name}: {then}"
