"""Pages about a project, of those that its metadata name: the changelog, the source.

Labels are read as the specification "Well-known Project URLs in Metadata" normalizes them, and as
projects wrote them before. What metadata say is data: an address is taken as it is or not at all,
and none is asked.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from packaging.version import Version

_LABELS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "homepage": ("homepage", "home"),
        "source": (
            *("source", "repository", "sourcecode", "github", "code", "sources", "repo"),
            *("gitlab", "codeberg", "git", "sourcerepository", "githubrepository"),
        ),
        "changelog": ("changelog", "changes", "whatsnew", "history", "changelogs", "news"),
        "release_notes": ("releasenotes", "releases"),
        "documentation": ("documentation", "docs"),
    }
)
"""What a page is, and its labels, lower case and without blanks and punctuation."""

_OF_VERSIONS = (*"0123456789", ".", "!", "+", "-")
_NO_LETTERS = re.compile(r"[\W_]+")
_COMPARE = MappingProxyType(
    {
        "github.com": "https://github.com/{}/compare/{}...{}",
        "codeberg.org": "https://codeberg.org/{}/compare/{}...{}",
        "gitlab.com": "https://gitlab.com/{}/-/compare/{}...{}",
    }
)
"""How each forge names the page with what differs between two tags of a repository."""
_TAG = re.compile(
    r"/(?P<repository>[\w.-]+/[\w.-]+)"
    r"/(?:releases/tag|archive/refs/tags|src/tag|-/releases|-/tags)"
    r"/(?P<tag>[\w.%+-]+?)(?:/|\.tar\.gz|\.zip)?",
    re.ASCII,
)
"""A path that certainly names a tag; ``tree`` and ``blob`` may name a branch."""


def name_urls(stated: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the addresses by what they are, of those that metadata state with labels.

    Of several of a kind the first counts. A homepage that is a repository of a known forge is the
    source where none is stated.
    """
    kinds = {label: kind for kind, labels in _LABELS.items() for label in labels}
    found: dict[str, str] = {}
    for label, url in stated:
        kind = kinds.get(_NO_LETTERS.sub("", label).lower())
        if kind is not None:
            found.setdefault(kind, url)
    homepage = urlsplit(found.get("homepage", ""))
    names = homepage.path.strip("/").split("/")
    if "source" not in found and homepage.netloc in _COMPARE and len(names) == 2 and all(names):
        found["source"] = found["homepage"]
    return {kind: found[kind] for kind in _LABELS if kind in found}


def find_tag(stated: Iterable[tuple[str, str]], version: Version) -> tuple[str, str, str] | None:
    """Return the forge, the repository and the tag of a version, if an address names the tag."""
    for _, url in stated:
        parts = urlsplit(url)
        found = _TAG.fullmatch(parts.path)
        if parts.netloc not in _COMPARE or found is None:
            continue
        before, text, after = unquote(found["tag"]).rpartition(str(version))
        if text and not after and not before.removesuffix("-").endswith(_OF_VERSIONS):
            return parts.netloc, found["repository"], found["tag"]
    return None


def compare(one: tuple[str, str, str], other: tuple[str, str, str]) -> str:
    """Return the page with what differs between two tags; empty unless one repository has both."""
    forge, repository, tag = one
    if other[:2] != (forge, repository):
        return ""
    return _COMPARE[forge].format(repository, tag, other[2])
