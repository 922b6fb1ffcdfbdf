"""Package indexes, asked over real connections; a loopback index fails in every way."""

import gzip
import io
import re
import time
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from forwarder import forwarder_to
from loopback_index import Face, Fault, LoopbackIndex
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from pipflow_tasks.errors import PackageIndexError, ProjectNotFound
from pipflow_tasks.index import PackageIndex
from pipflow_tasks.simple_api import DistributionFile

FLASK = canonicalize_name("flask")


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Remove the proxies and the passwords of the user who runs the tests."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))


@pytest.fixture
def server() -> Iterator[LoopbackIndex]:
    """Return an index that has flask."""
    with LoopbackIndex() as server:
        server.add("flask", "2.0.1", requires_python=">=3.6", yanked="old", sdist=True)
        server.add("flask", "3.0.3", requires_python=">=3.8")
        yield server


@pytest.fixture
def index(server: LoopbackIndex) -> Iterator[PackageIndex]:
    with PackageIndex([server.url], timeout_seconds=5) as index:
        yield index


def versions(index: PackageIndex, project: str = "flask") -> list[str]:
    return sorted(str(file.version) for file in all_files(index, canonicalize_name(project)))


def all_files(index: PackageIndex, project: NormalizedName = FLASK) -> list[DistributionFile]:
    """Return the files of all versions, newest first."""
    return [file for files in index.files(project).values() for file in files]


def failure(index: PackageIndex, project: str = "flask") -> PackageIndexError:
    with pytest.raises(PackageIndexError) as caught:
        all_files(index, canonicalize_name(project))
    return caught.value


def with_credentials(url: str, credentials: str) -> str:
    return url.replace("://", f"://{credentials}@")


def empty_zip() -> bytes:
    buffer = io.BytesIO()
    zipfile.ZipFile(buffer, "w").close()
    return buffer.getvalue()


# Pages


@pytest.mark.parametrize("with_gzip", [True, False])
@pytest.mark.parametrize("face", ["json", "html", "both"])
def test_files_of_a_project(
    server: LoopbackIndex, index: PackageIndex, face: Face, with_gzip: bool
) -> None:
    """JSON and HTML pages list the same files, compressed or not."""
    server.face = face
    server.with_gzip = with_gzip

    files = {file.filename: file for file in all_files(index)}

    assert sorted(files) == [
        "flask-2.0.1-py3-none-any.whl",
        "flask-2.0.1.tar.gz",
        "flask-3.0.3-py3-none-any.whl",
    ]
    old, new = files["flask-2.0.1-py3-none-any.whl"], files["flask-3.0.3-py3-none-any.whl"]
    assert (old.version, old.yanked, old.requires_python) == (
        Version("2.0.1"),
        "old",
        SpecifierSet(">=3.6"),
    )
    assert (new.yanked, new.has_metadata, [*new.hashes]) == (None, True, ["sha256"])
    assert new.url == server.url.replace("/simple/", "/files/") + new.filename
    assert (new.uploaded is None) == (face == "html")


def test_address_may_lack_its_last_slash(server: LoopbackIndex) -> None:
    """An index address is the same with and without a slash at its end."""
    with PackageIndex([server.url.rstrip("/")]) as index:
        assert versions(index) == ["2.0.1", "2.0.1", "3.0.3"]
    assert [request.path for request in server.requests] == ["/simple/flask/"]


def test_address_with_steps_upward(server: LoopbackIndex) -> None:
    """Dots in an address are resolved before it is asked for, as RFC 3986 says."""
    with PackageIndex([server.url.replace("/simple/", "/other/../simple/")]) as index:
        assert versions(index) == ["2.0.1", "2.0.1", "3.0.3"]
    assert [request.path for request in server.requests] == ["/simple/flask/"]


def test_page_is_asked_for_once(server: LoopbackIndex, index: PackageIndex) -> None:
    """A page is fetched once, also the page of a project that does not exist."""
    for _ in range(2):
        index.files(FLASK)
        failure(index, "no-such-project")
    index.prefetch([FLASK, canonicalize_name("no-such-project")])

    assert [request.path for request in server.requests] == [
        "/simple/flask/",
        "/simple/no-such-project/",
    ]


