"""The cache of index pages: it saves requests, and never changes a result."""

from __future__ import annotations

import json
import random
import sqlite3
import sys
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest
from functional.temporary_project import Finished, TemporaryProject
from loopback_index import LoopbackIndex

from pipflow_tasks.index.cache import Cache

FRESH = "max-age=600, public"


@pytest.fixture(autouse=True)
def _fill(project: TemporaryProject, index: LoopbackIndex) -> None:
    for number in range(40):
        index.add("lib", f"1.{number}", requires_dist=[f"base>=1.{number // 2}"], sdist=True)
        index.add("base", f"1.{number}")
    index.cache_control = FRESH
    project.requirements = "lib==1.3\n"


def file_of(project: TemporaryProject) -> Path:
    (found,) = Path(project.environment["PIPFLOW_CACHE_DIR"]).glob("index-*.sqlite3")
    return found


def outdated(project: TemporaryProject, *options: str) -> tuple[str, Finished]:
    """Return the versions that the pins could move to, and how the command ended."""
    done = project.invoke("deps.outdated", "--format", "json", *options)
    assert (done.status, "Traceback" in done.stderr) == (0, False), done.output
    return " ".join(change["to"] for change in done.report["changes"]), done


def asked(index: LoopbackIndex) -> list[tuple[str, bool]]:
    """Return the pages and files that were asked for, and whether the index could answer 304."""
    found = [(each.path, "If-None-Match" in each.headers) for each in index.requests]
    index.requests.clear()
    return sorted(found)


def test_fresh_cache_needs_no_request(project: TemporaryProject, index: LoopbackIndex) -> None:
    """While a page is fresh by its Cache-Control, nothing is asked, and the report is equal."""
    first, whole = outdated(project)
    assert asked(index)
    second, again = outdated(project)
    assert (first, second, whole.stdout == again.stdout) == ("1.39", "1.39", True)
    assert asked(index) == []


