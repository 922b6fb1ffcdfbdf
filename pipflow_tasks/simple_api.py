"""Pages of a package index, as values.

Follows the Simple repository API: PEP 503 (HTML), 691 (JSON), 592 (yanked), 658 and 714 (metadata
files), 700 (upload time, size) and 740 (provenance); file names follow PEP 427 and 625. Nothing is
fetched here: the functions take the bytes of a page or a metadata file, and return values. What
they return is checked: names, versions and digests follow their grammar, and nothing is longer than
its limit.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from email.parser import BytesHeaderParser
from functools import cached_property, lru_cache
from itertools import islice
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar, overload
from urllib.parse import quote, unquote, urldefrag, urljoin, urlsplit

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.tags import Tag, parse_tag
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from .errors import PackageIndexError, as_foreign, redact
from .values import Pattern, require_short_numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from email.message import Message

ACCEPT = (
    "application/vnd.pypi.simple.v1+json, "
    "application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
)

MOST_METADATA_BYTES = 4 << 20
MOST_FILES = 200_000
"""How many files a page may list."""
MOST_DEPENDENCIES = 2_000
"""How many dependencies a release may state."""
MOST_REQUIREMENT = 10_000
"""How many characters a dependency may have; a longer one is not valid."""
MOST_FILENAME = 255
MOST_VERSION = 100
MOST_REQUIRES_PYTHON = 1_000
"""How many characters these may have; an entry of a page with more is skipped."""
MOST_URLS = 30
"""How many pages about a project are read of its metadata."""
MOST_URL = 500
"""How many characters the address of one, with its label, may have; a longer one is skipped."""
_MOST_REASON = 301
"""How much of the reason for a yanked file is kept; a report shows less."""

_AnyEntry = TypeVar("_AnyEntry")
_ORDERED_WILDCARD = Pattern(r"([<>]=?\s*)([\w.!+-]+?)\.\*")
"""A comparison with a wildcard, such as ``>=5.1.*``; it means the same without the wildcard."""

_WEB_PAGE = re.compile(r"https?://[\w.-]+(?::[0-9]{1,5})?(?:[/?#][!-~]*)?", re.ASCII)
"""An address without credentials, blanks or other characters that are not printed."""

_PATCH_MARKERS = ("python_full_version", "implementation_version")
_SDIST_ENDING = re.compile(r"\.(?:tar(?:\.gz|\.bz2|\.xz)?|tgz|zip)\Z")


class DistributionFile(Struct, frozen=True, kw_only=True):
    """One file of a release.

    Attributes:
        filename: holds the project, the version and, for a wheel, the tags.
        url: its absolute address.
        is_wheel: else it is an sdist.
        requires_python: None if the index does not state it.
        yanked: why it was yanked (perhaps an empty string), or None.
        hashes: hex digests by algorithm, for the algorithms that installers accept.
        has_metadata: whether the index serves a metadata file beside it; None if it does not say.
        metadata_hashes: the digests of that file, as ``hashes``.
        uploaded: None if the index does not state it.
        size_bytes: likewise; compressed, as it is downloaded (PEP 700).
        has_provenance: whether the index says how it was made and uploaded (PEP 740).
    """

    filename: str
    url: str
    version: Version
    is_wheel: bool
    requires_python: SpecifierSet | None = None
    yanked: str | None = None
    hashes: Mapping[str, str] = field(default_factory=dict)
    has_metadata: bool | None = None
    metadata_hashes: Mapping[str, str] = field(default_factory=dict)
    uploaded: datetime | None = None
    size_bytes: int | None = None
    has_provenance: bool = False

    @property
    def path(self) -> str:
        """The path of a file of this machine, or an empty string."""
        return unquote(urlsplit(self.url).path) if self.url.startswith("file:") else ""

    @property
    def tags(self) -> frozenset[Tag]:
        """The tags of a wheel; empty for an sdist."""
        if not self.is_wheel:
            return frozenset()
        return _tags("-".join(self.filename.removesuffix(".whl").rsplit("-", 3)[1:]))


def read_page(
    data: bytes,
    *,
    content_type: str,
    url: str,
    project: NormalizedName,
    shown: str = "",
    is_whole: bool = True,
) -> Page:
    """Read one project's page; files that no installer could use are left out.

    ``url`` is where relative addresses start; ``shown`` is how an error writes it, by default
    without credentials. ``is_whole``: the protocol marked the end of the page; else the page has
    to.

    Raises:
        PackageIndexError: the page is neither JSON nor HTML, has an unknown version of the API,
            is that of another project, is cut off, or lists too many files.
    """
    kind = content_type.partition(";")[0].strip().lower()
    shown = shown or redact(url)
    try:
        if kind in {"application/vnd.pypi.simple.v1+json", "application/json"}:
            return replace(_read_json(data, url, project), shown=shown)
        if kind in {"application/vnd.pypi.simple.v1+html", "text/html"}:
            return replace(_read_html(data, url, project, is_whole=is_whole), shown=shown)
    except ValueError as error:
        raise _unusable(shown, str(error)) from error
    kind = as_foreign(kind) or "missing"
    raise _unusable(shown, f"its type is {kind}, but JSON or HTML is needed")


def _unusable(shown: str, reason: str) -> PackageIndexError:
    return PackageIndexError(
        f"the answer of the index at {shown} can't be used: {reason}",
        url=shown,
        hint="check that this is the address of a Simple API index; most end in /simple/",
    )


class _Hashes(Struct, gc=False, frozen=True):
    """The digests of a file, for the algorithms that installers accept; a page has many."""

    sha256: str | None = None
    sha384: str | None = None
    sha512: str | None = None


_ALGORITHMS = _Hashes.__struct_fields__
_DIGEST_LENGTHS = {name: 2 * hashlib.new(name).digest_size for name in _ALGORITHMS}
_HEX = "0123456789abcdef"


def _digests(given: Iterable[tuple[str, object]], filename: str) -> dict[str, str]:
    """Return the digests for the algorithms that installers accept.

    Raises:
        ValueError: a text is no digest of its algorithm.
    """
    found: dict[str, str] = {}
    for name, digest in given:
        if name not in _ALGORITHMS or not isinstance(digest, str) or not digest:
            continue
        lower = digest.lower()
        if len(lower) != _DIGEST_LENGTHS[name] or lower.strip(_HEX):
            raise ValueError(f"the {name} of {as_foreign(filename)} is no digest")
        found[name] = lower
    return found


def matches(data: bytes, hashes: Mapping[str, str]) -> bool:
    """Return whether data has all of these digests, as a page gives them."""
    return all(hashlib.new(name, data).hexdigest() == digest for name, digest in hashes.items())


class _Named(Struct, gc=False):
    """The part of an entry that shows its project and version."""

    filename: str


class _Needed(_Named):
    """The part of an entry that a file can't do without."""

    url: str