def test_request_says_who_asks_and_for_what(server: LoopbackIndex, index: PackageIndex) -> None:
    """The User-Agent names this tool and its version, and the Accept header prefers JSON."""
    index.files(FLASK)

    (request,) = server.requests
    assert re.fullmatch(r"pipflow-tasks/\d\S* \w+/3\.\d+\.\S+", request.headers["User-Agent"])
    assert request.headers["Accept"].split(",")[0] == "application/vnd.pypi.simple.v1+json"
    assert "text/html;q=0." in request.headers["Accept"]


def test_project_without_files(server: LoopbackIndex, index: PackageIndex) -> None:
    """A page without files is an error that names project and index, never a project at rest."""
    server.break_project("flask", Fault(body=b'{"meta": {"api-version": "1.0"}, "files": []}'))

    error = failure(index)

    assert error.message == (
        f'the index lists no file of "flask" that can be installed ({server.url})'
    )


# Several indexes


def test_indexes_are_asked_as_one(server: LoopbackIndex) -> None:
    """A project's files are those of all indexes; an index may lack the project."""
    with LoopbackIndex() as second, LoopbackIndex() as empty:
        second.add("flask", "3.1.0")
        second.add("private", "1.0")
        with PackageIndex([empty.url, server.url, second.url]) as index:
            files = all_files(index)
            private = versions(index, "private")

    assert [str(file.version) for file in files] == ["3.1.0", "3.0.3", "2.0.1", "2.0.1"]
    assert private == ["1.0"]


def test_project_that_no_index_has(server: LoopbackIndex) -> None:
    """A project is missing only if no index has it."""
    with LoopbackIndex() as second, PackageIndex([server.url, second.url]) as index:
        error = failure(index, "redis")
        asked = [request.path for request in second.requests]

    assert isinstance(error, ProjectNotFound)
    assert asked == ["/simple/redis/"]


@pytest.mark.parametrize("broken_first", [True, False])
def test_one_broken_index_is_an_error(server: LoopbackIndex, broken_first: bool) -> None:
    """If one index can't be asked, the answer of the other is not enough."""
    with LoopbackIndex() as broken:
        broken.break_project("flask", Fault(status=500))
        urls = [broken.url, server.url] if broken_first else [server.url, broken.url]
        with PackageIndex(urls) as index:
            error = failure(index)
        url = broken.url

    assert not isinstance(error, ProjectNotFound)
    assert error.url == f"{url}flask/"


# Temporary failures


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=500, times=1),
        Fault(status=503, retry_after=1, times=1),
        Fault(status=429, retry_after="Wed, 21 Oct 2099 07:28:00 GMT", times=1),
        Fault(status=503, retry_after="\N{SUPERSCRIPT TWO}", times=1),
        Fault(half=True, times=1),
        Fault(reset=True, times=1),
        Fault(stall_seconds=30, times=1),
    ],
    ids=str,
)
def test_failure_that_passes_is_survived(server: LoopbackIndex, fault: Fault) -> None:
    """After a temporary failure the index is asked again, and the answer is complete."""
    server.break_project("flask", fault)

    with PackageIndex([server.url], timeout_seconds=0.5) as index:
        assert versions(index) == ["2.0.1", "2.0.1", "3.0.3"]
    assert len(server.requests) == 2


FAILING = {
    "internal": (Fault(status=500), "failed (HTTP 500)"),
    "overloaded": (Fault(status=503), "failed (HTTP 503)"),
    "limited": (Fault(status=429), "failed (HTTP 429)"),
    "half": (Fault(half=True), "the connection broke before the answer was complete"),
    "reset": (Fault(reset=True), "can't be reached: the connection failed"),
    "silent": (Fault(stall_seconds=30), "can't be reached: it did not answer in time"),
}


