"""Asking package indexes: HTTP, connections, retries, credentials.

The one module that imports requests. A look-up ends within 30 seconds: at most three attempts, at
most three seconds of waiting between them, and a deadline over all. Credentials are taken from
the address or from netrc, and never stand in a message.
"""

from __future__ import annotations

import platform
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import version as installed_version
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import requests
import truststore
import urllib3
from requests.adapters import HTTPAdapter

from .errors import PackageIndexError, ProjectNotFound, redact
from .simple_api import ACCEPT, DistributionFile, PageError, read_page

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import TracebackType

    from packaging.utils import NormalizedName

ATTEMPTS = 3
BACKOFF_SECONDS = 3.0
DEADLINE_SECONDS = 30.0
THREADS = 16

_CHUNK_BYTES = 1 << 16
_PASSING = frozenset({429, 500, 502, 503, 504})


class PackageIndex:
    """One or several indexes, asked as one: a project's files are those that any of them has.

    Use it as a context manager, or ``close`` it, to give the connections back. Pages are fetched
    once.
    """

    def __init__(self, urls: Sequence[str], *, timeout_seconds: float = 10.0) -> None:
        """Prepare to ask the indexes at ``urls``.

        Args:
            urls: base addresses of Simple API indexes; they may hold credentials.
            timeout_seconds: how long to wait for a connection, and for the next bytes.
        """
        self.urls = tuple(url.rstrip("/") + "/" for url in urls)
        self._timeout_seconds = timeout_seconds
        self._pages: dict[NormalizedName, tuple[DistributionFile, ...] | PackageIndexError] = {}
        self._session = _open_session()

    def __enter__(self) -> PackageIndex:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def prefetch(self, projects: Iterable[NormalizedName]) -> None:
        """Fetch several pages at once; ``files`` then answers from memory, or raises."""
        wanted = [project for project in dict.fromkeys(projects) if project not in self._pages]
        if len(wanted) < 2:
            return
        with ThreadPoolExecutor(max_workers=min(THREADS, len(wanted))) as pool:
            self._pages.update(zip(wanted, pool.map(self._try_fetch, wanted), strict=True))

    def files(self, project: NormalizedName) -> tuple[DistributionFile, ...]:
        """Return every file that the indexes have of a project.

        Raises:
            ProjectNotFound: none of the indexes knows the project.
            PackageIndexError: an index could not be asked, or its answer can't be used.
        """
        if project not in self._pages:
            self._pages[project] = self._try_fetch(project)
        page = self._pages[project]
        if isinstance(page, PackageIndexError):
            raise page
        return page

    def _try_fetch(
        self, project: NormalizedName
    ) -> tuple[DistributionFile, ...] | PackageIndexError:
        try:
            return self._fetch(project)
        except PackageIndexError as error:
            return error

    def _fetch(self, project: NormalizedName) -> tuple[DistributionFile, ...]:
        found: list[DistributionFile] = []
        missing: list[ProjectNotFound] = []
        for url in self.urls:
            try:
                found.extend(self._fetch_page(urljoin(url, f"{project}/"), project))
            except ProjectNotFound as error:
                missing.append(error)
        if len(missing) == len(self.urls):
            raise missing[0]
        return tuple(found)

    def _fetch_page(self, url: str, project: NormalizedName) -> tuple[DistributionFile, ...]:
        answer = self._get(url)
        shown = redact(url)
        if answer.status == 404:
            raise ProjectNotFound(
                f'the index has no project "{project}" ({redact(self._base_of(url))})',
                url=shown,
                hint="check the spelling",
            )
        if answer.status in {401, 403}:
            raise PackageIndexError(
                f"the index at {shown} refuses access (HTTP {answer.status})",
                url=shown,
                hint="put the credentials into the index address as ${VARIABLES}, or into .netrc",
            )
        if answer.status != 200:
            raise PackageIndexError(
                f"the index at {shown} failed (HTTP {answer.status})",
                url=shown,
                hint="nothing was changed; try again later",
            )
        try:
            return read_page(
                answer.body, content_type=answer.content_type, url=answer.url, project=project
            )
        except PageError as error:
            raise PackageIndexError(
                f"the answer of the index at {shown} can't be used: {error}",
                url=shown,
                hint="check that the address is that of a Simple API index, ending in /simple/",
            ) from error

    def _base_of(self, url: str) -> str:
        return next((base for base in self.urls if url.startswith(base)), url)

    def _get(self, url: str) -> _Answer:
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
                answer = self._attempt(url, deadline)
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

    def _attempt(self, url: str, deadline: float) -> _Answer:
        timeout = max(0.1, min(self._timeout_seconds, deadline - time.monotonic()))
        with closing(
            self._session.get(url, stream=True, timeout=timeout, headers={"Accept": ACCEPT})
        ) as response:
            body = bytearray()
            while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=True):
                body += chunk
                if time.monotonic() > deadline:
                    raise requests.Timeout(f"the answer took over {DEADLINE_SECONDS:.0f} s")
            retry_after = response.headers.get("Retry-After", "")
            return _Answer(
                status=response.status_code,
                url=response.url,
                content_type=response.headers.get("Content-Type", ""),
                body=bytes(body),
                retry_after_seconds=float(retry_after) if retry_after.isdigit() else 0.0,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    status: int
    url: str
    content_type: str
    body: bytes
    retry_after_seconds: float


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


def _open_session() -> requests.Session:
    session = requests.Session()
    session.headers["User-Agent"] = (
        f"pipflow-tasks/{installed_version('pipflow-tasks')} "
        f"{platform.python_implementation()}/{platform.python_version()}"
    )
    session.mount("https://", _SystemTrust(pool_maxsize=THREADS))
    session.mount("http://", HTTPAdapter(pool_maxsize=THREADS))
    return session


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
