"""The client of package indexes: pages of projects, and metadata of releases.

This is the only room that imports requests. ``http`` sends requests, ``connections`` decides whom
to trust, ``archive`` reads metadata from distribution files, and ``credentials`` looks for
passwords in the address, in .netrc and in a keyring.
"""

from __future__ import annotations

import io
import threading
from contextlib import suppress
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from msgspec.structs import replace

from ..errors import AccessForbidden, PackageIndexError, ProjectNotFound, redact
from ..progress import add_up
from ..simple_api import (
    ACCEPT,
    ACTIVE,
    MOST_METADATA_BYTES,
    Files,
    KeptPage,
    Metadata,
    matches,
    read_metadata,
    read_page,
    read_sdist_metadata,
)
from ..values import Pattern
from .credentials import Credentials
from .deadlines import DEADLINE_SECONDS, uncounted
from .encodings import unpacked
from .links import Linked, Links, list_folder, list_page
from .shelf import Shelf
from .spool import Spool
from .trust import SYSTEM_TRUST, Trust
from .workers import Workers, done

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from concurrent.futures import Future

    from packaging.utils import NormalizedName
    from packaging.version import Version

    from ..progress import Count
    from ..simple_api import DistributionFile, Page, ProjectStatus
    from .cache import Cache
    from .http import Http, Response
    from .shelf import Held

__all__ = ["Links", "PackageIndex", "Trust"]

_INDEX = "the index"
_RANGE = Pattern(r"bytes (\d{1,15})-(\d{1,15})/(\d{1,15})")
MOST_PAGE_BYTES = 32 << 20
MOST_FILE_BYTES = 192 << 20
"""The size of an answer: a page, a distribution, of which most is skipped."""
NO_LINKS = Links()
_Other = TypeVar("_Other")
_Result = TypeVar("_Result")
THREADS = 16
"""The number of threads for pages, and again for metadata, which need not wait for all pages."""


