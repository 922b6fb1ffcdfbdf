from __future__ import annotations

import base64
import contextlib
import csv
import gzip
import hashlib
import http.client
import importlib.util
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from loopback_index import Face, Fault, LoopbackIndex, Sdist

JSON_V1 = "application/vnd.pypi.simple.v1+json"
HTML_V1 = "application/vnd.pypi.simple.v1+html"


@pytest.fixture
def index() -> Iterator[LoopbackIndex]:
    with LoopbackIndex() as index:
        yield index


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer of the index."""

    status: int
    headers: Message
    body: bytes


def ask(
    url: str, headers: dict[str, str] | None = None, *, method: str = "GET", seconds: float = 10
) -> Reply:
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.netloc, timeout=seconds)
    try:
        connection.request(method, address.path, headers=headers or {})
        with connection.getresponse() as response:
            return Reply(status=response.status, headers=response.headers, body=response.read())
    finally:
        connection.close()


def ask_json(index: LoopbackIndex, project: str) -> dict[str, Any]:
    reply = ask(f"{index.url}{project}/", {"Accept": JSON_V1})
    assert reply.status == 200
    page = json.loads(reply.body)
    assert isinstance(page, dict)
    return page


def download(index: LoopbackIndex, project: str, number: int = 0) -> bytes:
    url = ask_json(index, project)["files"][number]["url"]
    return ask(urljoin(f"{index.url}{project}/", url)).body


def run(tool: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a Python tool as a module, with only the given settings."""
    if importlib.util.find_spec(tool) is None:
        pytest.skip(f"{tool} is not installed")
    ours = ("PIP_", "UV_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NETRC")
    environment = {
        key: value for key, value in os.environ.items() if not key.upper().startswith(ours)
    }
    environment |= {"PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    environment |= {"UV_NO_CONFIG": "1", "UV_NO_CACHE": "1", "UV_PYTHON_DOWNLOADS": "never"}
    command = [sys.executable, "-m", tool, *arguments]
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


# Pages


def test_json_page_states_everything(index: LoopbackIndex) -> None:
    """A JSON page has the keys of PEP 691, 700, 592 and 714, and relative addresses."""
    index.add("Flask", "2.0.1", requires_python=">=3.6", requires_dist=["click>=7"], yanked="old")

    page = ask_json(index, "flask")

    wheel = download(index, "flask")
    metadata = b"Metadata-Version: 2.2\nName: Flask\nVersion: 2.0.1\n"
    metadata += b"Requires-Python: >=3.6\nRequires-Dist: click>=7\n"
    known = {"sha256": hashlib.sha256(metadata).hexdigest()}
    assert page == {
        "meta": {"api-version": "1.1"},
        "name": "flask",
        "versions": ["2.0.1"],
        "files": [
            {
                "filename": "flask-2.0.1-py3-none-any.whl",
                "url": "../../files/flask-2.0.1-py3-none-any.whl",
                "hashes": {"sha256": hashlib.sha256(wheel).hexdigest()},
                "requires-python": ">=3.6",
                "yanked": "old",
                "size": len(wheel),
                "upload-time": "2021-05-21T00:00:00Z",
                "core-metadata": known,
                "data-dist-info-metadata": known,
            }
        ],
    }


def test_html_page_states_everything(index: LoopbackIndex) -> None:
    """An HTML link has the attributes of PEP 503, 592, 658 and 714, escaped."""
    index.add("Flask", "2.0.1", requires_python=">=3.6,<4", yanked="")

    reply = ask(f"{index.url}flask/")

    wheel = hashlib.sha256(download(index, "flask")).hexdigest()
    metadata = hashlib.sha256(
        ask(urljoin(index.url, "/files/flask-2.0.1-py3-none-any.whl.metadata")).body
    ).hexdigest()
    assert reply.headers["Content-Type"] == "text/html"
    assert '<meta name="pypi:repository-version" content="1.1">' in reply.body.decode()
    assert (
        f'<a href="../../files/flask-2.0.1-py3-none-any.whl#sha256={wheel}"'
        ' data-requires-python="&gt;=3.6,&lt;4" data-yanked=""'
        f' data-core-metadata="sha256={metadata}" data-dist-info-metadata="sha256={metadata}">'
        "flask-2.0.1-py3-none-any.whl</a><br />"
    ) in reply.body.decode()


def test_pages_without_what_is_switched_off(index: LoopbackIndex) -> None:
    """Hashes, core metadata and upload times can be left out of pages."""
    index.with_hashes = False
    index.add("flask", "1.0", upload_time=None)
    advertised = ask_json(index, "flask")["files"][0]
    index.core_metadata = False
    silent = ask_json(index, "flask")["files"][0]
    link = re.findall("<a [^>]*>", ask(f"{index.url}flask/").body.decode())

    assert (advertised["hashes"], advertised["core-metadata"]) == ({}, True)
    assert not {"core-metadata", "data-dist-info-metadata", "upload-time"} & silent.keys()
    assert link == ['<a href="../../files/flask-1.0-py3-none-any.whl">']


def test_yanked_without_a_reason_is_true_in_json(index: LoopbackIndex) -> None:
    """An empty reason is ``true`` in JSON; a file that is not yanked has ``false``."""
    index.add("flask", "1.0", yanked="")
    index.add("flask", "1.1")

    assert [file["yanked"] for file in ask_json(index, "flask")["files"]] == [True, False]


def test_upload_times_come_with_and_without_fractions(index: LoopbackIndex) -> None:
    """Every second file has whole seconds with a fraction; a given fraction is kept."""
    index.add("flask", "1.0")
    index.add("flask", "1.1")
    index.add("flask", "1.2", upload_time="2022-01-01T00:00:00.5Z")

    times = [file["upload-time"] for file in ask_json(index, "flask")["files"]]
    assert times == [
        "2021-05-21T00:00:00Z",
        "2021-05-21T00:00:00.000000Z",
        "2022-01-01T00:00:00.5Z",
    ]


def test_versions_are_not_in_the_order_of_versions(index: LoopbackIndex) -> None:
    """The ``versions`` of a page are not in the order of versions."""
    for version in ("1.9", "1.10"):
        index.add("flask", version)

    assert ask_json(index, "flask")["versions"] == ["1.10", "1.9"]


def test_root_page_lists_the_projects(index: LoopbackIndex) -> None:
    """The root page has every project, in JSON and in HTML."""
    index.add("Flask", "1.0")
    index.add("zope.interface", "5.0")

    page = json.loads(ask(index.url, {"Accept": JSON_V1}).body)

    assert page["projects"] == [{"name": "flask"}, {"name": "zope-interface"}]
    assert b'<a href="zope-interface/">zope-interface</a>' in ask(index.url).body


@pytest.mark.parametrize(
    ("face", "accept", "expected"),
    [
        ("both", "*/*", "text/html"),
        ("both", JSON_V1, JSON_V1),
        ("both", f"{JSON_V1}, {HTML_V1}; q=0.1, text/html; q=0.01", JSON_V1),
        ("both", f"{JSON_V1};q=0.2, {HTML_V1};q=0.9", HTML_V1),
        ("html", JSON_V1, "text/html"),
        ("json", "text/html", JSON_V1),
    ],
)
def test_accept_header_chooses_the_face(
    index: LoopbackIndex, face: Face, accept: str, expected: str
) -> None:
    """Pages are negotiated, unless the index has only one format."""
    index.add("flask", "1.0")
    index.face = face

    assert expected == ask(f"{index.url}flask/", {"Accept": accept}).headers["Content-Type"]


@pytest.mark.parametrize("path", ["Flask_SQLAlchemy/", "flask-sqlalchemy", "flask.sqlalchemy"])
def test_other_spelling_redirects_to_the_canonical_page(index: LoopbackIndex, path: str) -> None:
    """Each project has one address, its canonical name and a slash."""
    reply = ask(index.url + path)

    assert (reply.status, reply.headers["Location"]) == (301, "/simple/flask-sqlalchemy/")


@pytest.mark.parametrize("path", ["flask/", "../files/flask-1.0.tar.gz", "../", "flask/1.0/"])
def test_what_is_not_there_is_404(index: LoopbackIndex, path: str) -> None:
    """Unknown projects, files and paths are 404."""
    assert ask(urljoin(index.url, path)).status == 404


def test_etag_saves_the_page(index: LoopbackIndex) -> None:
    """A known page is 304 until it changes; JSON and HTML have different tags."""
    index.add("flask", "1.0")
    etag = ask(f"{index.url}flask/").headers["ETag"]

    unchanged = ask(f"{index.url}flask/", {"If-None-Match": etag})
    other_face = ask(f"{index.url}flask/", {"If-None-Match": etag, "Accept": JSON_V1})
    index.add("flask", "1.1")
    changed = ask(f"{index.url}flask/", {"If-None-Match": etag})

    assert (304, b"", etag) == (unchanged.status, unchanged.body, unchanged.headers["ETag"])
    assert [other_face.status, changed.status] == [200, 200]


def test_no_etag_when_switched_off(index: LoopbackIndex) -> None:
    """Without ETags there is no 304."""
    index.add("flask", "1.0")
    etag = ask(f"{index.url}flask/").headers["ETag"]
    index.with_etag = False

    reply = ask(f"{index.url}flask/", {"If-None-Match": etag})

    assert (reply.status, reply.headers["ETag"]) == (200, None)


def test_pages_are_compressed_on_request(index: LoopbackIndex) -> None:
    """A page is gzip for clients that accept it, unless that is switched off."""
    index.add("flask", "1.0")
    plain = ask(f"{index.url}flask/")
    small = ask(f"{index.url}flask/", {"Accept-Encoding": "gzip, deflate"})
    index.with_gzip = False
    off = ask(f"{index.url}flask/", {"Accept-Encoding": "gzip"})

    assert (plain.headers["Content-Encoding"], small.headers["Content-Encoding"]) == (None, "gzip")
    assert plain.body == gzip.decompress(small.body) == off.body


# Files


def test_wheel_is_whole(index: LoopbackIndex) -> None:
    """A wheel's RECORD has the hash and size of every member; its tags are expanded."""
    index.add(
        "zope.interface", "5.0", tags=["cp39-cp39-manylinux_2_17_x86_64.manylinux2014_x86_64"]
    )
    info = "zope_interface-5.0.dist-info"

    with zipfile.ZipFile(io.BytesIO(download(index, "zope-interface"))) as wheel:
        assert wheel.testzip() is None
        record = {
            path: (digest, size)
            for path, digest, size in csv.reader(io.StringIO(wheel.read(f"{info}/RECORD").decode()))
        }
        for name in wheel.namelist():
            data = wheel.read(name)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            expected = ("", "") if name.endswith("RECORD") else (f"sha256={digest}", str(len(data)))
            assert expected == record.pop(name)
        facts = BytesParser().parsebytes(wheel.read(f"{info}/WHEEL"))

    assert record == {}
    assert facts["Root-Is-Purelib"] == "false"
    assert facts.get_all("Tag") == [
        "cp39-cp39-manylinux_2_17_x86_64",
        "cp39-cp39-manylinux2014_x86_64",
    ]


def test_files_are_the_same_bytes_each_time(index: LoopbackIndex) -> None:
    """Two indexes with the same release serve the same wheel and sdist."""
    with LoopbackIndex() as other:
        for one in (index, other):
            one.add("flask", "1.0", requires_dist=["click"], sdist=True)
        assert [download(index, "flask", n) for n in (0, 1)] == [
            download(other, "flask", n) for n in (0, 1)
        ]


def test_metadata_beside_a_wheel_is_the_one_inside(index: LoopbackIndex) -> None:
    """``.metadata`` is served, advertised or not, and names the extras (PEP 658)."""
    index.core_metadata = False
    index.add("flask", "1.0", requires_dist=["click", 'python-dotenv; extra == "dotenv"'])

    beside = ask(urljoin(index.url, "/files/flask-1.0-py3-none-any.whl.metadata")).body

    with zipfile.ZipFile(io.BytesIO(download(index, "flask"))) as wheel:
        assert wheel.read("flask-1.0.dist-info/METADATA") == beside
    assert BytesParser().parsebytes(beside).get_all("Provides-Extra") == ["dotenv"]


def test_release_without_metadata_beside_it(index: LoopbackIndex) -> None:
    """A wheel added with ``metadata=False``, and every sdist, have no metadata file."""
    index.add("flask", "1.0", metadata=False, sdist=True)

    for file in ask_json(index, "flask")["files"]:
        assert file["core-metadata"] is False
        assert ask(urljoin(index.url, f"/files/{file['filename']}.metadata")).status == 404


@pytest.mark.parametrize(
    ("sdist", "dynamic", "requirements"),
    [
        (True, None, ["click"]),
        ("broken", None, ["click"]),
        ("dynamic", ["Requires-Dist", "Provides-Extra"], None),
        ("noted", ["Requires-Dist", "Provides-Extra"], None),
    ],
)
def test_sdist_says_what_is_static(
    index: LoopbackIndex, sdist: Sdist, dynamic: list[str] | None, requirements: list[str] | None
) -> None:
    """PKG-INFO is 2.2: it has the dependencies, or declares them dynamic (PEP 643)."""
    index.add("Flask", "1.0", wheel=False, requires_dist=["click"], sdist=sdist)

    with tarfile.open(fileobj=io.BytesIO(download(index, "flask"))) as archive:
        member = archive.extractfile("flask-1.0/PKG-INFO")
        assert member is not None
        facts = BytesParser().parsebytes(member.read())

    assert [file["filename"] for file in ask_json(index, "flask")["files"]] == ["flask-1.0.tar.gz"]
    assert (facts["Metadata-Version"], facts["Name"]) == ("2.2", "Flask")
    assert (dynamic, requirements) == (facts.get_all("Dynamic"), facts.get_all("Requires-Dist"))


def test_local_version_can_be_downloaded(index: LoopbackIndex) -> None:
    """A file with a plus sign in its name can be downloaded."""
    index.add("torch", "2.0+cpu")

    assert download(index, "torch").startswith(b"PK")


@pytest.mark.parametrize(
    ("wanted", "status", "expected"),
    [
        ("bytes=0-3", 206, slice(0, 4)),
        ("bytes=-10", 206, slice(-10, None)),
        ("bytes=5-", 206, slice(5, None)),
        ("bytes=5-99999", 206, slice(5, None)),
        ("bytes=-99999", 206, slice(None)),
        ("bytes=0-1,4-5", 200, slice(None)),
        ("lines=1-2", 200, slice(None)),
    ],
)
def test_files_can_be_read_in_part(
    index: LoopbackIndex, wanted: str, status: int, expected: slice
) -> None:
    """A range of bytes is answered with that part; another range with the whole file."""
    index.add("flask", "1.0", padding_bytes=5_000)
    whole = download(index, "flask")

    reply = ask(urljoin(index.url, "/files/flask-1.0-py3-none-any.whl"), {"Range": wanted})

    assert (status, whole[expected]) == (reply.status, reply.body)
    if status == 206:
        start, stop, _ = expected.indices(len(whole))
        assert f"bytes {start}-{stop - 1}/{len(whole)}" == reply.headers["Content-Range"]


def test_range_after_the_end_is_416(index: LoopbackIndex) -> None:
    """A range beyond the end is refused, with the size of the file."""
    index.add("flask", "1.0")
    size = len(download(index, "flask"))

    reply = ask(
        urljoin(index.url, "/files/flask-1.0-py3-none-any.whl"), {"Range": f"bytes={size}-"}
    )

    assert (416, f"bytes */{size}") == (reply.status, reply.headers["Content-Range"])


def test_ranges_can_be_switched_off(index: LoopbackIndex) -> None:
    """An index without ranges sends the whole file, and does not announce ranges."""
    index.with_ranges = False
    index.add("flask", "1.0")

    reply = ask(urljoin(index.url, "/files/flask-1.0-py3-none-any.whl"), {"Range": "bytes=0-3"})

    assert (reply.status, reply.headers["Accept-Ranges"]) == (200, None)


def test_head_is_get_without_the_body(index: LoopbackIndex) -> None:
    """HEAD returns a file's size."""
    index.add("flask", "1.0")
    size = len(download(index, "flask"))

    reply = ask(urljoin(index.url, "/files/flask-1.0-py3-none-any.whl"), method="HEAD")

    assert (str(size), b"") == (reply.headers["Content-Length"], reply.body)


# Faults


def test_fault_lasts_as_long_as_it_says(index: LoopbackIndex) -> None:
    """Faults come in turn, each ``times`` times; then the project works again."""
    index.add("flask", "1.0")
    index.break_project(
        "Flask", Fault(status=503, retry_after=2, times=2), Fault(status=500, times=1)
    )

    replies = [ask(f"{index.url}flask/") for _ in range(4)]

    assert [reply.status for reply in replies] == [503, 503, 500, 200]
    assert [reply.headers["Retry-After"] for reply in replies] == ["2", "2", None, None]


def test_fault_for_ever_ends_when_replaced(index: LoopbackIndex) -> None:
    """A fault without ``times`` stays until ``break_project`` is called without faults."""
    index.add("flask", "1.0")
    index.break_project("flask", Fault(status=429))
    broken = {ask(f"{index.url}flask/").status for _ in range(5)}
    index.break_project("flask")

    assert ({429}, 200) == (broken, ask(f"{index.url}flask/").status)


def test_fault_for_every_project(index: LoopbackIndex) -> None:
    """``*`` breaks every page, known or not, after the project's own faults; not the root page."""
    index.break_project("*", Fault(status=500))
    index.break_project("flask", Fault(status=503, times=1))

    paths = ["flask/", "flask/", "unknown/", ""]
    assert [ask(index.url + path).status for path in paths] == [503, 500, 500, 200]


def test_faults_spoil_only_their_answers(index: LoopbackIndex) -> None:
    """A fault on metadata or files does not change the page."""
    index.add("flask", "1.0")
    index.break_project("flask", Fault(status=500, on="metadata"), Fault(status=503, on="file"))
    wheel = urljoin(index.url, "/files/flask-1.0-py3-none-any.whl")

    urls = [f"{index.url}flask/", f"{wheel}.metadata", wheel]
    assert [ask(url).status for url in urls] == [200, 500, 503]


def test_page_that_is_garbage(index: LoopbackIndex) -> None:
    """A test's own body is sent with the page's Content-Type, or with another."""
    index.add("flask", "1.0")
    index.break_project(
        "flask", Fault(body=b"{", times=1), Fault(body=b"Hello", content_type="text/plain")
    )

    replies = [ask(f"{index.url}flask/", {"Accept": JSON_V1}) for _ in range(2)]

    assert [(reply.status, reply.headers["Content-Type"], reply.body) for reply in replies] == [
        (200, JSON_V1, b"{"),
        (200, "text/plain", b"Hello"),
    ]


def test_redirect(index: LoopbackIndex) -> None:
    """A page can redirect."""
    index.break_project("flask", Fault(location="/elsewhere/"))

    reply = ask(f"{index.url}flask/")

    assert (reply.status, reply.headers["Location"]) == (302, "/elsewhere/")


def test_half_a_page(index: LoopbackIndex) -> None:
    """The connection ends before the announced length is sent."""
    index.add("flask", "1.0")
    index.break_project("flask", Fault(half=True))

    with pytest.raises(http.client.IncompleteRead):
        ask(f"{index.url}flask/")


def test_reset(index: LoopbackIndex) -> None:
    """The connection breaks instead of an answer."""
    index.break_project("flask", Fault(reset=True))

    with pytest.raises(ConnectionResetError) as caught:
        ask(f"{index.url}flask/")

    assert caught.type is ConnectionResetError  # a clean end would be a RemoteDisconnected


def test_stall(index: LoopbackIndex) -> None:
    """A stall outlasts the client's timeout, but not the index."""
    index.add("flask", "1.0")
    index.break_project("flask", Fault(stall_seconds=60))

    with pytest.raises(TimeoutError):
        ask(f"{index.url}flask/", seconds=0.05)


def test_delay(index: LoopbackIndex) -> None:
    """Every answer takes at least the delay."""
    index.delay_seconds = 0.05
    begin = time.monotonic()
    ask(index.url)

    assert time.monotonic() - begin >= 0.05


def test_credentials(index: LoopbackIndex) -> None:
    """Without the right user and secret, every answer is 401."""
    index.add("flask", "1.0")
    index.credentials = ("user", "secret")
    right, wrong = (
        {"Authorization": "Basic " + base64.b64encode(text).decode()}
        for text in (b"user:secret", b"user:guess")
    )

    replies = [ask(f"{index.url}flask/", headers) for headers in ({}, wrong, right)]

    assert [reply.status for reply in replies] == [401, 401, 200]
    assert replies[0].headers["WWW-Authenticate"] == 'Basic realm="index"'


# The server


def test_requests_are_recorded(index: LoopbackIndex) -> None:
    """Each request is kept as it arrived."""
    ask(f"{index.url}Flask/?a=b", {"User-Agent": "test"}, method="HEAD")

    (request,) = index.requests
    assert (
        request.method,
        request.path,
        request.headers["user-agent"],
    ) == ("HEAD", "/simple/Flask/", "test")


def test_connection_is_kept(index: LoopbackIndex) -> None:
    """One connection serves many requests, also after an error."""
    index.add("flask", "1.0")
    connection = http.client.HTTPConnection(urlsplit(index.url).netloc, timeout=10)
    try:
        connection.connect()
        local = connection.sock.getsockname()
        for project in ("flask", "unknown", "flask"):
            connection.request("GET", f"/simple/{project}/")
            connection.getresponse().read()
            assert local == connection.sock.getsockname()
    finally:
        connection.close()


def test_leaving_ends_kept_connections_and_stalls() -> None:
    """The index closes at once, even while clients wait, and then no longer listens."""
    with LoopbackIndex() as index:
        url = index.url
        index.break_project("flask", Fault(stall_seconds=60))
        idle, stalled = (http.client.HTTPConnection(urlsplit(url).netloc) for _ in range(2))
        idle.request("GET", "/simple/")
        idle.getresponse().read()
        stalled.request("GET", "/simple/flask/")
        while len(index.requests) < 2:
            time.sleep(0.001)
        begin = time.monotonic()

    assert time.monotonic() - begin < 5
    idle.close()
    stalled.close()
    with pytest.raises(ConnectionRefusedError):
        ask(url)
    with pytest.raises(RuntimeError, match="inside its with block"):
        _ = index.url


def test_many_clients_at_once(index: LoopbackIndex) -> None:
    """Simultaneous requests are all answered, and all recorded."""
    for number in range(50):
        index.add("flask", f"1.{number}")
    bodies: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: bodies.append(ask(f"{index.url}flask/").body))
        for _ in range(32)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(bodies), len(set(bodies)), len(index.requests)) == (32, 1, 32)


