"""HTTP requests: attempts, deadlines and answers.

A look-up ends within 30 seconds: all that is asked for a page or for the metadata of a release has
one deadline, with attempts, redirects and the last byte. A request has at most three attempts, and
at most three seconds between them. No message holds a credential.
"""

from __future__ import annotations

import io
import os
import platform
import re
import threading
import time
from contextlib import closing
from importlib.metadata import version as installed_version
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from msgspec import Struct, field
from msgspec.structs import replace

from ..errors import PackageIndexError
from .connections import Session
from .deadlines import DEADLINE_SECONDS, seconds_left, until
from .encodings import DamagedAnswer, OversizedAnswer, unpacked
from .proxies import explain_failure, find_proxy
from .proxies import is_final as is_refused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from .proxies import Proxy
    from .trust import Trust

ATTEMPTS = 3
BACKOFF_SECONDS = 3.0

_HINT = "nothing was changed; check the network and the address"
_SIZE_HINT = "nothing was changed; check that this is the right index"
_TRUST_HINT = "set pip's `cert` or REQUESTS_CA_BUNDLE to the certificate of its authority"
_CHUNK_BYTES = 1 << 16
_MOST_REDIRECTS = 5
_PLAIN = re.compile(
    r"(https?)://([a-z0-9.-]+(?::[1-9][0-9]{0,3}|:[1-5][0-9]{4})?)((?:/(?!\.)[\w.~+-]+)+/?)",
    re.ASCII,
)
"""An address in which urllib3 changes nothing: no credentials, no escapes, no ``..``."""
_MOST_UNREAD_BYTES = 1 << 16
_PASSING = frozenset({429, 500, 502, 503, 504})
_FOR_CACHES = ("Age", "Cache-Control", "Date", "ETag", "Expires", "Last-Modified", "Vary")
_Result = TypeVar("_Result")


class Response(Struct, frozen=True, kw_only=True):
    """The answer of a server.

    Attributes:
        url: the address that answered, after redirects.
        content_range: the header, which says what part of a file this is.
        body: the whole of it, decompressed. It is empty where the status is another than 200 or
            206 and the body is long.
        is_whole: the protocol marked the end of the body; else the connection ended, or broke.
        with_password: whether the request had credentials.
        retry_after_seconds: how long the server asks to wait; 0 if it does not ask.
        sent: the body as it was sent, and ``encoding`` how.
        again: what gives that body again, where it is not held.
        headers: those that a cache needs; see ``_FOR_CACHES``.
        is_redirected: the address is another one than was asked.
        proxy: who may have given an answer of failure in place of the host; None: it is the host's.
    """

    status: int
    url: str
    content_type: str
    content_range: str
    body: bytes
    is_whole: bool
    with_password: bool
    retry_after_seconds: float
    sent: bytes = b""
    encoding: str = ""
    again: Callable[[], bytes] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    is_redirected: bool = False
    proxy: Proxy | None = None


