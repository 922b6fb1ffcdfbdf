"""A proxy before an index that spoils an answer, byte by byte where it must."""

from __future__ import annotations

import http.client
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from loopback_index import LoopbackIndex

PAUSE_SECONDS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer as it is sent.

    Attributes:
        status: its status.
        headers: names and values; not the length.
        body: what is sent.
        announced: the length that is announced; None: none is.
        sent: how much of head and body is sent, as a part of one.
        resets: the connection is reset behind that, and not only closed.
        drips: it is sent one byte at a time.
        stalls: nothing is sent, and nothing is closed.
        continues: interim answers are sent, and nothing else.
        refuses: from now on, nobody listens.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    announced: int | None
    sent: float = 1
    resets: bool = False
    drips: bool = False
    stalls: bool = False
    continues: bool = False
    refuses: bool = False

    def with_body(self, body: bytes, **others: str) -> Answer:
        """Return it with another body, and other headers."""
        named = {name.lower().replace("-", "_"): name for name, _ in self.headers}
        kept = tuple((n, v) for n, v in self.headers if n.lower().replace("-", "_") not in others)
        new = tuple((named.get(n, n.replace("_", "-")), v) for n, v in others.items())
        return replace(self, headers=(*kept, *new), body=body, announced=len(body))

    def with_status(self, status: int, **others: str) -> Answer:
        """Return one with another status and hardly a body."""
        return replace(self.with_body(b"", **others), status=status)

    @property
    def bytes(self) -> bytes:
        """What is sent of it."""
        lines = [f"HTTP/1.1 {self.status} x", *(f"{n}: {v}" for n, v in self.headers)]
        if self.announced is not None:
            lines.append(f"Content-Length: {self.announced}")
        whole = "\r\n".join([*lines, "", ""]).encode("latin-1") + self.body
        return whole[: round(len(whole) * self.sent)]


Spoil: TypeAlias = Callable[[Answer], Answer]


class SpoilingProxy(ThreadingHTTPServer):
    """Passes requests to an index, and spoils the answer to one, or to all from one on.

    Attributes:
        count: how many requests came.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(
        self, index: LoopbackIndex, spoil: Spoil, *, at: int, times: int | None = None
    ) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.index_port = urlsplit(index.url).port
        self.count = 0
        self.is_closing = threading.Event()
        self._spoil = spoil
        self._at = at
        self._last = None if times is None else at + times - 1
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """The index's address, behind this."""
        return f"http://127.0.0.1:{self.server_address[1]}/simple/"

    def spoiled(self, answer: Answer) -> Answer:
        """Return an answer as it is to be sent."""
        with self._lock:
            self.count += 1
            is_due = self.count >= self._at and (self._last is None or self.count <= self._last)
        return self._spoil(answer) if is_due else answer

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a client that has gone."""


class _Handler(BaseHTTPRequestHandler):
    server: SpoilingProxy
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        answer = self.server.spoiled(self._ask())
        self.close_connection = self.close_connection or not _is_whole(answer)
        if answer.refuses:
            self.server.socket.close()
            return
        if answer.stalls:
            self.server.is_closing.wait()
            return
        if answer.continues or answer.drips:
            self._drip(answer)
            return
        with suppress(OSError):
            self.connection.sendall(answer.bytes)
        if answer.resets:
            no_linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_linger)
            socket.close(self.connection.detach())

    def do_HEAD(self) -> None:
        self.do_GET()

    def _ask(self) -> Answer:
        upstream = http.client.HTTPConnection("127.0.0.1", self.server.index_port, timeout=60)
        try:
            upstream.request(self.command, self.path, headers=dict(self.headers.items()))
            answer = upstream.getresponse()
            body = answer.read()
            length = answer.getheader("Content-Length")
        finally:
            upstream.close()
        hidden = {"content-length", "connection"}
        return Answer(
            status=answer.status,
            headers=tuple((n, v) for n, v in answer.getheaders() if n.lower() not in hidden),
            body=body,
            announced=None if length is None else int(length),
        )

    def _drip(self, answer: Answer) -> None:
        data = b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000 if answer.continues else answer.bytes
        with suppress(OSError):
            for place in range(len(data)):
                self.connection.sendall(data[place : place + 1])
                if self.server.is_closing.wait(PAUSE_SECONDS):
                    return

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


def _is_whole(answer: Answer) -> bool:
    is_marked = answer.announced == len(answer.body) or answer.status == 304
    is_sent = answer.sent == 1 and not answer.resets and not answer.drips
    return is_marked and is_sent and not answer.continues


@contextmanager
def spoiling(
    index: LoopbackIndex, spoil: Spoil, *, at: int, times: int | None = None
) -> Iterator[SpoilingProxy]:
    """Put a proxy before an index that spoils answers from one on, so many of them or all."""
    with SpoilingProxy(index, spoil, at=at, times=times) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield server
        finally:
            server.is_closing.set()
            server.shutdown()


SPOILS: dict[str, Spoil] = {
    "refused": lambda answer: replace(answer, refuses=True),
    "reset before": lambda answer: replace(answer, sent=0, resets=True),
    "reset within": lambda answer: replace(answer, sent=0.7, resets=True),
    "closed before": lambda answer: replace(answer, sent=0),
    "half a head": lambda answer: replace(answer, sent=0.1),
    "half a body": lambda answer: replace(answer, sent=0.8),
    "half, and its length": lambda answer: answer.with_body(answer.body[: len(answer.body) // 2]),
    "half, and no length": lambda answer: replace(
        answer, body=answer.body[: len(answer.body) // 2], announced=None
    ),
    "nothing": lambda answer: answer.with_body(b""),
    "one byte too few": lambda answer: answer.with_body(answer.body[:-1]),
    "500": lambda answer: answer.with_status(500),
    "503": lambda answer: answer.with_status(503, retry_after="0"),
    "403": lambda answer: answer.with_status(403),
    "404": lambda answer: answer.with_status(404),
    "204": lambda answer: answer.with_status(204),
    "206": lambda answer: replace(answer, status=206),
    "304": lambda answer: answer.with_status(304),
    "999": lambda answer: answer.with_status(999),
    "wrong type": lambda answer: answer.with_body(answer.body, content_type="image/png"),
    "wrong encoding": lambda answer: answer.with_body(answer.body, content_encoding="br"),
    "not compressed": lambda answer: answer.with_body(b"plain text", content_encoding="gzip"),
    "a login page": lambda answer: answer.with_body(
        b"<!DOCTYPE html><html><body><form>log in</form></body></html>",
        content_type="text/html",
        content_encoding="identity",
    ),
    "an empty list": lambda answer: answer.with_body(
        b'{"meta": {"api-version": "1.1"}, "name": "lib", "files": []}',
        content_type="application/vnd.pypi.simple.v1+json",
        content_encoding="identity",
    ),
    "other bytes": lambda answer: answer.with_body(answer.body[::-1]),
    "round and round": lambda answer: answer.with_status(302, location="/simple/lib/"),
    "to nowhere": lambda answer: answer.with_status(302, location="http://[nowhere"),
    "to another scheme": lambda answer: answer.with_status(302, location="file:///etc/hosts"),
    "silence": lambda answer: replace(answer, stalls=True),
    "a drip": lambda answer: replace(answer, drips=True),
    "no end of 100": lambda answer: replace(answer, continues=True),
}
"""Ways to spoil an answer."""