class _Entry(Struct, rename="kebab", gc=False):
    """The entry of a page for one file, as PEP 691, 700 and 740 write it; see ``_decode``."""

    filename: str
    url: str
    hashes: _Hashes = _Hashes()
    requires_python: str | None = None
    yanked: object = None  # false, true or the reason; anything else counts as in pip
    core_metadata: bool | dict[str, object] | None = None  # its digests, or whether it is there
    dist_info_metadata: bool | dict[str, object] | None = None  # the same before PEP 714
    upload_time: str | None = None
    size: int | None = None
    provenance: object = None  # an address; what is anything else is none


class ProjectStatus(Struct, frozen=True, gc=False):
    """What an index says of a project as a whole, as PEP 792 has it.

    Attributes:
        status: ``active``, ``archived``, ``deprecated`` or ``quarantined``; any other word that an
            index may have counts as ``active``.
        reason: why, in the words of the index, or nothing.
    """

    status: str = "active"
    reason: str = ""

    def __str__(self) -> str:
        return self.saying("")

    def saying(self, more: str) -> str:
        """Return the status, with more of a sentence before its reason."""
        return f"{self.status}{more}: {self.reason}" if self.reason else f"{self.status}{more}"

    @property
    def is_active(self) -> bool:
        """Whether the index has nothing against the project."""
        return self.status == "active"


ACTIVE = ProjectStatus()
_KNOWN_STATUS = frozenset({"archived", "deprecated", "quarantined"})


def _status_of(status: object, reason: object) -> ProjectStatus:
    """Return the status that a page gives; what is no known status counts as active."""
    if not isinstance(status, str) or status not in _KNOWN_STATUS:
        return ACTIVE
    return ProjectStatus(status, as_foreign(reason) if isinstance(reason, str) else "")


class Page(Struct, frozen=True):
    """The entries of one page by version: unparsed JSON, or read from HTML."""

    base: str  # where its relative addresses start
    entries: Mapping[Version, tuple[_Entry | msgspec.Raw, ...]]
    texts: Mapping[Version, str]  # each version as a file name writes it
    shown: str = ""  # how an error writes the address of the page
    oversized: int = 0  # how many entries are skipped, because something in them is too long
    status: ProjectStatus = ACTIVE


class Versions:
    """The versions of a project, newest first; each is parsed when it is first needed.

    ``finals`` is the set of those that are no pre-releases: an integer with a bit for each version,
    the lowest for the newest.
    """

    def __init__(self, texts: Sequence[str], finals: int) -> None:
        self.texts = texts
        self.finals = finals
        self._parsed: list[Version | None] = [None] * len(texts)
        self._found: dict[Version, int] = {}

    @classmethod
    def of(cls, texts: Mapping[Version, str]) -> Versions:
        """Sort versions."""
        # most pages are sorted, and sorting a sorted list is fast
        parsed = sorted(texts, reverse=True)
        finals = sum(1 << at for at, each in enumerate(parsed) if not each.is_prerelease)
        found = cls([texts[version] for version in parsed], finals)
        found._parsed[:] = parsed
        return found

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, place: int) -> Version:
        version = self._parsed[place]
        if version is None:
            version = self._parsed[place] = Version(self.texts[place])
        return version

    def __iter__(self) -> Iterator[Version]:
        return map(self.__getitem__, range(len(self)))

    @cached_property
    def _places(self) -> dict[str, int]:
        return {text: place for place, text in enumerate(self.texts)}

    def place(self, version: Version) -> int | None:
        """Return the place of a version, or None."""
        place = self.place_from(version)
        return place if place < len(self) and self[place] == version else None

    def place_from(self, version: Version) -> int:
        """Return the place of a version, or of the next older one; behind the last if none is."""
        if version not in self._found:
            self._found[version] = self._find(version)
        return self._found[version]

    def _find(self, version: Version) -> int:
        text = str(version)
        if len(self._found) > FEW_VERSIONS:
            place = self._places.get(text)
        else:  # most pages are asked for one or two, and have hundreds
            place = self.texts.index(text) if text in self.texts else None
        if place is not None and self[place] == version:
            return place
        return bisect_left(self, True, key=lambda each: each <= version)


