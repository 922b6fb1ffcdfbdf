"""The formats that are read from outside, what holds for any input of each, and pieces of them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from fuzz.editing import check_edits, look_at
from fuzz.inputs import inputs, lines_of
from hypothesis import strategies as st
from packaging.utils import canonicalize_name
from packaging.version import Version

from pipflow_tasks.compose import ComposeFile, read_dotenv
from pipflow_tasks.dockerfile import Dockerfile, hidden_by
from pipflow_tasks.errors import ComposeError, DockerfileError, PackageIndexError
from pipflow_tasks.requirements import RequirementsFile
from pipflow_tasks.simple_api import (
    MOST_FILENAME,
    MOST_VERSION,
    DistributionFile,
    Files,
    Metadata,
    read_metadata,
    read_page,
    read_sdist_metadata,
)

URL = "https://index.example/simple/lib/"
PROJECT = canonicalize_name("lib")
JSON_V1 = "application/vnd.pypi.simple.v1+json"
WHEEL = DistributionFile(
    filename="lib-1.0-py3-none-any.whl", url=URL, version=Version("1.0"), is_wheel=True
)
SDIST = DistributionFile(filename="lib-1.0.tar.gz", url=URL, version=Version("1.0"), is_wheel=False)


@dataclass(frozen=True, kw_only=True)
class Format:
    """A format that is read.

    Attributes:
        read: reads an input, and ends in an error only where it says so.
        check: checks what holds for an input.
        inputs: inputs of any kind.
        pieces: some that are not empty, for inputs of a piece again and again.
    """

    read: Callable[[bytes], object]
    check: Callable[[bytes], None]
    inputs: st.SearchStrategy[bytes]
    pieces: tuple[bytes, ...]


def same_twice(read: Callable[[bytes], object]) -> Callable[[bytes], None]:
    """Return a check that a second reading gives the same."""

    def check(data: bytes) -> None:
        assert read(data) == read(data), "a second reading differs"

    return check


# requirements files


def read_requirements(data: bytes) -> RequirementsFile:
    """Read a file, and all that is said of its lines."""
    document = RequirementsFile.from_bytes(data)
    look_at(document)
    return document


def check_requirements(data: bytes) -> None:
    """Writing gives the same bytes, and so does every edit but for what it names."""
    document = RequirementsFile.from_bytes(data)
    assert document.to_bytes() == data, "the bytes are not the same"
    assert RequirementsFile.from_bytes(data) == document, "a second reading differs"
    look_at(document)
    check_edits(document)


# Dockerfiles, compose files, ignore files


def text_of(data: bytes) -> str:
    """Decode a text as files are."""
    return data.decode("utf-8-sig", "replace")


def read_dockerfile(data: bytes) -> object:
    """Read a Dockerfile and the chains of its stages, or return the path that is refused."""
    try:
        found = Dockerfile.from_text(text_of(data), build_args={"GIVEN": "a"}, wanted={"WANTED"})
    except DockerfileError as error:
        return error.path
    last = len(found.stages) - 1
    with suppress(DockerfileError):
        found.require_known()
    chains = (found.base_of(last), found.chain_of(last), found.needed_by(last))
    return (found, chains, found.stage_named("a"), found.stage_named("0"))


def read_compose(data: bytes) -> object:
    """Read a compose file, alone and over itself, or return the path that is refused."""
    text = text_of(data)
    environment = read_dotenv(text[:200], {})
    try:
        alone = ComposeFile.from_texts([("compose.yaml", text)], environment={})
    except ComposeError as error:
        return error.path
    with suppress(ComposeError):
        alone.buildable("web")
    texts = [("compose.yaml", text), ("more.yaml", text)]
    with suppress(ComposeError):
        ComposeFile.from_texts(texts, environment=environment, read=lambda _: text)
    return (alone, alone.unread, alone.buildable())


PATHS = ("requirements.txt", "app/requirements.txt", "a/b/c/a-b.txt", "aaaaaaaaaaaaaaaa")


def read_ignored(data: bytes) -> list[int | None]:
    """Return which line of an ignore file hides each of some paths."""
    return [hidden_by(text_of(data), path) for path in PATHS]


def check_ignored(data: bytes) -> None:
    """A line of the file hides a path, or none; saying everything twice changes nothing."""
    lines = len(text_of(data).splitlines())
    found = read_ignored(data)
    assert all(line is None or 1 <= line <= lines for line in found), f"{found} of {lines}"
    twice = read_ignored(data + b"\n" + data.removeprefix(b"\xef\xbb\xbf"))
    assert [line is None for line in twice] == [line is None for line in found]


# pages and metadata of an index


def read_index_page(content_type: str) -> Callable[[bytes], object]:
    """Return the reader of pages of a type, which returns all files; None: it is refused."""

    def read(data: bytes) -> object:
        try:
            page = read_page(
                data, content_type=content_type, url=URL, project=PROJECT, is_whole=False
            )
            files = Files([page])
            return [file for version in files for file in files[version]]
        except PackageIndexError:
            return None

    return read


def check_index_page(content_type: str) -> Callable[[bytes], None]:
    """Return the check of pages: what is read of one is within its limits and grammars."""
    read = read_index_page(content_type)

    def check(data: bytes) -> None:
        files = read(data)
        assert read(data) == files, "a second reading differs"
        for file in files if isinstance(files, list) else ():
            assert len(file.filename) <= MOST_FILENAME
            assert len(str(file.version)) <= MOST_VERSION
            assert "/" not in file.filename
            digests = [*file.hashes.values(), *file.metadata_hashes.values()]
            assert all(re.fullmatch("[0-9a-f]+", digest) for digest in digests), digests
            _ = (file.tags, file.path)

    return check


def read_any_metadata(data: bytes) -> list[Metadata | None]:
    """Read an input as METADATA, PKG-INFO and requires.txt; None: it is refused."""
    found: list[Metadata | None] = []
    readers: tuple[Callable[[], Metadata | None], ...] = (
        lambda: read_metadata(data, WHEEL),
        lambda: read_sdist_metadata(data, None, SDIST),
        lambda: read_sdist_metadata(None, data, SDIST),
        lambda: read_sdist_metadata(b"Name: lib\nVersion: 1.0\n", data, SDIST),
    )
    for read in readers:
        try:
            found.append(read())
        except ValueError:
            found.append(None)
    return found


DOCKERFILE = [
    b"FROM python:3.9 AS a\n", b"FROM a\n", b"FROM $WANTED\n", b"ARG B=x\n", b"ARG GIVEN\n",
    b"RUN ", b"COPY ", b"ADD ", b"ENV ", b"ONBUILD ", b"WORKDIR ", b"SHELL ", b"--mount=",
    b"--from=a ", b"type=bind,", b"pip install ", b"-r requirements.txt", b"python -m ", b"<<EOF",
    b"uv pip sync ", b"bash -c ", b"cd ", b"<<-'EOF'\n", b"EOF\n", b"\\\n", b"# escape=`\n", b"$B",
    b"${B:-", b"${B%", b"${B/", b"${B##*a", b"$(", b"&&", b"||", b'["a"]', b"if a; then ", b"fi\n",
    b"python3.12 -m venv /v\n", b"conda create -n a python=3.9\n", b"export ", b"source ",
]  # fmt: skip
COMPOSE = [
    b"services:\n", b"  web:\n", b"    build: .\n", b"    build:\n", b"      args:\n",
    b"        - A=1\n", b"        B: $B\n", b"    <<: *a\n", b"    extends: web\n", b"x: &a\n",
    b"    extends: {file: b.yaml, service: web}\n", b"include: [c.yaml]\n", b"*a", b"!reset ",
    b"!override ", b"${B", b":-", b":?", b"$$", b": ", b"- ", b"    ", b"!!int x", b"!!bool x",
    b"!!timestamp y\n", b"!!binary ", b"!!set ", b"|\n", b"? ", b"---\n", b"name: a\n", b"null",
    b"      secrets: [a]\n", b"      dockerfile_inline: |\n        FROM a\n", b"1e999", b"0x1",
    b"      additional_contexts: {a: b}\n", b"2001-01-01", b"~", b".inf",
]  # fmt: skip
IGNORED = [
    b"*\n", b"**\n", b"**/*.txt\n", b"!requirements.txt\n", b"a/**/b\n", b"[a-z]", b"[^a]", b"[]a]",
    b"[a-\\]]", b"[z-a]", b"[", b"*a", b"?", b"\\a", b"./", b"../", b"# a\n", b"aaaa", b"**/",
]  # fmt: skip
HTML = [
    b"<!DOCTYPE html>", b"<html>", b"</html>", b"<head>", b"<title>a</title>", b"<base href='x'>",
    b'<meta name="pypi:repository-version" content="1.0">', b'<a href="', b"lib-1.0.tar.gz",
    b"lib-1.0-py3-none-any.whl", b"#sha256=" + b"ab" * 32, b'">lib</a>', b"<br/>", b"<!-- ",
    b" -->", b' data-yanked="why"', b' data-requires-python="&gt;=3.8"', b"&amp;", b"&#", b"&#x41;",
    b' data-core-metadata="sha256=' + b"cd" * 32, b"<script>", b"</script>", b"<![CDATA[", b"%2F",
    b'<a href="lib-2.0.tar.gz#sha256=' + b"ef" * 32 + b'">lib</a>\n', b"http://[", b"&#x110000;",
    b"<a href=lib-3.zip>lib</a>\n", b"<a\nhref='lib-4-1-py2.py3-none-any.whl'>", b"%", b"%C3",
]  # fmt: skip
JSON = [
    b'{"meta": {"api-version": "1.1"}, "name": "lib", "files": [', b"]}", b'{"filename": ', b"}, ",
    b'"lib-1.0.tar.gz", "url": "lib-1.0.tar.gz", "hashes": {}', b'"requires-python": ">=3"',
    b'"yanked": "why"', b'"core-metadata": {"sha256": "ab"}', b'"upload-time": ', b"null", b"1e9",
    b'"2021-05-21T00:00:00Z"', b"{}", b"[]", b'"\\ud800"', b"-0", b"NaN", b'"9999-99-99T00:00Z"',
]  # fmt: skip
METADATA = [
    b"Metadata-Version: 2.1\nName: lib\nVersion: 1.0\n", b"Metadata-Version: 2.4\n", b"\n\n",
    b"Requires-Dist: a\n", b"Requires-Dist: a>=1.*; extra == 'x'\n", b"Requires-Dist: ", b" a\n",
    b"Requires-Python: >=3.8\n", b"Provides-Extra: x\n", b"Dynamic: Requires-Dist\n", b"[x]\n",
    b"[x:python_version<'3']\n", b"a==1\n", b"a @ https://example.com/a.zip\n", b"[:", b"; ",
    b"python_full_version < '3.9.1'", b"=?utf-8?q?a?=", b"\tb\n", b"Name: ", b"Version: ",
]  # fmt: skip
REQUIREMENTS = [
    b"\\\n", b"\\\r\n", b" #", b"\n    # via a, b", b"# pipflow: hold", b"  # pipflow: >=1, <2",
    b"# -*- coding: latin-1 -*-\n", b"# coding: utf-16\n", b"# coding: no-such\n",
    b"# coding: utf-7\n", b"# coding: cp037\n", b"# coding: idna\n", b"# coding: punycode\n",
    b"# coding: rot13\n", b"# coding: shift_jis\n", b"# coding: undefined\n", b"==1", b"===",
    b"~=1", b"==1.*", b">=1,<2", b"[a]", b";python_version<'3'", b"-e ",
    b" @ https://example.com/a.zip",
    b"-r base.txt", b"-c ", b"-i ", b"--pre", b" --hash=sha256:ab", b" --hash sha256:ab",
    b" --hash='sha256:ab'", b" --has=sha256:ab", b" \\\n    --hash=sha256:ab", b"--no-such-option",
    b' --global-option="-x y"', b"${A}", b"==${A}", b"<<<<<<< HEAD\n", b"=======\n", b"flask",
    b">>>>>>> a\n", b"1.0", b"v1", b"1!1", b"+local", b"flask==1.0\n", b"./a", b"a.whl", b"C:\\a",
    b"git+https://example.com/a.git#egg=a", b"%41",
]  # fmt: skip

ENTRIES: st.SearchStrategy[dict[str, object]] = st.fixed_dictionaries(
    {"filename": st.sampled_from(["lib-1.0.tar.gz", "lib-2-py3-none-any.whl", "x", ""])},
    optional={
        "url": st.sampled_from(["lib-1.0.tar.gz", "https://[", "file:///a", "//host/a", ""]),
        "hashes": st.sampled_from([{}, {"sha256": "ab" * 32}, {"sha256": " x"}, {"x": 1}, None]),
        "requires-python": st.sampled_from([">=3.8", "<", "", None, ">=3.*", 3]),
        "yanked": st.sampled_from([True, False, "why", "\x1b[2J", None, 1]),
        "core-metadata": st.sampled_from([True, {}, {"sha256": "cd" * 32}, {"sha256": 1}, "x"]),
        "upload-time": st.sampled_from(["2021-05-21T00:00:00Z", "9999-12-31T23:59:60Z", "x", 1]),
        "size": st.sampled_from([0, -1, 10**400, "1", None]),
    },
)
PAGES: st.SearchStrategy[dict[str, object]] = st.fixed_dictionaries(
    {"files": st.lists(ENTRIES, max_size=5)},
    optional={
        "meta": st.sampled_from([{"api-version": "1.0"}, {"api-version": "2"}, {}, None, []]),
        "name": st.sampled_from(["lib", "Lib", "other", "", None, 1]),
    },
)


def _format(
    read: Callable[[bytes], object],
    pieces: list[bytes],
    check: Callable[[bytes], None] | None = None,
    *,
    corpus: tuple[str, ...] = (),
    others: tuple[st.SearchStrategy[bytes], ...] = (),
) -> Format:
    mixed = inputs([*pieces, *(lines_of(*corpus) if corpus else ())], pieces)
    return Format(
        read=read,
        check=check or same_twice(read),
        inputs=st.one_of(mixed, *others),
        pieces=tuple(pieces),
    )


HTML_TYPE = "text/html"
FORMATS = {
    "requirements": _format(
        read_requirements, REQUIREMENTS, check_requirements, corpus=("requirements", ".txt")
    ),
    "dockerfile": _format(read_dockerfile, DOCKERFILE, corpus=("dockerfiles", ".Dockerfile", "")),
    "compose": _format(read_compose, COMPOSE, corpus=("compose", ".yaml")),
    "dockerignore": _format(read_ignored, IGNORED, check_ignored),
    "html": _format(read_index_page(HTML_TYPE), HTML, check_index_page(HTML_TYPE)),
    "json": _format(
        read_index_page(JSON_V1),
        JSON,
        check_index_page(JSON_V1),
        others=(PAGES.map(lambda page: json.dumps(page).encode()),),
    ),
    "metadata": _format(read_any_metadata, METADATA),
}
