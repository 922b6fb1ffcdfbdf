"""Metadata that are read from a distribution file in memory."""

from __future__ import annotations

import gzip
import io
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping

import pytest

from pipflow_tasks.index.archive import sdist_metadata

PLAIN = {"top-1.0/PKG-INFO": b"top", "top-1.0/docs/PKG-INFO": b"no"}


def packed(files: Mapping[str, bytes], kind: str) -> tuple[bytes, str]:
    """Return an archive and a file name for it."""
    buffer = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(buffer, "w") as zipped:
            for name, data in files.items():
                zipped.writestr(name, data)
        return buffer.getvalue(), "top-1.0.zip"
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue(), "top-1.0.tar.gz"


@pytest.mark.parametrize("kind", ["zip", "tar"])
@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (PLAIN, (b"top", None)),
        ({f"./{name}": data for name, data in PLAIN.items()}, (b"top", None)),
        ({**PLAIN, "top-1.0/top.egg-info/requires.txt": b"a"}, (b"top", b"a")),
        ({**PLAIN, "top-1.0/src/top.egg-info/requires.txt": b"a"}, (b"top", b"a")),
        ({**PLAIN, "top-1.0/top.egg-info/PKG-INFO": b""}, (b"top", b"")),
        ({**PLAIN, "top-1.0/tests/data/top.egg-info/requires.txt": b"a"}, (b"top", None)),
        (
            {
                "top-1.0/tests/other.egg-info/requires.txt": b"no",
                "top-1.0/top.egg-info/requires.txt": b"a",
            },
            (None, b"a"),
        ),
        ({"top-1.0/setup.py": b""}, (None, None)),
    ],
)
def test_metadata_of_an_sdist(
    files: Mapping[str, bytes], expected: tuple[bytes | None, bytes | None], kind: str
) -> None:
    """PKG-INFO is read from the top folder, and the egg-info from the folder nearest to the top."""
    data, filename = packed(files, kind)
    assert sdist_metadata(data, filename) == expected


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_broken_sdist_has_no_metadata(kind: str) -> None:
    """Half an archive, or a file that is no archive, has no metadata."""
    data, filename = packed(PLAIN, kind)
    assert sdist_metadata(data[: len(data) // 2], filename) == (None, None)
    assert sdist_metadata(b"<html>", filename) == (None, None)


def bomb(kind: str) -> bytes:
    """Return an archive of which a header, the list of contents or the content is huge."""
    if kind == "list":
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as zipped:
            zipped.writestr("x" * 60, b"")
            zipped.filelist *= 100_000
        return buffer.getvalue()
    member = tarfile.TarInfo("top-1.0/data" if kind == "content" else "pax")
    member.size = (1100 << 20) if kind == "content" else (600 << 20)
    member.type = tarfile.REGTYPE if kind == "content" else tarfile.XHDTYPE
    zeros = gzip.compress(b"0" * (1 << 20))
    return gzip.compress(member.tobuf()) + zeros * (member.size >> 20)


MEASURE = """
import io, sys
from pipflow_tasks.index.archive import sdist_metadata, wheel_metadata
data = sys.stdin.buffer.read()
print(sdist_metadata(data, sys.argv[1]), wheel_metadata(io.BytesIO(data)))
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(int(status["VmHWM"].split()[0]) >> 10, file=sys.stderr)
"""


@pytest.mark.parametrize("kind", ["list", "header", "content"])
def test_archive_that_unpacks_to_much(kind: str) -> None:
    """Such an archive has no metadata, and reading it takes little memory."""
    filename = "top-1.0.zip" if kind == "list" else "top-1.0.tar.gz"
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, filename], input=bomb(kind), check=True, capture_output=True
    )
    assert done.stdout.decode().strip() == "(None, None) None"
    assert int(done.stderr) < 200