def test_failure_that_stays_is_an_error(server: LoopbackIndex) -> None:
    """After three attempts the look-up fails, and the message names the index and the failure."""
    for project, (fault, _) in FAILING.items():
        server.add(project, "1.0")
        server.break_project(project, fault)

    with PackageIndex([server.url], timeout_seconds=0.5) as index:
        index.prefetch(map(canonicalize_name, FAILING))
        errors = {project: failure(index, project) for project in FAILING}

    for project, (_, message) in FAILING.items():
        error = errors[project]
        assert message in error.message
        assert f"the index at {server.url}{project}/ " in error.message
        assert (error.url, error.exit_status) == (f"{server.url}{project}/", 1)
        assert error.hint.startswith("nothing was changed")
        assert not isinstance(error, ProjectNotFound)
        paths = [request.path for request in server.requests]
        assert paths.count(f"/simple/{project}/") == 3


def test_long_wait_is_not_waited_for(server: LoopbackIndex, index: PackageIndex) -> None:
    """If an index asks for a longer wait than allowed, the look-up fails."""
    server.break_project("flask", Fault(status=503, retry_after=3600))

    assert "HTTP 503" in failure(index).message
    assert len(server.requests) == 1


def test_refused_connection_is_an_error(server: LoopbackIndex) -> None:
    """If no server listens, the message says that the connection was refused."""
    with LoopbackIndex() as gone:
        url = gone.url

    with PackageIndex([url]) as index:
        error = failure(index)

    assert error.message == f"the index at {url}flask/ can't be reached: the connection was refused"


# Permanent failures


def test_unknown_project(server: LoopbackIndex, index: PackageIndex) -> None:
    """404 is an error at once, which names the project and the index."""
    error = failure(index, "no-such-project")

    assert isinstance(error, ProjectNotFound)
    assert error.message == f'the index has no project "no-such-project" ({server.url})'
    assert error.url == f"{server.url}no-such-project/"
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Fault(status=401), "refuses access (HTTP 401)"),
        (Fault(status=403), "refuses access (HTTP 403)"),
        (Fault(status=400), "failed (HTTP 400)"),
        (Fault(status=410), "was not found (HTTP 410)"),
        (Fault(body=b""), "can't be used"),
        (Fault(body=b'{"meta": {"api-version": "1.0"}, "files": [{"filename"'), "can't be used"),
        (Fault(body=b"<html>Please log in</html>"), "can't be used"),
        (Fault(body=b'{"meta": {"api-version": "2.0"}, "files": []}'), "version 2.0"),
        (Fault(body=b'{"meta": {}, "files": ' + b"[" * 99_999), "can't be used"),
        (
            Fault(body=b'{"meta": {}, "files": [{"filename": "flask-1.zip", "url": "http://[x"}]}'),
            "can't be used",
        ),
        (Fault(content_type="text/plain"), "its type is text/plain, but JSON or HTML is needed"),
        (Fault(content_type=""), "its type is missing, but JSON or HTML is needed"),
        (Fault(location="/simple/flask/"), "redirects more than 5 times"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_answer_that_can_not_be_used(
    server: LoopbackIndex, index: PackageIndex, fault: Fault, message: str
) -> None:
    """An answer that is not valid is an error at once: asking again would not help."""
    server.break_project("flask", fault)

    error = failure(index)

    assert message in error.message
    assert f"the index at {server.url}flask/ " in f"{error.message} "
    assert not isinstance(error, ProjectNotFound)
    assert len(server.requests) == (1 if fault.location is None else 6)


PAGE = b'{"meta": {}, "files": [{"filename": "flask-1.0.tar.gz", "url": "ab"}]}'
PACKED = gzip.compress(PAGE, mtime=0)
BOMB = gzip.compress(bytes(129 << 20), mtime=0)


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", PACKED),
        ("GZIP", PACKED),
        ("x-gzip", PACKED),
        ("gzip", gzip.compress(PAGE[:30], mtime=0) + gzip.compress(PAGE[30:], mtime=0)),
        ("gzip", gzip.compress(PAGE[:35], mtime=0) + gzip.compress(PAGE[35:], mtime=0)),
        ("deflate", zlib.compress(PAGE)),
        ("identity", PAGE),
    ],
)
def test_compressed_answer(
    server: LoopbackIndex, index: PackageIndex, encoding: str, body: bytes
) -> None:
    """An answer is decompressed as RFC 9110 says, also if its gzip has several members."""
    server.break_project("flask", Fault(body=body, encoding=encoding))

    assert versions(index) == ["1.0"]


