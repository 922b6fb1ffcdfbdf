"""Files: replaced in one step, put back, and left alone when something is in the way."""

import multiprocessing
import os
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from pipflow_tasks import files
from pipflow_tasks.errors import FileError
from pipflow_tasks.files import read, require_unchanged
from pipflow_tasks.plan import Edit

# Python warns of forks beside threads, which other tests may have left running.
pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")

NOBODY = 65534
IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
needs_root = pytest.mark.skipif(not IS_ROOT, reason="only root may do this")


def edit_of(path: Path, after: bytes, *, before: bytes | None = b"old\n") -> Edit:
    return Edit(path=path, shown="deps/requirements.txt", before=before, after=after)


def staged_for(edit: Edit) -> Path:
    """Return the name for new bytes that a transaction would give them."""
    return Path(os.path.realpath(edit.path)).with_name(".pipflow-staged")


def write_edit(edit: Edit) -> str:
    return files.write_edit(edit, staged_for(edit))


def revert_edit(edit: Edit) -> None:
    files.revert_edit(edit, staged_for(edit))


def write(edit: Edit) -> None:
    """Write an edit as a transaction does."""
    require_unchanged(edit)
    write_edit(edit)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a file that holds ``old``, alone in its folder."""
    path = tmp_path / "requirements.txt"
    path.write_bytes(b"old\n")
    return path


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 16 KiB; skip where that is not allowed."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount")
    if done.returncode != 0:
        pytest.skip(f"can't mount: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# Reading


def test_read_gives_the_bytes(path: Path) -> None:
    """Bytes come as they are; a file that is not there is None."""
    path.write_bytes(b"\xff\r\n")

    assert read(path, shown="r.txt") == b"\xff\r\n"
    assert read(path.with_name("other"), shown="r.txt") is None
    assert read(path.with_name("no folder") / "other", shown="r.txt") is None


def test_read_names_the_file_that_it_can_not_read(tmp_path: Path) -> None:
    """What is there and can't be read is an error that names it as the user does."""
    with pytest.raises(FileError, match="can't be read: Is a directory") as caught:
        read(tmp_path, shown="deps")

    assert str(caught.value).startswith("deps: ")


def test_read_of_a_link_to_itself_is_an_error(tmp_path: Path) -> None:
    """A link that leads nowhere but to itself is an error and not a missing file."""
    loop = tmp_path / "loop"
    loop.symlink_to(loop)

    with pytest.raises(FileError):
        read(loop, shown="loop")


# Applying


def test_apply_writes_the_new_bytes(path: Path) -> None:
    """The file has the new bytes, and nothing else is in the folder."""
    write(edit_of(path, b"new\r\n\xff"))

    assert contents(path.parent) == {"requirements.txt": b"new\r\n\xff"}


def test_apply_creates_a_file(tmp_path: Path) -> None:
    """A file that was not there is created with the mode that the umask leaves."""
    path = tmp_path / "requirements.txt"
    former = os.umask(0o027)
    try:
        write(edit_of(path, b"new\n", before=None))
        left = os.umask(0o027)
    finally:
        os.umask(former)

    assert contents(tmp_path) == {"requirements.txt": b"new\n"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert left == 0o027


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o664, 0o755, 0o400])
def test_mode_stays(path: Path, mode: int) -> None:
    """A replaced file has the mode that it had, on the way there and back."""
    path.chmod(mode)
    edit = edit_of(path, b"new\n")

    write_edit(edit)
    after = stat.S_IMODE(path.stat().st_mode)
    revert_edit(edit)

    assert after == mode
    assert stat.S_IMODE(path.stat().st_mode) == mode


@needs_root
def test_owner_stays(path: Path) -> None:
    """A file of somebody else stays theirs, with its set-group-ID bit, when root replaces it."""
    os.chown(path, NOBODY, NOBODY - 1)
    path.chmod(0o2664)

    write(edit_of(path, b"new\n"))

    status = path.stat()
    assert (status.st_uid, status.st_gid) == (NOBODY, NOBODY - 1)
    assert stat.S_IMODE(status.st_mode) == 0o2664


