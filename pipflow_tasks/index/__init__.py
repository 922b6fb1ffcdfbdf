"""Asking package indexes: pages, metadata.

The one package that imports requests. ``http`` carries, ``archive`` looks into files; credentials
are taken from the address, from netrc or from a keyring.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..errors import PackageIndexError, ProjectNotFound, redact
from ..simple_api import ACCEPT, Files, Metadata, read_metadata, read_page, read_sdist_metadata
from .archive import RangeFile, sdist_metadata, wheel_metadata
from .connections import SYSTEM_TRUST, Trust
from .credentials import Credentials
from .http import Http, Response
from .workers import Workers

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from concurrent.futures import Future

    from packaging.utils import NormalizedName

    from ..simple_api import DistributionFile

__all__ = ["PackageIndex", "Trust"]

_INDEX = "the index"
THREADS = 24
"""How many fetch pages, and as many metadata: what the pages lead to need not wait for them all."""


class PackageIndex:
    """One or several indexes, asked as one: a project's files are those that any of them has.

    Use it as a context manager, or ``close`` it, to give the connections back. Whatever was
    fetched once is remembered.
    """

    def __init__(
        self,
        urls: Sequence[str],
        *,
        timeout_seconds: float = 10.0,
        first_only: bool = False,
        trust: Trust = SYSTEM_TRUST,
        shown: Mapping[str, str] | None = None,
    ) -> None:
        """Prepare to ask the indexes at ``urls``.

        Args:
            urls: base addresses of Simple API indexes; they may hold credentials.
            timeout_seconds: how long to wait for a connection, and for the next bytes.
            first_only: a project's files are those of the first index that knows it, as for uv.
            trust: whom to trust, and how to get there.
            shown: how messages write addresses that are more than redacted.
        """
        self._shown_as = {url.rstrip("/") + "/": text for url, text in (shown or {}).items()}
        self.urls = tuple(url.rstrip("/") + "/" for url in urls)
        self._first_only = first_only
        self._credentials = Credentials(self.urls, trust.keyring)
        self._http = Http(timeout_seconds=timeout_seconds, connections=2 * THREADS, trust=trust)
        self._page_workers = Workers(THREADS)
        self._metadata_workers = Workers(THREADS)
        self._pages: dict[NormalizedName, Future[Files]] = {}
        self._metadata: dict[str, Future[Metadata | None]] = {}
        self._elsewhere: dict[str, bytes] = {}
        self._without_metadata: set[str] = set()

    def __enter__(self) -> PackageIndex:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; what is still being fetched is left."""
        self._page_workers.close()
        self._metadata_workers.close()
        self._http.close()

    def prefetch(self, projects: Iterable[NormalizedName]) -> None:
        """Begin to fetch pages; ``files`` waits for them, or raises."""
        for project in projects:
            self._begin_page(project)

    def prefetch_metadata(self, files: Iterable[Sequence[DistributionFile]]) -> None:
        """Begin to fetch the metadata of releases; see ``metadata``."""
        for group in files:
            self._begin_metadata(group)

    def files(self, project: NormalizedName) -> Files:
        """Return every file that the indexes have of a project.

        Raises:
            ProjectNotFound: none of the indexes knows the project.
            PackageIndexError: an index could not be asked, or its answer can't be used.
        """
        return self._begin_page(project).result()

    def metadata(self, files: Sequence[DistributionFile]) -> Metadata | None:
        """Return the metadata of a release, without building it; None where it can't be known.

        It comes from the file that the index serves beside a wheel (PEP 658), else from within a
        wheel, else from an sdist: its dependencies are settled where they are static (PEP 643).

        Args:
            files: of one release; the first is the one that would be installed.

        Raises:
            PackageIndexError: the index failed.
        """
        return self._begin_metadata(files).result()

    def fetch(self, url: str, *, what: str, shown: str) -> bytes:
        """Return a file that stands somewhere else, such as constraints.

        Args:
            url: where it stands; it may hold credentials.
            what: how a message names it.
            shown: how a message writes the address, without credentials.

        Raises:
            PackageIndexError: it could not be fetched.
        """
        if url not in self._elsewhere:
            answer = self._get(url, {}, what=what, shown=shown)
            self._require_ok(answer, url, what=what, shown=shown)
            self._elsewhere[url] = answer.body
        return self._elsewhere[url]

    def _begin_page(self, project: NormalizedName) -> Future[Files]:
        if project not in self._pages:
            self._pages[project] = self._page_workers.submit(self._fetch, project)
        return self._pages[project]

    def _begin_metadata(self, files: Sequence[DistributionFile]) -> Future[Metadata | None]:
        key = files[0].url
        if key not in self._metadata:
            self._metadata[key] = self._metadata_workers.submit(self._fetch_metadata, files)
        return self._metadata[key]

    def _fetch_metadata(self, files: Sequence[DistributionFile]) -> Metadata | None:
        wheels = [file for file in files if file.is_wheel]
        for read in (self._metadata_file, self._metadata_in_wheel):
            for wheel in wheels[:1]:
                data = read(wheel)
                if data is not None:
                    return read_metadata(data)
        for sdist in [file for file in files if not file.is_wheel][:1]:
            answer = self._get(sdist.url, {"Accept-Encoding": "identity"})
            self._require_ok(answer, sdist.url)
            return read_sdist_metadata(*sdist_metadata(answer.body, sdist.filename))
        return None

    def _metadata_file(self, wheel: DistributionFile) -> bytes | None:
        """PEP 658; a host that does not tell whether it has such files is tried once."""
        host = urlsplit(wheel.url).netloc
        if wheel.has_metadata is False or (
            wheel.has_metadata is None and host in self._without_metadata
        ):
            return None
        answer = self._get(f"{wheel.url}.metadata", {})
        if answer.status == 200:
            return answer.body
        if wheel.has_metadata is None:
            self._without_metadata.add(host)
        return None

    def _metadata_in_wheel(self, wheel: DistributionFile) -> bytes | None:
        def fetch(wanted: str) -> tuple[bytes, int, int]:
            # a compressed range would be a range of something else
            answer = self._get(wheel.url, {"Range": wanted, "Accept-Encoding": "identity"})
            if answer.status == 206:
                told = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", answer.content_range)
                if told is not None:
                    return answer.body, int(told[1]), int(told[2])
                answer = self._get(wheel.url, {"Accept-Encoding": "identity"})
            if answer.status in {416, 501} and wanted.startswith("bytes=-"):
                return fetch("bytes=0-")
            self._require_ok(answer, wheel.url)
            return answer.body, 0, len(answer.body)

        return wheel_metadata(RangeFile(fetch))

    def _get(
        self, url: str, headers: dict[str, str], *, what: str = _INDEX, shown: str = ""
    ) -> Response:
        """Ask; a file that stands on an index's own host is asked for with its credentials."""
        asked = self._credentials.put_into(url)
        shown = shown or self._show(url)
        answer = self._http.get(asked, headers, what=what, shown=shown)
        if answer.status == 401 and self._credentials.learn(asked):
            asked = self._credentials.put_into(url)
            answer = self._http.get(asked, headers, what=what, shown=shown)
        return answer

    def _show(self, url: str) -> str:
        for base, text in self._shown_as.items():
            if url.startswith(base):
                return f"{text.rstrip('/')}/{url.removeprefix(base)}"
        return redact(url)

    def _fetch(self, project: NormalizedName) -> Files:
        found = Files()
        missing: list[ProjectNotFound] = []
        for url in self.urls:
            try:
                found += self._fetch_page(f"{url}{project}/", project, url)
            except ProjectNotFound as error:
                missing.append(error)
                continue
            if self._first_only:
                break
        if len(missing) == len(self.urls):
            raise missing[0]
        return found

    def _fetch_page(self, url: str, project: NormalizedName, base: str) -> Files:
        answer = self._get(url, {"Accept": ACCEPT})
        if answer.status == 404:
            raise ProjectNotFound(
                f'the index has no project "{project}" ({self._show(base)})',
                url=self._show(url),
                hint="check the spelling",
            )
        self._require_ok(answer, url)
        return read_page(
            answer.body,
            content_type=answer.content_type,
            url=answer.url,
            project=project,
            shown=self._show(url),
        )

    def _require_ok(
        self, answer: Response, url: str, *, what: str = _INDEX, shown: str = ""
    ) -> None:
        shown = shown or self._show(url)
        if answer.status == 401 and answer.with_password:
            raise PackageIndexError(
                f"{what} at {shown} refuses the credentials that it is given (HTTP 401)",
                url=shown,
                hint="they come from the address, .netrc or a keyring, and may be out of date",
            )
        if answer.status in {401, 403}:
            raise PackageIndexError(
                f"{what} at {shown} refuses access (HTTP {answer.status})",
                url=shown,
                hint="put the credentials into the address as ${VARIABLES}, .netrc or a keyring",
            )
        if answer.status in {404, 410}:
            raise PackageIndexError(
                f"{what} at {shown} is not there (HTTP {answer.status})",
                url=shown,
                hint="check the address",
            )
        if answer.status != 200:
            raise PackageIndexError(
                f"{what} at {shown} failed (HTTP {answer.status})",
                url=shown,
                hint="nothing was changed; try again later",
            )
