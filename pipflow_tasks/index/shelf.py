"""What the cache keeps of an index: pages with their freshness, and metadata by the file's digest.

A key holds the address without its password, the user's name, and a digest of how the host was
trusted: an answer is used only for the question that it answered. A page is kept as it was sent,
and as what was read of it; metadata only for a file whose digest the page gives.
"""

from __future__ import annotations

import os
from functools import cached_property, lru_cache, partial
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import msgspec
from msgspec import Struct

from ..simple_api import (
    KeptPage,
    Metadata,
    dump_metadata,
    dump_page,
    load_metadata,
    load_page,
    read_page,
)
from .encodings import unpacked
from .freshness import Freshness, read_freshness

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from packaging.utils import NormalizedName

    from ..simple_api import DistributionFile, Page
    from .cache import Cache
    from .credentials import Credentials
    from .http import Response
    from .trust import Trust


class Source(Struct, frozen=True, array_like=True):
    """How an answer was sent, without its body.

    Attributes:
        url: the address that answered, without credentials.
        is_whole: the protocol marked its end.
    """

    url: str
    content_type: str
    encoding: str
    is_whole: bool


class _Stored(Struct, frozen=True, array_like=True):
    freshness: Freshness
    source: Source
    page: bytes


class Held(Struct, frozen=True, kw_only=True):
    """A page that the cache has, or is to have.

    Attributes:
        key: what it is stored under.
        page: what was read of it.
        stamp: names its stored body.
        body: what gives it as it was sent, if it is to be stored.
        stored: the places of the versions whose entries are stored.
    """

    key: str
    page: KeptPage
    freshness: Freshness
    source: Source
    stamp: str = ""
    body: Callable[[], bytes] | None = None
    stored: frozenset[int] = frozenset()


_STORED = msgspec.msgpack.Decoder(_Stored)