@pytest.mark.parametrize(
    "body",
    [
        b"not gzip at all",
        PACKED[:-1],
        PACKED[:40],
        PACKED[:-4] + b"\xff\xff\xff\xff",
        PACKED[:-8] + b"\0\0\0\0" + PACKED[-4:],
        PACKED[:40] + b"\0" + PACKED[41:],
    ],
)
def test_damaged_answer(server: LoopbackIndex, index: PackageIndex, body: bytes) -> None:
    """An answer that can't be decompressed is requested again, and then is an error."""
    server.break_project("flask", Fault(body=body, encoding="gzip", times=1))
    assert len(versions(index)) == 3

    server.break_project("flask", Fault(body=body, encoding="gzip"))
    with PackageIndex([server.url]) as again:
        assert failure(again).message.endswith("its answer is damaged")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "simple",
        "127.0.0.1/simple",
        "ftp://127.0.0.1/",
        "http://",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1:port/",
        "http://[::1/simple",
    ],
)
def test_address_that_can_not_be_asked(url: str) -> None:
    """An invalid address is an error of the index like any other."""
    with PackageIndex([url]) as index:
        assert "can't be reached" in failure(index).message


# Answers are whole, or do not count


OPEN = b'<html><a href="flask-1.0.tar.gz">x</a>'


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Fault(chunked=True), "the connection broke before the answer was complete"),
        (Fault(unmarked=True, body=OPEN, content_type="text/html"), "it is cut off"),
        (Fault(unmarked=True, body=PAGE[:-2]), "can't be used"),
        (Fault(unmarked=True, body=PACKED[:-8], encoding="gzip"), "its answer is damaged"),
        (Fault(body=b'{"meta": {}, "files": [], "name": "other"}'), "the page of other"),
    ],
    ids=["chunks", "html", "json", "gzip", "name"],
)
def test_answer_that_is_not_whole(
    server: LoopbackIndex, index: PackageIndex, fault: Fault, message: str
) -> None:
    """A page that is cut off, or that of another project, is an error."""
    server.break_project("flask", fault)
    assert message in failure(index).message


@pytest.mark.parametrize("face", ["json", "html"])
def test_answer_without_length(server: LoopbackIndex, index: PackageIndex, face: Face) -> None:
    """An answer that the end of the connection ends is read where it ends itself."""
    server.face = face
    server.break_project("flask", Fault(unmarked=True))
    assert versions(index) == ["2.0.1", "2.0.1", "3.0.3"]


def metadata(index: PackageIndex, project: str = "lib") -> list[str]:
    found = index.metadata(all_files(index, canonicalize_name(project)))
    assert found is not None
    return [*map(str, found.requires)]


@pytest.mark.parametrize("with_hashes", [True, False])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"Metadata-Version: 2.1\nName: other\nVersion: 1.0\nRequires-Dist: evil\n",
        b"Metadata-Version: 2.1\nName: lib\nVersion: 1.1\nRequires-Dist: evil\n",
    ],
    ids=["empty", "name", "version"],
)
def test_metadata_file_of_something_else(
    server: LoopbackIndex, index: PackageIndex, body: bytes, with_hashes: bool
) -> None:
    """Where the file beside a wheel is not about the wheel, the wheel itself is read."""
    server.with_hashes = with_hashes
    server.add("lib", "1.0", requires_dist=["good"])
    server.break_project("lib", Fault(body=body, on="metadata"))
    assert metadata(index) == ["good"]


