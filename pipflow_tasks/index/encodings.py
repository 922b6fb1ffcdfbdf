"""Decompressing answers, within limits: of one answer, and of all that are unpacked at a time."""

from __future__ import annotations

import threading
import zlib
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_UNPACKED_BYTES = 128 << 20
"""The size of an answer when it is decompressed."""
MOST_AT_A_TIME_BYTES = 16 << 20
"""The size of all answers that are in work at a time; a larger one is alone."""


@cache
def _zlib() -> Any:
    """Return the fastest module with zlib's interface: that of the extra ``fast``, or zlib."""
    try:
        return import_module("isal.isal_zlib")
    except ImportError:
        return zlib


_GZIP = 16 + zlib.MAX_WBITS


class OversizedAnswer(OSError):  # noqa: N818
    """An answer is larger than what is read; asking again is useless."""

    def __init__(self, most_bytes: int, unpacked: str = "") -> None:
        super().__init__(f"it is larger than {most_bytes >> 20} MB{unpacked}")


class DamagedAnswer(OSError):  # noqa: N818
    """An answer can't be decompressed; another attempt may get a whole one."""


class Budget:
    """An amount of memory that threads share; who wants more than is left waits.

    Who wants more than there is gets all of it.
    """

    def __init__(self, size_bytes: int) -> None:
        self._size = self._left = size_bytes
        self._changed = threading.Condition()

    @contextmanager
    def hold(self, size_bytes: int) -> Iterator[None]:
        """Take a part of the budget, which is given back at the end of the block."""
        size_bytes = min(size_bytes, self._size)
        with self._changed:
            self._changed.wait_for(lambda: size_bytes <= self._left)
            self._left -= size_bytes
        try:
            yield
        finally:
            with self._changed:
                self._left += size_bytes
                self._changed.notify_all()


BUDGET = Budget(MOST_AT_A_TIME_BYTES)


@contextmanager
def unpacked(sent: bytes, encoding: str) -> Iterator[bytes]:
    """Decompress an answer, and hold its part of the budget during the block.

    A gzip file of one member states its size at its end (RFC 1952); what states none, or a wrong
    one, gets the whole budget.

    Raises:
        DamagedAnswer: the answer is damaged or cut off.
        OversizedAnswer: it is too large.
    """
    encoding = encoding.strip().lower()
    if not sent or encoding in {"", "identity"}:
        with BUDGET.hold(len(sent)):
            yield sent
        return
    bits = _window_bits(sent, encoding)
    stated = int.from_bytes(sent[-4:], "little") if bits == _GZIP else MOST_UNPACKED_BYTES
    if stated < MOST_UNPACKED_BYTES:
        with BUDGET.hold(stated):
            body = _unpack(sent, bits, stated)
            if body is not None:
                yield body
                return
    with BUDGET.hold(MOST_UNPACKED_BYTES):
        body = _unpack(sent, bits, MOST_UNPACKED_BYTES)
        if body is None:
            raise OversizedAnswer(MOST_UNPACKED_BYTES, " unpacked")
        yield body


def _window_bits(sent: bytes, encoding: str) -> int:
    """Return how zlib is to read an encoding; ``deflate`` comes with and without its header."""
    if encoding in {"gzip", "x-gzip"}:
        return _GZIP
    if encoding == "deflate":
        has_header = sent[0] & 15 == zlib.DEFLATED and int.from_bytes(sent[:2], "big") % 31 == 0
        return zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS
    raise DamagedAnswer("its encoding is unknown")


def _unpack(sent: bytes, bits: int, most_bytes: int) -> bytes | None:
    """Decompress one member after the other; None if that takes more than ``most_bytes``."""
    pieces: list[bytes] = []
    size = 0
    while sent:
        stream = _zlib().decompressobj(bits)
        try:
            pieces.append(stream.decompress(sent, most_bytes - size + 1))
        except (zlib.error, _zlib().error) as error:
            raise DamagedAnswer(str(error)) from error
        size += len(pieces[-1])
        if size > most_bytes:
            return None
        if not stream.eof:
            raise DamagedAnswer("it is cut off")
        sent = stream.unused_data.lstrip(b"\0")  # members may be padded
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
