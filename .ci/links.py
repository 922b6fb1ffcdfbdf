"""For the site, which has no files of the repository but `docs`: their names in place of links."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mkdocs.structure.pages import Page

_LINK = re.compile(r"\[([^]]+)\]\(([^)#:\s]+)\)")


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Return the text of a page, as the hook of mkdocs of this name."""
    folder = posixpath.dirname(page.file.src_uri)

    def name(link: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join("docs", folder, link[2]))
        return link[0] if path.startswith("docs/") else f"{link[1]} (`{path}`)"

    return _LINK.sub(name, markdown)