def test_metadata_file_with_another_digest(server: LoopbackIndex, index: PackageIndex) -> None:
    """Where the file beside a wheel does not have its digest, the wheel itself is read."""
    server.add("lib", "1.0", requires_dist=["good"])
    body = b"Metadata-Version: 2.1\nName: lib\nVersion: 1.0\nRequires-Dist: evil\n"
    server.break_project("lib", Fault(body=body, on="metadata"))
    assert metadata(index) == ["good"]


def test_sdist_with_another_digest(server: LoopbackIndex, index: PackageIndex) -> None:
    """An sdist that is not the one of the page is an error."""
    server.add("lib", "1.0", wheel=False, sdist=True)
    server.break_project("lib", Fault(body=b"another", on="file"))
    with pytest.raises(PackageIndexError, match="not the one that the page"):
        metadata(index)


# Limits


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Fault(body=bytes(33 << 20), encoding="identity"), "it is larger than 32 MB"),
        (
            Fault(body=bytes(33 << 20), encoding="identity", unmarked=True),
            "it is larger than 32 MB",
        ),
        (Fault(body=BOMB, encoding="gzip"), "it is larger than 128 MB unpacked"),
        (Fault(body=BOMB[:-4] + b"\1\0\0\0", encoding="gzip"), "larger than 128 MB unpacked"),
    ],
    ids=["announced", "unmarked", "packed", "packed with a wrong size"],
)
def test_answer_that_is_too_large(
    server: LoopbackIndex, index: PackageIndex, fault: Fault, message: str
) -> None:
    """An answer above its limit is an error at once."""
    server.break_project("flask", fault)
    assert message in failure(index).message
    assert len(server.requests) == 1


def test_metadata_that_are_too_large(server: LoopbackIndex, index: PackageIndex) -> None:
    """A metadata file above 4 MB is an error."""
    server.add("lib", "1.0")
    server.break_project("lib", Fault(body=bytes(5 << 20), on="metadata"))
    with pytest.raises(PackageIndexError, match="larger than 4 MB"):
        metadata(index)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(drip=True),
        Fault(continues=True),
        Fault(location="/simple/flask/", stall_seconds=0.4),
    ],
    ids=["dripping", "interim answers", "slow redirects"],
)
def test_deadline(server: LoopbackIndex, fault: Fault) -> None:
    """A look-up ends at its deadline, whatever an index sends meanwhile."""
    server.break_project("flask", fault)
    start = time.monotonic()
    with PackageIndex([server.url], deadline_seconds=1) as index:
        assert "did not answer in time" in failure(index).message
    assert time.monotonic() - start < 1.9


def test_deadline_of_metadata(server: LoopbackIndex) -> None:
    """All that is asked for the metadata of a release has one deadline: file, ranges, sdist."""
    server.core_metadata = False
    server.add("lib", "1.0", metadata=False, padding_bytes=1 << 18, sdist=True)
    slow = Fault(stall_seconds=0.6, on="file")
    server.break_project("lib", Fault(stall_seconds=0.6, on="metadata"), slow)
    start = time.monotonic()
    with (
        PackageIndex([server.url], deadline_seconds=1) as index,
        pytest.raises(PackageIndexError, match="did not answer in time"),
    ):
        metadata(index)
    assert time.monotonic() - start < 1.9
    server.break_project("lib", slow)
    with PackageIndex([server.url], deadline_seconds=1.5) as index:
        assert metadata(index) == []


@pytest.mark.parametrize("sdist", [True, False])
@pytest.mark.parametrize("body", [b"PK no archive", empty_zip()], ids=["damaged", "empty"])
def test_wheel_without_metadata(
    server: LoopbackIndex, index: PackageIndex, body: bytes, sdist: bool
) -> None:
    """A wheel without METADATA is an error that names it, unless there is an sdist."""
    server.core_metadata = False
    server.add("lib", "1.0", metadata=False, requires_dist=["good"])
    if sdist:
        server.add("lib", "1.0", wheel=False, sdist=True, requires_dist=["good"])
    server.with_hashes = server.with_ranges = False
    server.break_project("lib", Fault(body=body, on="file", times=1))
    if sdist:
        assert metadata(index) == ["good"]
        return
    with pytest.raises(PackageIndexError, match=r"lib-1.0-py3-none-any.whl .* no METADATA file"):
        metadata(index)