def test_own_defect_is_not_swallowed() -> None:
    """A wrong use of the index fails the test that has it."""
    with contextlib.ExitStack() as stack:
        index = stack.enter_context(LoopbackIndex())
        index.credentials = ("user", None)  # type: ignore[assignment]
        with pytest.raises(http.client.RemoteDisconnected):
            ask(index.url)

        with pytest.raises(RuntimeError, match="index itself"):
            stack.close()


# Real clients


@pytest.mark.parametrize("face", ["json", "html", "both"])
def test_pip_downloads_the_newest_that_suits(
    index: LoopbackIndex, face: Face, tmp_path: Path
) -> None:
    """Pip accepts pages, hashes, requires-python and yanked files like those of a real index."""
    index.face = face
    index.add("Flask", "2.0.1", requires_python=">=3.6", requires_dist=["click>=7"])
    index.add("Flask", "2.1", yanked="broken")
    index.add("Flask", "2.2", requires_python=">=99")

    done = run(
        "pip", "download", "--isolated", "--no-deps", "--no-cache-dir",
        "--index-url", index.url, "flask", cwd=tmp_path,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name == "flask-2.0.1-py3-none-any.whl"


@pytest.mark.parametrize("sdist", [False, True, "dynamic", "noted"])
def test_pip_installs(index: LoopbackIndex, sdist: Sdist, tmp_path: Path) -> None:
    """Wheels install, sdists build, with their dependencies and extras, without a network."""
    index.add(
        "Zope.Event", "5.0", wheel=not sdist, sdist=sdist,
        requires_dist=["click>=7", 'idle; extra == "more"'],
    )  # fmt: skip
    index.add("click", "8.0")
    index.add("idle", "1.0")

    done = run(
        "pip", "install", "--isolated", "--no-cache-dir", "--target", "site",
        "--index-url", index.url, "zope-event[more]", cwd=tmp_path,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    code = "import zope_event, click, idle; print(zope_event.__version__, click.__version__)"
    shown = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path / "site",
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout == "5.0 8.0\n"


def test_pip_fails_to_build_what_is_broken(index: LoopbackIndex, tmp_path: Path) -> None:
    """A broken sdist fails as real ones do, in its backend."""
    index.add("flask", "1.0", wheel=False, sdist="broken")

    done = run(
        "pip", "install", "--isolated", "--no-cache-dir", "--target", "site",
        "--index-url", index.url, "flask", cwd=tmp_path,
    )  # fmt: skip

    assert done.returncode == 1
    assert "this distribution is made not to build" in done.stdout + done.stderr


@pytest.mark.parametrize("face", ["json", "html"])
def test_uv_resolves(index: LoopbackIndex, face: Face, tmp_path: Path) -> None:
    """The oracle uv reads pages and metadata, and downloads no file."""
    index.face = face
    index.add("Flask", "2.0.1", requires_python=">=3.6", requires_dist=["click>=7"])
    index.add("click", "7.0")
    index.add("click", "8.0", tags=["cp27-cp27m-win32"])
    (tmp_path / "requirements.in").write_text("flask\n")

    done = run(
        "uv", "pip", "compile", "--quiet", "--no-header", "--no-annotate",
        "--index-url", index.url, "requirements.in", cwd=tmp_path,
    )  # fmt: skip

    assert (done.returncode, done.stdout) == (0, "click==7.0\nflask==2.0.1\n"), done.stderr
    assert not [request.path for request in index.requests if request.path.endswith(".whl")]


def test_uv_installs_from_an_sdist(index: LoopbackIndex, tmp_path: Path) -> None:
    """The sdist's own backend is enough for uv too."""
    index.add("flask", "1.0", wheel=False, sdist=True)

    done = run(
        "uv", "pip", "install", "--quiet", "--python", sys.executable, "--target", "site",
        "--index-url", index.url, "flask", cwd=tmp_path,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "site" / "flask.py").read_text() == '__version__ = "1.0"\n'


def test_demonstration_serves() -> None:
    """The module is a program that prints how to use it."""
    program = Path(__file__).parent.parent / "loopback_index.py"
    with subprocess.Popen(
        [sys.executable, str(program)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().split()[-2]
            assert b"flask-3.0.3.tar.gz" in ask(f"{url}flask/").body
        finally:
            process.terminate()