class KeptPage:
    """A page of which few entries are kept: of the newest versions, of pins, of those looked at.

    A page takes ten times as much memory as its compressed answer, and a command needs few of its
    files. The others are read again from that answer.
    """

    def __init__(
        self,
        *,
        base: str,
        shown: str,
        oversized: int,
        versions: Versions,
        entries: dict[int, tuple[_Entry | bytes, ...]],
        again: Callable[[], Page] | None,
        status: ProjectStatus = ACTIVE,
    ) -> None:
        self.base = base
        self.shown = shown
        self.oversized = oversized
        self.versions = versions
        self.entries = entries
        self.status = status
        self._again = again
        self._looked = set(entries)

    @classmethod
    def of(
        cls,
        page: Page,
        again: Callable[[], Page] | None = None,
        *,
        size_bytes: int = 0,
        pins: Iterable[Version] = (),
    ) -> KeptPage:
        """Keep the newest entries of a page, and those that pins are asked for.

        All are kept of a page that is small or can't be read again.
        """
        versions = Versions.of(page.texts)
        keeps_all = again is None or size_bytes <= SMALL_BYTES
        newest = range(len(versions) if keeps_all else min(KEPT_VERSIONS, len(versions)))
        pinned = _places_of(pins, versions)
        found = cls(
            base=page.base,
            shown=page.shown,
            oversized=page.oversized,
            versions=versions,
            entries={place: _copied(page.entries[versions[place]]) for place in {*newest, *pinned}},
            again=again,
            status=page.status,
        )
        found._looked = set(range(min(KEPT_VERSIONS, len(versions))))
        return found

    def whole(self) -> Page:
        """Return the page with all entries, read again."""
        assert self._again is not None
        return self._again()

    @property
    def worth(self) -> frozenset[int]:
        """The places of the versions that were looked at, whose entries are worth storing."""
        return frozenset(sorted(self._looked)[:MOST_STORED_VERSIONS])

    def entries_of(self, version: Version) -> tuple[_Entry | bytes, ...]:
        """Return the entries of a version; none for one that the page does not have.

        Raises:
            PackageIndexError: the page was read again, and is another one.
        """
        place = self.versions.place(version)
        if place is None:
            return ()
        self._looked.add(place)
        if place not in self.entries:
            page = self.whole()
            for each in range(place, min(place + READ_VERSIONS, len(self.versions))):
                found = page.entries.get(self.versions[each])
                if found is None:
                    raise _unusable(self.shown, "it changed while it was read; run it again")
                self.entries.setdefault(each, _copied(found))
        return self.entries[place]


def _places_of(pins: Iterable[Version], versions: Versions) -> Iterator[int]:
    """Yield the places of pins, and of the version before each, which it is compared with."""
    for pin in pins:
        place = versions.place(pin)
        if place is not None:
            yield from range(place, min(place + 2, len(versions)))


class _StoredPage(Struct, array_like=True):
    """A page as ``dump_page`` writes it."""

    base: str
    oversized: int
    texts: list[str]
    finals: bytes
    entries: dict[int, list[bytes]]
    status: ProjectStatus = ACTIVE


_STORED_PAGE = msgspec.msgpack.Decoder(_StoredPage)


