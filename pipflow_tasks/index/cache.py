"""The user's cache of answers: one file that several commands, and several users' shells, share.

It saves requests and reading, and decides nothing: whatever is wrong with it counts as not found.
What is read comes from one state of the file, however long the command takes. What is to be kept
is written once, at the end, or not at all.
"""

from __future__ import annotations

import os
import threading
import time
import zlib
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any, TypeAlias

    _Row: TypeAlias = tuple[Any, ...]

FORMAT = 3
"""Raise this with any change of what is stored, or of how an answer is read."""

MOST_BYTES = 512 << 20
_LEAST_FRACTION = 0.8
_BUSY_SECONDS = 0.2
_NAME = f"index-{FORMAT}.sqlite3"
_PATTERN = "index-*.sqlite3*"
_PAGE_BYTES = 1 << 16
_DAY_SECONDS = 86_400
_TABLES = """
CREATE TABLE IF NOT EXISTS notes(key TEXT PRIMARY KEY, used INTEGER, stamp TEXT, value BLOB);
CREATE TABLE IF NOT EXISTS bodies(stamp TEXT PRIMARY KEY, body BLOB);
"""

_OLDEST = """
SELECT key, notes.stamp, length(value) + coalesce(length(body), 0)
FROM notes LEFT JOIN bodies ON bodies.stamp = notes.stamp ORDER BY used
"""


class Note(Struct, frozen=True):
    """What is stored under a key; ``stamp`` names the body that belongs to it, if there is one."""

    value: bytes
    stamp: str = ""


class _Unsaved(Struct):
    """What is to be written: whole notes with their bodies, later values, and keys in use."""

    notes: dict[str, tuple[Note, Callable[[], bytes] | None]] = field(default_factory=dict)
    values: dict[str, Note] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)


def cache_folder(environment: Mapping[str, str]) -> Path:
    """Return the folder: ``PIPFLOW_CACHE_DIR``, else one in the user's cache folder."""
    named = environment.get("PIPFLOW_CACHE_DIR") or os.environ.get("PIPFLOW_CACHE_DIR")
    if named:
        return Path(named).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("pipflow", appauthor=False))


