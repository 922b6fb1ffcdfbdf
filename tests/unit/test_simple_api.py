"""Index pages: JSON and HTML that is read, and what is refused."""

import json
from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace
from packaging.specifiers import SpecifierSet
from packaging.tags import Tag
from packaging.utils import canonicalize_name
from packaging.version import Version

from pipflow_tasks.errors import PackageIndexError
from pipflow_tasks.simple_api import (
    DistributionFile,
    Files,
    Metadata,
    Page,
    read_page,
    read_sdist_metadata,
)

URL = "https://example.com/simple/flask/"
JSON = "application/vnd.pypi.simple.v1+json"
HTML = "text/html"
WHEEL = "flask-2.0.1-py3-none-any.whl"
FLASK = canonicalize_name("flask")
DIGEST = "ab" * 32
OTHER = "cd" * 32
SDIST = DistributionFile(
    filename="flask-2.0.1.tar.gz", url=URL, version=Version("2.0.1"), is_wheel=False
)


def json_page(*files: Any, project: str = "flask", **page: Any) -> Page:
    data = json.dumps({"meta": {"api-version": "1.1"}, "files": files, **page}).encode()
    return read_page(data, content_type=JSON, url=URL, project=canonicalize_name(project))


def html_page(text: str) -> Page:
    return read_page(text.encode(), content_type=HTML, url=URL, project=FLASK)


def files_of(page: Page) -> list[DistributionFile]:
    """Return the files of all versions, newest first."""
    return [file for files in Files([page]).values() for file in files]


def read_json(*files: Any, project: str = "flask", **page: Any) -> list[DistributionFile]:
    return files_of(json_page(*files, project=project, **page))


def read_html(text: str) -> list[DistributionFile]:
    return files_of(html_page(text))


def entry(filename: str = WHEEL, **values: Any) -> dict[str, Any]:
    """Return the entry of a file in a JSON page; ``_`` in a key stands for ``-``."""
    named = {key.replace("_", "-"): value for key, value in values.items()}
    return {"filename": filename, "url": f"../../files/{filename}", "hashes": {}, **named}


# What is checked, and limits


@pytest.mark.parametrize(
    "digest", ["ab", "0" * 63, f"{DIGEST} --config-settings=x", "g" * 64, "\n"]
)
def test_digest_that_is_none(digest: str) -> None:
    """A digest is of its algorithm's length and hexadecimal, or its file can't be used."""
    for key in ("hashes", "core_metadata"):
        values: dict[str, Any] = {key: {"sha256": digest}}
        with pytest.raises(PackageIndexError, match="is no digest"):
            read_json(entry(**values))


def test_digest_in_capitals() -> None:
    """Capital letters are the same digest."""
    (file,) = read_json(entry(hashes={"sha256": DIGEST.upper()}))
    assert file.hashes == {"sha256": DIGEST}


def test_page_of_another_project() -> None:
    """The name in a JSON page is compared as projects are."""
    assert len(files_of(json_page(entry(), name="FLASK"))) == 1
    with pytest.raises(PackageIndexError, match="it is the page of django"):
        json_page(entry(), name="django")


@pytest.mark.parametrize("closed", ["", "</html>"])
@pytest.mark.parametrize("opened", ["", "<html>"])
def test_end_of_html(opened: str, closed: str) -> None:
    """Where only the connection's end ends a page, an opened `<html>` has to be closed."""
    data = f'{opened}<a href="{WHEEL}">x</a>{closed}'.encode()
    read_page(data, content_type=HTML, url=URL, project=FLASK)
    if opened and not closed:
        with pytest.raises(PackageIndexError, match="cut off"):
            read_page(data, content_type=HTML, url=URL, project=FLASK, is_whole=False)
    else:
        read_page(data, content_type=HTML, url=URL, project=FLASK, is_whole=False)


@pytest.mark.parametrize(
    "values",
    [
        {"filename": f"flask-2-{'x' * 255}-none-any.whl"},
        {"filename": f"flask-1.{'0' * 99}-py3-none-any.whl"},
        {"filename": f"flask-1.{'0' * 99}.tar.gz"},
        {"requires_python": ">=3" + ",>=3" * 250},
    ],
    ids=["file name", "version of a wheel", "version of an sdist", "Requires-Python"],
)
def test_oversized_entry(values: dict[str, Any]) -> None:
    """An entry that is too long is skipped, and counted."""
    page = json_page(entry(), entry(**values), entry("flask-2.0.1.tar.gz"))
    names = [file.filename for file in files_of(page)]
    assert names == [WHEEL, "flask-2.0.1.tar.gz"]
    assert Files([page]).oversized == ((URL, 1),)