def dump_page(page: KeptPage, base: str) -> bytes:
    """Write what is kept of a page as MessagePack, with another base."""
    finals = page.versions.finals
    stored = _StoredPage(
        base=base,
        oversized=page.oversized,
        texts=list(page.versions.texts),
        finals=finals.to_bytes(finals.bit_length() // 8 + 1, "little"),
        entries={
            place: [
                each if isinstance(each, bytes) else msgspec.json.encode(each)
                for each in page.entries[place]
            ]
            for place in page.worth & page.entries.keys()
        },
        status=page.status,
    )
    return msgspec.msgpack.encode(stored)


def load_page(
    data: bytes, *, shown: str, whole: Callable[[str], str], again: Callable[[], Page]
) -> KeptPage:
    """Read what ``dump_page`` has written; ``whole`` puts credentials into the base.

    Raises:
        ValueError: it is something else.
    """
    stored = _STORED_PAGE.decode(data)
    if any(not 0 <= place < len(stored.texts) for place in stored.entries):
        raise ValueError("there is no version for an entry")
    return KeptPage(
        base=whole(stored.base),
        shown=shown,
        oversized=stored.oversized,
        versions=Versions(stored.texts, int.from_bytes(stored.finals, "little")),
        entries={place: tuple(found) for place, found in stored.entries.items()},
        again=again,
        status=stored.status,
    )


SMALL_BYTES = 1 << 14
KEPT_VERSIONS = 3
"""Of how many versions, the newest, the entries are kept from the first."""
MOST_STORED_VERSIONS = 64
FEW_VERSIONS = 16
"""After how many versions a page gets a table of their places."""
READ_VERSIONS = 32
"""Of how many versions entries are taken when a page is read again: a search goes downward."""


def _copied(entries: Iterable[_Entry | msgspec.Raw]) -> tuple[_Entry | bytes, ...]:
    """Return entries that do not hold the whole page in memory."""
    return tuple(bytes(each) if isinstance(each, msgspec.Raw) else each for each in entries)


class Files(Mapping[Version, Sequence[DistributionFile]]):
    """The files of a project by version, newest first; those of a version in the pages' order.

    A page may list thousands of files, and a command needs few of them. So the entry of a file is
    parsed when its version is first asked for, and may raise PackageIndexError then.
    """

    def __init__(self, pages: Iterable[Page | KeptPage]) -> None:
        self._pages = tuple(KeptPage.of(each) if isinstance(each, Page) else each for each in pages)
        self._read: dict[Version, tuple[DistributionFile, ...]] = {}

    @cached_property
    def versions(self) -> Versions:
        """The versions."""
        if len(self._pages) == 1:
            return self._pages[0].versions
        texts: dict[Version, str] = {}
        for page in self._pages:
            for version, text in zip(page.versions, page.versions.texts, strict=True):
                texts.setdefault(version, text)
        return Versions.of(texts)

    @property
    def oversized(self) -> tuple[tuple[str, int], ...]:
        """The pages with entries that are skipped because they are too long, and how many."""
        return tuple((page.shown, page.oversized) for page in self._pages if page.oversized)

    @property
    def status(self) -> ProjectStatus:
        """What the indexes say of the project: the first word that is not ``active``."""
        told = (page.status for page in self._pages if not page.status.is_active)
        return next(told, ACTIVE)

    def __len__(self) -> int:
        return len(self.versions)

    def __iter__(self) -> Iterator[Version]:
        return iter(self.versions)

    def __getitem__(self, version: Version) -> Sequence[DistributionFile]:
        if version not in self._read:
            found = [(page, page.entries_of(version)) for page in self._pages]
            if not any(entries for _, entries in found):
                raise KeyError(version)
            files = [file for each in found for file in _read_files(*each, version)]
            self._read[version] = tuple(files)
        return self._read[version]


def _group(
    project: NormalizedName, filenames: Iterable[str], entries: tuple[_AnyEntry, ...]
) -> tuple[dict[Version, tuple[_AnyEntry, ...]], dict[Version, str], int]:
    """Return the entries by version, without most of those that no installer could use.

    Most pages list the wheels of a version together and its sdist after them, and these names
    begin alike. Such a run is taken as a whole. Also returns each version as a name writes it, and
    how many entries are too long.
    """
    oversized = 0
    starts: list[int] = []
    texts: list[str | None] = []
    own = ""  # the last way in which a wheel writes the project
    wheels = sdist = "/"  # no file name holds a slash
    for place, filename in enumerate(filenames):
        is_long = len(filename) > MOST_VERSION and _is_oversized(filename)
        is_name = not is_long and "/" not in filename
        if is_name and (
            filename == sdist or (filename.startswith(wheels) and filename.endswith(".whl"))
        ):
            continue
        starts.append(place)
        oversized += is_long
        if is_name and _is_wheel(filename):
            name, version_text, _ = filename.split("-", 2)
            if name != own and _canonical(name) == project:
                own = name
            texts.append(version_text if name == own else None)
            stem = f"{name}-{version_text}"
            wheels, sdist = f"{stem}-", f"{stem}.tar.gz"
        else:
            texts.append(_text_of(filename, project) if is_name else None)
            wheels = sdist = "/"
    releases: dict[Version, tuple[_AnyEntry, ...]] = {}
    stops = [*starts, len(entries)][1:]
    written: dict[Version, str] = {}
    for text, start, stop in zip(texts, starts, stops, strict=True):
        version = None if text is None else _version(text)
        if version is not None and text is not None:
            releases[version] = releases.get(version, ()) + entries[start:stop]
            written.setdefault(version, text)
    asking = 0 if _are_short(entries) else sum(map(_asks_at_length, entries))
    if asking:
        kept = {
            version: tuple(entry for entry in found if not _asks_at_length(entry))
            for version, found in releases.items()
        }
        releases = {version: found for version, found in kept.items() if found}
        written = {version: written[version] for version in releases}
    return releases, written, oversized + asking


def _is_oversized(filename: str) -> bool:
    if len(filename) > MOST_FILENAME:
        return True
    if _is_wheel(filename):
        version = filename.split("-", 2)[1]
    else:
        version = _SDIST_ENDING.sub("", filename).rpartition("-")[2]
    return len(version) > MOST_VERSION


def _are_short(entries: Sequence[object]) -> bool:
    """Return whether no entry of a JSON page can have a Requires-Python that is too long."""
    try:
        sizes = map(len, entries)  # type: ignore[arg-type]
        return max(sizes, default=0) <= MOST_REQUIRES_PYTHON
    except TypeError:  # entries of an HTML page
        return False


def _asks_at_length(entry: object) -> bool:
    """Return whether the Requires-Python of an entry is too long."""
    if isinstance(entry, msgspec.Raw):
        if len(entry) <= MOST_REQUIRES_PYTHON:
            return False
        try:
            entry = _decode(entry)
        except msgspec.MsgspecError:  # raised again where the entry is read
            return False
    assert isinstance(entry, _Entry)
    return len(entry.requires_python or "") > MOST_REQUIRES_PYTHON


def _read_files(
    page: KeptPage, entries: Iterable[_Entry | bytes], version: Version
) -> Iterator[DistributionFile]:
    for each in entries:
        try:
            entry = each if isinstance(each, _Entry) else _decode(each)
            if _is_wheel(entry.filename) or _SDIST_ENDING.search(entry.filename):
                yield _read(version, entry, page.base)
        except (ValueError, msgspec.MsgspecError) as error:
            raise _unusable(page.shown, str(error)) from error


def _decode(data: bytes | msgspec.Raw) -> _Entry:
    """Read an entry; what has another type than it should have is unknown of this file.

    Raises:
        msgspec.MsgspecError: it is not valid, or has no name or no address.
    """
    try:
        return _ENTRY.decode(data)
    except msgspec.ValidationError:
        needed = msgspec.json.decode(data, type=_Needed)
    given = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
    known: dict[str, Any] = {}
    for each in msgspec.structs.fields(_Entry):
        if not each.required and each.encode_name in given:
            with suppress(msgspec.ValidationError):
                known[each.name] = msgspec.json.decode(given[each.encode_name], type=each.type)
    return _Entry(filename=needed.filename, url=needed.url, **known)


def _read(version: Version, entry: _Entry, base: str) -> DistributionFile:
    metadata = entry.core_metadata
    if metadata is None:
        metadata = entry.dist_info_metadata
    digests = ((name, getattr(entry.hashes, name)) for name in _ALGORITHMS)
    told = metadata.items() if isinstance(metadata, dict) else ()
    return DistributionFile(
        filename=entry.filename,
        url=_complete(entry.url, base),
        version=version,
        is_wheel=entry.filename.endswith(".whl"),
        requires_python=_specifier(entry.requires_python),
        yanked=_yanked(entry.yanked),
        hashes=_digests(digests, entry.filename),
        has_metadata=None if metadata is None else metadata is not False,
        metadata_hashes=_digests(told, f"{entry.filename}.metadata"),
        uploaded=_time(entry.upload_time),
        size_bytes=entry.size if entry.size is not None and entry.size >= 0 else None,
        has_provenance=isinstance(entry.provenance, str) and entry.provenance != "",
    )


def _complete(url: str, base: str) -> str:
    """Make an address absolute.

    ``urljoin`` is slow, and skipped where it would neither change nor refuse the address.
    """
    is_whole = url.startswith(("https://", "http://")) and url.isascii()
    return url if is_whole and "[" not in url and "]" not in url else urljoin(base, url)


def _is_wheel(filename: str) -> bool:
    return filename.endswith(".whl") and filename.count("-") in {4, 5}


def _version_of(filename: str, project: NormalizedName) -> Version | None:
    """Read the version from the name of a usable file of a project."""
    text = _text_of(filename, project)
    return None if text is None else _version(text)


def _text_of(filename: str, project: NormalizedName) -> str | None:
    """Return the version as the name of a file of a project writes it, or None.

    The name of an sdist, ``flask-login-0.6.3``, is split at the last hyphen. Before PEP 625 any
    hyphen could be the right one, so that the others are tried, too.
    """
    if _is_wheel(filename):
        name, version, _ = filename.split("-", 2)
        return version if _canonical(name) == project else None
    ending = _SDIST_ENDING.search(filename)
    if ending is None:
        return None
    stem = filename[: ending.start()]
    place = stem.rfind("-")
    while place > 0:
        if _canonical(stem[:place]) == project:
            return stem[place + 1 :]
        place = stem.rfind("-", 0, place)
    return None


_canonical = lru_cache(maxsize=4096)(canonicalize_name)


@lru_cache(maxsize=65536)
def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except ValueError:  # also for a number of thousands of digits
        return None


@lru_cache(maxsize=4096)
def _specifier(text: str | None) -> SpecifierSet | None:
    """Read a Requires-Python; one that is not valid counts as none, as in pip."""
    try:
        return SpecifierSet(require_short_numbers(text)) if text else None
    except ValueError:
        return None


@lru_cache(maxsize=16384)
def _tags(text: str) -> frozenset[Tag]:
    try:
        return parse_tag(text)
    except ValueError:  # such as `py36+-none-any`, which no installer accepts
        return frozenset()


def _time(text: str | None) -> datetime | None:
    if not text:
        return None
    seconds, _, fraction = text.removesuffix("Z").partition(".")
    try:
        return datetime.fromisoformat(f"{seconds}.{fraction[:6]:0<6}+00:00")
    except ValueError:
        return None


def _read_json(data: bytes, url: str, project: NormalizedName) -> Page:
    try:
        _require_few(data)
        page = _JSON.decode(data)
        if len(page.files) > MOST_FILES:
            raise _too_many_files()
        filenames = map(attrgetter("filename"), map(_NAMED.decode, page.files))
        entries, texts, oversized = _group(project, filenames, page.files)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"its JSON is not valid: {error}") from error
    _require_version(page.meta.api_version)
    if isinstance(page.name, str) and page.name and _canonical(page.name) != project:
        raise ValueError(f"it is the page of {as_foreign(page.name)}")
    return Page(url, entries, texts, oversized=oversized, status=_read_status(page.project_status))


