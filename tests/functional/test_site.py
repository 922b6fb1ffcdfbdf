"""The documents as a site: it is made without a warning, and all that it shows is its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[2]
ADDRESS = re.compile(r"\s*(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
"""How an address of another host begins; it may be without a scheme."""
STYLED = re.compile(r"""(?:url\(|@import)\s*["']?([^"')\s]+)""")
LOADED_BY_THE_THEME = {
    "https://unpkg.com/mermaid@": "for what has the class mermaid: test_theme_loads_nothing",
    "https://unpkg.com/resize-observer-polyfill": "for browsers from before 2020",
}
"""What a script of the theme itself would load, and for what."""


class Loaded(HTMLParser):
    """Collects what a browser loads for a page, where its links lead, and names of elements."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.links: list[str] = []
        self.classes: set[str] = set()
        self.anchors: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the classes and the name of an element, what it loads and where it leads."""
        for name, value in attrs:
            if name == "class":
                self.classes.update((value or "").split())
            elif name == "id":
                self.anchors.add(value or "")
            elif name == "href" and tag == "a":
                self.links.append(unquote(value or ""))
            elif name == "style":
                self.addresses += STYLED.findall(value or "")
            elif name in {"src", "srcset", "poster", "data", "xlink:href"} or (
                name == "href" and tag not in {"a", "area"} and ("rel", "canonical") not in attrs
            ):
                self.addresses += re.split(r",\s+", value or "")

    def handle_data(self, data: str) -> None:
        """Note what a style loads."""
        if self.cdata_elem == "style":
            self.addresses += STYLED.findall(data)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the site, which is made without a warning."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [
            *(sys.executable, "-W", "ignore", "-m", "mkdocs", "build", "--strict"),
            *("--config-file", str(ROOT / ".ci" / "mkdocs.yml"), "--site-dir", str(folder)),
        ],
        check=False,
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},  # about the theme's own future
    )
    assert (done.returncode, "WARNING" in done.stderr) == (0, False), done.stderr
    return folder


def loaded(site: Path) -> Iterator[tuple[str, str]]:
    """Yield each page, style and picture of a site with an address that it loads."""
    for path in sorted(site.rglob("*")):
        if path.suffix in {".html", ".svg"}:
            for address in Loaded(path.read_text("utf-8")).addresses:
                yield path.relative_to(site).as_posix(), address
        elif path.suffix == ".css":
            for address in STYLED.findall(path.read_text("utf-8")):
                yield path.relative_to(site).as_posix(), address


def test_every_page_is_made(site: Path) -> None:
    """Each document is a page, and no program is part of the site."""
    pages = {path.relative_to(site).parent.as_posix() for path in site.rglob("index.html")}
    documents = (ROOT / "docs").rglob("*.md")
    names = {path.relative_to(ROOT / "docs").with_suffix("").as_posix() for path in documents}

    assert pages == {"." if name == "index" else name for name in names}
    assert [*site.rglob("*.py")] == []


def test_site_loads_from_no_other_host(site: Path) -> None:
    """Scripts, styles, fonts and pictures are files of the site."""
    addresses = [*loaded(site)]

    assert [each for each in addresses if ADDRESS.match(each[1])] == []
    assert {"screens/add-80.svg", "../rooms.svg"} <= {address for _, address in addresses}


def test_links_lead_to_pages(site: Path) -> None:
    """Each link within the site leads to a file of it, and what follows `#` is in that file."""
    seen = {path: Loaded(path.read_text("utf-8")) for path in site.rglob("*.html")}
    wrong = [
        (page.relative_to(site).as_posix(), link)
        for page, content in seen.items()
        if page.name != "404.html"  # its links are those of the server's root
        for link in content.links
        if not leads_somewhere(page, link, seen)
    ]

    assert wrong == []


def leads_somewhere(page: Path, link: str, seen: Mapping[Path, Loaded]) -> bool:
    """Return whether a link leads to another site, or to what is there."""
    address, _, anchor = link.partition("#")
    if re.match(r"[a-z]+:", address):
        return True
    path = Path(os.path.normpath(page.parent / address)) if address else page
    path = path / "index.html" if path.is_dir() else path
    return path.is_file() and (not anchor or anchor in seen[path].anchors)


def test_theme_loads_nothing(site: Path) -> None:
    """What the theme's scripts would load from elsewhere is known, and no page needs it."""
    scripts = "".join(path.read_text("utf-8") for path in site.rglob("*.js"))
    known = tuple(LOADED_BY_THE_THEME)
    pages = [Loaded(path.read_text("utf-8")) for path in site.rglob("*.html")]

    assert [
        address
        for address in re.findall(r"""["'`](https?://[^"'`]+)""", scripts)
        if re.search(r"\.m?js$|unpkg|cdn|fonts", address) and not address.startswith(known)
    ] == []
    assert [page for page in pages if {"mermaid", "md-source"} & page.classes] == []


@pytest.mark.parametrize(
    "page",
    [
        '<script src="https://host/a.js"></script>',
        '<link rel="stylesheet" href="//host/a.css">',
        '<img src="a.png" srcset="a.png 1x, https://host/b.png 2x">',
        "<style>@import 'https://host/a.css'; p { background: url(a.png) }</style>",
        '<p style="background: url(http://host/a.png)">',
        '<svg><image href="https://host/a.png"/></svg>',
    ],
)
def test_what_is_loaded_is_seen(page: str) -> None:
    """The reader that the other tests rely on sees each way to load something."""
    assert [each for each in Loaded(page).addresses if ADDRESS.match(each)] != []


def test_links_load_nothing() -> None:
    """What one may follow to, and names of formats, are not loaded."""
    page = (
        '<link rel="canonical" href="https://host/"><a href="https://host/">there</a>'
        '<svg xmlns="http://www.w3.org/2000/svg"></svg><img src="a.svg"><img src="data:,">'
    )

    assert Loaded(page).addresses == ["a.svg", "data:,"]
