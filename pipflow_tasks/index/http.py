"""HTTP requests: attempts, deadlines and answers.

A look-up ends within 30 seconds: it has at most three attempts, waits at most three seconds
between them, and has one deadline for all. No message holds a credential.
"""

from __future__ import annotations

import gzip
import io
import platform
import re
import threading
import time
import zlib
from contextlib import closing
from importlib.metadata import version as installed_version
from typing import TYPE_CHECKING

import requests
import urllib3
from msgspec import Struct

from ..errors import PackageIndexError
from .connections import Session, Trust, resolve_once

if TYPE_CHECKING:
    from collections.abc import Mapping

ATTEMPTS = 3
BACKOFF_SECONDS = 3.0
DEADLINE_SECONDS = 30.0

_HINT = "nothing was changed; check the network and the address"
_TRUST_HINT = "set pip's `cert` or REQUESTS_CA_BUNDLE to the certificate of its authority"
_CHUNK_BYTES = 1 << 16
_GZIP_MEMBER = b"\x1f\x8b\x08"
_MAX_PIECE_BYTES = 1 << 26
_PASSING = frozenset({429, 500, 502, 503, 504})


class Response(Struct, frozen=True, kw_only=True):
    """The answer of a server.

    Attributes:
        url: the address that answered, after redirects.
        content_range: the header, which says what part of a file this is.
        body: the whole of it, decompressed.
        with_password: whether the request had credentials.
        retry_after_seconds: how long the server asks to wait; 0 if it does not ask.
    """

    status: int
    url: str
    content_type: str
    content_range: str
    body: bytes
    with_password: bool
    retry_after_seconds: float


class Http:
    """A pool of connections that many threads share."""

    def __init__(self, *, timeout_seconds: float, connections: int, trust: Trust) -> None:
        """Open a session that keeps a number of connections to one host open."""
        self._timeout_seconds = timeout_seconds
        self._trust = trust
        self._session = Session(trust, connections)
        self._session.headers["User-Agent"] = (
            f"pipflow-tasks/{installed_version('pipflow-tasks')} "
            f"{platform.python_implementation()}/{platform.python_version()}"
        )
        self._ways: dict[tuple[str | None, ...], _Way | None] = {}
        self._finding = threading.Lock()

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def get(self, url: str, headers: dict[str, str], *, what: str, shown: str) -> Response:
        """Send a GET request; repeat it after a failure that may be temporary.

        A message calls the thing at the address ``what``, and writes the address as ``shown``.

        Raises:
            PackageIndexError: no attempt got a complete answer.
        """
        deadline = time.monotonic() + DEADLINE_SECONDS - BACKOFF_SECONDS
        waited = 0.0
        for attempt in range(1, ATTEMPTS + 1):
            wait = 0.5 * 2 ** (attempt - 1)
            failure: Exception | None = None
            try:
                answer = self._attempt(url, headers, deadline)
            except (urllib3.exceptions.HTTPError, OSError) as error:
                failure = error
            else:
                if answer.status not in _PASSING:
                    return answer
                wait = max(wait, answer.retry_after_seconds)
            last = attempt == ATTEMPTS or waited + wait > BACKOFF_SECONDS
            if last or time.monotonic() > deadline or _is_final(failure):
                break
            time.sleep(wait)
            waited += wait
        if failure is None:
            return answer
        raise PackageIndexError(
            f"{what} at {shown} can't be reached: {_explain(failure)}",
            url=shown,
            hint=_TRUST_HINT if _is_untrusted(failure) else _HINT,
        ) from failure

    def _attempt(self, url: str, headers: dict[str, str], deadline: float) -> Response:
        timeout = max(0.1, min(self._timeout_seconds, deadline - time.monotonic()))
        response, url, sent_headers = self._open(url, headers, timeout)
        with closing(response):
            sent: list[bytes] = []
            while chunk := response.read1(_CHUNK_BYTES, decode_content=False):
                sent.append(chunk)
                if time.monotonic() > deadline:
                    raise requests.Timeout(f"the answer took over {DEADLINE_SECONDS:.0f} s")
            return Response(
                status=response.status,
                url=url,
                content_type=response.headers.get("Content-Type", ""),
                content_range=response.headers.get("Content-Range", ""),
                body=_unpack(b"".join(sent), response.headers),
                with_password="Authorization" in sent_headers,
                retry_after_seconds=_seconds(response.headers.get("Retry-After", "")),
            )

    def _open(
        self, url: str, headers: dict[str, str], timeout: float
    ) -> tuple[urllib3.BaseHTTPResponse, str, Mapping[str, str]]:
        """Send a request; return the open answer, its final address and the headers sent."""
        address = urllib3.util.parse_url(url)
        host = (address.scheme, address.auth, address.netloc)
        with self._finding:
            if host not in self._ways:
                self._ways[host] = self._find_way(url)
            way = self._ways[host]
        if way is not None:
            response = way.pool.urlopen(
                "GET",
                address.request_uri,
                headers={**way.headers, **headers},
                timeout=timeout,
                redirect=False,
                retries=False,
                preload_content=False,
            )
            if not response.get_redirect_location():
                return response, url, way.headers
            response.drain_conn()
            self._ways[host] = None
        answer = self._session.get(
            url, stream=True, timeout=timeout, headers=headers, proxies=self._trust.proxies
        )
        return answer.raw, answer.url, answer.request.headers

    def _find_way(self, url: str) -> _Way | None:
        """Let requests work out how to reach a host: credentials, proxy, certificates.

        Doing this for every file of the host would take longer than the answers. There is no way
        where a proxy needs whole addresses.
        """
        request = self._session.prepare_request(requests.Request("GET", url))
        assert request.url is not None
        proxies = self._session.merge_environment_settings(
            request.url, self._trust.proxies, None, None, None
        )["proxies"]
        adapter = self._session.get_adapter(request.url)
        if adapter.request_url(request, proxies) != request.path_url:
            return None
        pool = adapter.get_connection_with_tls_context(request, True, proxies)
        assert isinstance(pool, urllib3.HTTPConnectionPool)
        resolve_once(pool)
        return _Way(pool=pool, headers=dict(request.headers))