def _read_status(data: msgspec.Raw) -> ProjectStatus:
    """Return the status that a JSON page gives; one that is malformed is none."""
    try:
        given = msgspec.json.decode(data, type=dict[str, object]) if bytes(data) else {}
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ACTIVE
    return _status_of(given.get("status"), given.get("reason"))


def _require_few(data: bytes) -> None:
    """Refuse a page with many more entries than are read, before they take up memory.

    An entry is an object with at most three objects in it, and has at least 16 bytes; what is no
    entry takes up little in a page that is smaller.
    """
    if len(data) < 16 * MOST_FILES or data.count(b",") < MOST_FILES:
        return
    if data.count(b"{") > 4 * MOST_FILES + 16:
        raise _too_many_files()
    _OBJECTS.decode(data)


def _too_many_files() -> ValueError:
    return ValueError(f"it lists more than {MOST_FILES:,} files")


def _yanked(value: object) -> str | None:
    """Return the reason or None; PEP 691 writes false, true or the reason."""
    if isinstance(value, str):
        return as_foreign(value)
    return "" if value else None


class _JsonMeta(Struct, rename="kebab"):
    api_version: str = "1.0"


class _JsonPage(Struct, rename={"project_status": "project-status"}):
    meta: _JsonMeta
    files: tuple[msgspec.Raw, ...]
    name: object = ""
    project_status: msgspec.Raw = msgspec.Raw()


class _Object(Struct, gc=False):
    """Any object; decoding stops at the first entry that is none."""


class _Objects(Struct):
    files: tuple[_Object, ...]


_NAMED = msgspec.json.Decoder(_Named)
_ENTRY = msgspec.json.Decoder(_Entry)
_JSON = msgspec.json.Decoder(_JsonPage)
_OBJECTS = msgspec.json.Decoder(_Objects)