def test_older_versions_are_read_from_the_cache(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """A version whose files were not looked at before needs no request for the page."""
    outdated(project)
    index.requests.clear()
    done = project.invoke("deps.upgrade", "lib==1.20")
    assert (done.status, project.requirements) == (0, "lib==1.20\n"), done.output
    assert [path for path, _ in asked(index) if not path.endswith(".metadata")] == []


INVOKE = """
import runpy, sys
sys.argv[0] = "invoke"
sys.path[0] = "."
runpy.run_module("invoke", run_name="__main__", alter_sys=True)
"""

READ = f"""
import atexit, sys, threading
from pipflow_tasks.simple_api import read_page
read = []
def note(frame, event, _):
    if event == "call" and frame.f_code is read_page.__code__:
        read.append(frame.f_locals["project"])
threading.setprofile(note)
sys.setprofile(note)
atexit.register(lambda: print(*sorted(read), file=sys.stderr))
{INVOKE}"""


@pytest.mark.parametrize(
    "task", ["outdated", "check", "lock --dry-run", "upgrade-all --dry-run", "add more --dry-run"]
)
def test_page_is_read_once(project: TemporaryProject, index: LoopbackIndex, task: str) -> None:
    """The files of pinned versions are read with their page, which is not read again for them."""
    index.add("more", "1.0")
    done = project.run_python(READ, *f"deps.{task}".split())
    assert done.status == 0, done.output
    read = done.stderr.splitlines()[-1].split()
    assert "lib" in read
    assert read == sorted({*read})


@pytest.mark.parametrize(
    "header", ["", "no-cache", "max-age=0", "max-age=x", "max-age=600,no-cache"]
)
def test_stale_page_is_asked_for_again(
    project: TemporaryProject, index: LoopbackIndex, header: str
) -> None:
    """A page that is not fresh is asked for with its ETag, and a new release is seen at once."""
    index.cache_control = header
    outdated(project)
    index.requests.clear()
    assert outdated(project)[0] == "1.39"
    assert ("/simple/lib/", True) in asked(index)
    index.add("lib", "2.0")
    assert outdated(project)[0] == "2.0"


def test_page_that_is_never_fresh_is_written_once(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """A page that the index only says is the same, and not for how long, is not written again."""
    index.cache_control = "no-cache"
    outdated(project)
    written = file_of(project).stat().st_mtime_ns
    index.requests.clear()
    outdated(project)
    assert ("/simple/lib/", True) in asked(index)
    assert file_of(project).stat().st_mtime_ns == written


def test_page_without_validators_is_asked_for_each_time(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """Without ETag, date or Cache-Control, a page is fetched in every command."""
    index.cache_control, index.with_etag = "", False
    for _ in range(2):
        outdated(project)
        assert ("/simple/lib/", False) in asked(index)


def test_no_store(project: TemporaryProject, index: LoopbackIndex) -> None:
    """A page that must not be stored is not."""
    index.cache_control = "no-store, max-age=600"
    outdated(project)
    index.requests.clear()
    outdated(project)
    assert ("/simple/lib/", False) in asked(index)


def test_refresh_and_no_cache_dir(project: TemporaryProject, index: LoopbackIndex) -> None:
    """`--refresh` asks for everything again and stores it; `--no-cache-dir` leaves the cache."""
    outdated(project)
    index.add("lib", "2.0")
    assert outdated(project)[0] == "1.39"
    assert outdated(project, "--no-cache-dir")[0] == "2.0"
    assert outdated(project)[0] == "1.39"
    assert outdated(project, "--refresh")[0] == "2.0"
    index.requests.clear()
    assert outdated(project)[0] == "2.0"
    assert asked(index) == []


def test_release_that_is_newer_than_the_cache(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """What can't be done with a fresh page is tried with the page that the index has now."""
    outdated(project)
    index.add("lib", "2.0")
    done = project.invoke("deps.upgrade", "lib==2.0")
    assert (done.status, project.requirements) == (0, "lib==2.0\n"), done.output
    done = project.invoke("deps.upgrade", "lib==3.0")
    assert (done.status, project.requirements) == (1, "lib==2.0\n"), done.output


def test_etag_that_lies(project: TemporaryProject, index: LoopbackIndex) -> None:
    """An answer 304 about another ETag than was asked for is no answer; the page is fetched."""
    index.cache_control = "no-cache"
    outdated(project)
    index.etag = file_etag(index)
    index.answered_etag = '"another"'
    index.add("lib", "2.0")
    assert outdated(project)[0] == "2.0"


def file_etag(index: LoopbackIndex) -> str:
    """Return the ETag that the last request for lib would have got."""
    request = urllib.request.Request(
        f"{index.url}lib/", headers={"Accept": "application/vnd.pypi.simple.v1+json"}
    )
    with urllib.request.urlopen(request) as answer:
        assert json.load(answer)["name"] == "lib"
        return str(answer.headers["ETag"])


def test_etag_that_never_changes(project: TemporaryProject, index: LoopbackIndex) -> None:
    """A server whose ETag never changes keeps us on a page that it once had, until `--refresh`."""
    index.cache_control, index.etag = "no-cache", '"1"'
    outdated(project)
    index.add("lib", "2.0")
    assert outdated(project)[0] == "1.39"
    assert outdated(project, "--refresh")[0] == "2.0"


def test_password_is_not_stored(project: TemporaryProject, index: LoopbackIndex) -> None:
    """What one account was shown is not used for another, and no password is on the disk."""
    index.credentials = ("me", "hush-hush")
    url = index.url
    project.environment["PIP_INDEX_URL"] = url.replace("//", "//me:hush-hush@")
    outdated(project)
    index.requests.clear()
    assert outdated(project)[0] == "1.39"
    assert asked(index) == []
    assert b"hush-hush" not in file_of(project).read_bytes()
    project.environment["PIP_INDEX_URL"] = url.replace("//", "//you:secret@")
    done = project.invoke("deps.outdated")
    assert (done.status, "refuses the credentials" in done.stderr) == (1, True), done.output


@pytest.mark.parametrize("fault", ["empty", "text", "cut", "schema", "folder"])
def test_damaged_file(project: TemporaryProject, index: LoopbackIndex, fault: str) -> None:
    """A file that is no cache counts as none, and the next command has a new one."""
    outdated(project)
    path = file_of(project)
    data = path.read_bytes()
    match fault:
        case "empty":
            path.write_bytes(b"")
        case "text":
            path.write_bytes(b"not a database" * 500)
        case "cut":
            path.write_bytes(data[: len(data) // 2])
        case "schema":
            path.unlink()
            with sqlite3.connect(path) as connection:
                connection.execute("CREATE TABLE notes(a)")
            connection.close()
        case _:
            path.unlink()
            path.mkdir()
    assert outdated(project)[0] == "1.39"
    index.add("lib", "2.0")
    assert outdated(project, "--refresh")[0] == "2.0"


def test_flipped_bytes(project: TemporaryProject, index: LoopbackIndex) -> None:
    """Whatever bytes of the file a disk has changed, the versions are the right ones."""
    outdated(project)
    path = file_of(project)
    data = path.read_bytes()
    chance = random.Random(1)
    for _ in range(12):
        spoilt = bytearray(data)
        for _ in range(40):
            spoilt[chance.randrange(len(spoilt))] ^= 1 << chance.randrange(8)
        for each in path.parent.iterdir():
            each.unlink()
        path.write_bytes(spoilt)
        assert outdated(project)[0] == "1.39"


KILLED = """
import os, signal, sys
from contextlib import closing
from pathlib import Path
from pipflow_tasks.index import cache
def kill(connection):
    os.kill(os.getpid(), signal.SIGKILL)
at = sys.argv[2]
if at == "before":
    write = cache.Cache._write
    cache.Cache._write = lambda *words: (write(*words), kill(None))
else:
    cache._live_bytes = kill
kept = cache.Cache(Path(sys.argv[1]))
kept.put("a", b"new", lambda: bytes(5_000_000))
kept.save()
"""


@pytest.mark.parametrize("at", ["before", "after"])
def test_killed_while_writing(project: TemporaryProject, tmp_path: Path, at: str) -> None:
    """A process that is killed before its write ends has written nothing, after it everything."""
    folder = tmp_path / "killed"
    first = Cache(folder)
    first.put("a", b"old", lambda: b"body")
    first.save()
    assert project.run_python(KILLED, str(folder), at).status == -9
    second = Cache(folder)
    note = second.get("a")
    assert note is not None
    assert note.value == (b"old" if at == "before" else b"new")
    assert second.body(note.stamp) == (b"body" if at == "before" else bytes(5_000_000))
    second.put("b", b"more")
    second.save()
    with closing(Cache(folder)) as third:
        assert third.get("b") is not None


KILLED_COMMAND = f"""
import os, signal, sys
from pipflow_tasks.index import cache
name = sys.argv.pop(1)
done = getattr(cache.Cache, name)
def kill(*words):
    done(*words)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(cache.Cache, name, kill)
{INVOKE}"""


@pytest.mark.parametrize("step", ["_write", "save"])
@pytest.mark.parametrize("is_filled", [False, True])
def test_command_killed_while_it_writes(
    project: TemporaryProject, index: LoopbackIndex, is_filled: bool, step: str
) -> None:
    """After a command that was killed in its write or behind it, the next has the right pins."""
    index.cache_control = "no-cache"
    if is_filled:
        outdated(project)
    index.add("lib", "2.0")
    assert project.run_python(KILLED_COMMAND, step, "deps.outdated").status == -9
    assert outdated(project)[0] == "2.0"
    index.add("lib", "3.0")
    assert outdated(project)[0] == "3.0"


CLOCK = f"""
import sys, time
seconds = float(sys.argv.pop(1))
time.time = lambda now=time.time: now() + seconds
{INVOKE}"""


@pytest.mark.parametrize("years", [-60, -1, 1, 60])
def test_wrong_clock(project: TemporaryProject, index: LoopbackIndex, years: int) -> None:
    """A command on a machine whose clock is years wrong asks again; so does the next, set right."""
    outdated(project)
    index.add("lib", "2.0")
    wrong = str(years * 365 * 86_400)
    done = project.run_python(CLOCK, wrong, "deps.outdated", "--format", "json")
    assert [change["to"] for change in done.report["changes"]] == ["2.0"]
    index.add("lib", "3.0")
    assert outdated(project)[0] == "3.0"


def test_two_versions_of_the_tool(project: TemporaryProject, index: LoopbackIndex) -> None:
    """A version with another format has a file of its own beside ours."""
    outdated(project)
    path = file_of(project)
    other = path.with_name("index-999.sqlite3")
    other.write_bytes(b"of a later version")
    index.requests.clear()
    assert outdated(project)[0] == "1.39"
    assert asked(index) == []
    assert other.read_bytes() == b"of a later version"


def test_busy_file(project: TemporaryProject, index: LoopbackIndex) -> None:
    """While another command writes, ours reads, and gives its own writing up in silence."""
    outdated(project)
    connection = sqlite3.connect(file_of(project), isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    index.requests.clear()
    assert outdated(project)[0] == "1.39"
    assert asked(index) == []
    _, done = outdated(project, "--refresh")
    assert done.stderr == ""
    connection.close()


LIMITED = f"""
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
{INVOKE}"""


@pytest.mark.parametrize("is_filled", [False, True])
def test_full_disk(project: TemporaryProject, index: LoopbackIndex, is_filled: bool) -> None:
    """Where nothing can be written, the report is the same, and there is no error."""
    if is_filled:
        outdated(project)
        index.add("lib", "2.0")
    words = ("deps.outdated", "--refresh")
    done = project.run_python(LIMITED, *words)
    assert (done.status, done.stderr) == (0, "")
    assert ("2.0" if is_filled else "1.39") in done.stdout
    assert outdated(project)[0] in ({"1.39", "2.0"} if is_filled else {"1.39"})


@pytest.mark.parametrize("place", ["a file", "/proc/nowhere", "/dev/null/cache"])
def test_folder_that_cannot_be_made(
    project: TemporaryProject, index: LoopbackIndex, place: str
) -> None:
    """A folder that can't be made, as in a home that is read-only, is no error."""
    named = str(project.write("a file", "text")) if place == "a file" else place
    project.environment["PIPFLOW_CACHE_DIR"] = named
    for _ in range(2):
        assert outdated(project)[1].stderr == ""


READ_ONLY = f"""
import ctypes
header, none = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
assert ctypes.CDLL(None).capset(header, none) == 0  # permissions hold for root, too
{INVOKE}"""


@pytest.mark.skipif(sys.platform != "linux", reason="capabilities are Linux's")
@pytest.mark.parametrize("is_filled", [False, True])
def test_read_only_home(
    project: TemporaryProject, index: LoopbackIndex, tmp_path: Path, is_filled: bool
) -> None:
    """In a home that is read-only nothing is written, the pins are right, and nothing is said."""
    home = tmp_path / "read-only"
    home.mkdir()
    project.environment["PIPFLOW_CACHE_DIR"] = str(home / "cache")
    if is_filled:
        outdated(project)
        file_of(project).chmod(0o400)
        file_of(project).parent.chmod(0o500)
    home.chmod(0o500)
    before = {path: path.stat().st_mtime_ns for path in home.rglob("*")}
    index.cache_control = "no-cache"
    index.add("lib", "2.0")
    for options in ((), ("--refresh",)):
        done = project.run_python(READ_ONLY, "deps.outdated", "--format", "json", *options)
        assert (done.status, done.stderr) == (0, "")
        assert [change["to"] for change in done.report["changes"]] == ["2.0"]
    assert {path: path.stat().st_mtime_ns for path in home.rglob("*")} == before
    for folder in (home, *home.iterdir()):
        folder.chmod(0o700)


def test_folder_that_others_can_write(project: TemporaryProject, index: LoopbackIndex) -> None:
    """A folder in which somebody else could put a cache is not used; ours is for us alone."""
    outdated(project)
    folder = file_of(project).parent
    assert folder.stat().st_mode & 0o777 == 0o700
    assert file_of(project).stat().st_mode & 0o077 == 0
    folder.chmod(0o777)
    index.requests.clear()
    outdated(project)
    assert ("/simple/lib/", False) in asked(index)


def test_cache_task(project: TemporaryProject, index: LoopbackIndex) -> None:
    """`cache` shows the folder and the size, and `--clear` empties it."""
    folder = project.environment["PIPFLOW_CACHE_DIR"]
    assert project.invoke("deps.cache").stdout == f"{folder}: 0.0 MB\n"
    outdated(project)
    size = sum(path.stat().st_size for path in Path(folder).iterdir()) / 1e6
    assert project.pipflow("cache").stdout == f"{folder}: {size:.1f} MB\n"
    done = project.pipflow("cache", "--clear")
    assert (done.status, [*Path(folder).iterdir()]) == (0, []), done.output
    assert done.stdout == f"removed {size:.1f} MB from {folder}\n"
