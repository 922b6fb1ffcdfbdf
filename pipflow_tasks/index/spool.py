"""Answers as they were sent, until the cache is written: in memory, and from then on in a file."""

from __future__ import annotations

import io
import tempfile
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import IO

MOST_IN_MEMORY_BYTES = 24 << 20


class Spool:
    """Keeps bytes; the file has no name, and is gone with the process."""

    def __init__(self, most_bytes: int = MOST_IN_MEMORY_BYTES) -> None:
        """Keep up to ``most_bytes`` in memory."""
        self._left = most_bytes
        self._lock = threading.Lock()
        self._file: IO[bytes] | None = None
        self._is_closed = False

    def keep(self, sent: bytes) -> Callable[[], bytes]:
        """Keep an answer, and return what gives it again, until the spool is closed."""
        with self._lock:
            if len(sent) > self._left and not self._is_closed:
                try:
                    return self._write(sent)
                except OSError:  # the disk is full, or there is none: it stays in memory
                    pass
            self._left -= len(sent)
        return lambda: sent

    def close(self) -> None:
        """Remove the file."""
        with self._lock:
            self._is_closed = True
            if self._file is not None:
                with suppress(OSError):
                    self._file.close()

    def _write(self, sent: bytes) -> Callable[[], bytes]:
        """Write an answer, without a buffer: what a full disk leaves of it would fail later."""
        if self._file is None:
            # for as long as the spool
            self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
        file, size = self._file, len(sent)
        place = file.seek(0, io.SEEK_END)
        written = 0
        while written < size:
            count = file.write(memoryview(sent)[written:])
            if not count:
                raise OSError("nothing was written")
            written += count

        def read() -> bytes:
            with self._lock:
                file.seek(place)
                found = bytearray()
                while part := file.read(size - len(found)):
                    found += part
                return bytes(found)

        return read