def _require_version(version: str) -> None:
    if version.partition(".")[0] != "1":
        raise ValueError(
            f"it has version {as_foreign(version)} of the Simple API; this tool reads 1.x"
        )


_TAG_NAME = re.compile(rb"/?[a-zA-Z][^\s/>]*")
_BETWEEN = re.compile(rb"[\s/=]*")
_ATTRIBUTE = re.compile(rb"([^\s/>=]+)(\s*=\s*)?")
_UNQUOTED = re.compile(rb"[^\s>]*")
_RAW = {name: re.compile(rb"</%b[\s/>]" % name, re.IGNORECASE) for name in (b"script", b"style")}
"""Elements that hold no tags."""


def _html_tags(text: bytes) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the tags of a page with their attributes; the name of one that closes has a slash.

    The standard library's parser begins again for each tag that is not closed, which takes
    hours for a page of them; and it needs the whole page as text, which is as large again.

    Raises:
        ValueError: a tag, a comment or an attribute is not closed.
    """
    position = 0
    while (start := text.find(b"<", position)) >= 0:
        if text.startswith((b"<!", b"<?"), start):
            is_comment = text.startswith(b"<!--", start)
            end = b"-->" if is_comment else b">"
            position = _behind(text, end, start + 4 if is_comment else start + 2)
            continue
        name = _TAG_NAME.match(text, start + 1)
        if name is None:
            position = start + 1
            continue
        attributes, position = _attributes(text, name.end())
        lower = name[0].lower()
        yield _text(lower), attributes
        if lower in _RAW:
            closing = _RAW[lower].search(text, position)
            position = len(text) if closing is None else closing.start()


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _attributes(text: bytes, position: int) -> tuple[dict[str, str], int]:
    """Return the attributes of a tag, from behind its name, and the place behind the tag."""
    from html import unescape

    found: dict[str, str] = {}
    while True:
        between = _BETWEEN.match(text, position)
        assert between is not None
        attribute = _ATTRIBUTE.match(text, between.end())
        if attribute is None:
            return found, _behind(text, b">", between.end())
        position, value = attribute.end(), b""
        quote = text[position : position + 1]
        if attribute[2] and quote in {b'"', b"'"}:
            start, position = position + 1, _behind(text, quote, position + 1)
            value = text[start : position - 1]
        elif attribute[2]:
            unquoted = _UNQUOTED.match(text, position)
            assert unquoted is not None
            position, value = unquoted.end(), unquoted[0]
        found[_text(attribute[1]).lower()] = unescape(_text(value))


def _behind(text: bytes, end: bytes, start: int) -> int:
    place = text.find(end, start)
    if place < 0:
        raise ValueError(
            f"its HTML is not valid: {as_foreign(_text(text[start : start + 20]))}… is open"
        )
    return place + len(end)


class _Anchors:
    """The parts of a page that PEP 503 defines."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.version = ""
        self.status: dict[str, str] = {}
        self.anchors: list[_Entry] = []
        self.is_open = False

    def feed(self, text: bytes) -> None:
        """Collect the parts.

        Raises:
            ValueError: the page is malformed, or has too many anchors.
        """
        for tag, values in _html_tags(text):
            if tag == "a" and values.get("href"):
                self.anchors.append(_read_anchor(values))
                if len(self.anchors) > MOST_FILES:
                    raise _too_many_files()
            elif tag in {"html", "/html"}:
                self.is_open = tag == "html"
            elif tag == "base" and values.get("href"):
                self.base = urljoin(self.base, values["href"])
            elif tag == "meta" and values.get("name") == "pypi:repository-version":
                self.version = values.get("content", self.version)
            elif tag == "meta" and values.get("name", "").startswith("pypi:project-status"):
                self.status[values["name"]] = values.get("content", "")


def _read_html(data: bytes, url: str, project: NormalizedName, *, is_whole: bool) -> Page:
    parser = _Anchors(url)
    parser.feed(data)
    if parser.is_open and not is_whole:
        raise ValueError("it is cut off: <html> is not closed")
    if not parser.version and not parser.anchors:
        raise ValueError("it is an HTML page without links, not an index page")
    _require_version(parser.version or "1.0")
    said = parser.status.get
    status = _status_of(said("pypi:project-status"), said("pypi:project-status-reason"))
    return _page(parser.base, project, tuple(parser.anchors), status)


def _page(
    base: str,
    project: NormalizedName,
    entries: tuple[_Entry, ...],
    status: ProjectStatus = ACTIVE,
) -> Page:
    grouped, texts, oversized = _group(project, (entry.filename for entry in entries), entries)
    return Page(base, grouped, texts, oversized=oversized, status=status)


def _read_anchor(anchor: Mapping[str, str]) -> _Entry:
    url, fragment = urldefrag(anchor["href"])
    yanked = anchor.get("data-yanked")
    metadata = anchor.get("data-core-metadata", anchor.get("data-dist-info-metadata"))
    parts = (part.partition("=") for part in fragment.split("&"))
    digests = {name: digest for name, equals, digest in parts if equals and name in _ALGORITHMS}
    return _Entry(
        filename=unquote(url.partition("?")[0].rsplit("/", 1)[-1]),
        url=url,
        hashes=_Hashes(**digests),
        requires_python=anchor.get("data-requires-python"),
        yanked=None if yanked is None else yanked[:_MOST_REASON],
        core_metadata=None if metadata is None else _metadata_of(metadata),
        provenance="there" if anchor.get("data-provenance") else None,
    )


def _metadata_of(attribute: str) -> bool | dict[str, object]:
    """Return what the attribute says: false, true, or a digest (``sha256=…``)."""
    name, equals, digest = attribute.partition("=")
    return {name: digest} if equals else attribute != "false"