# Redirects


def test_redirect_is_followed(server: LoopbackIndex, index: PackageIndex) -> None:
    """After a redirect, relative addresses start at the new address."""
    with LoopbackIndex() as mirror:
        mirror.add("flask", "9.9")
        server.break_project("flask", Fault(location=f"{mirror.url}flask/"))

        (file,) = all_files(index)

        assert file.url.startswith(mirror.url.replace("/simple/", "/files/"))


def test_redirect_drops_credentials(server: LoopbackIndex) -> None:
    """A password is sent to its own index only, not to the host of a redirect."""
    server.credentials = ("me", "secret")
    with LoopbackIndex() as mirror:
        mirror.add("flask", "9.9")
        server.break_project("flask", Fault(location=f"{mirror.url}flask/"))
        with PackageIndex([with_credentials(server.url, "me:secret")]) as index:
            assert versions(index) == ["9.9"]

        assert [request.headers.get("Authorization") for request in mirror.requests] == [None]


# Credentials


@pytest.mark.parametrize(
    ("secret", "written"), [("secret", "secret"), ("p@ss:w/rd", "p%40ss%3Aw%2Frd")]
)
def test_credentials_in_the_address(server: LoopbackIndex, secret: str, written: str) -> None:
    """User and password in an address are sent, unquoted."""
    server.credentials = ("me", secret)

    with PackageIndex([with_credentials(server.url, f"me:{written}")]) as index:
        assert versions(index) == ["2.0.1", "2.0.1", "3.0.3"]


def test_credentials_in_netrc(server: LoopbackIndex, index: PackageIndex, tmp_path: Path) -> None:
    """User and password in netrc are sent to their host."""
    server.credentials = ("me", "secret")
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret\n")

    assert versions(index) == ["2.0.1", "2.0.1", "3.0.3"]


def test_credentials_are_used_for_every_page(server: LoopbackIndex) -> None:
    """The credentials that were found for a host are sent with every request to it."""
    server.credentials = ("me", "secret")
    server.add("redis", "5.0")

    with PackageIndex([with_credentials(server.url, "me:secret")]) as index:
        assert versions(index) == ["2.0.1", "2.0.1", "3.0.3"]
        assert versions(index, "redis") == ["5.0"]


