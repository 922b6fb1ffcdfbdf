"""The user's state folder: which files a command is changing, and what it has left unfinished.

A command that changes files holds a lock on each of them. Before it changes the first, it writes a
journal: the old and the new bytes, and what is built from them. The journal is removed when files
and image are both changed, or both as before. A journal whose files nobody holds is that of a
command that was killed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from .console import say
from .errors import FileError
from .plan import Builder, Edit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from filelock import FileLock

Phase: TypeAlias = Literal["writing", "building", "undoing"]

_VERSION = 1
_SHORT_SECONDS = 1.0
_PATIENCE_SECONDS = 600.0
_OLD_SECONDS = 3600.0
_NOT_KEPT = "an interrupted command can't be finished later, and a second one is not kept out"


class _Owner(Struct, frozen=True, kw_only=True):
    """Who holds a lock."""

    process: int
    command: str


class StagedEdit(Struct, frozen=True, kw_only=True):
    """An edit, and the name that its new bytes have until they are in place."""

    path: str
    shown: str
    staged: str
    before: bytes | None
    after: bytes

    @property
    def edit(self) -> Edit:
        """The edit."""
        return Edit(path=Path(self.path), shown=self.shown, before=self.before, after=self.after)


class Journal(Struct, frozen=True, kw_only=True):
    """What a command is about to do, as it is written down.

    Attributes:
        version: of this format.
        token: names it; no other has the same.
        command: the task's name.
        process: the number of the process.
        started: when it began, in seconds since 1970.
        phase: what was begun last.
        edits: the files.
        builder: what builds the image from them; None: nothing is built.
        file: where it is kept; None: nowhere.
    """

    version: int = _VERSION
    token: str
    command: str
    process: int
    started: float
    phase: Phase
    edits: tuple[StagedEdit, ...]
    builder: Builder | None = None
    file: str | None = None

    @property
    def shown(self) -> str:
        """Its files, as messages name them."""
        return " and ".join(edit.shown for edit in self.edits)

    def advanced(self, phase: Phase) -> Journal:
        """Write down that the next phase begins, and return the journal of it."""
        advanced = replace(self, phase=phase)
        if self.file is not None:
            _write(advanced, Path(self.file))
        return advanced

    def end(self) -> None:
        """Remove it: all is done, or all is as before."""
        if self.file is not None:
            Path(self.file).unlink(missing_ok=True)


def state_folder() -> Path:
    """Return the folder, which may not exist yet."""
    import platformdirs

    return Path(platformdirs.user_state_dir("pipflow", appauthor=False))


# --- locks ----------------------------------------------------------------------------------------


@contextlib.contextmanager
def lock_files(files: Iterable[Path], command: str, *, is_watched: bool) -> Iterator[None]:
    """Hold the locks of files; wait for another command that holds one, and say so.

    The same thread may take a lock again.

    Args:
        files: by any of their names.
        command: the task's name, for those who wait.
        is_watched: somebody sees that it waits; else it gives up after ten minutes.

    Raises:
        FileError: another command did not end in time.
    """
    with contextlib.ExitStack() as held:
        try:
            for lock, file in _locks_of(files):
                _acquire(lock, file, is_watched=is_watched)
                held.callback(lock.release)
                _owner_file(lock).write_bytes(
                    msgspec.json.encode(_Owner(process=os.getpid(), command=command))
                )
        except (OSError, NotImplementedError) as error:
            say(f"warning: {state_folder()} can't be written: {error}; {_NOT_KEPT}")
        yield


def are_locked(files: Iterable[Path]) -> bool:
    """Return whether a command that is running holds one of the files."""
    import filelock

    for lock, _ in _locks_of(files):
        try:
            with lock.acquire(timeout=0):
                pass
        except filelock.Timeout:
            return True
        except (OSError, NotImplementedError):
            return False
    return False


def _locks_of(files: Iterable[Path]) -> Iterator[tuple[FileLock, str]]:
    """Yield the lock of each file, in the same order for everybody; make their folder."""
    import filelock

    folder = _made("locks")
    for file in sorted({os.path.realpath(file) for file in files}):
        name = hashlib.sha256(os.fsencode(file)).hexdigest()
        yield filelock.FileLock(folder / f"{name}.lock", mode=0o600, is_singleton=True), file


def _acquire(lock: FileLock, file: str, *, is_watched: bool) -> None:
    import filelock

    try:
        lock.acquire(timeout=_SHORT_SECONDS)
    except filelock.Timeout:
        say(f"waiting for {_read_owner(lock)}, which is changing {file}")
        try:
            lock.acquire(timeout=-1 if is_watched else _PATIENCE_SECONDS)
        except filelock.Timeout:
            minutes = _PATIENCE_SECONDS / 60
            raise FileError(
                f"{_read_owner(lock)} is still changing it after {minutes:g} minutes",
                path=file,
                hint="wait until that has ended, and run the command again",
            ) from None


def _read_owner(lock: FileLock) -> str:
    try:
        owner = msgspec.json.decode(_owner_file(lock).read_bytes(), type=_Owner)
    except (OSError, msgspec.DecodeError):
        return "another command"
    return f"`{owner.command}` (process {owner.process})"


def _owner_file(lock: FileLock) -> Path:
    return Path(lock.lock_file).with_suffix(".json")


# --- journals -------------------------------------------------------------------------------------


def begin(edits: Sequence[Edit], command: str, builder: Builder | None) -> Journal:
    """Write down what is about to be done; the caller holds the locks of the files."""
    token = os.urandom(8).hex()
    journal = Journal(
        token=token,
        command=command,
        process=os.getpid(),
        started=time.time(),
        phase="writing",
        edits=tuple(_stage(edit, f".pipflow-{token}-{at}") for at, edit in enumerate(edits)),
        builder=builder,
    )
    if not edits:
        return journal
    try:
        file = _made("journals") / f"{token}.json"
        _clear(file.parent)
        _write(journal, file)
    except OSError as error:
        say(f"warning: {state_folder()} can't be written: {error.strerror}; {_NOT_KEPT}")
        return journal
    return replace(journal, file=str(file))


def find_journals(files: Iterable[Path]) -> tuple[Journal, ...]:
    """Return the journals of commands that were changing one of the files, the oldest first."""
    wanted = {os.path.realpath(file) for file in files}
    try:
        found = sorted((state_folder() / "journals").iterdir())
    except OSError:
        return ()
    journals = [_read(file) for file in found if file.suffix == ".json"]
    return tuple(
        sorted(
            (
                journal
                for journal in journals
                if journal is not None and any(edit.path in wanted for edit in journal.edits)
            ),
            key=lambda journal: journal.started,
        )
    )


def _stage(edit: Edit, name: str) -> StagedEdit:
    path = os.path.realpath(edit.path)
    return StagedEdit(
        path=path,
        shown=edit.shown,
        staged=os.path.join(os.path.dirname(path), name),  # noqa: PTH118, PTH120 - text
        before=edit.before,
        after=edit.after,
    )


def _made(name: str) -> Path:
    """Make a folder of the state folder, for this user alone."""
    folder = state_folder() / name
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    state_folder().chmod(0o700)
    return folder


def _clear(folder: Path) -> None:
    """Remove what was left by those who were killed while they wrote a journal."""
    for file in folder.glob("*.new"):
        with contextlib.suppress(OSError):
            if time.time() - file.stat().st_mtime > _OLD_SECONDS:
                file.unlink()


def _write(journal: Journal, file: Path) -> None:
    """Write a journal in one step, and flush it: it is there before what it says begins."""
    staged = file.with_suffix(".new")
    descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(msgspec.json.encode(journal, enc_hook=str))
        opened.flush()
        os.fsync(descriptor)
    staged.replace(file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _read(file: Path) -> Journal | None:
    try:
        journal = msgspec.json.decode(file.read_bytes(), type=Journal, dec_hook=_made_path)
    except FileNotFoundError:  # it has just ended
        return None
    except (OSError, msgspec.DecodeError) as error:
        say(f"warning: the journal {file} can't be read: {error}")
        return None
    return replace(journal, file=str(file)) if journal.version == _VERSION else None


def _made_path(kind: type, value: Any) -> Any:
    return kind(value)