@pytest.mark.no_cover
@pytest.mark.parametrize("form", ["json", "html", "numbers", "objects"])
def test_page_with_too_many_files(form: str) -> None:
    """A page with more than 200,000 entries is refused, whatever the entries are."""
    number = 200_001
    one = b'{"filename":"a","url":"b"}'
    files = {"json": one, "numbers": b"1", "objects": b"{}"}.get(form, b"")
    data = b'{"meta":{},"files":[' + b",".join([files] * number) + b"]}"
    if form == "html":
        data = b"<a href=x>" * number
    kind = HTML if form == "html" else JSON
    with pytest.raises(PackageIndexError, match=r"200,000 files|not valid"):
        read_page(data, content_type=kind, url=URL, project=FLASK)


def test_release_with_too_many_dependencies() -> None:
    """More than 2,000 dependencies are refused."""
    head = b"Metadata-Version: 2.2\nName: flask\nVersion: 2.0.1\n"
    assert read_sdist_metadata(head + b"Requires-Dist: a\n" * 2_000, None, SDIST) is not None
    with pytest.raises(ValueError, match="more than 2,000 dependencies"):
        read_sdist_metadata(head + b"Requires-Dist: a\n" * 2_001, None, SDIST)


def test_metadata_that_are_too_large() -> None:
    """Metadata of more than 4 MB are refused, also those inside of a distribution."""
    head = b"Metadata-Version: 2.2\nName: flask\nVersion: 2.0.1\n"
    with pytest.raises(ValueError, match="larger than 4 MB"):
        read_sdist_metadata(head + bytes(4 << 20), None, SDIST)


# The entry of a file


def test_json_file_with_everything() -> None:
    """Every key of PEP 691, 700 and 714 is read; unknown keys are ignored."""
    (file,) = read_json(
        entry(
            hashes={"sha256": DIGEST, "blake2b": "cd"},
            requires_python=">=3.6",
            yanked="broken",
            core_metadata={"sha256": OTHER},
            upload_time="2021-05-21T12:30:00.123456Z",
            size=1024,
            provenance=None,
        ),
        name="flask",
        versions=["2.0.1"],
    )

    assert file == DistributionFile(
        filename=WHEEL,
        url=f"https://example.com/files/{WHEEL}",
        version=Version("2.0.1"),
        is_wheel=True,
        requires_python=SpecifierSet(">=3.6"),
        yanked="broken",
        hashes={"sha256": DIGEST},
        metadata_hashes={"sha256": OTHER},
        has_metadata=True,
        uploaded=datetime(2021, 5, 21, 12, 30, 0, 123456, tzinfo=timezone.utc),
        size_bytes=1024,
    )


def test_json_file_with_nothing() -> None:
    """A file may have only a name and an address; everything else is unknown then."""
    (file,) = read_json({"filename": "flask-2.0.1.tar.gz", "url": "https://files.example.com/f.gz"})

    assert file == DistributionFile(
        filename="flask-2.0.1.tar.gz",
        url="https://files.example.com/f.gz",
        version=Version("2.0.1"),
        is_wheel=False,
        requires_python=None,
        yanked=None,
        hashes={},
        has_metadata=None,
        uploaded=None,
    )


def test_html_file_with_everything() -> None:
    """The attributes of PEP 503, 592 and 714 are read, unescaped."""
    (file,) = read_html(
        '<!DOCTYPE html><meta name="pypi:repository-version" content="1.0">'
        f'<a href="../../files/{WHEEL}#sha256={DIGEST}" data-requires-python="&gt;=3.6,&lt;4"'
        f' data-yanked="it&#39;s broken" data-core-metadata="sha256={OTHER}">{WHEEL}</a><br>'
    )

    assert file == DistributionFile(
        filename=WHEEL,
        url=f"https://example.com/files/{WHEEL}",
        version=Version("2.0.1"),
        is_wheel=True,
        requires_python=SpecifierSet(">=3.6,<4"),
        yanked="it's broken",
        hashes={"sha256": DIGEST},
        metadata_hashes={"sha256": OTHER},
        has_metadata=True,
        uploaded=None,
    )


