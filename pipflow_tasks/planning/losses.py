"""What a release lacks that the one before it had: provenance (PEP 740), a wheel.

Either may mean that it was made in another way, or by somebody else. No page is asked for.
"""

from __future__ import annotations

from itertools import islice, takewhile
from typing import TYPE_CHECKING

from msgspec import Struct
from packaging.utils import canonicalize_name

from ..resolution.finder import Candidate
from .inputs import each_of, readers_in, say_readers

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from packaging.version import Version

    from ..plan import Change
    from ..resolution import Key
    from ..resolution.finder import Releases
    from .inputs import Inputs

_MOST_EARLIER = 4
"""How many earlier releases are looked at until one suits the image."""


class Loss(Struct, frozen=True, kw_only=True):
    """Something that a release lacks, and the one before it had.

    Attributes:
        code: the code of its finding.
        reason: what it is, as the end of a sentence about the release.
        earlier: the release before it, of the same major version.
        readers: the numbers of those who get less.
    """

    code: str
    reason: str
    earlier: Version
    readers: tuple[int, ...]


def find_losses(inputs: Inputs, key: Key, version: Version) -> Iterator[Loss]:
    """Yield what a release lacks of what the newest earlier one of its major version had.

    Both are compared by the file that an installer takes in each environment.
    """
    there = inputs.candidates.releases(key)
    found = _taken(there, version)
    if found is None or all(
        each.files[0].has_provenance and _has_wheel(each) for each in found.each
    ):
        return
    earlier = _earlier(there, version)
    if earlier is None:
        return
    before = {number: own for own, number in each_of(inputs, key, earlier)}
    told: dict[tuple[str, str], list[int]] = {}
    for own, number in each_of(inputs, key, found):
        for what in _compare(own, before[number]):
            told.setdefault(what, []).append(number)
    for (code, reason), numbers in told.items():
        yield Loss(code=code, reason=reason, earlier=earlier.version, readers=tuple(numbers))


def _taken(there: Releases, version: Version) -> Candidate | None:
    """Return the candidate that a pin takes, or None."""
    for own in there.among(there.pinned(version)):
        found = there.suit(own)
        return found if isinstance(found, Candidate) else None
    return None


def _earlier(there: Releases, version: Version) -> Candidate | None:
    """Return the newest final release before one, of the same major version and label."""
    older = there.final_bits & ~((there.pinned(version) << 1) - 1)
    alike = takewhile(
        lambda each: (each.epoch, each.major) == (version.epoch, version.major),
        there.among(older),
    )
    others = (each for each in alike if each.public != version.public)
    for each in islice((other for other in others if other.local == version.local), _MOST_EARLIER):
        found = there.suit(each)
        if isinstance(found, Candidate) and found.yanked is None:
            return found
    return None


def _has_wheel(own: Candidate) -> bool:
    return any(file.is_wheel for file in own.files)


def _compare(own: Candidate, before: Candidate) -> Iterator[tuple[str, str]]:
    """Yield what one environment gets less than before: a code, and the end of a sentence."""
    if before.files[0].has_provenance and not own.files[0].has_provenance:
        yield "lost-provenance", f"has no provenance, which {before.version} had"
    if before.files[0].is_wheel and not _has_wheel(own):
        yield "lost-wheels", f"has only a source distribution; {before.version} had a wheel"


def note_losses(
    inputs: Inputs, changes: Iterable[Change], *, ignored: Collection[str]
) -> Iterator[str]:
    """Yield a warning for what the releases that changes take lack; not for ignored codes."""
    for change in changes:
        if change.after is None or change.before == change.after:
            continue
        readers = readers_in(inputs, change.environments)
        for key in inputs.partition.keys(canonicalize_name(change.project), readers):
            for loss in find_losses(inputs, key, change.after):
                if loss.code not in ignored:
                    where = say_readers(inputs, loss.readers)
                    release = f"{change.project} {change.after} {loss.reason}"
                    yield f"{release}{where and f' ({where})'}; check that it is the project's own"