def test_links_are_followed(tmp_path: Path) -> None:
    """The file behind a chain of links is replaced; the links stay links."""
    folder = tmp_path / "folder"
    folder.mkdir()
    file = folder / "real.txt"
    file.write_bytes(b"old\n")
    (tmp_path / "middle.txt").symlink_to(Path("folder") / "real.txt")
    link = tmp_path / "requirements.txt"
    link.symlink_to("middle.txt")
    edit = edit_of(link, b"new\n")

    write_edit(edit)
    after = file.read_bytes()
    revert_edit(edit)

    assert after == b"new\n"
    assert contents(folder) == {"real.txt": b"old\n"}
    assert link.is_symlink()
    assert (tmp_path / "middle.txt").is_symlink()


def test_reader_keeps_the_old_bytes(path: Path) -> None:
    """Who has the file open goes on reading the old bytes: it is replaced, not written over."""
    with path.open("rb") as reader:
        write(edit_of(path, b"newer and longer\n"))

        assert reader.read() == b"old\n"


def test_same_bytes_are_no_error(path: Path) -> None:
    """An edit that changes nothing can be applied and reverted."""
    edit = edit_of(path, b"old\n")

    write_edit(edit)
    revert_edit(edit)

    assert path.read_bytes() == b"old\n"


@pytest.mark.parametrize(("before", "now"), [(b"old\n", b"other\n"), (None, b"old\n")])
def test_apply_refuses_a_file_that_changed(path: Path, before: bytes | None, now: bytes) -> None:
    """A file that changed since the plan is left as it is."""
    path.write_bytes(now)

    with pytest.raises(FileError, match="another program has changed it") as caught:
        write(edit_of(path, b"new\n", before=before))

    assert contents(path.parent) == {"requirements.txt": now}
    assert caught.value.path == "deps/requirements.txt"
    assert caught.value.exit_status == 1


def test_apply_refuses_a_file_that_went(path: Path) -> None:
    """A file that was removed since the plan is not created anew."""
    path.unlink()

    with pytest.raises(FileError, match="another program has changed it"):
        write(edit_of(path, b"new\n"))

    assert contents(path.parent) == {}


# What is in the way


def test_full_disk_leaves_the_file_as_it_was(tiny_disk: Path) -> None:
    """A disk without room is an error; the old bytes are there and nothing is left behind."""
    path = tiny_disk / "requirements.txt"
    path.write_bytes(b"old\n")

    with pytest.raises(FileError, match="can't be written: No space left on device") as caught:
        write(edit_of(path, b"x" * 65_536))

    assert contents(tiny_disk) == {"requirements.txt": b"old\n"}
    assert caught.value.path == "deps/requirements.txt"
    assert caught.value.hint != ""


def test_read_only_disk_leaves_the_file_as_it_was(tiny_disk: Path) -> None:
    """A disk that can't be written to is an error, also for root."""
    path = tiny_disk / "requirements.txt"
    path.write_bytes(b"old\n")
    subprocess.run(["mount", "-o", "remount,ro", str(tiny_disk)], check=True)

    with pytest.raises(FileError, match="can't be written: Read-only file system"):
        write(edit_of(path, b"new\n"))

    assert contents(tiny_disk) == {"requirements.txt": b"old\n"}


def test_new_file_that_can_not_be_put_back(tiny_disk: Path) -> None:
    """Not being able to take a new file away again is an error like any other."""
    path = tiny_disk / "requirements.txt"
    edit = edit_of(path, b"new\n", before=None)
    write_edit(edit)
    subprocess.run(["mount", "-o", "remount,ro", str(tiny_disk)], check=True)

    with pytest.raises(FileError, match="Read-only file system"):
        revert_edit(edit)


def in_process(action: Callable[[], None], *, as_nobody: bool = False) -> str:
    """Run something in a process of its own, perhaps without root's rights; tell what failed."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def run() -> None:
        if as_nobody and IS_ROOT:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        try:
            action()
        except FileError as error:
            sender.send(str(error))
        else:
            sender.send("")

    process = context.Process(target=run)
    process.start()
    process.join(30)
    assert process.exitcode == 0
    return str(receiver.recv())


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Make a folder that everybody can reach; pytest's own are root's alone."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
        folder.chmod(0o755)


def test_read_only_folder_leaves_the_file_as_it_was(open_folder: Path) -> None:
    """Where the folder can't be written to, no replacement can stand beside the file."""
    path = open_folder / "requirements.txt"
    path.write_bytes(b"old\n")
    path.chmod(0o666)
    open_folder.chmod(0o555)

    failed = in_process(partial(write, edit_of(path, b"new\n")), as_nobody=True)

    assert failed.startswith("deps/requirements.txt: can't be written: Permission denied\nhint: ")
    assert contents(open_folder) == {"requirements.txt": b"old\n"}


