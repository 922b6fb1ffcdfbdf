"""HTTP: connections, attempts, deadlines, whom to trust.

A look-up ends within 30 seconds: at most three attempts, at most three seconds of waiting between
them, and a deadline over all. No credential is ever in a message.
"""

from __future__ import annotations

import gzip
import io
import platform
import re
import ssl
import time
import zlib
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import version as installed_version
from typing import Any
from urllib.parse import urlsplit

import requests
import truststore
import urllib3
from requests.adapters import HTTPAdapter

from ..errors import PackageIndexError, redact

ATTEMPTS = 3
BACKOFF_SECONDS = 3.0
DEADLINE_SECONDS = 30.0

_CHUNK_BYTES = 1 << 16
_GZIP_MEMBER = b"\x1f\x8b\x08"
_MAX_PIECE_BYTES = 1 << 26
_PASSING = frozenset({429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a server said.

    Attributes:
        status: the HTTP status.
        url: where the answer came from, after redirects.
        content_type: what the server says it is.
        content_range: what part of a file it is, as the header of that name has it.
        body: all of it.
        retry_after_seconds: how long the server asks to wait; 0 where it does not.
    """

    status: int
    url: str
    content_type: str
    content_range: str
    body: bytes
    retry_after_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Whom to trust, and how to get there.

    Attributes:
        certificates: a bundle to trust besides the operating system's, or an empty string.
        client_certificate: what to show of oneself, or an empty string.
        proxy: where to go through, or an empty string: as the environment says.
        unchecked_hosts: ``host`` or ``host:port`` whose certificates are not checked.
    """

    certificates: str = ""
    client_certificate: str = ""
    proxy: str = ""
    unchecked_hosts: tuple[str, ...] = ()

    def options(self) -> dict[str, Any]:
        """Return how to ask, for each request: what a session has the environment overrides."""
        options: dict[str, Any] = {}
        if self.certificates:
            options["verify"] = self.certificates
        if self.client_certificate:
            options["cert"] = self.client_certificate
        if self.proxy:
            options["proxies"] = {"http": self.proxy, "https": self.proxy}
        return options


SYSTEM_TRUST = Trust()
"""The operating system's, and the environment's proxies."""


class Http:
    """A pool of connections that many threads share."""

    def __init__(
        self, *, timeout_seconds: float, connections: int, trust: Trust = SYSTEM_TRUST
    ) -> None:
        """Open a session.

        Args:
            timeout_seconds: how long to wait for a connection, and for the next bytes.
            connections: how many to keep open to one host.
            trust: whom to trust.
        """
        self._timeout_seconds = timeout_seconds
        self._options = trust.options()
        self._session = _Session()
        self._session.headers["User-Agent"] = (
            f"pipflow-tasks/{installed_version('pipflow-tasks')} "
            f"{platform.python_implementation()}/{platform.python_version()}"
        )
        self._session.mount("https://", _SystemTrust(pool_maxsize=connections))
        self._session.mount("http://", HTTPAdapter(pool_maxsize=connections))
        for host in trust.unchecked_hosts:
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
            for end in ("/",) if ":" in host else ("/", ":"):  # on any port, where none is named
                self._session.mount(f"https://{host}{end}", _Unchecked(pool_maxsize=connections))
        self._ways: dict[tuple[str | None, ...], _Way | None] = {}

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def get(self, url: str, headers: dict[str, str]) -> Answer:
        """Ask, and ask again where the failure may pass.

        Raises:
            PackageIndexError: no attempt got a whole answer.
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
        shown = redact(url)
        raise PackageIndexError(
            f"the index at {shown} can't be reached: {_explain(failure)}",
            url=shown,
            hint="nothing was changed; check the network and the index address",
        ) from failure

    def _attempt(self, url: str, headers: dict[str, str], deadline: float) -> Answer:
        timeout = max(0.1, min(self._timeout_seconds, deadline - time.monotonic()))
        response, url = self._open(url, headers, timeout)
        with closing(response):
            sent: list[bytes] = []
            while chunk := response.read1(_CHUNK_BYTES, decode_content=False):
                sent.append(chunk)
                if time.monotonic() > deadline:
                    raise requests.Timeout(f"the answer took over {DEADLINE_SECONDS:.0f} s")
            return Answer(
                status=response.status,
                url=url,
                content_type=response.headers.get("Content-Type", ""),
                content_range=response.headers.get("Content-Range", ""),
                body=_unpack(b"".join(sent), response.headers),
                retry_after_seconds=_seconds(response.headers.get("Retry-After", "")),
            )

    def _open(
        self, url: str, headers: dict[str, str], timeout: float
    ) -> tuple[urllib3.BaseHTTPResponse, str]:
        """Begin an answer, and tell where it comes from; requests follows redirects."""
        address = urllib3.util.parse_url(url)
        host = (address.scheme, address.auth, address.netloc)
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
                return response, url
            response.drain_conn()
            self._ways[host] = None
        answer = self._session.get(
            url, stream=True, timeout=timeout, headers=headers, **self._options
        )
        return answer.raw, answer.url

    def _find_way(self, url: str) -> _Way | None:
        """Let requests work out how to reach a host: credentials, proxy, certificates.

        Asking it anew for every file of the host takes longer than the answer.

        Returns:
            the way, or None where a proxy wants whole addresses.
        """
        request = self._session.prepare_request(requests.Request("GET", url))
        assert request.url is not None
        settings = self._session.merge_environment_settings(
            request.url,
            self._options.get("proxies", {}),
            True,
            self._options.get("verify"),
            self._options.get("cert"),
        )
        adapter = self._session.get_adapter(request.url)
        assert isinstance(adapter, HTTPAdapter)
        proxies, verify, cert = settings["proxies"], settings["verify"], settings["cert"]
        if adapter.request_url(request, proxies) != request.path_url:
            return None
        pool = adapter.get_connection_with_tls_context(request, verify, proxies, cert)
        assert isinstance(pool, urllib3.HTTPConnectionPool)
        adapter.cert_verify(pool, request.url, verify, cert)  # type: ignore[no-untyped-call]
        return _Way(pool=pool, headers=dict(request.headers))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """How to reach a host: its connections, and the headers that it is always sent."""

    pool: urllib3.HTTPConnectionPool
    headers: dict[str, str]


class _Session(requests.Session):
    """Chooses an adapter by the host, whatever credentials stand before it."""

    def get_adapter(self, url: str) -> Any:
        parts = urlsplit(url)
        return super().get_adapter(parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl())


class _SystemTrust(HTTPAdapter):
    """Trust whom the operating system trusts, as pip does.

    A bundle that the user names (``REQUESTS_CA_BUNDLE``) is honoured by requests as ever.
    """

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context(), **kwargs)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> urllib3.ProxyManager:
        kwargs["ssl_context"] = self._context()
        manager: urllib3.ProxyManager = super().proxy_manager_for(proxy, **kwargs)
        return manager

    def cert_verify(self, conn: Any, url: str, verify: bool | str, cert: Any) -> None:
        if verify is not True:
            super().cert_verify(conn, url, verify, cert)  # type: ignore[no-untyped-call]

    def _context(self) -> ssl.SSLContext:
        return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class _Unchecked(HTTPAdapter):
    """Check no certificate: pip's ``trusted-host``."""

    def get_connection_with_tls_context(
        self, request: Any, verify: Any, proxies: Any = None, cert: Any = None
    ) -> Any:
        return super().get_connection_with_tls_context(request, False, proxies, cert)

    def cert_verify(self, conn: Any, url: str, verify: bool | str, cert: Any) -> None:
        super().cert_verify(conn, url, False, cert)  # type: ignore[no-untyped-call]


def _unpack(sent: bytes, headers: urllib3.HTTPHeaderDict) -> bytes:
    """Undo the compression of an answer; one in gzip that is cut off is an error.

    A gzip of one member tells at its end how large it is (RFC 1952), and into one piece of that
    size it is unpacked in half the time, and beside other threads.
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
    """Read Retry-After where it is a number; a date is not waited for."""
    return float(retry_after) if re.fullmatch(r"[0-9]{1,9}", retry_after) else 0.0


def _is_final(failure: Exception | None) -> bool:
    """Tell whether asking again is no use: a wrong address or an unknown certificate."""
    return isinstance(
        failure,
        (
            ValueError,
            requests.exceptions.SSLError,
            urllib3.exceptions.SSLError,
            requests.exceptions.TooManyRedirects,
        ),
    )


def _explain(failure: Exception) -> str:
    """Say in a few words what kept an answer from coming."""
    if isinstance(failure, (requests.exceptions.SSLError, urllib3.exceptions.SSLError)):
        return "its certificate is not trusted"
    text = str(failure)
    if "refused" in text:
        return "the connection was refused"
    if isinstance(failure, urllib3.exceptions.NameResolutionError) or "resolve" in text:
        return "its name is not known"
    if isinstance(failure, (requests.Timeout, urllib3.exceptions.TimeoutError, TimeoutError)):
        return "it did not answer in time"
    if isinstance(
        failure, (urllib3.exceptions.DecodeError, requests.exceptions.ContentDecodingError)
    ):
        return "its answer is damaged"
    if "IncompleteRead" in text or "broken" in text:
        return "the connection broke before the answer was whole"
    if isinstance(failure, requests.exceptions.TooManyRedirects):
        return "it redirects without end"
    if isinstance(
        failure, (requests.ConnectionError, urllib3.exceptions.HTTPError, OSError)
    ) and not _is_final(failure):
        return "the connection failed"
    return "the address is not one that can be asked"