class Http:
    """A pool of connections that many threads share."""

    def __init__(
        self,
        *,
        timeout_seconds: float,
        connections: int,
        trust: Trust,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> None:
        """Open a session that keeps a number of connections to one host open."""
        self._timeout_seconds = timeout_seconds
        self._deadline_seconds = deadline_seconds
        self._trust = trust
        self._session = Session(trust, connections)
        self._session.headers["User-Agent"] = (
            f"pipflow-tasks/{installed_version('pipflow-tasks')} "
            f"{platform.python_implementation()}/{platform.python_version()}"
        )
        self._session.headers["Accept-Encoding"] = "gzip, deflate"
        self._ways: dict[tuple[str | None, ...], _Way | None] = {}
        self._finding = threading.Lock()

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def look_up(self) -> AbstractContextManager[None]:
        """Give the requests of the block one deadline; within another look-up, that one's."""
        return until(time.monotonic() + self._deadline_seconds)

    def get(
        self,
        url: str,
        headers: dict[str, str],
        *,
        what: str,
        shown: str,
        most_bytes: int,
        read: Callable[[Response], _Result],
    ) -> _Result:
        """Send a GET request, within ``look_up``; repeat it after a failure that may be temporary.

        Returns what ``read`` makes of the answer; while it runs, the answer counts as memory in
        use. A message calls the thing at the address ``what``, and writes the address as
        ``shown``. ``most_bytes`` is the size of an answer as it is sent.

        Raises:
            PackageIndexError: no attempt got a complete answer, or it is too large.
        """
        left = BACKOFF_SECONDS
        for attempt in range(1, ATTEMPTS + 1):
            wait = 0.5 * 2 ** (attempt - 1)
            may_wait = attempt < ATTEMPTS
            try:
                answer = self._attempt(url, headers, most_bytes)
                wait = max(wait, answer.retry_after_seconds)
                may_wait = may_wait and wait <= min(left, seconds_left())
                if answer.status not in _PASSING or not may_wait:
                    with unpacked(answer.sent, answer.encoding) as body:
                        return read(replace(answer, body=body))
            except (urllib3.exceptions.HTTPError, OSError) as error:
                may_wait = may_wait and wait <= min(left, seconds_left())
                if not may_wait or _is_final(error):
                    raise _failure(error, what, shown, self._proxy_of(url)) from error
            time.sleep(wait)
            left -= wait
        raise AssertionError("the last attempt returns or raises")

    def _attempt(self, url: str, headers: dict[str, str], most_bytes: int) -> Response:
        """Return an answer whose body is not decompressed yet."""
        asked = url
        response, url, sent_headers = self._open(url, headers)
        with closing(response):
            is_wanted = response.status in {200, 206}
            fails = response.status >= 400
            most_bytes = most_bytes if is_wanted else _MOST_UNREAD_BYTES
            is_whole = response.length_remaining is not None or bool(response.chunked)
            sent = _receive(response, most_bytes)
            if sent is None and is_wanted:
                raise OversizedAnswer(most_bytes)
            encoding = response.headers.get("Content-Encoding", "") if is_wanted else ""
            return Response(
                status=response.status,
                url=url,
                content_type=response.headers.get("Content-Type", ""),
                content_range=response.headers.get("Content-Range", ""),
                body=b"",
                is_whole=is_whole,
                with_password="Authorization" in sent_headers,
                retry_after_seconds=_seconds(response.headers.get("Retry-After", "")),
                sent=sent or b"",
                encoding=encoding,
                headers={
                    name: response.headers[name] for name in _FOR_CACHES if name in response.headers
                },
                is_redirected=url != asked,
                proxy=self._proxy_of(url) if fails and url.startswith("http:") else None,
            )

    def _open(
        self, url: str, headers: dict[str, str]
    ) -> tuple[urllib3.BaseHTTPResponse, str, Mapping[str, str]]:
        """Send a request; return the open answer, its final address and the headers sent.

        The body of a redirect is not read: it could be of any length.
        """
        for _ in range(_MOST_REDIRECTS + 1):
            timeout = min(self._timeout_seconds, seconds_left())
            if timeout <= 0:
                raise TimeoutError
            response, sent_headers = self._send(url, headers, timeout)
            location = response.get_redirect_location()
            if not location:
                return response, url, sent_headers
            response.close()
            url = _follow(url, location)
        raise requests.TooManyRedirects(f"more than {_MOST_REDIRECTS}")

    def _send(
        self, url: str, headers: dict[str, str], timeout: float
    ) -> tuple[urllib3.BaseHTTPResponse, Mapping[str, str]]:
        host, path = split_address(url)
        with self._finding:
            if host not in self._ways:
                self._ways[host] = self._find_way(url)
            way = self._ways[host]
        if way is None:
            answer = self._session.get(
                url,
                stream=True,
                allow_redirects=False,
                timeout=timeout,
                headers=headers,
                proxies=self._trust.proxies,
            )
            return answer.raw, answer.request.headers
        response = way.pool.urlopen(
            "GET",
            path,
            headers={**way.headers, **headers},
            timeout=timeout,
            redirect=False,
            retries=False,
            preload_content=False,
        )
        return response, way.headers

    def _find_way(self, url: str) -> _Way | None:
        """Let requests work out how to reach a host: credentials, proxy, certificates.

        Doing this for every file of the host would take longer than the answers. There is no way
        where a proxy needs whole addresses.

        Raises:
            InvalidProxyURL: the address of the proxy is not valid.
        """
        proxy = self._proxy_of(url)
        if proxy is not None and not proxy.address:  # requests would fail in other ways, too
            raise requests.exceptions.InvalidProxyURL
        request = self._session.prepare_request(requests.Request("GET", url))
        assert request.url is not None
        proxies = self._proxies(request.url)
        adapter = self._session.get_adapter(request.url)
        if adapter.request_url(request, proxies) != request.path_url:
            return None
        pool = adapter.get_connection_with_tls_context(request, True, proxies)
        assert isinstance(pool, urllib3.HTTPConnectionPool)
        return _Way(pool=pool, headers=dict(request.headers))

    def _proxies(self, url: str) -> Mapping[str, str]:
        """Return the proxies that requests chooses from for an address."""
        settings = self._session.merge_environment_settings(
            url, self._trust.proxies, None, None, None
        )
        found: Mapping[str, str] = settings["proxies"]
        return found

    def _proxy_of(self, url: str) -> Proxy | None:
        try:
            return find_proxy(url, self._proxies(url), self._trust, os.environ)
        except ValueError:  # the request itself reports an address that is not valid
            return None


def split_address(url: str) -> tuple[tuple[str | None, ...], str]:
    """Return whom an address asks and for what, as urllib3 reads it, whose reader is slow."""
    plain = _PLAIN.fullmatch(url)
    if plain is not None:
        return (plain[1], None, plain[2]), plain[3]
    address = urllib3.util.parse_url(url)
    return (address.scheme, address.auth, address.netloc), address.request_uri


class _Way(Struct, frozen=True, kw_only=True):
    """How to reach a host: its connections, and the headers of every request to it."""

    pool: urllib3.HTTPConnectionPool
    headers: dict[str, str]


def _receive(response: urllib3.BaseHTTPResponse, most_bytes: int) -> bytes | None:
    """Return the body as it is sent, or None if it is longer than ``most_bytes``."""
    if (response.length_remaining or 0) > most_bytes:
        return None
    sent = io.BytesIO()  # which gives its bytes away without a copy
    while chunk := response.read1(_CHUNK_BYTES, decode_content=False):
        sent.write(chunk)
        if sent.tell() > most_bytes:
            return None
    return sent.getvalue()


def _follow(url: str, location: str) -> str:
    """Return the address of a redirect; credentials go on to the same host only.

    Raises:
        InvalidURL: it is not valid.
    """
    try:
        text = location.encode("latin-1").decode("utf-8", "replace")
        target = urljoin(url, requests.utils.requote_uri(text))
        here, there = urlsplit(url), urlsplit(target)
        is_same = (here.hostname, here.port) == (there.hostname, there.port)
        is_upgrade = (here.scheme, there.scheme) == ("http", "https")
        if "@" not in there.netloc and is_same and (here.scheme == there.scheme or is_upgrade):
            told, at, _ = here.netloc.rpartition("@")
            target = there._replace(netloc=f"{told}{at}{there.netloc}").geturl()
    except ValueError as error:
        raise requests.exceptions.InvalidURL("the redirect is not valid") from error
    return target


def _seconds(retry_after: str) -> float:
    """Return the seconds of Retry-After; 0 for a date, which is not waited for."""
    return float(retry_after) if re.fullmatch(r"[0-9]{1,9}", retry_after) else 0.0


def _failure(failure: Exception, what: str, shown: str, proxy: Proxy | None) -> PackageIndexError:
    if isinstance(failure, OversizedAnswer):
        message, hint = f"the answer of {what} at {shown} can't be used: {failure}", _SIZE_HINT
        return PackageIndexError(message, url=shown, hint=hint)
    hint = _TRUST_HINT if _is_untrusted(failure) else _HINT
    reason, of_proxy = f": {_explain(failure)}", ""
    if proxy is not None:
        reason, of_proxy = explain_failure(failure, proxy, _explain(failure))
    message = f"{what} at {shown} can't be reached{reason}"
    return PackageIndexError(message, url=shown, hint=of_proxy or hint)


def _is_final(failure: Exception) -> bool:
    """Return whether another attempt is useless: a wrong address, or an unknown certificate."""
    return (
        _is_untrusted(failure)
        or is_refused(failure)
        or isinstance(failure, (ValueError, OversizedAnswer, requests.exceptions.TooManyRedirects))
    )


def _is_untrusted(failure: Exception) -> bool:
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
    if isinstance(failure, DamagedAnswer):
        return "its answer is damaged"
    if "IncompleteRead" in text or "broken" in text:
        return "the connection broke before the answer was complete"
    if isinstance(failure, requests.exceptions.TooManyRedirects):
        return f"it redirects more than {_MOST_REDIRECTS} times"
    if isinstance(
        failure, (requests.ConnectionError, urllib3.exceptions.HTTPError, OSError)
    ) and not _is_final(failure):
        return "the connection failed"
    return "the address is not valid"
