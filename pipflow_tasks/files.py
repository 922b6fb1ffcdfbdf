"""Files as bytes: read, replaced in one step, put back.

A replacement is written beside the file, flushed to the disk, and exchanged with it, so that a
reader sees the old bytes or the new ones and nothing between, and what comes out is compared with
the bytes that were planned on: what another program saves meanwhile is not lost. Links are
followed; mode, owner and extended attributes stay.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from msgspec.structs import replace

from .errors import FileError
from .isolation import require_inside
from .merging import Overlap, take_back

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .plan import Edit

MOST_BYTES = 8 * 1024 * 1024
"""The largest file that is read."""

_AT_FOLDER = -100
_NO_REPLACE, _EXCHANGE = 1, 2
_HINT = "the file is as it was; the folder must be writable and the disk not full"


class ChangedError(FileError):
    """A file has other bytes than those that a plan was made from."""


# --- reading --------------------------------------------------------------------------------------


def read(path: Path, *, shown: str) -> bytes | None:
    """Return a file's bytes, or None where there is no such file.

    Raises:
        FileError: it is there and can't be read, is no regular file or too large, or may not be
            read with ``--isolated``.
    """
    require_inside(path, shown=shown)
    try:
        data = _read_regular(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise FileError(f"can't be read: {_reason(error)}", path=shown) from error
    except ValueError as error:
        raise FileError(
            f"can't be read: there is no such name: {error}", path=ascii(shown)
        ) from error
    if len(data) > MOST_BYTES:
        raise FileError(f"it is larger than {MOST_BYTES // 1024**2} MB", path=shown)
    return data


def _read_regular(path: Path) -> bytes:
    """Read up to one byte more than ``MOST_BYTES``; a device or a pipe is never waited for."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "it is no regular file")
        pieces: list[bytes] = []
        left = MOST_BYTES + 1
        while left and (piece := file.read(left)):
            pieces.append(piece)
            left -= len(piece)
    return b"".join(pieces)


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


def exists(path: Path) -> bool:
    """Return whether there is something of a name, which may be one that no system allows."""
    return os.path.exists(path)  # noqa: PTH110 - Path.exists raises for a name that is too long


def is_file(path: Path) -> bool:
    """Return whether there is a file of a name, which may be one that no system allows."""
    return os.path.isfile(path)  # noqa: PTH113 - as above


def find_repository(folder: Path) -> Path | None:
    """Return the folder of the repository that a folder is in, if it is in one."""
    return next((each for each in (folder, *folder.parents) if exists(each / ".git")), None)


def repository_of(project: Path) -> Path:
    """Return the folder of the repository of a project; without one, that of the project."""
    return find_repository(project) or project


def within_repository(project: Path) -> list[Path]:
    """Return the folder of a project and those above it, up to the repository's."""
    folders = [project, *project.parents]
    return folders[: folders.index(repository_of(project)) + 1]


def show_path(path: Path, folder: Path) -> str:
    """Return how messages name a file: relative to a folder, with slashes."""
    return os.path.relpath(path, folder).replace(os.sep, "/")


# --- writing --------------------------------------------------------------------------------------


def require_unchanged(edit: Edit) -> None:
    """Check that a file still has the bytes that the edit was planned on.

    Raises:
        ChangedError: it has others.
        FileError: it can't be read.
    """
    if read(edit.path, shown=edit.shown) != edit.before:
        raise _changed(edit)


def write_edit(edit: Edit, staged: Path) -> str:
    """Write the new bytes of a file that has the old ones.

    Args:
        edit: the file, with both.
        staged: a name in the folder of the real file that nothing has, for the time of the work.

    Returns:
        why it was written in place and not replaced, as a clause; empty: it was replaced.

    Raises:
        ChangedError: another program has changed it; it has the other program's bytes.
        FileError: it can't be written; it is as it was.
    """
    target = Path(os.path.realpath(edit.path))
    with _explained(edit):
        if edit.before is None:
            _write_new(edit, target, staged)
            return ""
        return _write_over(edit, target, staged)