def test_html_file_with_nothing() -> None:
    """An anchor with only an address is a file."""
    (file,) = read_html('<A HREF="https://files.example.com/flask-2.0.1.zip">any text</A>')

    assert (file.filename, file.url) == (
        "flask-2.0.1.zip",
        "https://files.example.com/flask-2.0.1.zip",
    )
    assert (file.requires_python, file.yanked, file.hashes, file.has_metadata) == (
        None,
        None,
        {},
        None,
    )


@pytest.mark.parametrize(
    ("key", "value", "unknown"),
    [
        ("hashes", None, {"hashes": {}}),
        ("hashes", [DIGEST], {"hashes": {}}),
        ("hashes", {"sha256": 1}, {"hashes": {}}),
        ("requires-python", 3.8, {"requires_python": None}),
        ("requires-python", [">=3"], {"requires_python": None}),
        ("upload-time", 1621600200, {"uploaded": None}),
        ("size", "1024", {"size_bytes": None}),
        ("size", 1.5, {"size_bytes": None}),
        ("size", True, {"size_bytes": None}),
        ("size", -1, {"size_bytes": None}),
        ("size", {"bytes": 1}, {"size_bytes": None}),
        ("provenance", True, {"has_provenance": False}),
        ("core-metadata", "true", {"has_metadata": None, "metadata_hashes": {}}),
        ("core-metadata", {"sha256": 1}, {"metadata_hashes": {}}),
    ],
)
def test_json_field_of_another_type(key: str, value: object, unknown: dict[str, Any]) -> None:
    """What has another type than it should have is unknown of its file, and of no other."""
    given = entry(
        hashes={"sha256": DIGEST},
        requires_python=">=3.6",
        core_metadata={"sha256": OTHER},
        upload_time="2021-05-21T12:30:00Z",
        size=1024,
        provenance="https://example.com/flask.provenance",
    )
    other = given | {"filename": "flask-2.0.1.tar.gz"}
    right, *_ = read_json(given)
    assert read_json(given | {key: value}, other) == [
        replace(right, **unknown),
        *read_json(other),
    ]


def test_json_name_of_another_type() -> None:
    """A page whose name is no text is not compared by it."""
    assert len(read_json(entry(), name=None)) == 1


@pytest.mark.parametrize(
    ("key", "value"), [("filename", 1), ("filename", None), ("url", 1), ("url", None)]
)
def test_json_field_that_is_needed(key: str, value: object) -> None:
    """A file without a name or an address makes its page an error, whatever else it has."""
    with pytest.raises(PackageIndexError, match=key):
        read_json(entry(size="1024") | {key: value})


@pytest.mark.parametrize(
    ("value", "yanked"),
    [
        (False, None),
        (None, None),
        (True, ""),
        ("", ""),
        ("why", "why"),
        (1, ""),
        (0, None),
        (["why"], ""),
    ],
)
def test_json_yanked(value: object, yanked: str | None) -> None:
    """Yanked is false, true or the reason, which may be empty (PEP 592, 691).

    Of any other type it counts as in pip: whatever is not empty or zero is yanked.
    """
    (file,) = read_json(entry(yanked=value))

    assert file.yanked == yanked


@pytest.mark.parametrize(
    ("attribute", "yanked"),
    [("", None), ("data-yanked", ""), ('data-yanked=""', ""), ('data-yanked="why"', "why")],
)
def test_html_yanked(attribute: str, yanked: str | None) -> None:
    """The attribute alone means yanked; its value is the reason (PEP 592)."""
    (file,) = read_html(f'<a href="{WHEEL}" {attribute}>x</a>')

    assert file.yanked == yanked