class Shelf:
    """The pages and metadata of one index client; without a cache, nothing is found or kept."""

    def __init__(self, cache: Cache | None, trust: Trust, credentials: Credentials) -> None:
        self._cache = cache
        self._trust = trust
        self._credentials = credentials
        self._held: dict[str, Held] = {}
        self.has_unasked = False  # a page was used without a request

    def page_key(self, base: str, project: NormalizedName) -> str:
        """Return the key of a page, as the credentials are now."""
        return "" if self._cache is None else f"page {self._question(base)} {project}"

    def page(
        self, key: str, project: NormalizedName, shown: str, fetch: Callable[[], Page]
    ) -> Held | None:
        """Return a page from the cache, or None; ``fetch`` is for where its body is lost."""
        if self._cache is None:
            return None
        if key in self._held:
            return self._held[key]
        note = self._cache.get(key)
        if note is None:
            return None
        try:
            stored = _STORED.decode(note.value)
            read = partial(_read, self._cache, note.stamp, stored.source, project, shown, fetch)
            put = self._credentials.put_into
            page = load_page(stored.page, shown=shown, whole=put, again=read)
        except (ValueError, msgspec.MsgspecError):
            return None
        self._held[key] = held = Held(
            key=key,
            stamp=note.stamp,
            freshness=stored.freshness,
            source=stored.source,
            page=page,
            stored=frozenset(page.entries),
        )
        return held

    def is_fresh(self, held: Held) -> bool:
        """Return whether a page may be used without a request."""
        cache = self._cache
        is_fresh = (
            cache is not None and not cache.always_asks and held.freshness.is_fresh(cache.now())
        )
        self.has_unasked |= is_fresh
        return is_fresh

    def now(self) -> float:
        """Return the time that freshness is counted from."""
        return 0.0 if self._cache is None else self._cache.now()

    def keep(self, key: str, page: KeptPage, answer: Response, asked: float) -> None:
        """Keep a page that has just arrived."""
        if self._cache is None:
            return
        freshness = read_freshness(answer.headers, asked)
        if freshness is None:
            if self._held.pop(key, None) is not None:
                self._cache.put(key, b"")
            return
        if answer.is_redirected:
            freshness = msgspec.structs.replace(freshness, expires=asked)
        source = Source(
            url=_without_credentials(answer.url),
            content_type=answer.content_type,
            encoding=answer.encoding,
            is_whole=answer.is_whole,
        )
        self._held[key] = Held(
            key=key, page=page, freshness=freshness, source=source, body=answer.again
        )

    def confirm(self, held: Held, answer: Response, asked: float) -> bool:
        """Return whether an answer 304 is about a page, which then is as fresh as it says."""
        fresh = read_freshness(answer.headers, asked)
        if self._cache is None or not held.freshness.confirms(answer.headers):
            return False
        expires = asked if fresh is None or answer.is_redirected else fresh.expires
        if expires <= asked and held.freshness.expires <= held.freshness.asked:
            return True  # it is never fresh, and what is stored of it stays as it is
        freshness = msgspec.structs.replace(held.freshness, asked=asked, expires=expires)
        self._held[held.key] = msgspec.structs.replace(
            held, freshness=freshness, stored=frozenset()
        )
        return True

    def metadata(self, files: Sequence[DistributionFile]) -> tuple[Metadata | None] | None:
        """Return the metadata of a release from the cache, in a tuple, or None."""
        key = self._metadata_key(files)
        note = self._cache.get(key) if key and self._cache is not None else None
        try:
            return None if note is None else (load_metadata(note.value),)
        except (ValueError, msgspec.MsgspecError):
            return None

    def keep_metadata(self, files: Sequence[DistributionFile], metadata: Metadata | None) -> None:
        """Keep metadata that have just been read."""
        key = self._metadata_key(files)
        if key and self._cache is not None:
            self._cache.put(key, dump_metadata(metadata))

    def save(self) -> None:
        """Write what is new, and what was looked at."""
        if self._cache is None:
            return
        while self._held:  # a request that was given up may still be answered
            _, held = self._held.popitem()
            if held.body is None and held.stored >= held.page.worth:
                continue
            value = _dump(held.freshness, held.source, held.page)
            if held.body is None:
                self._cache.change(held.key, value, held.stamp)
            else:
                self._cache.put(held.key, value, held.body)
        self._cache.save()

    def _metadata_key(self, files: Sequence[DistributionFile]) -> str:
        """Return the key of the metadata of a release; empty where no digest is known."""
        chosen = next((file for file in files if file.is_wheel), None)
        chosen = chosen or next(iter(files), None)
        if self._cache is None or chosen is None or chosen.path:
            return ""
        digests = {**chosen.hashes, **{f".{k}": v for k, v in chosen.metadata_hashes.items()}}
        said = " ".join(f"{name}={digests[name]}" for name in sorted(digests))
        return f"metadata {self._question(chosen.url)} {said}" if said else ""

    def _question(self, url: str) -> str:
        """Return an address without its password, for whom and with whose trust it is asked."""
        url = self._credentials.put_into(url)
        url, user = _split_user(url) if "@" in url else (url, "")
        account = user.partition(":")[0] if user else self._netrc
        return f"{account}@{url} {self._trusted}"

    @cached_property
    def _trusted(self) -> str:
        return blake2b(msgspec.json.encode(self._trust), digest_size=8).hexdigest()

    @cached_property
    def _netrc(self) -> str:
        """A digest of the user's .netrc, which may have a name for any host; empty without one."""
        named = os.environ.get("NETRC")
        for path in [named] if named else ["~/.netrc", "~/_netrc"]:
            try:
                return blake2b(Path(path).expanduser().read_bytes(), digest_size=8).hexdigest()
            except (OSError, RuntimeError):
                continue
        return ""


def _dump(freshness: Freshness, source: Source, page: KeptPage) -> bytes:
    base = _without_credentials(page.base)
    return msgspec.msgpack.encode(_Stored(freshness, source, dump_page(page, base)))


def _read(
    cache: Cache,
    stamp: str,
    source: Source,
    project: NormalizedName,
    shown: str,
    fetch: Callable[[], Page],
) -> Page:
    """Read the stored body of a page; fetch it where that is lost."""
    sent = cache.body(stamp)
    if sent is not None:
        try:
            with unpacked(sent, source.encoding) as body:
                return read_page(
                    body,
                    content_type=source.content_type,
                    url=source.url,
                    project=project,
                    shown=shown,
                    is_whole=source.is_whole,
                )
        except Exception:  # whatever a damaged body causes: the index has the page
            return fetch()
    return fetch()


def _without_credentials(url: str) -> str:
    return _split_user(url)[0]


@lru_cache(maxsize=64)  # the indexes: their pages have one address in common
def _split_user(url: str) -> tuple[str, str]:
    """Return an address without user and password, and these."""
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=host)), user