def test_proxy_is_asked_for_whole_addresses(
    server: LoopbackIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each request to a proxy of the environment has the whole address."""
    monkeypatch.delenv("NO_PROXY")
    monkeypatch.setenv("http_proxy", server.url.removesuffix("/simple/"))

    with PackageIndex(["http://packages.example.com/simple/"]) as index:
        assert versions(index) == ["2.0.1", "2.0.1", "3.0.3"]
        failure(index, "redis")

    assert [request.path for request in server.requests] == [
        "http://packages.example.com/simple/flask/",
        "http://packages.example.com/simple/redis/",
    ]


@pytest.mark.parametrize("is_in_netrc", [False, True])
def test_wrong_credentials_are_told_from_missing_ones(
    server: LoopbackIndex, tmp_path: Path, is_in_netrc: bool
) -> None:
    """If a password was refused, the hint names the places where it may come from."""
    server.credentials = ("me", "secret")
    url = server.url if is_in_netrc else server.url.replace("://", "://me:old-secret@")
    if is_in_netrc:
        (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password old-secret\n")

    with PackageIndex([url]) as index:
        error = failure(index)

    assert "refuses the credentials (HTTP 401)" in error.message
    assert "out of date" in error.hint
    assert "old-secret" not in str(error)


def test_missing_credentials_are_asked_for(server: LoopbackIndex, index: PackageIndex) -> None:
    """If credentials are missing, the hint names the places to write them."""
    server.credentials = ("me", "secret")

    error = failure(index)

    assert "refuses access (HTTP 401)" in error.message
    assert "${VARIABLES}" in error.hint
    assert ".netrc" in error.hint
    assert len(server.requests) == 1


SECRET_FAILURES = {
    "absent": None,
    "forbidden": Fault(status=403),
    "internal": Fault(status=500, retry_after=60),
    "garbage": Fault(body=b"{"),
    "foreign": Fault(content_type="text/plain"),
    "circle": Fault(location="/simple/circle/"),
    "half": Fault(half=True),
    "reset": Fault(reset=True),
}


def test_credentials_are_in_no_message(server: LoopbackIndex) -> None:
    """In every failure the address is shown without user and password."""
    server.credentials = ("me-myself", "secret")
    for project, fault in SECRET_FAILURES.items():
        if fault is not None:
            server.add(project, "1.0")
            server.break_project(project, fault)

    with PackageIndex([with_credentials(server.url, "me-myself:secret")]) as index:
        index.prefetch(map(canonicalize_name, SECRET_FAILURES))
        errors = [failure(index, project) for project in SECRET_FAILURES]

    for error in errors:
        shown = f"{error} {error!r} {error.url} {error.message} {error.hint}"
        assert "127.0.0.1" in shown
        assert "secret" not in shown
        assert "me-myself" not in shown


@pytest.mark.parametrize("credentials", ["wrong:secret", "secret", "me:se?cret", "me:a/secret"])
def test_unusable_credentials_are_in_no_message(server: LoopbackIndex, credentials: str) -> None:
    """Credentials that are wrong or not quoted correctly are not shown either."""
    server.credentials = ("me", "other")

    with PackageIndex([with_credentials(server.url, credentials)]) as index:
        error = failure(index)

    assert "cret" not in f"{error} {error!r} {error.url}"


# Connections


def test_connection_is_kept(server: LoopbackIndex) -> None:
    """Many pages come over one connection, also after errors."""
    names = [f"project-{number}" for number in range(8)]
    for name in names:
        server.add(name, "1.0")
    server.break_project("project-3", Fault(status=403))

    with forwarder_to(server) as relay, PackageIndex([relay.url]) as index:
        for name in names:
            if name == "project-3":
                failure(index, name)
            else:
                assert versions(index, name) == ["1.0"]
        failure(index, "absent")

        assert relay.count == 1
    assert len(server.requests) == 9


def test_prefetch_asks_at_once(server: LoopbackIndex) -> None:
    """Pages are fetched in parallel, each once, and then read from memory."""
    names = [canonicalize_name(f"project-{number}") for number in range(8)]
    for name in names:
        server.add(name, "1.0")
    server.delay_seconds = 0.2

    with forwarder_to(server) as relay, PackageIndex([relay.url]) as index:
        index.prefetch([*names, *names])

        assert [versions(index, name) for name in names] == [["1.0"]] * 8
        assert relay.count > 1
        assert sorted(request.path for request in server.requests) == [
            f"/simple/{name}/" for name in names
        ]
        assert [versions(index, name) for name in names] == [["1.0"]] * 8
    assert len(server.requests) == 8


def test_prefetch_keeps_failures_for_later(server: LoopbackIndex, index: PackageIndex) -> None:
    """A project that fails does not stop the others; its error comes when it is asked for."""
    server.break_project("broken", Fault(status=403))

    index.prefetch(map(canonicalize_name, ["flask", "absent", "broken"]))

    assert versions(index) == ["2.0.1", "2.0.1", "3.0.3"]
    assert isinstance(failure(index, "absent"), ProjectNotFound)
    assert "HTTP 403" in failure(index, "broken").message
    assert len(server.requests) == 3


def test_every_index_address_is_completed() -> None:
    """The addresses of the indexes end with a slash."""
    with PackageIndex(["http://a.example.com/simple", "http://b.example.com/"]) as index:
        assert index.urls == ("http://a.example.com/simple/", "http://b.example.com/")