@pytest.mark.parametrize(
    ("values", "has_metadata"),
    [
        ({}, None),
        ({"core_metadata": True}, True),
        ({"core_metadata": False}, False),
        ({"core_metadata": {"sha256": DIGEST}}, True),
        ({"core_metadata": {}}, True),
        ({"dist_info_metadata": True}, True),
        ({"dist_info_metadata": {"sha256": DIGEST}}, True),
        ({"dist_info_metadata": False}, False),
        ({"core_metadata": False, "dist_info_metadata": True}, False),
        ({"core_metadata": None, "dist_info_metadata": True}, True),
    ],
)
def test_json_metadata(values: dict[str, Any], has_metadata: bool | None) -> None:
    """A boolean, or a table of hashes that may be empty; the new key wins (PEP 658, 714)."""
    (file,) = read_json(entry(**values))

    assert file.has_metadata is has_metadata


@pytest.mark.parametrize(
    ("attribute", "has_metadata"),
    [
        ("", None),
        ('data-core-metadata="true"', True),
        (f'data-core-metadata="sha256={DIGEST}"', True),
        ('data-core-metadata="false"', False),
        ('data-dist-info-metadata="true"', True),
        ('data-core-metadata="false" data-dist-info-metadata="true"', False),
    ],
)
def test_html_metadata(attribute: str, has_metadata: bool | None) -> None:
    """The attribute is true or a hash; the new one wins (PEP 658, 714)."""
    (file,) = read_html(f'<a href="{WHEEL}" {attribute}>x</a>')

    assert file.has_metadata is has_metadata


@pytest.mark.parametrize(
    ("text", "uploaded"),
    [
        ("2021-05-21T12:30:00Z", datetime(2021, 5, 21, 12, 30, tzinfo=timezone.utc)),
        ("2021-05-21T12:30:00.5Z", datetime(2021, 5, 21, 12, 30, 0, 500000, timezone.utc)),
        ("2021-05-21T12:30:00.000000Z", datetime(2021, 5, 21, 12, 30, tzinfo=timezone.utc)),
        ("2021-05-21T12:30:00.123456789Z", datetime(2021, 5, 21, 12, 30, 0, 123456, timezone.utc)),
        ("", None),
        (None, None),
        ("yesterday", None),
    ],
)
def test_upload_time(text: str | None, uploaded: datetime | None) -> None:
    """Upload times come with and without fractions; one that is not valid is unknown."""
    (file,) = read_json(entry(upload_time=text))

    assert file.uploaded == uploaded


@pytest.mark.parametrize(
    ("text", "requires_python"),
    [
        (">=3.6", SpecifierSet(">=3.6")),
        (">= 3.6, !=3.7.*", SpecifierSet(">=3.6,!=3.7.*")),
        ("", None),
        (None, None),
        (">=3.6.*", None),
        ("three", None),
    ],
)
def test_requires_python(text: str | None, requires_python: SpecifierSet | None) -> None:
    """A Requires-Python that is not valid counts as none, as in pip."""
    (file,) = read_json(entry(requires_python=text))

    assert file.requires_python == requires_python


# Addresses


@pytest.mark.parametrize(
    ("href", "url"),
    [
        (WHEEL, f"https://example.com/simple/flask/{WHEEL}"),
        (f"../../f/{WHEEL}", f"https://example.com/f/{WHEEL}"),
        (f"/f/{WHEEL}", f"https://example.com/f/{WHEEL}"),
        (f"//files.example.com/{WHEEL}", f"https://files.example.com/{WHEEL}"),
        (f"http://files.example.com/{WHEEL}", f"http://files.example.com/{WHEEL}"),
        (f"{WHEEL}?token=a/b", f"https://example.com/simple/flask/{WHEEL}?token=a/b"),
    ],
)
def test_addresses_are_completed(href: str, url: str) -> None:
    """Relative addresses start at the page's own, in JSON and in HTML."""
    (from_html,) = read_html(f'<a href="{href}">x</a>')
    (from_json,) = read_json({**entry(), "url": href})

    assert (from_html.url, from_html.filename) == (url, WHEEL)
    assert from_json.url == url


def test_html_base_moves_addresses() -> None:
    """Addresses start at the page's base element where it has one."""
    (file,) = read_html(f'<base href="/mirror/"><a href="f/{WHEEL}">x</a>')

    assert file.url == f"https://example.com/mirror/f/{WHEEL}"


def test_html_filename_is_unquoted() -> None:
    """A file name is unquoted when it is read from an address."""
    (file,) = read_html(
        f'<a href="flask-2.0.1%2Bcpu-py3-none-any.whl#sha256={DIGEST}&amp;x=y">x</a>'
    )

    assert file.filename == "flask-2.0.1+cpu-py3-none-any.whl"
    assert file.version == Version("2.0.1+cpu")
    assert file.hashes == {"sha256": DIGEST}


