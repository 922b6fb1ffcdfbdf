"""HTTP: connections, attempts, deadlines, whom to trust.

A look-up ends within 30 seconds: at most three attempts, at most three seconds of waiting between
them, and a deadline over all. No credential is ever in a message.
"""

from __future__ import annotations

import platform
import re
import ssl
import time
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import version as installed_version
from typing import Any

import requests
import truststore
import urllib3
from requests.adapters import HTTPAdapter

from ..errors import PackageIndexError, redact

ATTEMPTS = 3
BACKOFF_SECONDS = 3.0
DEADLINE_SECONDS = 30.0

_CHUNK_BYTES = 1 << 16
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


class Http:
    """A pool of connections that many threads share."""

    def __init__(self, *, timeout_seconds: float, connections: int) -> None:
        """Open a session.

        Args:
            timeout_seconds: how long to wait for a connection, and for the next bytes.
            connections: how many to keep open to one host.
        """
        self._timeout_seconds = timeout_seconds
        self._session = requests.Session()
        self._session.headers["User-Agent"] = (
            f"pipflow-tasks/{installed_version('pipflow-tasks')} "
            f"{platform.python_implementation()}/{platform.python_version()}"
        )
        self._session.mount("https://", _SystemTrust(pool_maxsize=connections))
        self._session.mount("http://", HTTPAdapter(pool_maxsize=connections))

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
            except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
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
        with closing(
            self._session.get(url, stream=True, timeout=timeout, headers=headers)
        ) as response:
            body = bytearray()
            while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=True):
                body += chunk
                if time.monotonic() > deadline:
                    raise requests.Timeout(f"the answer took over {DEADLINE_SECONDS:.0f} s")
            return Answer(
                status=response.status_code,
                url=response.url,
                content_type=response.headers.get("Content-Type", ""),
                content_range=response.headers.get("Content-Range", ""),
                body=bytes(body),
                retry_after_seconds=_seconds(response.headers.get("Retry-After", "")),
            )


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


def _seconds(retry_after: str) -> float:
    """Read Retry-After where it is a number; a date is not waited for."""
    return float(retry_after) if re.fullmatch(r"[0-9]{1,9}", retry_after) else 0.0


def _is_final(failure: Exception | None) -> bool:
    """Tell whether asking again is no use: a wrong address or an unknown certificate."""
    return isinstance(
        failure,
        (
            requests.exceptions.SSLError,
            requests.exceptions.InvalidURL,
            requests.exceptions.InvalidSchema,
            requests.exceptions.MissingSchema,
            requests.exceptions.TooManyRedirects,
        ),
    )


def _explain(failure: Exception) -> str:
    """Say in a few words what kept an answer from coming."""
    if isinstance(failure, requests.exceptions.SSLError):
        return "its certificate is not trusted"
    if isinstance(failure, (requests.Timeout, urllib3.exceptions.TimeoutError, TimeoutError)):
        return "it did not answer in time"
    if isinstance(
        failure, (urllib3.exceptions.DecodeError, requests.exceptions.ContentDecodingError)
    ):
        return "its answer is damaged"
    text = str(failure)
    if "IncompleteRead" in text or isinstance(failure, urllib3.exceptions.ProtocolError):
        return "the connection broke before the answer was whole"
    if isinstance(failure, requests.ConnectionError):
        if "refused" in text:
            return "the connection was refused"
        if "resolve" in text or "getaddrinfo" in text or "Name or service" in text:
            return "its name is not known"
        return "the connection failed"
    if isinstance(failure, requests.exceptions.TooManyRedirects):
        return "it redirects without end"
    return "the address is not one that can be asked"
