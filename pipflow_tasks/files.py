"""Files as bytes: read, replaced in one step, put back, locked against a second run.

A replacement is written beside the file, flushed to the disk and renamed over it, so that a reader
sees the old bytes or the new ones and nothing between. Links are followed; mode and owner stay.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from .errors import FileError
from .isolation import require_inside

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .plan import Edit

try:
    import fcntl
except ImportError:  # not POSIX: two runs at once are then the user's to avoid
    fcntl = None  # type: ignore[assignment]


def require_unchanged(edit: Edit) -> None:
    """Check that a file still has the bytes that the edit was planned on.

    Raises:
        FileError: it has others, or can't be read.
    """
    if read(edit.path, shown=edit.shown) != edit.before:
        raise FileError(
            "another program has changed it in the meantime; nothing was written",
            path=edit.shown,
            hint="run the command again",
        )


def write_edit(edit: Edit) -> None:
    """Write the new bytes of a file; ``require_unchanged`` comes before.

    Raises:
        FileError: the file can't be written.
    """
    _replace(edit.path, edit.after, shown=edit.shown)


def revert_edit(edit: Edit) -> None:
    """Put the old bytes of a file back, unless another program has changed it since.

    Raises:
        FileError: they can't be put back, or the file is no longer what ``write_edit`` wrote.
    """
    now = read(edit.path, shown=edit.shown)
    if now == edit.before:
        return
    if now != edit.after:
        raise FileError(
            "another program has changed it during the build; it was left as it is",
            path=edit.shown,
            hint="check it before you go on: it has the changes of this command",
        )
    if edit.before is not None:
        _replace(edit.path, edit.before, shown=edit.shown)
        return
    try:
        Path(os.path.realpath(edit.path)).unlink()
    except OSError as error:
        raise FileError(
            f"can't be put back: {_reason(error)}",
            path=edit.shown,
            hint="remove it by hand: it is new, and the image was not built",
        ) from error


def read(path: Path, *, shown: str) -> bytes | None:
    """Return a file's bytes, or None where there is no such file.

    Raises:
        FileError: it is there and can't be read, or may not be read with ``--isolated``.
    """
    require_inside(path, shown=shown)
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise FileError(f"can't be read: {_reason(error)}", path=shown) from error
    except ValueError as error:
        raise FileError(
            f"can't be read: there is no such name: {error}", path=ascii(shown)
        ) from error


def read_text(
    path: Path, *, shown: str, errors: Literal["strict", "replace"] = "strict"
) -> str | None:
    """Return what a file of UTF-8 text says, without its mark, or None where there is no file.

    Args:
        path: the file.
        shown: how messages name it.
        errors: ``replace`` takes other bytes for unknown characters.

    Raises:
        FileError: it can't be read, or is not UTF-8 text.
    """
    data = read(path, shown=shown)
    try:
        return None if data is None else data.decode("utf-8-sig", errors)
    except UnicodeDecodeError as error:
        raise FileError("it is not UTF-8 text", path=shown) from error


def show_path(path: Path, folder: Path) -> str:
    """Return how messages name a file: relative to a folder, with slashes."""
    return os.path.relpath(path, folder).replace(os.sep, "/")


@contextlib.contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Keep a second run out of a project's files; the lock leaves nothing behind.

    Where the file system knows no locks, there is none.

    Raises:
        FileError: another run holds it.
    """
    if fcntl is None:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise FileError(
                "another run is changing this project",
                path=str(folder),
                hint="wait until it has ended, and run the command again",
            ) from error
        except OSError:
            pass
        yield
    finally:
        os.close(descriptor)


def _replace(path: Path, data: bytes, *, shown: str) -> None:
    target = Path(os.path.realpath(path))
    try:
        try:
            status = target.stat()
        except FileNotFoundError:
            status = None
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                if status is None:
                    os.fchmod(descriptor, 0o666 & ~_umask())
                else:
                    _copy_owner_and_mode(descriptor, status)
                os.fsync(descriptor)
            Path(name).replace(target)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                Path(name).unlink()
            raise
    except OSError as error:
        raise FileError(
            f"can't be written: {_reason(error)}",
            path=shown,
            hint="the file is as it was; the folder must be writable and the disk not full",
        ) from error


def _copy_owner_and_mode(descriptor: int, status: os.stat_result) -> None:
    now = os.fstat(descriptor)
    if (now.st_uid, now.st_gid) != (status.st_uid, status.st_gid):
        with contextlib.suppress(PermissionError):
            os.fchown(descriptor, status.st_uid, status.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(status.st_mode))


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
