"""The proxy on the way to a host: which one it is, who names it, and what it refuses.

Variables of the environment are read as ``urllib`` reads them for requests: the one in lower case
counts before the one in capitals, and ``all_proxy`` where none is for the scheme.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests
import urllib3
from msgspec import Struct
from requests.utils import select_proxy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .trust import Trust

_REFUSAL = re.compile(r"Tunnel connection failed: (\d{3})")
_PASSING = frozenset({"429", "500", "502", "503", "504"})


class Proxy(Struct, frozen=True, kw_only=True):
    """A proxy that requests go through.

    Attributes:
        address: its address without credentials; an empty string: it is not valid.
        source: the variable or the setting that names it.
        host: the host that is asked through it.
        skips: what keeps requests to that host from it.
    """

    address: str
    source: str
    host: str
    skips: str

    def __str__(self) -> str:
        address = f"{self.address} " if self.address else ""
        return f"the proxy {address}({self.source})"


def find_proxy(
    url: str, proxies: Mapping[str, str], trust: Trust, environment: Mapping[str, str]
) -> Proxy | None:
    """Return the proxy on the way to an address, of those that requests chooses from.

    Raises:
        ValueError: the address is not valid.
    """
    chosen = select_proxy(url, dict(proxies))
    if not chosen:
        return None
    host = urlsplit(url).hostname or ""
    if chosen == trust.proxy:
        source, skips = "pip's setting `proxy`", "take it out of pip's settings"
    else:
        names = (name for name in _variables(url) if environment.get(name) == chosen)
        source = f"`{name}`" if (name := next(names, "")) else "of this system's settings"
        skips = f"name {host} in `no_proxy`"
    return Proxy(address=_show(chosen), source=source, host=host, skips=skips)


def _variables(url: str) -> Iterator[str]:
    for name in (f"{urlsplit(url).scheme}_proxy", "all_proxy"):
        yield from (name, name.upper())


def _show(proxy: str) -> str:
    try:
        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return ""
    host = parts.hostname or ""
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}{port}" if host else ""


def explain_failure(failure: Exception, proxy: Proxy, explained: str) -> tuple[str, str]:
    """Return the end of the sentence that a host can't be reached, and what to do.

    ``explained`` is the reason as a clause that fits any server. What to do is empty where the
    proxy is not known to be at fault.
    """
    if isinstance(failure, requests.exceptions.InvalidProxyURL) or not proxy.address:
        what = f": the address of the proxy ({proxy.source}) is not valid"
        return what, "it is `http://`, a host, a colon and a port"
    if isinstance(failure, requests.exceptions.InvalidSchema) and "SOCKS" in str(failure):
        return (
            f": {proxy} speaks SOCKS, which this installation can't",
            "`pip install pysocks` beside pipflow-tasks",
        )
    if status := _refusal(failure):
        what = f": {proxy} refuses to connect to {proxy.host} (HTTP {status})"
        return what, hint_for(proxy, int(status))
    is_fault = isinstance(failure, (urllib3.exceptions.ProxyError, requests.exceptions.ProxyError))
    hint = f"check the address of the proxy, or {proxy.skips}" if is_fault else ""
    return f" through {proxy}: {explained}", hint


def _refusal(failure: Exception) -> str:
    """Return the status with which a proxy refused to connect to a host, or nothing."""
    found = _REFUSAL.search(str(failure))
    return found[1] if found else ""


def is_final(failure: Exception) -> bool:
    """Return whether a proxy refuses, and will refuse again."""
    status = _refusal(failure)
    return bool(status) and status not in _PASSING


def hint_for(proxy: Proxy, status: int) -> str:
    """Return what to do about an answer of a proxy."""
    if status == requests.codes.proxy_authentication_required:
        return f"put the user and the password for the proxy into {proxy.source}"
    if status == requests.codes.forbidden:
        return f"ask who runs the proxy to allow {proxy.host}, or {proxy.skips}"
    return f"nothing was changed; try again later, or {proxy.skips}"