# File names


@pytest.mark.parametrize(
    ("project", "filename", "version"),
    [
        ("flask", "Flask-2.0.1-py2.py3-none-any.whl", "2.0.1"),
        ("flask-login", "Flask_Login-0.6.3-py3-none-any.whl", "0.6.3"),
        ("zope-interface", "zope.interface-6.1-1build-cp39-cp39-linux_x86_64.whl", "6.1"),
        ("flask", "flask-2.0.1.tar.gz", "2.0.1"),
        ("flask", "Flask-2.0.1.zip", "2.0.1"),
        ("flask", "flask-2.0.1.tar.bz2", "2.0.1"),
        ("flask", "flask-2.0.1.tar.xz", "2.0.1"),
        ("flask", "flask-2.0.1.tgz", "2.0.1"),
        ("flask-login", "Flask-Login-0.6.3.tar.gz", "0.6.3"),
        ("flask-login", "flask.login-0.6.3.tar.gz", "0.6.3"),
        ("flask", "flask-2.0.1-1.tar.gz", "2.0.1.post1"),
        ("flask", "flask-1!2.0rc1+cpu.tar.gz", "1!2.0rc1+cpu"),
        ("flask", "flask-login-0.6.3.tar.gz", None),
        ("flask", "flask_login-0.6.3-py3-none-any.whl", None),
        ("flask", "flask-2.0.1-none-any.whl", None),
        ("flask", "flask-two-py3-none-any.whl", None),
        ("flask", "flask-two.tar.gz", None),
        ("flask", "flask-2.0.1.exe", None),
        ("flask", "flask-2.0.1-py3.9.egg", None),
        ("flask", "flask-2.0.1.rpm", None),
        ("flask", "flask.tar.gz", None),
        ("flask", "", None),
    ],
)
def test_filename_tells_the_version(project: str, filename: str, version: str | None) -> None:
    """Files of this project that an installer could use are kept; all others are skipped."""
    files = read_json(entry(filename), project=project)

    assert [file.version for file in files] == ([] if version is None else [Version(version)])
    assert all(file.is_wheel == filename.endswith(".whl") for file in files)


def test_tags_are_those_of_the_name() -> None:
    """A wheel's tags are the compressed set in its name, also if it has a build number."""
    plain, built, sdist = read_json(
        entry("flask-2.0.1-py2.py3-none-any.whl"),
        entry("flask-2.0.1-1-cp39-abi3-manylinux1_x86_64.manylinux2014_x86_64.whl"),
        entry("flask-2.0.1.tar.gz"),
    )

    assert plain.tags == {Tag("py2", "none", "any"), Tag("py3", "none", "any")}
    assert built.tags == {
        Tag("cp39", "abi3", "manylinux1_x86_64"),
        Tag("cp39", "abi3", "manylinux2014_x86_64"),
    }
    assert sdist.tags == frozenset()


def test_files_keep_their_order() -> None:
    """All files of a version are returned, in the page's order."""
    names = ["flask-2.0.1.tar.gz", WHEEL, "flask-2.0.1.zip", "flask-2.0.1-py2-none-any.whl"]

    assert [file.filename for file in read_json(*map(entry, names))] == names
    assert [
        file.filename for file in read_html("".join(f'<a href="{name}">x</a>' for name in names))
    ] == names


ENDINGS = [
    *(".tar.gz", ".zip", ".tar.gz.asc", "-py2.7.egg", ".whl", "-py3-none.whl"),
    *("-py3-none-any.whl", "-1-cp39-abi3-win32.whl", ".tar.gz-py3-none-any.whl"),
]


