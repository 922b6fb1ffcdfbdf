"""What is known of the releases that a plan takes: size, age, pages about them.

All of it comes from pages and metadata that were asked for already; only the metadata of the former
version may be asked for, where a page with what differs can be named. Labels of pages are read as
the specification "Well-known Project URLs in Metadata" normalizes them, and as projects wrote them
before. What metadata say is data: an address is taken as it is or not at all, and none is asked.
"""

from __future__ import annotations

import re
from contextlib import suppress
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from msgspec.structs import replace
from packaging.utils import canonicalize_name

from ..errors import PackageIndexError
from ..resolution.finder import Candidate
from .inputs import readers_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from packaging.version import Version

    from ..plan import Change
    from ..simple_api import DistributionFile, Metadata
    from .inputs import Inputs

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
    found, tag = _name_urls(metadata.urls), _find_tag(metadata.urls, change.after)
    if tag is None or change.before is None:
        return found
    for former, place in _find(inputs, change, change.before):
        before = _known(inputs, former.files, place)
        other = None if before is None else _find_tag(before.urls, change.before)
        page = "" if other is None else _compare(other, tag)
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


def _name_urls(stated: Iterable[tuple[str, str]]) -> dict[str, str]:
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


def _find_tag(stated: Iterable[tuple[str, str]], version: Version) -> tuple[str, str, str] | None:
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


def _compare(one: tuple[str, str, str], other: tuple[str, str, str]) -> str:
    """Return the page with what differs between two tags; empty unless one repository has both."""
    forge, repository, tag = one
    if other[:2] != (forge, repository):
        return ""
    return _COMPARE[forge].format(repository, tag, other[2])