def take_edit_back(edit: Edit, staged: Path) -> str:
    """Put the old bytes of a file back; of one that has been changed since, our lines alone.

    ``staged`` is as for ``write_edit``.

    Returns:
        what of it stays, as a sentence; empty: nothing.

    Raises:
        FileError: they can't be put back, or our lines have been changed.
    """
    now = read(edit.path, shown=edit.shown)
    if now is None or edit.before is None or now in {edit.before, edit.after}:
        revert_edit(edit, staged)
        return ""
    try:
        merged = take_back(edit.before, edit.after, now)
        write_edit(replace(edit, before=now, after=merged), staged)
    except Overlap as error:
        raise FileError(
            "another program has changed it during the build, on the same lines; "
            "it was left as it is",
            path=edit.shown,
            hint=f"it has {error.now}; it had {error.former}, and this command wrote "
            f"{error.written}",
        ) from error
    return f"{edit.shown} keeps what another program has changed; the rest is as it was"


def revert_edit(edit: Edit, staged: Path) -> None:
    """Put the old bytes of a file back, unless another program has changed it since.

    ``staged`` is as for ``write_edit``.

    Raises:
        FileError: they can't be put back, or the file is no longer what ``write_edit`` wrote.
    """
    now = read(edit.path, shown=edit.shown)
    if now == edit.before:
        return
    try:
        if now != edit.after:
            raise _changed(edit)
        if edit.before is None:
            _remove(edit, staged)
        else:
            write_edit(replace(edit, before=edit.after, after=edit.before), staged)
    except ChangedError as error:
        raise FileError(
            "another program has changed it during the build; it was left as it is",
            path=edit.shown,
            hint="check it before you go on: it has the changes of this command",
        ) from error


def backup_of(staged: Path) -> Path:
    """Return the name of the backup that a file has while it is written in place."""
    return staged.with_name(f"{staged.name}-old")


def is_torn(edit: Edit, staged: Path) -> bool:
    """Return whether a file has bytes of the old and of the new ones.

    So a command leaves it that was killed while it wrote the file in place, or put it back.
    ``staged`` is as for ``write_edit``.
    """
    backup = backup_of(staged)
    if read(backup, shown=backup.name) not in {edit.before, edit.after} - {None}:
        return False
    now, before = read(edit.path, shown=edit.shown) or b"", edit.before or b""
    place = 0
    for data in (before, edit.after):  # of the old ones where it was being put back
        place += len(os.path.commonprefix([now[place:], data[place:]]))  # noqa: RUF071 - bytes
    return now[place:] in {b"", before[place:]}


def _changed(edit: Edit) -> ChangedError:
    return ChangedError(
        "another program has changed it in the meantime; nothing was written",
        path=edit.shown,
        hint="run the command again",
    )


@contextlib.contextmanager
def _explained(edit: Edit) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise FileError(
            f"can't be written: {_reason(error)}", path=edit.shown, hint=_HINT
        ) from error


def _write_new(edit: Edit, target: Path, staged: Path) -> None:
    _stage(edit.after, staged, like=None)
    try:
        if not _rename(staged, target, _NO_REPLACE):
            os.link(staged, target)
    except FileExistsError as error:
        raise _changed(edit) from error
    finally:
        staged.unlink(missing_ok=True)
    _flush_folder(target)


def _write_over(edit: Edit, target: Path, staged: Path) -> str:
    status = target.lstat() if target.exists() else None
    if status is None:
        raise _changed(edit)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is no regular file")
    reason = "it has several names (hard links)" if status.st_nlink > 1 else ""
    try:
        if not reason:
            reason = _stage(edit.after, staged, like=target)
        if not reason:
            reason = _exchange(edit, target, staged)
    finally:
        staged.unlink(missing_ok=True)
    if reason:
        _overwrite(edit, target, backup_of(staged))
    return reason


def _stage(data: bytes, staged: Path, *, like: Path | None) -> str:
    """Write a new file beside another; return what of that can't be given to it, as a clause."""
    descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        if like is None:
            os.fchmod(descriptor, 0o666 & ~_umask())
        elif reason := _copy_status(descriptor, like):
            return reason
        os.fsync(descriptor)
    return ""


