"""What environments download: the file of each project, with its compressed size (PEP 700).

Of a file that the base image has, nothing is downloaded. No page is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..plan import Cost, Download
from ..resolution import project_of
from .inputs import each_of
from .transitive import reach

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from packaging.utils import NormalizedName

    from ..plan import Change
    from ..resolution import Pick
    from .goals import Goal
    from .inputs import Inputs
    from .settlement import Settlement


def find_costs(settlement: Settlement, goals: Sequence[Goal]) -> Iterator[Cost]:
    """Yield what goals bring into each environment that the files do not bring by themselves.

    Of an environment with several platforms, the largest counts.
    """
    inputs = settlement.inputs
    found: dict[str, Cost] = {}
    for number, reader in enumerate(inputs.readers):
        lines = (*inputs.manifest.lines, *inputs.manifest.siblings)
        there = [
            (line.name, line.extras)
            for line in lines
            if line.name is not None and reader.reads(line)
        ]
        asked = [
            (
                project_of(goal.root.name),
                frozenset(each.name for each in goal.root.extras if each.environment == number),
            )
            for goal in goals
            if number in goal.readers
        ]
        new = reach(inputs, settlement.solution, asked, number, besides=there)
        downloads = by_size(list_downloads(inputs, new.values(), number).values())
        cost = Cost(environment=reader.environment.name, downloads=downloads)
        if downloads and cost.size_bytes >= found.get(cost.environment, cost).size_bytes:
            found[cost.environment] = cost
    yield from sorted(found.values(), key=lambda each: -each.size_bytes)


def find_costs_of_lines(changes: Iterable[Change]) -> Iterator[Cost]:
    """Yield what the new lines of a lock bring into each environment; the lock has everything."""
    found: dict[str, list[Download]] = {}
    for change in changes:
        if change.is_new and change.after is not None:
            download = Download(
                project=change.project,
                version=change.after,
                file="",
                size_bytes=change.size_bytes,
            )
            for name in change.environments:
                found.setdefault(name, []).append(download)
    for name, downloads in found.items():
        yield Cost(environment=name, downloads=by_size(downloads))


def by_size(downloads: Iterable[Download]) -> tuple[Download, ...]:
    """Return downloads, the largest first."""
    return tuple(sorted(downloads, key=lambda each: (-(each.size_bytes or 0), each.project)))


def list_downloads(
    inputs: Inputs, picks: Iterable[Pick], number: int
) -> Mapping[NormalizedName, Download]:
    """Return what an environment downloads of picks, but for what its base image has."""
    has = inputs.readers[number].environment.base_packages
    return {
        pick.project: _download(inputs, pick, number)
        for pick in picks
        if pick.project not in has or has[pick.project].version != pick.version
    }


def address(project: str, written: str) -> Download:
    """Return what is downloaded from an address, as it is written."""
    return Download(project=project, version=None, file=written, size_bytes=None, is_open=True)


def _download(inputs: Inputs, pick: Pick, number: int) -> Download:
    if pick.candidate is None:
        return address(pick.project, "")
    skips = inputs.candidates.views[number].skips_dependencies
    own = next(each for each, at in each_of(inputs, pick.name, pick.candidate) if at == number)
    return Download(
        project=pick.project,
        version=own.version,
        file=own.files[0].filename,
        size_bytes=own.files[0].size_bytes,
        is_open=not skips and inputs.candidates.is_unknown(pick),
    )
