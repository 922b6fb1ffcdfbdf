"""The tests' own package index, on loopback: a real server with real files that install.

It speaks the Simple repository API as HTML (PEP 503) and JSON (PEP 691, 700), with yanked files
(PEP 592) and core metadata beside wheels (PEP 658, 714). Files are made in memory when they are
first requested. The index can fail in every way that a test needs.

Serve a small index by hand with ``python tests/loopback_index.py 8000``.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import io
import json
import re
import socket
import socketserver
import struct
import sys
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from email.message import Message
from functools import cached_property, partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain, product, repeat
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import quote, unquote, urlsplit

__all__ = ["Face", "Fault", "LoopbackIndex", "Place", "Request", "Sdist"]

Face = Literal["json", "html", "both"]
Place = Literal["page", "metadata", "file"]
Sdist = bool | Literal["broken", "dynamic", "noted"]

HTML = "text/html"
HTML_V1 = "application/vnd.pypi.simple.v1+html"
JSON_V1 = "application/vnd.pypi.simple.v1+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request that arrived: ``path`` as it was sent, ``headers`` whose names ignore case."""

    method: str
    path: str
    headers: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A fault of an answer. What is not given stays as it is without the fault.

    Attributes:
        status: The HTTP status, with an almost empty body.
        retry_after: The Retry-After header: seconds, or an HTTP date.
        location: Where to redirect to, with 302 unless ``status`` says otherwise.
        body: The bytes to send instead of the right ones.
        content_type: The Content-Type to claim.
        encoding: The Content-Encoding to claim for ``body``.
        stall_seconds: How long to wait before the answer.
        half: Announce the whole body, send half of it and close the connection.
        reset: Reset the connection instead of answering.
        unmarked: Announce no length; closing the connection ends the answer.
        chunked: Send the answer in chunks, without the last one, and close the connection.
        drip: Send the answer, the status line included, one byte each tenth of a second.
        continues: Send the interim answer 100 each tenth of a second, for ever.
        on: The answers to spoil: the project's page, the metadata of its files, or its files.
        times: For how many requests; ``None`` is for ever.
    """

    status: int | None = None
    retry_after: int | str | None = None
    location: str | None = None
    body: bytes | None = None
    content_type: str | None = None
    encoding: str | None = None
    stall_seconds: float = 0
    half: bool = False
    reset: bool = False
    unmarked: bool = False
    chunked: bool = False
    drip: bool = False
    continues: bool = False
    on: Place = "page"
    times: int | None = None


class LoopbackIndex:
    """A package index on 127.0.0.1 that listens while its ``with`` block runs.

    Everything may be changed at any time, also while it listens.

    Attributes:
        face: The format of pages: JSON, HTML, or the one that the Accept header prefers.
        core_metadata: Pages advertise the metadata beside wheels; it is served either way.
        with_hashes: Pages give the sha256 of files and metadata.
        with_etag: Pages have an ETag, and If-None-Match is answered with 304.
        etag: What every ETag is instead of a digest of the page; it tells nothing, then.
        answered_etag: The ETag of an answer 304 instead of the one that was asked for.
        cache_control: The header of pages, or an empty string.
        with_gzip: Pages are compressed for clients that accept it.
        with_ranges: Files can be read in part; else the Range header is ignored.
        statuses: What pages say of projects (PEP 792): a status and a reason, or nothing.
        credentials: User and secret; requests without them in Basic authentication get 401.
        delay_seconds: The shortest time that an answer takes.
        requests: Every request that arrived, oldest first; may be cleared.
        texts: Further files of the host, by their path.
    """

    def __init__(self, *, port: int = 0) -> None:
        self.face: Face = "both"
        self.core_metadata = True
        self.with_hashes = True
        self.with_etag = True
        self.etag = ""
        self.answered_etag = ""
        self.cache_control = ""
        self.with_gzip = True
        self.with_ranges = True
        self.statuses: dict[str, tuple[str, str]] = {}
        self.credentials: tuple[str, str] | None = None
        self.delay_seconds = 0.0
        self.requests: list[Request] = []
        self.texts: dict[str, str] = {}
        self._port = port
        self._projects: dict[str, dict[str, _File]] = {}
        self._faults: dict[tuple[str, Place], Iterator[Fault]] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._server: _Server | None = None

    @property
    def url(self) -> str:
        """The index address, as ``--index-url`` takes it.

        Raises RuntimeError: outside the ``with`` block.
        """
        if self._server is None:
            raise RuntimeError("the index listens only inside its with block")
        return f"http://127.0.0.1:{self._server.server_port}/simple/"

    def add(
        self,
        project: str,
        version: str,
        *,
        requires_python: str | None = None,
        requires_dist: Iterable[str] = (),
        urls: Iterable[str] = (),
        tags: Iterable[str] = ("py3-none-any",),
        upload_time: str | None = "2021-05-21T00:00:00Z",
        yanked: str | None = None,
        wheel: bool = True,
        metadata: bool = True,
        sdist: Sdist = False,
        padding_bytes: int = 0,
        provenance: bool = False,
    ) -> None:
        """Add files to a release; a file of the same name replaces the one that was there.

        Args:
            project: The name as its author writes it; pages show the canonical name.
            version: PEP 440, normalised.
            requires_python: The specifier that pages and metadata state.
            requires_dist: PEP 508; the extras named in markers are provided.
            urls: Pages about the project that the metadata name: ``Changelog, https://…``.
            tags: One wheel for each; compressed sets (``py2.py3-none-any``) are one.
            upload_time: UTC, ISO 8601. Every second file of a page has whole seconds with
                a fraction of zero. ``None``: pages do not state it.
            yanked: The reason, which may be empty; ``None``: not yanked.
            wheel: Whether there are wheels.
            metadata: Whether the wheels' metadata is served beside them.
            sdist: ``True``: one that builds without a network. ``"broken"``: its build fails.
                ``"dynamic"``: its dependencies are known only after a build (PEP 643).
                ``"noted"``: the same, but its egg-info lists the dependencies.
            padding_bytes: The padding of each wheel, for clients that read only parts of it.
            provenance: Whether pages name the provenance of the files (PEP 740).
        """
        release = _Release(
            name=project,
            version=version,
            requires_python=requires_python,
            requires_dist=tuple(requires_dist),
            urls=tuple(urls),
            upload_time=upload_time,
            yanked=yanked,
            padding_bytes=padding_bytes,
            provenance=provenance,
        )
        text = _render_metadata(release) if metadata else None
        files = {
            release.wheel_name(tag): _File(release, partial(_build_wheel, release, tag), text)
            for tag in (tags if wheel else ())
        }
        if sdist:
            files[f"{release.stem}.tar.gz"] = _File(release, partial(_build_sdist, release, sdist))
        with self._lock:
            self._projects.setdefault(release.project, {}).update(files)

    def save(self, folder: Path) -> None:
        """Write the files of all projects into a folder."""
        for files in self._projects.values():
            for name, file in files.items():
                (folder / name).write_bytes(file.content)

    def break_project(self, project: str, *faults: Fault) -> None:
        """Make a project fail with each fault in turn, for as many requests as the fault says.

        Args:
            project: The name, which need not be on the index; ``"*"`` for every project that
                has no fault of its own left.
            faults: They replace the earlier faults; without any, the project works again.
        """
        place: Place
        with self._lock:
            for place in get_args(Place):
                here = [fault for fault in faults if fault.on == place]
                self._faults[_canonicalize(project), place] = chain.from_iterable(
                    repeat(fault, sys.maxsize if fault.times is None else fault.times)
                    for fault in here
                )

    def __enter__(self) -> LoopbackIndex:
        self._closing.clear()
        self._server = _Server(self, self._port)
        # Leaving the block may take as long as this interval.
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        server, self._server = self._server, None
        assert server is not None
        self._closing.set()
        server.close()
        if server.defects:
            raise RuntimeError("the loopback index itself failed") from server.defects[0]

    def _answer(self, request: Request) -> _Answer:
        self._closing.wait(self.delay_seconds)
        if self.credentials is not None:
            token = base64.b64encode(":".join(self.credentials).encode()).decode()
            if request.headers.get("Authorization") != f"Basic {token}":
                return _plain(401, {"WWW-Authenticate": 'Basic realm="index"'})
        path = unquote(urlsplit(request.path).path)
        if path in self.texts:
            return _Answer(headers={"Content-Type": "text/plain"}, body=self.texts[path].encode())
        match path.split("/")[1:]:
            case ["simple", ""]:
                with self._lock:
                    projects = [{"name": project} for project in sorted(self._projects)]
                page = {"meta": {"api-version": "1.1"}, "projects": projects}
                return self._compress(request, self._render(request, page))
            case ["simple"]:
                return _plain(301, {"Location": "/simple/"})
            case ["simple", name, *end] if end in ([], [""]):
                project = _canonicalize(name)
                if [name, *end] != [project, ""]:
                    return _plain(301, {"Location": f"/simple/{project}/"})
                answer = self._spoil(project, "page", self._answer_page(request, project))
                return self._compress(request, answer)
            case ["files", name]:
                return self._answer_file(request, name)
        return _plain(404)

    def _answer_page(self, request: Request, project: str) -> _Answer:
        with self._lock:
            files = dict(self._projects.get(project, {}))
        if not files and project not in self.statuses:
            return _plain(404)
        page: dict[str, Any] = {
            "meta": {"api-version": "1.1"},
            "name": project,
            # Sorted as text, so that the last is not always the newest.
            "versions": sorted({file.release.version for file in files.values()}),
            "files": [
                self._describe(name, file, fraction=bool(number % 2))
                for number, (name, file) in enumerate(files.items())
            ],
        }
        if project in self.statuses:
            status, reason = self.statuses[project]
            page["project-status"] = {"status": status} | ({"reason": reason} if reason else {})
        return self._render(request, page)

    def _answer_file(self, request: Request, name: str) -> _Answer:
        wanted = name.removesuffix(".metadata")
        with self._lock:
            found = [files[wanted] for files in self._projects.values() if wanted in files]
        if not found:
            return _plain(404)
        place: Place = "file" if name == wanted else "metadata"
        body = found[0].content if place == "file" else found[0].metadata
        if body is None:
            answer = _plain(404)
        else:
            answer = _Answer(headers={"Content-Type": "application/octet-stream"}, body=body)
            if self.with_ranges:
                answer = _cut(answer, request.headers.get("Range", ""))
        return self._spoil(found[0].release.project, place, answer)

    def _describe(self, name: str, file: _File, *, fraction: bool) -> dict[str, Any]:
        """Return the page's entry for a file, as JSON has it."""
        release = file.release
        entry = {
            "filename": name,
            "url": f"../../files/{quote(name)}",
            "hashes": {"sha256": _digest(file.content)} if self.with_hashes else {},
            "requires-python": release.requires_python,
            "yanked": False if release.yanked is None else release.yanked or True,
            "size": len(file.content),
        }
        if release.provenance:
            entry["provenance"] = f"{self.url}{quote(name)}.provenance"
        if (time := release.upload_time) is not None:
            whole = fraction and "." not in time
            entry["upload-time"] = time.replace("Z", ".000000Z") if whole else time
        if self.core_metadata:
            known: bool | dict[str, str] = file.metadata is not None
            if file.metadata is not None and self.with_hashes:
                known = {"sha256": _digest(file.metadata)}
            entry["core-metadata"] = entry["data-dist-info-metadata"] = known
        return entry

    def _render(self, request: Request, page: Mapping[str, Any]) -> _Answer:
        kind = _negotiate(request.headers.get("Accept", ""))
        if self.face != "both":
            kind = JSON_V1 if self.face == "json" else HTML
        body = json.dumps(page).encode() if kind == JSON_V1 else _render_html(page)
        headers = {"Content-Type": kind, "Vary": "Accept, Accept-Encoding"}
        if self.cache_control:
            headers["Cache-Control"] = self.cache_control
        if self.with_etag:
            headers["ETag"] = etag = self.etag or f'"{_digest(body)[:32]}"'
            if etag in request.headers.get("If-None-Match", ""):
                if self.answered_etag:
                    headers["ETag"] = self.answered_etag
                return _Answer(status=304, headers=headers)
        return _Answer(headers=headers, body=body)

    def _spoil(self, project: str, place: Place, answer: _Answer) -> _Answer:
        """Return an answer with the next fault, if there is one."""
        with self._lock:
            own, common = (self._faults.get((key, place), iter(())) for key in (project, "*"))
            fault = next(own, None) or next(common, None)
        if fault is None:
            return answer
        self._closing.wait(fault.stall_seconds)
        if fault.location is not None:
            answer = _plain(fault.status or 302, {"Location": fault.location})
        elif fault.status is not None:
            answer = _plain(fault.status)
        headers = dict(answer.headers)
        if fault.body is not None:
            headers.pop("ETag", None)
            answer = replace(answer, body=fault.body)
        if fault.content_type is not None:
            headers["Content-Type"] = fault.content_type
        if fault.encoding is not None:
            headers["Content-Encoding"] = fault.encoding
        if fault.retry_after is not None:
            headers["Retry-After"] = str(fault.retry_after)
        return replace(
            answer,
            headers=headers,
            half=fault.half,
            reset=fault.reset,
            unmarked=fault.unmarked,
            chunked=fault.chunked,
            drip=fault.drip,
            continues=fault.continues,
        )

    def _compress(self, request: Request, answer: _Answer) -> _Answer:
        accepted = request.headers.get("Accept-Encoding", "")
        is_ready = answer.status != 200 or "Content-Encoding" in answer.headers
        if not self.with_gzip or "gzip" not in accepted or is_ready:
            return answer
        headers = {**answer.headers, "Content-Encoding": "gzip"}
        return replace(answer, headers=headers, body=gzip.compress(answer.body, mtime=0))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    half: bool = False
    reset: bool = False
    unmarked: bool = False
    chunked: bool = False
    drip: bool = False
    continues: bool = False


