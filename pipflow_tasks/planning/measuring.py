"""What an installer downloads for the files as they are: all projects, with their sizes.

It knows no policies and no cooldown, and takes the newest of what is not pinned. The base image
counts, as ``costs`` says.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ..errors import VersionConflict
from ..requirements import Kind
from ..resolution import Conflict, solve
from .base_image import preferring_base
from .costs import address, list_downloads
from .inputs import as_given, prepare, roots_of_line
from .transitive import reach

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ..plan import Download
    from ..requirements import Line
    from ..resolution import Cause, Solution
    from .inputs import Inputs
    from .readers import Served


def measure(served: Served) -> Iterator[Mapping[str, Download]]:
    """Yield what each platform of an environment downloads; what it needs is looked up.

    Raises:
        VersionConflict: the files conflict.
        PackageIndexError: the index failed.
    """
    inputs = _as_installed(served)
    lines = (*served.manifest.lines, *served.manifest.siblings)
    roots = [as_given(inputs, root) for line in lines for root in roots_of_line(inputs, line)]
    inputs.candidates.prefetch(roots)
    found = solve(preferring_base(inputs).candidates, roots)
    if isinstance(found, Conflict):
        raise VersionConflict(found)
    for number, reader in enumerate(inputs.readers):
        yield _list_all(inputs, found, [line for line in lines if reader.reads(line)], number)


def _as_installed(served: Served) -> Inputs:
    """Return the inputs of one environment alone, limited by what its installer knows."""
    own = replace(served, environment=replace(served.environment, within=""))
    inputs = prepare(served.manifest, (own,), resolve=True, in_any_case=True)
    views = (
        replace(
            view,
            admission=replace(view.admission, cutoff=None),
            admissions=MappingProxyType(
                {name: replace(each, cutoff=None) for name, each in view.admissions.items()}
            ),
            skips_dependencies=bool(own.environment.rules.without_dependencies),
        )
        for view in inputs.candidates.views
    )
    return replace(inputs, candidates=replace(inputs.candidates, views=tuple(views)))


def _list_all(
    inputs: Inputs, found: Solution, lines: Sequence[Line], number: int
) -> Mapping[str, Download]:
    """Return what one platform downloads for its lines; what has no name, by what is written."""
    asked = [(line.name, line.extras) for line in lines if line.name is not None]
    picks = reach(inputs, found, asked, number)
    downloads: dict[str, Download] = dict(list_downloads(inputs, picks.values(), number).items())
    for pick in picks.values():
        if pick.candidate is None:
            causes = found.causes.get(pick.name, ())
            downloads[pick.project] = address(pick.project, _written(causes, lines))
    for line in lines:
        if line.name is None and line.kind in {Kind.EDITABLE, Kind.REFERENCE}:
            downloads[line.content] = address(line.shown, line.content)
    return downloads


def _written(causes: Sequence[Cause], lines: Sequence[Line]) -> str:
    """Return what asks for an address: the lines that do, else the releases."""
    roots = [cause.dependency.root for cause in causes]
    places = {root.place for root in roots if root is not None}
    named = [line.content for line in lines if line.place in places]
    return "; ".join(sorted(named or {f"{each.parent} needs it" for each in causes}))
