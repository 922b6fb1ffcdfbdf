"""What is known of the releases that a plan takes: size, age, pages about them.

All of it comes from pages and metadata that were asked for already; only the metadata of the former
version may be asked for, where a page with what differs can be named.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from msgspec.structs import replace
from packaging.utils import canonicalize_name

from ..errors import PackageIndexError
from ..resolution.finder import Candidate
from .inputs import readers_in
from .project_urls import compare, find_tag, name_urls

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from packaging.version import Version

    from ..plan import Change
    from ..simple_api import DistributionFile, Metadata
    from .inputs import Inputs


def with_facts(inputs: Inputs, changes: Iterable[Change]) -> Iterator[Change]:
    """Yield changes with what is known of the releases that they take."""
    for change in changes:
        chosen = [] if change.after is None else [*_find(inputs, change, change.after)]
        if not chosen:
            yield change
            continue
        files = [candidate.files[0] for candidate, _ in chosen]
        largest = max(files, key=lambda file: file.size_bytes or 0)
        yield replace(
            change,
            size_bytes=largest.size_bytes if all(f.size_bytes is not None for f in files) else None,
            uploaded=largest.uploaded,
            urls=tuple(_urls(inputs, change, *chosen[0]).items()),
        )


def _find(inputs: Inputs, change: Change, version: Version) -> Iterator[tuple[Candidate, int]]:
    """Yield what each reader of a change gets of a version, with the number of the reader."""
    every = tuple(range(len(inputs.readers)))
    readers = readers_in(inputs, change.environments) if change.environments else every
    for key in inputs.partition.keys(canonicalize_name(change.project), readers):
        for number, found in inputs.candidates.suit_each(key, version):
            if isinstance(found, Candidate) and number in readers:
                yield found, number


def _urls(inputs: Inputs, change: Change, candidate: Candidate, number: int) -> dict[str, str]:
    assert change.after is not None
    metadata = _known(inputs, candidate.files, number)
    if metadata is None:
        return {}
    found, tag = name_urls(metadata.urls), find_tag(metadata.urls, change.after)
    if tag is None or change.before is None:
        return found
    for former, place in _find(inputs, change, change.before):
        before = _known(inputs, former.files, place)
        other = None if before is None else find_tag(before.urls, change.before)
        page = "" if other is None else compare(other, tag)
        return {**found, "compare": page} if page else found
    return found


def _known(inputs: Inputs, files: tuple[DistributionFile, ...], number: int) -> Metadata | None:
    """Return the metadata of a release; None where a search would not ask for them."""
    view = inputs.candidates.views[number]
    if not inputs.resolves or view.skips_dependencies:
        return None
    with suppress(PackageIndexError):
        return view.catalog.metadata(files)
    return None