@given(
    st.lists(
        st.builds(
            "{}{}{}".format,
            st.sampled_from(["flask-", "Flask-", "flask-login-", "flask_", ""]),
            st.sampled_from(
                ["1.0", "1.0.1", "1.0.0", "1.0-1", "1.0+cpu", "2.0rc1", "1.0.tar", "x"]
            ),
            st.sampled_from(ENDINGS),
        ),
        max_size=12,
    )
)
@example(["flask-1.0-py3-none-any.whl", "flask-1.0-1.tar.gz"])
@example(["flask-1.0-py3-none-any.whl", "flask-1.0-py3-none.whl", "flask-1.0.tar.gz"])
@example(["flask-1.0-py3-none-any.whl", "flask-1.0.1.tar.gz", "flask-1.0.zip"])
@example(["flask-x-py3-none-any.whl", "flask-x.tar.gz", "flask-1.0-py3-none-any.whl"])
def test_neighbours_do_not_matter(names: list[str]) -> None:
    """Each file of a page is read as if it were alone, whatever its neighbours are."""
    alone: dict[Version, list[DistributionFile]] = {}
    for name in names:
        for file in read_json(entry(name)):
            alone.setdefault(file.version, []).append(file)

    together = Files([json_page(*map(entry, names))])

    assert {version: list(files) for version, files in together.items()} == alone


def test_files_by_version() -> None:
    """The files of each version keep their order; the newest version comes first, of all pages."""
    first = json_page(*map(entry, ["flask-2.0.1.tar.gz", "flask-10.0.tar.gz", WHEEL]))
    second = html_page('<a href="https://files.example.com/flask-2.0.1.zip">x</a>')

    releases = Files([first, second])

    assert [str(version) for version in releases] == ["10.0", "2.0.1"]
    assert [file.url for file in releases[Version("2.0.1")]] == [
        "https://example.com/files/flask-2.0.1.tar.gz",
        f"https://example.com/files/{WHEEL}",
        "https://files.example.com/flask-2.0.1.zip",
    ]


# Pages that are refused


@pytest.mark.parametrize(
    "content_type",
    [
        "application/vnd.pypi.simple.v1+json",
        "application/json",
        "Application/JSON; charset=utf-8",
        "application/vnd.pypi.simple.v1+json;q=1",
    ],
)
def test_json_by_content_type(content_type: str) -> None:
    """A page is JSON if its type says so, in any case and with any parameters."""
    page = b'{"meta": {"api-version": "1.0"}, "files": []}'

    assert files_of(read_page(page, content_type=content_type, url=URL, project=FLASK)) == []


@pytest.mark.parametrize(
    "content_type", ["text/html", "TEXT/HTML; charset=utf-8", "application/vnd.pypi.simple.v1+html"]
)
def test_html_by_content_type(content_type: str) -> None:
    """A page is HTML if its type says so, in any case and with any parameters."""
    page = f'<a href="{WHEEL}">x</a>'.encode()

    files = files_of(read_page(page, content_type=content_type, url=URL, project=FLASK))

    assert [file.filename for file in files] == [WHEEL]


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/xml; charset=utf-8"])
def test_other_content_type_is_refused(content_type: str) -> None:
    """A page whose type is neither JSON nor HTML is refused, whatever its content."""
    with pytest.raises(PackageIndexError, match="but JSON or HTML is needed"):
        read_page(b'{"files": []}', content_type=content_type, url=URL, project=FLASK)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b'{"meta": {"api-version": "1.0"}, "files": [{"filename": "flask-1.0.tar.gz", "url',
        b"[]",
        b"null",
        b"<html></html>",
        b'{"meta": {"api-version": "1.0"}}',
        b'{"files": []}',
        b'{"meta": {"api-version": 1.0}, "files": []}',
        b'{"meta": {"api-version": "1.0"}, "files": {}}',
        b'{"meta": {"api-version": "1.0"}, "files": [{"filename": "flask-1.0.tar.gz"}]}',
        b'{"meta": {"api-version": "1.0"}, "files": [{"filename": 1, "url": "a"}]}',
        b'{"meta": {}, "files": [{"filename": "flask-\xff.zip", "url": "a"}]}',
        b'{"meta": {}, "files": [], "more": ' + b"[" * 99_999 + b"]" * 99_999 + b"}",
        b'{"meta": {}, "files": [{"filename": "flask-1.0.tar.gz", "url": "http://[broken"}]}',
    ],
)
def test_broken_json_is_refused(data: bytes) -> None:
    """JSON that is cut off or has another shape is an error, never an empty page."""
    with pytest.raises(PackageIndexError, match="can't be used"):
        files_of(read_page(data, content_type=JSON, url=URL, project=FLASK))