def _copy_status(descriptor: int, like: Path) -> str:
    """Give a file the owner, attributes and mode of another; return what it can't get."""
    status, now = like.stat(), os.fstat(descriptor)
    try:
        if (now.st_uid, now.st_gid) != (status.st_uid, status.st_gid):
            os.fchown(descriptor, status.st_uid, status.st_gid)
    except PermissionError:
        return "only so it keeps its owner"
    if hasattr(os, "listxattr"):
        try:
            for name in os.listxattr(like):
                value = os.getxattr(like, name)
                if value not in _attributes(descriptor, name):
                    os.setxattr(descriptor, name, value)
        except OSError:
            return "only so it keeps its extended attributes"
    os.fchmod(descriptor, stat.S_IMODE(status.st_mode))
    return ""


def _attributes(descriptor: int, name: str) -> tuple[bytes, ...]:
    try:
        return (os.getxattr(descriptor, name),)
    except OSError:
        return ()


def _exchange(edit: Edit, target: Path, staged: Path) -> str:
    """Put the staged file in the place of another; return why that can't be, as a clause."""
    try:
        if _rename(staged, target, _EXCHANGE):
            if _read_regular(staged) != edit.before:
                _give_back(edit, target, staged)
                raise _changed(edit)
        else:
            require_unchanged(edit)
            staged.replace(target)
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        return "it is mounted by itself, and can't be replaced"
    _flush_folder(target)
    return ""


def _give_back(edit: Edit, target: Path, staged: Path) -> None:
    """Exchange a file again that another program has saved; what that saves last stays."""
    _rename(staged, target, _EXCHANGE)
    if _read_regular(staged) != edit.after:  # it was saved once more, after our exchange
        _rename(staged, target, _EXCHANGE)


def _overwrite(edit: Edit, target: Path, backup: Path) -> None:
    """Write new bytes into a file as it is; if that fails, the old ones.

    A backup beside it, while that lasts, says that what is read may be some of each.
    """
    descriptor = os.open(target, os.O_RDWR)
    with os.fdopen(descriptor, "r+b", buffering=0) as file:
        if file.read() != edit.before:
            raise _changed(edit)
        with contextlib.suppress(FileExistsError):  # of a command that was killed
            _stage(edit.before or b"", backup, like=None)
            _flush_folder(backup)
        try:
            _fill(descriptor, edit.after)
        except BaseException:
            _fill(descriptor, edit.before or b"")
            raise
        finally:
            backup.unlink(missing_ok=True)


def _fill(descriptor: int, data: bytes) -> None:
    done = 0
    while done < len(data):
        done += os.pwrite(descriptor, data[done:], done)
    os.ftruncate(descriptor, len(data))
    os.fsync(descriptor)


def _remove(edit: Edit, staged: Path) -> None:
    """Remove a file that was new."""
    target = Path(os.path.realpath(edit.path))
    try:
        target.rename(staged)
        if _read_regular(staged) != edit.after:
            if not _rename(staged, target, _NO_REPLACE):
                staged.rename(target)
            raise _changed(edit)
        staged.unlink()
        _flush_folder(target)
    except OSError as error:
        raise FileError(
            f"can't be put back: {_reason(error)}",
            path=edit.shown,
            hint="remove it by hand: it is new, and the image was not built",
        ) from error


def _rename(source: Path, target: Path, flags: int) -> bool:
    """Call Linux's renameat2; return False where the system or the file system has none."""
    if sys.platform != "linux":
        return False
    import ctypes

    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if call is None:
        return False
    names = (os.fsencode(source), os.fsencode(target))
    if call(_AT_FOLDER, names[0], _AT_FOLDER, names[1], ctypes.c_uint(flags)) == 0:
        return True
    number = ctypes.get_errno()
    if number in {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP}:
        return False
    raise OSError(number, os.strerror(number), str(target))


def _flush_folder(file: Path) -> None:
    """Make a rename in a file's folder last, where the system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
