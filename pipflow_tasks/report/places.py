"""Where files are in their repository, for programs that show its files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..files import repository_of, show_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..plan import Plan


def in_repository(plan: Plan) -> Callable[[str], str]:
    """Return what names a file of a report as it is in the repository.

    Reports name files as seen from the current folder. Without a repository, a file is named as
    seen from the project.
    """
    here = Path.cwd()
    root = repository_of(Path(here / plan.folder).resolve())
    return lambda name: show_path(here / name, root)