class Cache:
    """A store of bytes by key. No method raises an error of the file or the system."""

    def __init__(
        self,
        folder: Path,
        *,
        reads: bool = True,
        always_asks: bool = False,
        clock: Callable[[], float] = time.time,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        """Use the file in a folder; without ``reads``, what is in it is only replaced.

        With ``always_asks``, no page counts as fresh.
        """
        self.always_asks = always_asks
        self._most_bytes = most_bytes
        self._folder = folder
        self._reads = reads
        self._clock = clock
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._unsaved = _Unsaved()
        self._is_over = False

    def now(self) -> float:
        """Return the time, in seconds since 1970."""
        return self._clock()

    def get(self, key: str) -> Note | None:
        """Return what is stored under a key, or None."""
        query = "SELECT value, stamp, used FROM notes WHERE key = ?"
        row = self._query(query, key) if self._reads else None
        match row:
            case (bytes() as sealed, str() as stamp, int() as used):
                value = _opened(sealed)
                if value is not None:
                    if used != self._today():
                        with self._lock:
                            self._unsaved.used.add(key)
                    return Note(value, stamp)
        return None

    def body(self, stamp: str) -> bytes | None:
        """Return the body that belongs to a note, or None."""
        match self._query("SELECT body FROM bodies WHERE stamp = ?", stamp):
            case (bytes() as body,):
                return body
        return None

    def put(self, key: str, value: bytes, body: Callable[[], bytes] | None = None) -> None:
        """Keep a value for ``save``, with what then gives a body, which may be large."""
        stamp = os.urandom(12).hex() if body else ""
        with self._lock:
            self._unsaved.notes[key] = Note(value, stamp), body

    def change(self, key: str, value: bytes, stamp: str) -> None:
        """Keep another value for ``save``, if the stored body is then still the same."""
        with self._lock:
            self._unsaved.values[key] = Note(value, stamp)

    def save(self) -> None:
        """Write what was kept, in one step, or give it up.

        Then nothing is read any more: a look-up that was given up may still ask.
        """
        with self._lock:
            unsaved, self._unsaved = self._unsaved, _Unsaved()
            self._is_over = True
        self.close()
        if not (unsaved.notes or unsaved.values or unsaved.used):
            return

        def write(connection: sqlite3.Connection) -> None:
            connection.execute("BEGIN IMMEDIATE")
            self._write(connection, unsaved)
            connection.execute("COMMIT")
            # so that later commands read while one writes; the first has nobody to wait for, and a
            # journal of the old pages is smaller than one of the new ones
            connection.execute("PRAGMA journal_mode = WAL")
            if _live_bytes(connection) > self._most_bytes:
                _shrink(connection, self._most_bytes)

        self._attempt(write, creates=True)
        self.close()

    def close(self) -> None:
        """Close the file."""
        with self._lock, suppress(Exception):
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    def _today(self) -> int:
        return int(self._clock() // _DAY_SECONDS)

    def _write(self, connection: sqlite3.Connection, unsaved: _Unsaved) -> None:
        today = self._today()
        for key, (note, body) in unsaved.notes.items():
            connection.execute(
                "DELETE FROM bodies WHERE stamp IN (SELECT stamp FROM notes WHERE key = ?)", (key,)
            )
            connection.execute(
                "INSERT OR REPLACE INTO notes VALUES (?, ?, ?, ?)",
                (key, today, note.stamp, _sealed(note.value)),
            )
            if body is not None:
                connection.execute("INSERT INTO bodies VALUES (?, ?)", (note.stamp, body()))
        connection.executemany(
            "UPDATE notes SET value = ?, used = ? WHERE key = ? AND stamp = ?",
            [(_sealed(note.value), today, key, note.stamp) for key, note in unsaved.values.items()],
        )
        connection.executemany(
            "UPDATE notes SET used = ? WHERE key = ?", [(today, key) for key in unsaved.used]
        )

    def _query(self, text: str, *values: str) -> _Row | None:
        def ask(connection: sqlite3.Connection) -> _Row | None:
            found: _Row | None = connection.execute(text, values).fetchone()
            return found

        return self._attempt(ask)

    def _attempt(
        self,
        act: Callable[[sqlite3.Connection], _Row | None],
        *,
        creates: bool = False,
    ) -> _Row | None:
        """Return what a function gets from the file; None if anything is wrong."""
        import sqlite3

        with self._lock:
            try:
                if self._connection is None and (creates or not self._is_over):
                    self._connection = _open(self._folder, creates=creates)
                if self._connection is None:
                    self._reads = False  # so that a file that is not there is looked for once
                    return None
                return act(self._connection)
            except (sqlite3.Error, OSError, OverflowError, UnicodeError) as error:
                is_damaged = type(error) is sqlite3.DatabaseError
                self._give_up(is_damaged=is_damaged)
                return None

    def _give_up(self, *, is_damaged: bool) -> None:
        """Close the file, and put it aside if it is no cache or damaged."""
        with suppress(Exception):
            if self._connection is not None:
                self._connection.close()
        self._connection = None
        self._reads = False
        if is_damaged:
            with suppress(OSError):
                for path in self._folder.glob(f"{_NAME}*"):
                    path.replace(path.with_name(path.name.replace("index-", "damaged-")))


def _open(folder: Path, *, creates: bool) -> sqlite3.Connection | None:
    """Open the file; None where there is none, or it is somebody else's."""
    import sqlite3

    path = folder / _NAME
    if creates:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    elif not path.is_file():
        return None
    if not _is_ours(folder):
        return None
    if creates:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    connection = sqlite3.connect(
        path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        if creates:
            connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")  # of a new file
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.executescript(_TABLES)
        else:
            connection.execute("BEGIN")  # what is read is of one state
    except BaseException:
        connection.close()
        raise
    return connection


def _is_ours(folder: Path) -> bool:
    """Return whether nobody else can write into a folder."""
    found = folder.stat()
    return found.st_uid == os.getuid() and not found.st_mode & 0o022


def _sealed(value: bytes) -> bytes:
    """Return a value with its checksum: what a disk has changed is not used."""
    return zlib.crc32(value).to_bytes(4, "big") + value


def _opened(sealed: bytes) -> bytes | None:
    value = sealed[4:]
    return value if zlib.crc32(value).to_bytes(4, "big") == sealed[:4] else None


def _live_bytes(connection: sqlite3.Connection) -> int:
    names = ("page_count", "freelist_count", "page_size")
    pages, free, size = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names)
    return int((pages - free) * size)


def _shrink(connection: sqlite3.Connection, most_bytes: int) -> None:
    """Remove what was not used for longest; the file keeps its size, and is filled again."""
    excess = _live_bytes(connection) - most_bytes * _LEAST_FRACTION
    oldest = connection.execute(_OLDEST).fetchall()
    connection.execute("BEGIN IMMEDIATE")
    for key, stamp, size_bytes in oldest:
        if excess <= 0:
            break
        connection.execute("DELETE FROM notes WHERE key = ?", (key,))
        connection.execute("DELETE FROM bodies WHERE stamp = ?", (stamp,))
        excess -= size_bytes
    connection.execute("COMMIT")


def find_cache_files(folder: Path) -> tuple[Path, ...]:
    """Return the files of the cache, of all its formats, and those that were put aside."""
    with suppress(OSError):
        names: Iterable[str] = (_PATTERN, _PATTERN.replace("index-", "damaged-"))
        return tuple(sorted(path for name in names for path in folder.glob(name)))
    return ()


def clear_cache(folder: Path) -> int:
    """Remove the files of the cache; return how many bytes they had.

    Raises:
        OSError: one can't be removed.
    """
    size_bytes = 0
    for path in find_cache_files(folder):
        with suppress(FileNotFoundError):
            size_bytes += path.stat().st_size
            path.unlink()
    return size_bytes