class Listing:
    """Files of any projects: the links of one page, or the files of a folder."""

    def __init__(self, entries: Iterable[_Entry], base: str) -> None:
        self._base = base
        self._wheels: dict[str, list[_Entry]] = {}
        self._others: list[_Entry] = []
        for entry in entries:
            if _is_wheel(entry.filename):
                name = _canonical(entry.filename.partition("-")[0])
                self._wheels.setdefault(name, []).append(entry)
            else:
                self._others.append(entry)

    @classmethod
    def from_html(cls, data: bytes, url: str) -> Listing:
        """Read an HTML page of links, such as ``--find-links`` names."""
        parser = _Anchors(url)
        with suppress(ValueError):  # as far as the page is well-formed
            parser.feed(data)
        return cls(parser.anchors, parser.base)

    @classmethod
    def from_names(cls, names: Iterable[str], base: str) -> Listing:
        """Take the names of the files in a folder."""
        return cls((_Entry(filename=name, url=quote(name)) for name in names), base)

    def page_of(self, project: NormalizedName, digest: Callable[[str], str] | None = None) -> Page:
        """Return the files of one project; ``digest`` gives the SHA-256 of one by its name."""
        found = [*self._wheels.get(project, ())]
        found += [each for each in self._others if _version_of(each.filename, project) is not None]
        if digest is not None:
            found = [
                replace(each, hashes=_Hashes(sha256=digest(each.filename)), core_metadata=False)
                for each in found
            ]
        return _page(self._base, project, tuple(found))


class Metadata(Struct, frozen=True, kw_only=True):
    """The dependencies that a distribution states (core metadata, PEP 566 and 643).

    Attributes:
        extras: None if it does not state them.
        is_settled: whether every build gives the same; else they are those of the machine that
            made the sdist.
        invalid: the requirements, as written, that PEP 508 does not allow; pip refuses the
            version from 24.1 on. Those that older pips could read are in ``requires`` as well.
        by_patch: those of ``requires`` whose markers name a Python by all its numbers.
        stated: the text of each of ``requires``; none where they were not read from texts.
        urls: pages about the project, each with its label, as its author writes it.
    """

    requires: Sequence[Requirement]
    requires_python: SpecifierSet | None = None
    extras: frozenset[NormalizedName] | None = None
    is_settled: bool = True
    invalid: tuple[str, ...] = ()
    by_patch: tuple[Requirement, ...] = ()
    stated: tuple[str, ...] = ()
    urls: tuple[tuple[str, str], ...] = ()

    def for_extras(self, extras: Iterable[str]) -> Iterator[Requirement]:
        """Yield what may be required with these extras: all but what is for another extra alone."""
        if not self.stated:
            yield from self.requires
            return
        wanted = {_canonical(extra) for extra in extras}
        for place, text in enumerate(self.stated):
            alone = _FOR_EXTRA.fullmatch(text)
            if alone is None or _canonical(alone[1] or alone[2]) in wanted:
                yield self.requires[place]


_FOR_EXTRA = re.compile(r"""[^;@]*;\s*extra\s*==\s*(?:"([\w.-]+)"|'([\w.-]+)')\s*""")


class _Unparsed(Sequence[Requirement]):
    """Requirements that are parsed when they are needed: most are for extras that nobody asks."""

    def __init__(self, texts: tuple[str, ...]) -> None:
        self._texts = texts

    def __len__(self) -> int:
        return len(self._texts)

    @overload
    def __getitem__(self, place: int) -> Requirement: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Requirement]: ...
    def __getitem__(self, place: int | slice) -> Requirement | Sequence[Requirement]:
        if isinstance(place, slice):
            return _Unparsed(self._texts[place])
        requirement = _requirement(self._texts[place])
        assert requirement is not None  # as it was when its text was stored
        return requirement


class _StoredMetadata(Struct, array_like=True):
    """Metadata as ``dump_metadata`` writes them."""

    stated: tuple[str, ...]
    invalid: tuple[str, ...]
    by_patch: tuple[int, ...]
    requires_python: str
    extras: tuple[str, ...] | None
    is_settled: bool
    urls: tuple[tuple[str, str], ...]


_STORED_METADATA = msgspec.msgpack.Decoder(_StoredMetadata | None)


def dump_metadata(metadata: Metadata | None) -> bytes:
    """Write metadata as MessagePack."""
    if metadata is None:
        return msgspec.msgpack.encode(None)
    stored = _StoredMetadata(
        stated=metadata.stated,
        invalid=metadata.invalid,
        by_patch=tuple(
            place for place, each in enumerate(metadata.requires) if each in metadata.by_patch
        )
        if metadata.by_patch
        else (),
        requires_python=str(metadata.requires_python or ""),
        extras=None if metadata.extras is None else tuple(sorted(metadata.extras)),
        is_settled=metadata.is_settled,
        urls=metadata.urls,
    )
    return msgspec.msgpack.encode(stored)


def load_metadata(data: bytes) -> Metadata | None:
    """Read what ``dump_metadata`` has written.

    Raises:
        ValueError: it is something else.
    """
    stored = _STORED_METADATA.decode(data)
    if stored is None:
        return None
    extras = None if stored.extras is None else frozenset(map(canonicalize_name, stored.extras))
    requires = _Unparsed(stored.stated)
    return Metadata(
        requires=requires,
        invalid=stored.invalid,
        by_patch=tuple(requires[place] for place in stored.by_patch),
        stated=stored.stated,
        requires_python=_specifier(stored.requires_python or None),
        extras=extras,
        is_settled=stored.is_settled,
        urls=stored.urls,
    )