def test_unreadable_file_is_an_error(open_folder: Path) -> None:
    """A file that may not be read is named with the reason."""
    path = open_folder / "requirements.txt"
    path.write_bytes(b"old\n")
    path.chmod(0o000)

    failed = in_process(partial(require_unchanged, edit_of(path, b"new\n")), as_nobody=True)

    assert failed == "deps/requirements.txt: can't be read: Permission denied"


@needs_root
@pytest.mark.parametrize(
    ("mode", "failure", "now"),
    [
        (0o666, "", b"new\n"),
        (0o664, "deps/requirements.txt: can't be written: Permission denied", b"old\n"),
    ],
    ids=["all may write", "its group may write"],
)
def test_file_of_somebody_else_stays_theirs(
    open_folder: Path, mode: int, failure: str, now: bytes
) -> None:
    """Who can't give files away writes into the file, where that is allowed."""
    path = open_folder / "requirements.txt"
    path.write_bytes(b"old\n")
    path.chmod(mode)
    open_folder.chmod(0o777)

    failed = in_process(partial(write, edit_of(path, b"new\n")), as_nobody=True)

    assert failed.partition("\n")[0] == failure
    assert contents(open_folder) == {"requirements.txt": now}
    assert (path.stat().st_uid, stat.S_IMODE(path.stat().st_mode)) == (0, mode)


def test_names_of_one_file_stay_one(path: Path) -> None:
    """A file with several names is written in place, and the caller learns why."""
    other = path.with_name("other")
    other.hardlink_to(path)
    edit = edit_of(path, b"new and longer\n")

    remark = write_edit(edit)
    after = other.read_bytes()
    revert_edit(edit)

    assert "hard links" in remark
    assert after == b"new and longer\n"
    assert contents(path.parent) == {"requirements.txt": b"old\n", "other": b"old\n"}


def test_extended_attributes_stay(path: Path) -> None:
    """A replaced file has the attributes that it had."""
    try:
        os.setxattr(path, "user.note", b"mine")
    except (AttributeError, OSError):
        pytest.skip("there are no extended attributes here")

    write(edit_of(path, b"new\n"))

    assert os.getxattr(path, "user.note") == b"mine"


def test_longest_name(tmp_path: Path) -> None:
    """A name of 250 bytes works: the staged file beside it has a short name of its own."""
    path = tmp_path / ("r" * 246 + ".txt")
    path.write_bytes(b"old\n")

    write(edit_of(path, b"new\n"))

    assert contents(tmp_path) == {path.name: b"new\n"}


@needs_root
def test_file_that_is_mounted_by_itself(path: Path) -> None:
    """A file that is a mount point can't be replaced, and is written in place."""
    inside = path.with_name("mounted.txt")
    inside.write_bytes(b"")
    command = ["mount", "--bind", str(path), str(inside)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("can't mount")
    try:
        remark = write_edit(edit_of(inside, b"new\n"))
    finally:
        subprocess.run(["umount", str(inside)], check=True)

    assert "mounted" in remark
    assert path.read_bytes() == b"new\n"


@pytest.mark.parametrize("kind", ["fifo", "device"])
def test_what_is_no_regular_file(tmp_path: Path, kind: str) -> None:
    """A pipe or a device is neither read, which might never end, nor replaced."""
    path = tmp_path / "requirements.txt"
    try:
        if kind == "fifo":
            os.mkfifo(path)
        else:
            os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))  # zero, without an end
    except PermissionError:
        pytest.skip("only root makes devices")

    for act in (lambda: read(path, shown="r"), lambda: write_edit(edit_of(path, b"new\n"))):
        with pytest.raises(FileError, match="no regular file"):
            act()

    assert not path.is_file()
    assert [each.name for each in tmp_path.iterdir()] == ["requirements.txt"]


def test_file_that_is_too_large(path: Path) -> None:
    """A file of more than 8 MB is no requirements file, and is not read into memory."""
    with path.open("r+b") as file:
        file.truncate(8 * 1024 * 1024 + 1)

    with pytest.raises(FileError, match="larger than 8 MB"):
        read(path, shown="r")


