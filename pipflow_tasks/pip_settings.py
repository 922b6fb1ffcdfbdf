"""Where pip itself would look for packages.

The one module that touches pip: the address of the default index is pip's own, so that this
project writes none. ``PIP_INDEX_URL`` and ``PIP_EXTRA_INDEX_URL`` replace and extend it, as they
do for pip.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class PipSettings:
    """What pip on this host is told about indexes.

    Attributes:
        index_url: the main index.
        extra_index_urls: further ones, equal in rank.
        notes: what was passed over, and why.
    """

    index_url: str
    extra_index_urls: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def read_pip_settings(environment: Mapping[str, str]) -> PipSettings:
    """Read pip's index settings from environment variables, else take pip's default."""
    extras = environment.get("PIP_EXTRA_INDEX_URL", "").split()
    remote = tuple(url for url in extras if not url.startswith("file:"))
    notes = [
        f"passed over {url}: it is a folder of this host, which the image does not have"
        for url in extras
        if url.startswith("file:")
    ]
    return PipSettings(
        index_url=environment.get("PIP_INDEX_URL") or default_index_url(),
        extra_index_urls=remote,
        notes=tuple(notes),
    )


def default_index_url() -> str:
    """Return the index that pip asks when it is told nothing."""
    from pip._internal.models.index import PyPI

    return str(PyPI.simple_url)