def read_metadata(data: bytes, file: DistributionFile) -> Metadata:
    """Read the METADATA of a wheel.

    Raises:
        ValueError: they are not those of the file, too large, or state too many dependencies.
    """
    headers = _parse_headers(data)
    _require_of(file, headers)
    return _read_headers(headers)


def _require_of(file: DistributionFile, headers: Message) -> None:
    """Check name and version, as pip does.

    Raises:
        ValueError: they are not those of the file.
    """
    name, version = (str(headers.get(key) or "").strip() for key in ("Name", "Version"))
    short = len(version) <= MOST_VERSION and len(name) <= MOST_FILENAME
    if not short or not name or _version_of(file.filename, _canonical(name)) is None:
        raise ValueError(f"it is of the project {as_foreign(name)}" if name else "it has no name")
    if _version(version) != file.version:
        raise ValueError(f"it is of version {as_foreign(version) or 'none'}")


def read_sdist_metadata(
    data: bytes | None, requires_txt: bytes | None, file: DistributionFile
) -> Metadata | None:
    """Read the metadata of an sdist; None where they state no dependencies, or are not its own.

    The dependencies are settled from metadata version 2.2 on, unless they are declared dynamic
    (PEP 643). Without a build, the next best source is what setuptools wrote into the egg-info
    when the sdist was made, and then the dependencies in an older PKG-INFO.

    ``data`` is PKG-INFO, or None; ``requires_txt`` is None if the sdist has no egg-info.

    Raises:
        ValueError: they are too large, or state too many dependencies.
    """
    headers = _parse_headers(data or b"")
    if data is not None:
        try:
            _require_of(file, headers)
        except ValueError:
            return None
    found = _read_headers(headers)
    dynamic = {str(name).strip().lower() for name in headers.get_all("Dynamic", ())}
    version = _version(str(headers.get("Metadata-Version", "")).strip())
    if version is not None and version >= Version("2.2") and "requires-dist" not in dynamic:
        return found
    if requires_txt is not None:
        if len(requires_txt) > MOST_METADATA_BYTES:
            raise ValueError(f"it is larger than {MOST_METADATA_BYTES >> 20} MB")
        texts, extras = _read_requires_txt(requires_txt.decode("utf-8", "replace"))
        stated = _read_requirements(texts)
        python = found.requires_python
        urls = found.urls
        return replace(stated, requires_python=python, extras=extras, is_settled=False, urls=urls)
    return replace(found, is_settled=False) if found.requires else None


def _parse_headers(data: bytes) -> Message:
    if len(data) > MOST_METADATA_BYTES:
        raise ValueError(f"it is larger than {MOST_METADATA_BYTES >> 20} MB")
    # the parser would also split the README below into lines
    head = re.split(rb"\r?\n\r?\n", data, maxsplit=1)[0]
    return BytesHeaderParser().parsebytes(head)


def _read_headers(headers: Message) -> Metadata:
    return replace(
        _read_requirements(map(str, headers.get_all("Requires-Dist", ()))),
        requires_python=_specifier(str(headers.get("Requires-Python") or "") or None),
        extras=frozenset(
            canonicalize_name(str(extra).strip()) for extra in headers.get_all("Provides-Extra", ())
        ),
        urls=tuple(islice(_read_urls(headers), MOST_URLS)),
    )


def _read_urls(headers: Message) -> Iterator[tuple[str, str]]:
    """Yield the addresses of web pages that metadata name, each with its label."""
    stated = [str(text).partition(",") for text in headers.get_all("Project-URL", ())]
    stated.append(("Homepage", ",", str(headers.get("Home-page") or "")))
    for label, _, text in stated:
        url = text.strip()
        if len(label) + len(url) <= MOST_URL and _WEB_PAGE.fullmatch(url):
            yield label.strip(), url


def _read_requirements(texts: Iterable[str]) -> Metadata:
    """Read requirements as leniently as pip before 24.1."""
    found: list[Requirement] = []
    invalid: list[str] = []
    by_patch: list[Requirement] = []
    stated: list[str] = []
    for number, text in enumerate(texts):
        if number == MOST_DEPENDENCIES:
            raise ValueError(f"it has more than {MOST_DEPENDENCIES:,} dependencies")
        requirement = _requirement(text)
        if requirement is None:
            invalid.append(as_foreign(text.strip()))
            text = _ORDERED_WILDCARD.sub(r"\1\2", text)
            requirement = _requirement(text)
        if requirement is not None:
            found.append(requirement)
            stated.append(text)
            if any(name in text for name in _PATCH_MARKERS):
                by_patch.append(requirement)
    return Metadata(
        requires=tuple(found),
        invalid=tuple(invalid),
        by_patch=tuple(by_patch),
        stated=tuple(stated),
    )


def _read_requires_txt(text: str) -> tuple[list[str], frozenset[NormalizedName]]:
    """Read ``requires.txt``: a requirement on each line, in sections ``[extra:marker]``."""
    found: list[str] = []
    extras: set[NormalizedName] = set()
    conditions: list[str] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.startswith("[") and line.endswith("]"):
            extra, _, marker = line[1:-1].partition(":")
            conditions = [f"({marker})"] if marker else []
            if extra:
                extras.add(canonicalize_name(extra))
                conditions.append(f'extra == "{canonicalize_name(extra)}"')
            continue
        subject, _, marker = line.partition(";")
        both = " and ".join([*conditions, *([f"({marker})"] if marker else [])])
        found.append(f"{subject} ; {both}" if both else subject)
    return found, frozenset(extras)


@lru_cache(maxsize=16384)
def _requirement(text: str) -> Requirement | None:
    if len(text) > MOST_REQUIREMENT:
        return None
    try:
        return Requirement(require_short_numbers(text))
    except (ValueError, RecursionError):
        return None
