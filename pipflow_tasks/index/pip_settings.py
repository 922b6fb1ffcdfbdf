"""Where pip itself would look for packages, and whom it trusts on the way.

The default index is pip's own, taken from pip, so that this project writes none.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from ..errors import UsageError, redact
from .pip_configuration import read_configuration

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class PipSettings(Struct, frozen=True, kw_only=True):
    """What the settings of pip on this host say about indexes; what they leave out is empty.

    Attributes:
        extra_index_urls: equal in rank to the main one.
        cert: a bundle of certificates to trust.
        client_cert: a certificate to present, with its key.
        trusted_hosts: their certificates are not checked.
        keyring: how a keyring is asked for passwords: ``auto``, ``import``, ``subprocess`` or
            ``disabled``.
        notes: what was passed over, and why.
    """

    index_url: str
    extra_index_urls: tuple[str, ...] = ()
    cert: str = ""
    client_cert: str = ""
    proxy: str = ""
    trusted_hosts: tuple[str, ...] = ()
    keyring: str = "auto"
    notes: tuple[str, ...] = ()


def read_pip_settings(environment: Mapping[str, str]) -> PipSettings:
    """Read pip's settings as they are under these environment variables.

    A folder of this host is no place that the image can install from: an index that is one,
    ``find-links`` and ``no-index`` are passed over.

    Raises:
        UsageError: pip can't read its configuration, or it names a certificate that is not there.
    """
    values = read_configuration(environment)
    main, extras = (values.get(name, "").split() for name in ("index-url", "extra-index-url"))
    remote = [url for url in main if not is_local(url)]
    return PipSettings(
        index_url=remote[-1] if remote else default_index_url(),
        extra_index_urls=tuple(url for url in extras if not is_local(url)),
        cert=_require_file(values, "cert"),
        client_cert=_require_file(values, "client-cert"),
        proxy=values.get("proxy", ""),
        trusted_hosts=tuple(values.get("trusted-host", "").split()),
        keyring=values.get("keyring-provider", "auto"),
        notes=_note_local(values, [*main, *extras]),
    )


def _note_local(values: Mapping[str, str], indexes: Sequence[str]) -> tuple[str, ...]:
    """Name what is for this host alone, and is passed over."""
    passed_over = [redact(url) for url in indexes if is_local(url)]
    if links := values.get("find-links"):
        passed_over.append(f"find-links {redact(' '.join(links.split()))}")
    if is_yes(values.get("no-index", "")):
        passed_over.append("no-index")
    notice = "of pip's settings, these are for this host alone and do not count:"
    return (f"{notice} {', '.join(passed_over)}",) if passed_over else ()


def is_yes(word: str) -> bool:
    """Return whether a setting's value says yes, as pip reads it."""
    return word.lower() in {"1", "on", "t", "true", "y", "yes"}


def is_local(url: str) -> bool:
    """Return whether an index is a folder."""
    return url.startswith(("file:", "/", "./", "../", "~"))


def default_index_url() -> str:
    """Return the index that pip asks by default."""
    from pip._internal.models.index import PyPI

    return str(PyPI.simple_url)


def _require_file(values: Mapping[str, str], name: str) -> str:
    path = values.get(name, "")
    if path and not Path(path).expanduser().exists():
        raise UsageError(
            f"pip's setting {name} names {path}, which is not there",
            hint="`python -m pip config debug` tells where that is set",
        )
    return str(Path(path).expanduser()) if path else ""