def _plain(status: int, headers: Mapping[str, str] | None = None) -> _Answer:
    headers = {"Content-Type": "text/plain", **(headers or {})}
    return _Answer(status=status, headers=headers, body=f"{status}\n".encode())


def _cut(answer: _Answer, wanted: str) -> _Answer:
    """Return the part of a file that a Range header asks for (RFC 9110, one range)."""
    headers = {**answer.headers, "Accept-Ranges": "bytes"}
    size = len(answer.body)
    found = re.fullmatch(r"bytes=(\d*)-(\d*)", wanted)
    if found is None or not any(found.groups()):
        return replace(answer, headers=headers)
    first, last = (int(number) if number else None for number in found.groups())
    if first is None:
        start, stop = max(size - (last or 0), 0), size
    else:
        start, stop = first, size if last is None else min(last + 1, size)
    if start >= stop:
        return _plain(416, {"Content-Range": f"bytes */{size}"})
    headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    return _Answer(status=206, headers=headers, body=answer.body[start:stop])


def _negotiate(accept: str) -> str:
    """Return the content type that an Accept header prefers; HTML by default."""
    quality: dict[str, float] = {}
    for part in accept.split(","):
        kind, *parameters = part.replace(" ", "").split(";")
        weights = [float(word[2:]) for word in parameters if word.startswith("q=")]
        quality[kind] = weights[0] if weights else 1
    return max((HTML, HTML_V1, JSON_V1), key=lambda kind: quality.get(kind, 0))