class PackageIndex:
    """One or several indexes, asked as one: a project's files are those of all of them.

    Use it as a context manager, or call ``close``, to release the connections. Each page and file
    is fetched once and then remembered.
    """

    def __init__(
        self,
        urls: Sequence[str],
        *,
        timeout_seconds: float = 10.0,
        first_only: bool = False,
        index_for: Sequence[tuple[str, str]] = (),
        links: Links = NO_LINKS,
        trust: Trust = SYSTEM_TRUST,
        shown: Mapping[str, str] | None = None,
        values: Mapping[str, str] | None = None,
        deadline_seconds: float = DEADLINE_SECONDS,
        cache: Cache | None = None,
    ) -> None:
        """Prepare to ask the indexes at ``urls``, which may hold credentials.

        ``timeout_seconds`` is for a connection, and again for the next bytes. With ``first_only``,
        only the first index that has a project counts, as in uv. ``index_for`` has patterns of
        names, each with the one index that has such projects; the first that matches counts.
        ``links`` are looked into besides; see ``open_links``. ``shown`` is how messages write
        addresses for which redacting is not enough; ``values`` are further secrets, each with
        what messages have in its place. ``deadline_seconds`` is for one page, or the metadata of
        one release, with all that is asked for it. ``cache`` is read, and written by ``save``.
        """
        self._shown_as = {url.rstrip("/") + "/": text for url, text in (shown or {}).items()}
        self._values = dict(values or {})
        self._shown: dict[str, str] = {}
        self.urls = tuple(url.rstrip("/") + "/" for url in urls)
        self._first_only = first_only
        self._index_for = tuple((pattern, url.rstrip("/") + "/") for pattern, url in index_for)
        self._links = links
        self._listings: tuple[Linked, ...] | None = None
        self._unseen = links.unseen
        named = (*self.urls, *(url for _, url in self._index_for), *(url for url, _ in links.pages))
        self._credentials = Credentials(tuple(dict.fromkeys(named)), trust.keyring)
        self._trust = trust
        self._timeouts = timeout_seconds, deadline_seconds
        self._opening = threading.Lock()
        self._opened: Http | None = None
        self._shelf = Shelf(cache, trust, self._credentials)
        self._spool = Spool()
        self._page_workers = Workers(THREADS)
        self._metadata_workers = Workers(THREADS)
        self._pages: dict[NormalizedName, Future[Files]] = {}
        self._pins: dict[NormalizedName, frozenset[Version]] = {}
        self._having: dict[NormalizedName, tuple[str, ...]] = {}
        self._statuses: dict[NormalizedName, ProjectStatus] = {}
        self._metadata: dict[str, Future[Metadata | None]] = {}
        self._elsewhere: dict[str, bytes] = {}
        self._without_metadata: set[str] = set()

    def __enter__(self) -> PackageIndex:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; fetches that still run are abandoned."""
        self._page_workers.close()
        self._metadata_workers.close()
        if self._opened is not None:
            self._opened.close()

    def save(self) -> None:
        """Write what was fetched into the cache, and forget it."""
        self._pages.clear()
        self._shelf.save()
        self._spool.close()

    @property
    def has_unasked(self) -> bool:
        """Whether a page of the cache was used without asking whether it is the same."""
        return self._shelf.has_unasked

    @property
    def count(self) -> Count:
        """How many look-ups were begun that the cache does not answer, and how many have ended."""
        return add_up([self._page_workers.count, self._metadata_workers.count])

    @property
    def _http(self) -> Http:
        """The connections; what they need is loaded when the first request is sent."""
        with self._opening:
            if self._opened is None:
                from .http import Http

                timeout_seconds, deadline_seconds = self._timeouts
                self._opened = Http(
                    timeout_seconds=timeout_seconds,
                    connections=2 * THREADS,
                    trust=self._trust,
                    deadline_seconds=deadline_seconds,
                )
            return self._opened

    def open_links(self) -> tuple[tuple[str, str], ...]:
        """List the folders and fetch the pages beside the indexes, before ``files`` is called.

        Returns those whose files are unknown, as messages write them, and why: only the image has
        them, or they could not be read, which is no error for pip either.
        """
        if self._listings is None:
            listings = [list_folder(folder) for folder, _ in self._links.folders]
            for url, shown in self._links.pages:
                try:
                    answer = self._get(url, {})
                except PackageIndexError:
                    self._unseen = (*self._unseen, (shown, "can't be reached"))
                    continue
                if answer.status == 200:
                    listings.append(list_page(answer.body, answer.url))
                else:
                    self._unseen = (*self._unseen, (shown, f"answers HTTP {answer.status}"))
            self._listings = tuple(listings)
        return self._unseen

    def keep(self, pins: Iterable[tuple[NormalizedName, Version]]) -> None:
        """Keep the files of pinned versions when their page is read: they will be asked for."""
        for project, version in pins:
            self._pins[project] = self._pins.get(project, frozenset()) | {version}

    def prefetch(self, projects: Iterable[NormalizedName]) -> None:
        """Start to fetch pages; ``files`` waits for them and raises their errors."""
        for project in projects:
            self._begin_page(project)

    def prefetch_metadata(self, files: Iterable[Sequence[DistributionFile]]) -> None:
        """Start to fetch the metadata of releases; see ``metadata``."""
        for group in files:
            self._begin_metadata(group)

    def files(self, project: NormalizedName) -> Files:
        """Return the files that the indexes have of a project, by version.

        Raises:
            ProjectNotFound: none of the indexes has the project.
            PackageIndexError: an index could not be reached, or its answer can't be used.
        """
        return self._begin_page(project).result()

    def indexes_of(self, project: NormalizedName) -> tuple[str, ...]:
        """Return the indexes that have a project, as messages show them.

        None are returned for a project that was not asked for before.
        """
        return self._having.get(project, ())

    def status_of(self, project: NormalizedName) -> ProjectStatus:
        """Return what the indexes say of a project (PEP 792); ``active`` before it is asked for."""
        return self._statuses.get(project, ACTIVE)

    def notices(self) -> tuple[str, ...]:
        """Return a warning for each page, of those that were asked for, with skipped entries."""
        pages = [page for page in self._pages.values() if page.done() and not page.exception()]
        return tuple(
            f"{count} {'entry' if count == 1 else 'entries'} of the index at {shown} skipped: the "
            "file name, version or Requires-Python is too long"
            for page in pages
            for shown, count in page.result().oversized
        )

    def metadata(self, files: Sequence[DistributionFile]) -> Metadata | None:
        """Return the metadata of a release; None where only a build would give them.

        They come from the file that the index serves beside a wheel (PEP 658), else from inside
        the wheel, else from the sdist. The dependencies of an sdist are settled where they are
        static (PEP 643). Of ``files``, the first is the one that would be installed.

        Raises:
            PackageIndexError: the index failed.
        """
        return self._begin_metadata(files).result()

    def fetch(self, url: str, *, what: str, shown: str) -> bytes:
        """Return a file from an address outside the indexes, such as a constraints file.

        A message calls it ``what`` and writes its address, which may hold credentials, as
        ``shown``.

        Raises:
            PackageIndexError: the file could not be fetched.
        """
        if url not in self._elsewhere:
            answer = self._get(url, {}, what=what, shown=shown)
            self._require_ok(answer, url, what=what, shown=shown)
            self._elsewhere[url] = answer.body
        return self._elsewhere[url]

    def _begin_page(self, project: NormalizedName) -> Future[Files]:
        if project not in self._pages:
            is_here = self._is_fresh(project)
            begin = done if is_here else self._page_workers.submit
            self._pages[project] = begin(self._fetch, project)
        return self._pages[project]

    def _is_fresh(self, project: NormalizedName) -> bool:
        """Return whether the pages of a project need no request."""
        urls = self._urls_for(project)
        held = [self._held(url, project) for url in urls]
        return bool(urls) and all(each is not None and self._shelf.is_fresh(each) for each in held)

    def _held(self, base: str, project: NormalizedName) -> Held | None:
        def fetch() -> Page:
            page, _ = self._ask_page(base, project, {})
            assert page is not None
            return page.whole()

        key = self._shelf.page_key(base, project)
        return self._shelf.page(key, project, f"{self._show(base).rstrip('/')}/{project}/", fetch)

    def _begin_metadata(self, files: Sequence[DistributionFile]) -> Future[Metadata | None]:
        key = files[0].url
        if key not in self._metadata:
            kept = self._shelf.metadata(files)
            self._metadata[key] = (
                self._metadata_workers.submit(self._look_up_metadata, files)
                if kept is None
                else done(kept.__getitem__, 0)
            )
        return self._metadata[key]

    def _look_up_metadata(self, files: Sequence[DistributionFile]) -> Metadata | None:
        found = self._fetch_metadata(files)
        self._shelf.keep_metadata(files, found)
        return found

    def _fetch_metadata(self, files: Sequence[DistributionFile]) -> Metadata | None:
        wheel = next((file for file in files if file.is_wheel), None)
        sdist = next((file for file in files if not file.is_wheel), None)
        with self._http.look_up():
            if wheel is not None:
                found = self._metadata_of_wheel(wheel)
                if found is not None:
                    return found
                if sdist is None:
                    raise self._unusable(wheel, "it is damaged, or has no METADATA file")
            return None if sdist is None else self._metadata_of_sdist(sdist)

    def _metadata_of_sdist(self, sdist: DistributionFile) -> Metadata | None:
        from .archive import sdist_metadata

        try:
            return read_sdist_metadata(*sdist_metadata(self._sdist(sdist), sdist.filename), sdist)
        except ValueError as error:
            raise self._unusable(sdist, str(error)) from error

    def _metadata_of_wheel(self, wheel: DistributionFile) -> Metadata | None:
        """Return the metadata of a wheel: of the file beside it, if that is right, else its own.

        Returns None if the wheel has none.
        """
        data = self._metadata_file(wheel)
        if data is not None and matches(data, wheel.metadata_hashes):
            with suppress(ValueError):
                return read_metadata(data, wheel)
        data = self._metadata_in_wheel(wheel)
        try:
            return None if data is None else read_metadata(data, wheel)
        except ValueError as error:
            raise self._unusable(wheel, str(error)) from error

    def _unusable(self, file: DistributionFile, reason: str) -> PackageIndexError:
        shown = self._show(file.url)
        return PackageIndexError(
            f"the metadata of {file.filename} can't be used: {reason} ({shown})",
            url=shown,
            hint="nothing was changed; ask for another version",
        )

    def _sdist(self, sdist: DistributionFile) -> bytes:
        if sdist.path:
            from .archive import read_local

            return read_local(sdist.path)
        answer = self._get(sdist.url, {"Accept-Encoding": "identity"}, most_bytes=MOST_FILE_BYTES)
        self._require_ok(answer, sdist.url)
        if not matches(answer.body, sdist.hashes):
            raise self._unusable(sdist, "the file is not the one that the page of the index lists")
        return answer.body

    def _metadata_file(self, wheel: DistributionFile) -> bytes | None:
        """Return the metadata file beside a wheel (PEP 658), or None.

        Where the pages of a host do not say whether it has such files, it is tried once.
        """
        if wheel.path:
            return None
        host = urlsplit(wheel.url).netloc
        if wheel.has_metadata is False or (
            wheel.has_metadata is None and host in self._without_metadata
        ):
            return None
        answer = self._get(f"{wheel.url}.metadata", {}, most_bytes=MOST_METADATA_BYTES)
        if answer.status == 200:
            return answer.body if answer.is_whole or wheel.metadata_hashes else None
        if wheel.has_metadata is None:
            self._without_metadata.add(host)
        return None

    def _metadata_in_wheel(self, wheel: DistributionFile) -> bytes | None:
        from .archive import RangeFile, read_local, wheel_metadata

        def get(headers: dict[str, str]) -> Response:
            # a range of the compressed answer is not a range of the wheel
            headers = {**headers, "Accept-Encoding": "identity"}
            return self._get(wheel.url, headers, most_bytes=MOST_FILE_BYTES)

        def fetch(wanted: str) -> tuple[bytes, int, int]:
            answer = get({"Range": wanted})
            if answer.status == 206:
                served = _RANGE.fullmatch(answer.content_range)
                if served is not None:
                    start, last, size = map(int, served.groups())
                    if len(answer.body) == last + 1 - start:
                        return answer.body, start, size
                answer = get({})
            if answer.status in {416, 501} and wanted.startswith("bytes=-"):
                return fetch("bytes=0-")
            self._require_ok(answer, wheel.url)
            return answer.body, 0, len(answer.body)

        if wheel.path:
            return wheel_metadata(io.BytesIO(read_local(wheel.path)))
        return wheel_metadata(RangeFile(fetch))

    def _get(
        self,
        url: str,
        headers: dict[str, str],
        *,
        what: str = _INDEX,
        shown: str = "",
        most_bytes: int = MOST_PAGE_BYTES,
    ) -> Response:
        def keep(answer: Response) -> Response:
            return answer

        return self._read(url, headers, keep, what=what, shown=shown, most_bytes=most_bytes)

    def _read(
        self,
        url: str,
        headers: dict[str, str],
        read: Callable[[Response], _Result],
        *,
        what: str = _INDEX,
        shown: str = "",
        most_bytes: int = MOST_PAGE_BYTES,
    ) -> _Result:
        """Send a request; a file on an index's own host gets the credentials of that index.

        Returns what ``read`` makes of the answer.
        """
        asked = self._credentials.put_into(url)
        shown = shown or self._show(url)

        def ask(address: str, read: Callable[[Response], _Other]) -> _Other:
            return self._http.get(
                address, headers, what=what, shown=shown, most_bytes=most_bytes, read=read
            )

        def read_first(answer: Response) -> Response | tuple[_Result]:
            return answer if answer.status == 401 else (read(answer),)

        with self._http.look_up():
            answer = ask(asked, read_first)
            if isinstance(answer, tuple):
                return answer[0]
            with uncounted():
                has_learnt = self._credentials.learn(asked)
            return ask(self._credentials.put_into(url), read) if has_learnt else read(answer)

    def _show(self, url: str) -> str:
        if url not in self._shown:
            self._shown[url] = self._show_anew(url)
        return self._shown[url]

    def _show_anew(self, url: str) -> str:
        for base, text in self._shown_as.items():
            if url.startswith(base):
                return f"{text.rstrip('/')}/{url.removeprefix(base)}"
        return redact(url, self._values)

    def _fetch(self, project: NormalizedName) -> Files:
        """Return the files of a project on the indexes that may have it.

        One that forbids access does not have it, where another has: stores of files answer so.
        """
        pages: dict[str, KeptPage] = {}
        missing: list[ProjectNotFound] = []
        forbidding: list[AccessForbidden] = []
        for url in self._urls_for(project):
            try:
                pages[url] = self._fetch_page(url, project)
            except ProjectNotFound as error:
                missing.append(error)
                continue
            except AccessForbidden as error:
                forbidding.append(error)
                continue
            if self._first_only:
                break
        linked = [each.page_of(project) for each in self._listings or ()]
        linked = [page for page in linked if page.entries]
        if not pages and not linked:
            nowhere = ProjectNotFound(
                f'there is no "{project}" where --find-links looks, and --no-index forbids others',
                url="",
                hint="check the spelling",
            )
            raise (*forbidding, *_as_one(missing, project), nowhere)[0]
        self._statuses[project] = status = Files(pages.values()).status
        if not linked and not any(len(page.versions) for page in pages.values()):
            raise self._without_files(project, pages, status)
        self._having[project] = tuple(self._show(url) for url in pages if len(pages[url].versions))
        return Files([*linked, *pages.values()])

    def _without_files(
        self, project: NormalizedName, pages: Iterable[str], status: ProjectStatus
    ) -> ProjectNotFound:
        shown = [self._show(url) for url in pages]
        if not status.is_active:
            more = f", and has no files ({' and '.join(shown)})"
            return ProjectNotFound(
                f'"{project}" is {status.saying(more)}',
                url=shown[0],
                hint="remove it, or pin another project in its place",
            )
        lists = "the index lists" if len(shown) == 1 else "the indexes list"
        return ProjectNotFound(
            f'{lists} no file of "{project}" that can be installed ({" and ".join(shown)})',
            url=shown[0],
            hint="check the spelling, and that this is the right index",
        )

    def _urls_for(self, project: NormalizedName) -> tuple[str, ...]:
        """Return the indexes that may have a project."""
        for pattern, url in self._index_for:
            if fnmatchcase(project, pattern):
                return (url,)
        return self.urls

    def _fetch_page(self, base: str, project: NormalizedName) -> KeptPage:
        """Return a page: of the cache if it is fresh, or if the index says that it is the same."""
        key = self._shelf.page_key(base, project)
        held = self._held(base, project)
        if held is not None and self._shelf.is_fresh(held):
            return held.page
        asked = self._shelf.now()
        validators = {} if held is None else held.freshness.validators
        page, answer = self._ask_page(base, project, validators)
        if page is None and held is not None:
            if self._shelf.confirm(held, answer, asked):
                return held.page
            page, answer = self._ask_page(base, project, {})
        assert page is not None
        if key == self._shelf.page_key(base, project):  # no password was asked for meanwhile
            self._shelf.keep(key, page, answer, asked)
        return page

    def _ask_page(
        self, base: str, project: NormalizedName, validators: Mapping[str, str]
    ) -> tuple[KeptPage | None, Response]:
        """Ask for a page; None where it is the one that the validators are of."""
        url = f"{base}{project}/"

        def read(answer: Response) -> tuple[KeptPage | None, Response]:
            if answer.status == 304 and validators:
                return None, answer
            if answer.status == 404:
                raise ProjectNotFound(
                    f'the index has no project "{project}" ({self._show(base)})',
                    url=self._show(url),
                    hint="check the spelling",
                )
            self._require_ok(answer, url)
            read_body = partial(
                read_page,
                content_type=answer.content_type,
                url=answer.url,
                project=project,
                shown=self._show(url),
                is_whole=answer.is_whole,
            )
            sent = self._spool.keep(answer.sent)
            again = partial(_read_again, sent, answer.encoding, read_body)
            pins = self._pins.get(project, ())
            page = KeptPage.of(
                read_body(answer.body), again, size_bytes=len(answer.body), pins=pins
            )
            return page, replace(answer, body=b"", sent=b"", again=sent)

        return self._read(url, {"Accept": ACCEPT, **validators}, read)

    def _require_ok(
        self, answer: Response, url: str, *, what: str = _INDEX, shown: str = ""
    ) -> None:
        status = answer.status
        if status == 200:
            return
        if status == 401 and answer.with_password:
            failure = "refuses the credentials"
            hint = "check those in the address, .netrc or a keyring: they may be out of date"
        elif status in {401, 403}:
            failure = "refuses access"
            hint = "put credentials into the address as ${VARIABLES}, .netrc or a keyring"
        elif status in {404, 410}:
            failure, hint = "was not found", "check the address"
        else:
            failure, hint = "failed", "nothing was changed; try again later"
        way = ""
        if answer.proxy is not None and status not in {401, 404, 410}:
            from .proxies import hint_for

            way = f", asked through {answer.proxy}"
            of_proxy = hint_for(answer.proxy, status)
            hint = f"{hint}; or {of_proxy}" if status == 403 else of_proxy
        shown = shown or self._show(url)
        kind = AccessForbidden if status == 403 else PackageIndexError
        raise kind(f"{what} at {shown} {failure} (HTTP {status}){way}", url=shown, hint=hint)


def _read_again(sent: Callable[[], bytes], encoding: str, read: Callable[[bytes], Page]) -> Page:
    with unpacked(sent(), encoding) as body:
        return read(body)


def _as_one(missing: Sequence[ProjectNotFound], project: NormalizedName) -> list[ProjectNotFound]:
    """Return one error that names all the indexes without a project."""
    if len(missing) < 2:
        return [*missing]
    shown = " and ".join(error.url.removesuffix(f"{project}/") for error in missing)
    message = f'the indexes have no project "{project}" ({shown})'
    return [ProjectNotFound(message, url=missing[0].url, hint=missing[0].hint)]