class _Way(Struct, frozen=True, kw_only=True):
    """How to reach a host: its connections, and the headers of every request to it."""

    pool: urllib3.HTTPConnectionPool
    headers: dict[str, str]


def _unpack(sent: bytes, headers: urllib3.HTTPHeaderDict) -> bytes:
    """Decompress an answer; a gzip answer that is cut off is an error.

    A gzip file of one member states its size at its end (RFC 1952). Decompressing it into one
    piece of that size takes half the time, and lets other threads run meanwhile.
    """
    encoding = headers.get("Content-Encoding", "").lower()
    if not sent or not encoding:
        return sent
    if encoding not in {"gzip", "x-gzip"}:
        return urllib3.HTTPResponse(io.BytesIO(sent), headers).data
    try:
        if sent.count(_GZIP_MEMBER) != 1:
            return gzip.decompress(sent)
        size = int.from_bytes(sent[-4:], "little")
        return zlib.decompress(sent, 16 + zlib.MAX_WBITS, bufsize=min(size, _MAX_PIECE_BYTES))
    except (OSError, EOFError, zlib.error) as error:
        raise urllib3.exceptions.DecodeError(str(error)) from error


def _seconds(retry_after: str) -> float:
    """Return the seconds of Retry-After; 0 for a date, which is not waited for."""
    return float(retry_after) if re.fullmatch(r"[0-9]{1,9}", retry_after) else 0.0


def _is_final(failure: Exception | None) -> bool:
    """Return whether another attempt is useless: a wrong address, or an unknown certificate."""
    return _is_untrusted(failure) or isinstance(
        failure, (ValueError, requests.exceptions.TooManyRedirects)
    )


def _is_untrusted(failure: Exception | None) -> bool:
    return isinstance(failure, (requests.exceptions.SSLError, urllib3.exceptions.SSLError))


def _explain(failure: Exception) -> str:
    """Return in a few words why there is no answer."""
    if _is_untrusted(failure):
        return "its certificate is not trusted"
    text = str(failure)
    if "refused" in text:
        return "the connection was refused"
    if isinstance(failure, urllib3.exceptions.NameResolutionError) or "resolve" in text:
        return "its name is unknown"
    if isinstance(failure, (requests.Timeout, urllib3.exceptions.TimeoutError, TimeoutError)):
        return "it did not answer in time"
    if isinstance(
        failure, (urllib3.exceptions.DecodeError, requests.exceptions.ContentDecodingError)
    ):
        return "its answer is damaged"
    if "IncompleteRead" in text or "broken" in text:
        return "the connection broke before the answer was complete"
    if isinstance(failure, requests.exceptions.TooManyRedirects):
        return "it redirects endlessly"
    if isinstance(
        failure, (requests.ConnectionError, urllib3.exceptions.HTTPError, OSError)
    ) and not _is_final(failure):
        return "the connection failed"
    return "the address is not valid"