def test_broken_address_in_html_is_refused() -> None:
    """An address that is not valid is an error of the page."""
    with pytest.raises(PackageIndexError):
        read_html('<a href="http://[broken/flask-2.0.1.tar.gz">x</a>')


@pytest.mark.parametrize("version", ["2.0", "0.9", "next"])
def test_other_api_version_is_refused(version: str) -> None:
    """Another major version of the Simple API is refused, and the error names it (PEP 629, 691)."""
    page = f'<meta name="pypi:repository-version" content="{version}"><a href="{WHEEL}">x</a>'
    with pytest.raises(PackageIndexError, match=f"version {version} "):
        read_html(page)
    with pytest.raises(PackageIndexError, match=f"version {version} "):
        read_json(entry(), meta={"api-version": version})


def test_newer_minor_version_is_read() -> None:
    """A newer minor version is read, because it only adds things (PEP 629)."""
    page = f'<meta name="pypi:repository-version" content="1.99"><a href="{WHEEL}">x</a>'

    assert len(read_html(page)) == 1
    assert len(read_json(entry(), meta={"api-version": "1.99"})) == 1


def shown(metadata: Metadata | None) -> tuple[list[str], list[str] | None, bool] | None:
    if metadata is None:
        return None
    extras = None if metadata.extras is None else sorted(map(str, metadata.extras))
    return [str(each) for each in metadata.requires], extras, metadata.is_settled


@pytest.mark.parametrize(
    ("headers", "requires_txt", "expected"),
    [
        ("Metadata-Version: 2.2\nRequires-Dist: a>1", None, (["a>1"], [], True)),
        ("Metadata-Version: 2.2\nRequires-Dist: a>1", "b", (["a>1"], [], True)),
        ("Metadata-Version: 2.4\nDynamic: Requires-Dist", None, None),
        ("Metadata-Version: 2.4\nDynamic: Requires-Dist", "b\n", (["b"], [], False)),
        ("Metadata-Version: 1.1", None, None),
        ("Metadata-Version: 1.1", "", ([], [], False)),
        ("Metadata-Version: 2.1\nRequires-Dist: a", None, (["a"], [], False)),
        ("Metadata-Version: 2.1\nRequires-Dist: a", "b", (["b"], [], False)),
        (None, "b>=2,<3\n", (["b<3,>=2"], [], False)),
        (None, None, None),
    ],
)
def test_dependencies_of_an_sdist(
    headers: str | None,
    requires_txt: str | None,
    expected: tuple[list[str], list[str], bool] | None,
) -> None:
    """They come from static metadata (PEP 643), else from the egg-info, else they are unknown."""
    names = "\nName: Flask\nVersion: 2.0.1"
    data = None if headers is None else f"{headers}{names}\n\nA README.\n".encode()
    egg_info = None if requires_txt is None else requires_txt.encode()
    assert shown(read_sdist_metadata(data, egg_info, SDIST)) == expected


@pytest.mark.parametrize(
    "names",
    ["", "Name: flask", "Name: django\nVersion: 2.0.1", "Name: flask\nVersion: 2.0.2"],
)
def test_foreign_metadata_of_an_sdist(names: str) -> None:
    """The PKG-INFO of another project or version, or of none, counts as none."""
    data = f"Metadata-Version: 2.2\n{names}\nRequires-Dist: a\n".encode()
    assert read_sdist_metadata(data, None, SDIST) is None


def test_sections_of_requires_txt() -> None:
    """A section of ``requires.txt`` is an extra, a marker, or both; invalid lines are skipped."""
    requires_txt = (
        "one\ntwo[x]~=2.0\n\n"
        '[:python_version < "3"]\nold\n\n'
        "[Fast_Er]\nspeedy>=1\nnot a requirement\n\n"
        '[late:sys_platform == "win32" or os_name == "nt"]\nslow; python_version > "3"\n'
    )
    assert shown(read_sdist_metadata(None, requires_txt.encode(), SDIST)) == (
        [
            "one",
            "two[x]~=2.0",
            'old; python_version < "3"',
            'speedy>=1; extra == "fast-er"',
            'slow; (sys_platform == "win32" or os_name == "nt") and extra == "late" '
            'and python_version > "3"',
        ],
        ["fast-er", "late"],
        False,
    )
