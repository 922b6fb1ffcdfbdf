"""``why``: the paths that lead from the requirements to a project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import RequirementsError
from .draft import Draft, join
from .locking import find_unknown
from .paths import find_paths
from .requests import close_hint
from .settling import settle_current

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..requirements import Request
    from .inputs import Inputs


def draft_why(inputs: Inputs, requests: Sequence[Request]) -> Draft:
    """Show the paths from the requirements to projects, with the pinned versions.

    Raises:
        RequirementsError: nothing needs one of them.
        VersionConflict: the pinned requirements conflict, which may hide a path.
    """
    settlement = settle_current(inputs)
    inputs, solution = settlement.inputs, settlement.solution
    lines = (*inputs.manifest.direct, *inputs.manifest.siblings)
    parts = [settlement.notices]
    for request in requests:
        paths = tuple(find_paths(request.name, solution, lines))
        if not paths:
            settle_current(inputs, waive=False)  # a conflict may hide a path
            unknown = " and ".join(map(str, find_unknown(inputs, solution)))
            raise RequirementsError(
                f"nothing needs {request.name}, for {inputs.target}"
                + (f"; the dependencies of {unknown} are unknown" if unknown else ""),
                path=inputs.manifest.main,
                hint=close_hint(request.name, solution.picks),
            )
        parts.append(Draft(paths=paths))
    return join(parts)