def _render_html(page: Mapping[str, Any]) -> bytes:
    """Return a JSON page as HTML."""
    title = f"Links for {page['name']}" if "name" in page else "Simple index"
    links = [
        (project["name"], {"href": f"{project['name']}/"}) for project in page.get("projects", ())
    ]
    links += [(entry["filename"], _link(entry)) for entry in page.get("files", ())]
    lines = [
        "<!DOCTYPE html>\n<html>\n  <head>",
        '    <meta name="pypi:repository-version" content="1.1">',
        *(
            f'    <meta name="pypi:project-{name}" content="{html.escape(text)}">'
            for name, text in (
                ("status", page.get("project-status", {}).get("status")),
                ("status-reason", page.get("project-status", {}).get("reason")),
            )
            if text
        ),
        f"    <title>{title}</title>\n  </head>\n  <body>\n    <h1>{title}</h1>",
    ]
    for text, attributes in links:
        shown = " ".join(f'{key}="{html.escape(value)}"' for key, value in attributes.items())
        lines.append(f"    <a {shown}>{text}</a><br />")
    return "\n".join([*lines, "  </body>\n</html>\n"]).encode()


def _link(entry: Mapping[str, Any]) -> dict[str, str]:
    def join(hashes: Mapping[str, str]) -> str:
        return "".join(f"{algorithm}={digest}" for algorithm, digest in hashes.items())

    link = {"href": entry["url"] + ("#" + join(entry["hashes"]) if entry["hashes"] else "")}
    if entry["requires-python"] is not None:
        link["data-requires-python"] = entry["requires-python"]
    if entry["yanked"] is not False:
        link["data-yanked"] = "" if entry["yanked"] is True else entry["yanked"]
    if "provenance" in entry:
        link["data-provenance"] = entry["provenance"]
    if known := entry.get("core-metadata"):
        text = "true" if known is True else join(known)
        link["data-core-metadata"] = link["data-dist-info-metadata"] = text
    return link


