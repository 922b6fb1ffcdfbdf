"""What ``--find-links`` names: folders and pages with files of any projects, beside the indexes."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct

from ..simple_api import Listing, Page

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from packaging.utils import NormalizedName


class Links(Struct, frozen=True, kw_only=True):
    """Where to look beside the indexes, each as messages write it, with the place that names it.

    Attributes:
        folders: folders of the build context.
        pages: the addresses of pages.
        unseen: what can't be listed, and why, as a clause about it.
    """

    folders: tuple[tuple[Path, str], ...] = ()
    pages: tuple[tuple[str, str], ...] = ()
    unseen: tuple[tuple[str, str], ...] = ()

    @property
    def are_seen(self) -> bool:
        """Whether there is somewhere to look."""
        return bool(self.folders or self.pages)

    @property
    def seen(self) -> tuple[str, ...]:
        """The folders and pages that are listed."""
        return tuple(shown for _, shown in (*self.folders, *self.pages))


class Linked(Struct, frozen=True):
    """A folder or a page that was listed; ``digest`` is for the files of a folder."""

    listing: Listing
    digest: Callable[[str], str] | None = None

    def page_of(self, project: NormalizedName) -> Page:
        """Return the files of one project."""
        return self.listing.page_of(project, self.digest)


def list_folder(folder: Path) -> Linked:
    """List a folder of distributions."""
    names = sorted(path.name for path in folder.iterdir())
    base = f"{folder.absolute().as_uri()}/"
    return Linked(Listing.from_names(names, base), partial(_digest, folder))


def list_page(data: bytes, url: str) -> Linked:
    """List the links of a page."""
    return Linked(Listing.from_html(data, url))


def _digest(folder: Path, name: str) -> str:
    from .archive import read_local

    return hashlib.sha256(read_local(str(folder / name))).hexdigest()