def test_save_that_comes_between_is_not_lost(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an editor saves right before the exchange comes out of it, and is given back."""
    stage = files._stage

    def save_meanwhile(data: bytes, staged: Path, *, like: Path | None) -> str:
        answer = stage(data, staged, like=like)
        other = path.with_name("saved")
        other.write_bytes(b"theirs\n")
        other.replace(path)
        return answer

    monkeypatch.setattr(files, "_stage", save_meanwhile)

    with pytest.raises(FileError, match="another program has changed it"):
        write(edit_of(path, b"new\n"))

    assert contents(path.parent) == {"requirements.txt": b"theirs\n"}


def test_file_that_comes_between_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that somebody makes while ours is written stays theirs."""
    path = tmp_path / "requirements.txt"
    stage = files._stage

    def save_meanwhile(data: bytes, staged: Path, *, like: Path | None) -> str:
        path.write_bytes(b"theirs\n")
        return stage(data, staged, like=like)

    monkeypatch.setattr(files, "_stage", save_meanwhile)

    with pytest.raises(FileError, match="another program has changed it"):
        write(edit_of(path, b"new\n", before=None))

    assert contents(tmp_path) == {"requirements.txt": b"theirs\n"}


def test_missing_folder_is_an_error(tmp_path: Path) -> None:
    """A file can't be created where there is no folder."""
    path = tmp_path / "no folder" / "requirements.txt"

    with pytest.raises(FileError, match="can't be written: No such file or directory"):
        write(edit_of(path, b"new\n", before=None))


# Reverting


def test_revert_puts_the_old_bytes_back(path: Path) -> None:
    """After apply and revert the folder is as it was."""
    edit = edit_of(path, b"new\n")
    write_edit(edit)

    revert_edit(edit)

    assert contents(path.parent) == {"requirements.txt": b"old\n"}


def test_revert_takes_a_new_file_away(tmp_path: Path) -> None:
    """A file that apply created is gone after revert."""
    edit = edit_of(tmp_path / "requirements.txt", b"new\n", before=None)
    write_edit(edit)

    revert_edit(edit)

    assert contents(tmp_path) == {}


def test_revert_takes_a_new_file_away_behind_a_link(tmp_path: Path) -> None:
    """Where a link pointed at a file to come, the file goes again and the link stays."""
    link = tmp_path / "requirements.txt"
    link.symlink_to("real.txt")
    edit = edit_of(link, b"new\n", before=None)
    write_edit(edit)
    created = (tmp_path / "real.txt").read_bytes()

    revert_edit(edit)

    assert created == b"new\n"
    assert link.is_symlink()
    assert not (tmp_path / "real.txt").exists()


def test_revert_before_apply_does_nothing(path: Path) -> None:
    """A file that was not written yet is as it was."""
    revert_edit(edit_of(path, b"new\n"))

    assert contents(path.parent) == {"requirements.txt": b"old\n"}


def test_revert_twice_is_no_error(path: Path) -> None:
    """Reverting again finds nothing to do."""
    edit = edit_of(path, b"new\n")
    write_edit(edit)

    revert_edit(edit)
    revert_edit(edit)

    assert path.read_bytes() == b"old\n"


def test_revert_keeps_what_somebody_else_wrote(path: Path) -> None:
    """A file that changed after apply is left as it is, and said to be."""
    edit = edit_of(path, b"new\n")
    write_edit(edit)
    path.write_bytes(b"new\nand more\n")

    with pytest.raises(FileError, match="left as it is") as caught:
        revert_edit(edit)

    assert contents(path.parent) == {"requirements.txt": b"new\nand more\n"}
    assert caught.value.path == "deps/requirements.txt"


@pytest.mark.parametrize(
    ("now", "backup", "expected"),
    [
        (b"a==2\nb==1\n", b"a==1\nb==1\n", True),
        (b"a==2\nb", b"a==1\nb==1\n", True),
        (b"a==1\nb==2\n", b"a==1\nb==1\n", True),
        (b"a==2\nb==1\n", None, False),
        (b"a==2\nb==1\n", b"a==1\n", False),
        (b"a==2\nc==1\n", b"a==1\nb==1\n", False),
    ],
)
def test_torn_file(tmp_path: Path, now: bytes, backup: bytes | None, expected: bool) -> None:
    """A file is torn if it was being written in place, and has old and new bytes alone."""
    path, staged = tmp_path / "file", tmp_path / "staged"
    path.write_bytes(now)
    if backup is not None:
        files.backup_of(staged).write_bytes(backup)
    edit = Edit(path=path, shown="file", before=b"a==1\nb==1\n", after=b"a==2\nb==2\n")
    assert files.is_torn(edit, staged) is expected
