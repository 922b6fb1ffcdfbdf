"""What the files ask as an installer takes it, and errors where nothing satisfies a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from ..errors import NoCandidate, VersionConflict
from ..requirements import as_one_word
from ..resolution import Conflict, Root, dependency_of, project_of, solve, why_none_given
from .goals import find_move, why_unmovable
from .inputs import as_given, roots_of_line, why_unseen
from .unblocking import fix_conflict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ..resolution import Key
    from .inputs import Inputs


def as_they_are(
    inputs: Inputs, current: Iterable[Root], goals: Iterable[Root] = ()
) -> tuple[list[Root], list[str]]:
    """Return roots as an installer takes them, those of goals first, and warnings.

    A line that contradicts an earlier one is opaque.
    """
    taken: list[Root] = []
    by_name: dict[Key, list[Root]] = {}
    notices: list[str] = []
    wanted = [_as_it_is(inputs, root) for root in goals]
    for _, told in wanted:
        notices += told
    for root in current:
        given, told = _as_it_is(inputs, root)
        notices += told
        alike = by_name.setdefault(given.name, [])
        dependencies = [dependency_of(each) for each in (*alike, given)]
        if alike and not any(inputs.candidates.fitting(given.name, dependencies)):
            shown = "; ".join(f"{each.shown} ({each.source})" for each in (*alike, given))
            notices.append(f"the pinned requirements conflict: {shown}")
            given = replace(given, is_opaque=True)
        if not given.is_opaque:
            alike.append(given)
        taken.append(given)
    return [*(given for given, _ in wanted), *taken], notices


def _as_it_is(inputs: Inputs, root: Root) -> tuple[Root, list[str]]:
    """Return a root as its line has it where no version satisfies it, with a warning."""
    given = as_given(inputs, root)
    if given is root and not root.is_opaque:
        return given, []
    line = next((each for each in inputs.manifest.lines if each.place == root.place), None)
    if line is None:
        return given, []
    alike = (each for each in roots_of_line(inputs, line) if each.name == root.name)
    stated = next(alike, None)
    if stated is None:
        return given, []
    reason = why_unmovable(inputs, line)
    if root.is_opaque or reason:
        root = replace(root, is_opaque=True)
        name = project_of(root.name)
        return root, [f"the dependencies of {name} ({root.place}) are unknown: it is {reason}"]
    why = why_none_given(inputs.candidates, stated)
    return as_given(inputs, stated), [f"{stated.shown} ({root.place}) is left as it is: {why}"]


def require_versions(inputs: Inputs, current: Sequence[Root], roots: Sequence[Root]) -> None:
    """Raise NoCandidate where a requirement has no version; not where that is unknown."""
    pairs = zip(current, roots, strict=True)
    lost = _known(inputs, (stated for stated, root in pairs if root.is_opaque))
    if not lost:
        return
    _require_agreement(inputs, lost, current)
    words = _moves(inputs, lost)
    raise NoCandidate(
        "these requirements cannot be installed",
        reasons=[
            f"{root.shown} ({root.source}): {why_none_given(inputs.candidates, root)}"
            for root in lost
        ],
        hint=f"`upgrade {as_one_word(*words)}` moves those that have a version that suits"
        if words
        else "remove these lines, or pin versions that suit",
    )


def hint_at_lost(inputs: Inputs, current: Iterable[Root]) -> Iterator[str]:
    """Yield the command that moves the pins which no installer finds a version for, if any moves.

    They stay as they are where nothing names them, for no pin moves down by itself.
    """
    pinned = _known(inputs, (root for root in current if root.pin is not None))
    listed = (root for root in pinned if inputs.candidates.releases(root.name).all)
    lost = [root for root in listed if as_given(inputs, root).is_opaque]
    if words := _moves(inputs, lost):
        yield f"`upgrade {as_one_word(*words)}` moves what the image can't install"


def _known(inputs: Inputs, roots: Iterable[Root]) -> list[Root]:
    """Return the roots whose versions are known, as far as indexes have them."""
    unknown = {line.place for line in inputs.manifest.lines if why_unseen(inputs, line)}
    return [root for root in roots if not root.is_opaque and root.place not in unknown]


def _moves(inputs: Inputs, lost: Iterable[Root]) -> list[str]:
    """Return requirements that ``upgrade`` takes, to move the lines of roots that have no version.

    A version is named where it is older than the pin.
    """
    places = {root.place for root in lost}
    words: list[str] = []
    for line in inputs.manifest.lines:
        if line.place in places and line.pin and (best := find_move(inputs, line)):
            falls = best.version < line.pin
            words.append(f"{line.spelled_name}=={best.version}" if falls else line.spelled_name)
    return words


def _require_agreement(inputs: Inputs, lost: Sequence[Root], current: Sequence[Root]) -> None:
    """Raise VersionConflict where lines of one project contradict each other."""
    for root in lost:
        if not as_given(inputs, root).is_opaque:
            alike = [as_given(inputs, each) for each in current if each.name == root.name]
            found = solve(inputs.candidates, alike)
            if isinstance(found, Conflict):
                raise VersionConflict(found, hint=fix_conflict(inputs, found))