@dataclass(frozen=True, slots=True, kw_only=True)
class _Release:
    name: str
    version: str
    requires_python: str | None
    requires_dist: tuple[str, ...]
    urls: tuple[str, ...]
    upload_time: str | None
    yanked: str | None
    padding_bytes: int
    provenance: bool

    @property
    def project(self) -> str:
        return _canonicalize(self.name)

    @property
    def module(self) -> str:
        return self.project.replace("-", "_")

    @property
    def stem(self) -> str:
        return f"{self.module}-{self.version}"

    def wheel_name(self, tag: str) -> str:
        return f"{self.stem}-{tag}.whl"


@dataclass(frozen=True)
class _File:
    release: _Release
    build: Callable[[], bytes]
    metadata: bytes | None = None

    @cached_property
    def content(self) -> bytes:
        return self.build()


def _canonicalize(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _render_metadata(release: _Release, *, dynamic: bool = False) -> bytes:
    """Write the core metadata (2.2); ``dynamic`` leaves the dependencies to the build."""
    lines = ["Metadata-Version: 2.2", f"Name: {release.name}", f"Version: {release.version}"]
    if release.requires_python is not None:
        lines += [f"Requires-Python: {release.requires_python}"]
    lines += [f"Project-URL: {url}" for url in release.urls]
    if dynamic:
        lines += ["Dynamic: Requires-Dist", "Dynamic: Provides-Extra"]
    else:
        extras = re.findall(r"""extra\s*==\s*['"]([^'"]+)""", "\n".join(release.requires_dist))
        lines += [f"Requires-Dist: {requirement}" for requirement in release.requires_dist]
        lines += [f"Provides-Extra: {extra}" for extra in dict.fromkeys(extras)]
    return "\n".join([*lines, ""]).encode()


def _build_wheel(release: _Release, tag: str) -> bytes:
    """Make a wheel (PEP 427), not compressed, the same bytes each time."""
    pure = str(tag.endswith("-none-any")).lower()
    tags = ["-".join(parts) for parts in product(*(part.split(".") for part in tag.split("-")))]
    header = ["Wheel-Version: 1.0", "Generator: loopback_index", f"Root-Is-Purelib: {pure}"]
    info = f"{release.stem}.dist-info"
    members = {f"{release.module}.py": f'__version__ = "{release.version}"\n'.encode()}
    if release.padding_bytes:
        members[f"{release.module}.padding"] = bytes(release.padding_bytes)
    members[f"{info}/METADATA"] = _render_metadata(release)
    members[f"{info}/WHEEL"] = "\n".join([*header, *(f"Tag: {tag}" for tag in tags), ""]).encode()
    record = ""
    for path, data in members.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
        record += f"{path},sha256={digest},{len(data)}\n"
    members[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, data in members.items():
            member = zipfile.ZipInfo(path)  # dated 1980
            member.external_attr = 0o100644 << 16
            archive.writestr(member, data)
    return buffer.getvalue()


def _build_sdist(release: _Release, kind: Sdist) -> bytes:
    """Make an sdist whose backend has no dependencies: it returns the wheel that it contains."""
    wheel = release.wheel_name("py3-none-any")
    hook = "def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):"
    act = f"return shutil.copy({wheel!r}, wheel_directory) and {wheel!r}"
    if kind == "broken":
        act = "raise RuntimeError('this distribution is made not to build')"
    settings = '[build-system]\nrequires = []\nbuild-backend = "in_tree"\nbackend-path = ["."]\n'
    members = {
        "PKG-INFO": _render_metadata(release, dynamic=kind in {"dynamic", "noted"}),
        "pyproject.toml": settings.encode(),
        "in_tree.py": f"import shutil\n\n{hook}\n    {act}\n".encode(),
        wheel: _build_wheel(release, "py3-none-any"),
    }
    if kind == "noted":
        members[f"{release.module}.egg-info/requires.txt"] = _render_noted(release).encode()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, data in members.items():
            member = tarfile.TarInfo(f"{release.stem}/{path}")  # dated 1970
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return gzip.compress(buffer.getvalue(), mtime=0)


def _render_noted(release: _Release) -> str:
    """Write requires.txt as setuptools does: a section for each marker and extra."""
    sections: dict[str, list[str]] = {"": []}
    for requirement in release.requires_dist:
        subject, _, marker = (part.strip() for part in requirement.partition(";"))
        extra = re.fullmatch(r"""extra\s*==\s*['"]([^'"]+)['"]""", marker)
        sections.setdefault(extra[1] if extra else f":{marker}" * bool(marker), []).append(subject)
    return "".join(
        "\n".join([f"[{name}]"] * bool(name) + subjects) + "\n\n"
        for name, subjects in sections.items()
    )


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # closing waits for them
    request_queue_size = 128

    def __init__(self, index: LoopbackIndex, port: int) -> None:
        self.index = index
        self.defects: list[BaseException] = []
        self._connections: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), _Handler)

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)  # HTTPServer's would look up a host name
        self.server_name, self.server_port = "127.0.0.1", int(self.server_address[1])

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self._connections.add(connection)
        return connection, address

    def close_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().close_request(request)

    def handle_error(self, request: object, client_address: object) -> None:
        error = sys.exc_info()[1]
        if error is not None and not isinstance(error, OSError):  # a client may hang up
            self.defects.append(error)

    def close(self) -> None:
        self.shutdown()
        for connection in list(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)  # ends the wait for a next request
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer is one write
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        index = self.server.index
        request = Request(method=self.command, path=self.path, headers=self.headers)
        index.requests.append(request)
        answer = index._answer(request)
        ends = answer.half or answer.reset or answer.unmarked or answer.chunked
        self.close_connection = self.close_connection or ends
        if answer.reset:
            # Without lingering, a close is a reset. Detached, or the server would shut down first.
            no_linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_linger)
            socket.close(self.connection.detach())
            return
        if answer.drip or answer.continues:
            self._drip(answer)
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        elif answer.status != 304 and not answer.unmarked:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if answer.chunked:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(answer.body), answer.body))
            return
        if self.command != "HEAD":
            self.wfile.write(answer.body[: len(answer.body) // 2] if answer.half else answer.body)

    def _drip(self, answer: _Answer) -> None:
        self.close_connection = True
        head = "".join(f"{name}: {value}\r\n" for name, value in answer.headers.items())
        pieces: Iterable[bytes] = repeat(b"HTTP/1.1 100 Continue\r\n\r\n")
        if answer.drip:
            whole = f"HTTP/1.1 {answer.status} x\r\n{head}\r\n".encode() + answer.body
            pieces = (whole[place : place + 1] for place in range(len(whole)))
        for piece in pieces:
            self.connection.sendall(piece)
            if self.server.index._closing.wait(0.1):
                return

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: ``requests`` has every request."""


def _demonstrate(port: int) -> None:
    with LoopbackIndex(port=port) as index:
        for version in ("2.0.1", "2.3.3", "3.0.3"):
            dist = ["click>=8", 'dotenv-reader>=1; extra == "dotenv"']
            index.add("Flask", version, requires_python=">=3.8", requires_dist=dist, sdist=True)
        index.add("click", "8.1.7")
        index.add("click", "8.1.8", yanked="a demonstration")
        index.add("dotenv-reader", "1.0", wheel=False, sdist="broken")
        print(f"pip install --index-url {index.url} flask", flush=True)
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    _demonstrate(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
