"""Metadata from distribution files: from a wheel over the network, from an sdist in memory."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, cast

from ..simple_api import MOST_METADATA_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

    from _typeshed import WriteableBuffer

_TAIL_BYTES = 1 << 16
_MOST_READ_BYTES = 8 << 20
"""What an archive may let us read at a time: its list of contents, the header of a member."""
_MOST_UNPACKED_BYTES = 1 << 30
"""How far an sdist is unpacked to look for its metadata; it is not kept."""
_METADATA_FILES = re.compile(
    r"(?:\./)?[^/]+/(?:PKG-INFO|(?:[^/]+/)?[^/]+\.egg-info/(?:PKG-INFO|requires\.txt))"
)
"""The metadata files of an sdist: PKG-INFO, and the egg-info, perhaps in a folder like ``src``."""

_DAMAGES = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError),
    *(OSError, EOFError, ValueError, NotImplementedError, RuntimeError),
)
"""The errors that reading raises where a file is no archive, is cut off, or of a rare kind."""


class RangeFile(io.RawIOBase):
    """A remote file that fetches only the parts that are read."""

    def __init__(self, fetch: Callable[[str], tuple[bytes, int, int]]) -> None:
        """Fetch the end of the file, where an archive keeps its list of contents.

        ``fetch`` takes a range as HTTP writes it (``bytes=0-99``, ``bytes=-100``). It returns the
        bytes, the position where they begin, and the size of the whole file.
        """
        self._fetch = fetch
        self._position = 0
        data, start, self._size = fetch(f"bytes=-{_TAIL_BYTES}")
        self._parts = [(start, data)]

    def readable(self) -> bool:
        """Return True: the file can be read."""
        return True

    def seekable(self) -> bool:
        """Return True: the file can be read from any position."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a position, and return it."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = base + offset
        return self._position

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill a buffer from the position on; fetch the bytes that are missing."""
        view = memoryview(buffer).cast("B")
        stop = min(self._position + len(view), self._size)
        if stop <= self._position:
            return 0
        data = self._bytes(self._position, stop)
        view[: len(data)] = data
        self._position += len(data)
        return len(data)

    def _bytes(self, start: int, stop: int) -> bytes:
        for begin, data in self._parts:
            if begin <= start and stop <= begin + len(data):
                return data[start - begin : stop - begin]
        end = min(max(stop, start + _TAIL_BYTES), self._size)
        data, begin, _ = self._fetch(f"bytes={start}-{end - 1}")
        self._parts.append((begin, data))
        return data[start - begin : stop - begin]


class _Careful(io.RawIOBase):
    """A file that refuses to be read in large parts, or far behind its beginning.

    Where an archive says how long a part is, the standard library reads all of it at once.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._file.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_SET:
            offset = min(offset, _MOST_UNPACKED_BYTES + 1)
        return self._file.seek(offset, whence)

    def read(self, size: int | None = -1) -> bytes:
        wanted = _MOST_READ_BYTES + 1 if size is None or size < 0 else size
        data = self._file.read(min(wanted, _MOST_READ_BYTES + 1))
        if len(data) > _MOST_READ_BYTES or self._file.tell() > _MOST_UNPACKED_BYTES:
            raise ValueError("the archive has a part that is too large")
        return data


def read_local(path: str) -> bytes:
    """Return the bytes of a file of this machine, none where it can't be read."""
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""


def wheel_metadata(file: io.RawIOBase | io.BytesIO) -> bytes | None:
    """Return the METADATA file of a wheel, or None if it has none."""
    try:
        seen = file if isinstance(file, io.BytesIO) else io.BufferedReader(file)
        with zipfile.ZipFile(_Careful(seen)) as archive:
            for name in archive.namelist():
                folder, _, last = name.rpartition("/")
                if last == "METADATA" and folder.endswith(".dist-info") and "/" not in folder:
                    return _member(archive, name)
    except _DAMAGES:
        return None
    return None


def sdist_metadata(data: bytes, filename: str) -> tuple[bytes | None, bytes | None]:
    """Return the metadata of an sdist: PKG-INFO, and what setuptools wrote into its egg-info.

    Returns:
        PKG-INFO of the top folder, or None if it has none; and ``requires.txt`` of the
        ``.egg-info`` folder, empty if that folder lacks the file, or None if there is no folder.
    """
    try:
        read = _zipped if filename.endswith(".zip") else _packed
        found = dict(read(data))
    except _DAMAGES:
        return None, None
    top = next((text for name, text in found.items() if name.count("/") == 1), None)
    egg_info = [name for name in found if ".egg-info/" in name]
    folder = min((name.rpartition("/")[0] for name in egg_info), key=len, default=None)
    if folder is None:
        return top, None
    return top, found.get(f"{folder}/requires.txt", b"")


def _zipped(data: bytes) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(_Careful(io.BytesIO(data))) as archive:
        for name in archive.namelist():
            if _METADATA_FILES.fullmatch(name):
                yield name.removeprefix("./"), _member(archive, name)


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    """Return a member; of one that is too large, a little more than is allowed."""
    with archive.open(name) as member:
        return member.read(MOST_METADATA_BYTES + 1)


def _opened(data: bytes) -> BinaryIO:
    """Return a file with what was packed, by the first bytes."""
    file = io.BytesIO(data)
    if data.startswith(b"\x1f\x8b"):
        return cast("BinaryIO", gzip.GzipFile(fileobj=file))
    if data.startswith(b"BZh"):
        return cast("BinaryIO", bz2.BZ2File(file))
    return cast("BinaryIO", lzma.LZMAFile(file)) if data.startswith(b"\xfd7zXZ") else file


def _packed(data: bytes) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=_Careful(_opened(data)), mode="r:") as archive:
        for member in archive:
            if member.isfile() and _METADATA_FILES.fullmatch(member.name):
                extracted = archive.extractfile(member)
                if extracted is not None:
                    text = extracted.read(MOST_METADATA_BYTES + 1)
                    yield member.name.removeprefix("./"), text
