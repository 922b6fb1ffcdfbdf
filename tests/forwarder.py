"""Forwarders before a loopback index, and a proxy; they may speak TLS, and count who comes."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import trustme

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopback_index import LoopbackIndex


class Forwarder(ThreadingTCPServer):
    """Hands what comes in to another port, and what comes back.

    Attributes:
        port: where to hand it to.
        context: how to speak TLS with those who come, or None.
        count: how many connections came about.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, port: int, context: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.port = port
        self.context = context
        self.count = 0

    @property
    def url(self) -> str:
        """The index's address, behind this."""
        scheme = "http" if self.context is None else "https"
        return f"{scheme}://127.0.0.1:{self.server_address[1]}/simple/"

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a client that does not trust us."""


class _Connection(BaseRequestHandler):
    server: Forwarder

    def handle(self) -> None:
        there = ("127.0.0.1", self.server.port)
        with self._take() as client, socket.create_connection(there) as index:
            self._pass(client, index)

    def _take(self) -> socket.socket:
        """Speak TLS with who has come, where that is asked, and count him."""
        client: socket.socket = self.request
        if self.server.context is not None:
            client = self.server.context.wrap_socket(client, server_side=True)
        self.server.count += 1
        return client

    def _pass(self, client: socket.socket, there: socket.socket) -> None:
        """Hand on what either says until both are silent."""
        back = threading.Thread(target=_pump, args=(there, client), daemon=True)
        back.start()
        _pump(client, there)
        back.join(5)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


class Proxy(Forwarder):
    """Reaches every port of this host, by CONNECT or by a whole address.

    Attributes:
        ports: those that were asked for.
    """

    def __init__(self, context: ssl.SSLContext | None) -> None:
        super().__init__(0, context)
        self.RequestHandlerClass = _Passage
        self.ports: set[int] = set()

    @property
    def url(self) -> str:
        """The proxy's address."""
        return super().url.removesuffix("/simple/")


class _Passage(_Connection):
    server: Proxy

    def handle(self) -> None:
        """Read the first line, which says where to go."""
        client = self._take()
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(1 << 16)
        method, address = head.decode("latin-1").split()[:2]
        port = urlsplit(address if "://" in address else f"//{address}").port
        assert port is not None
        self.server.ports.add(port)
        with client, socket.create_connection(("127.0.0.1", port)) as there:
            if method == "CONNECT":
                client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            else:
                path = urlsplit(address).path.encode()
                there.sendall(head.replace(address.encode(), path, 1))
            self._pass(client, there)


@contextmanager
def proxy(context: ssl.SSLContext | None = None) -> Iterator[Proxy]:
    """Run a proxy while the block runs."""
    with Proxy(context) as server, _serving(server):
        yield server


@contextmanager
def forwarder_to(
    index: LoopbackIndex, context: ssl.SSLContext | None = None
) -> Iterator[Forwarder]:
    """Put a forwarder before an index while the block runs."""
    port = urlsplit(index.url).port
    assert port is not None
    with Forwarder(port, context) as forwarder, _serving(forwarder):
        yield forwarder


@contextmanager
def _serving(server: Forwarder) -> Iterator[None]:
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield
    server.shutdown()


def secured(authority: trustme.CA) -> ssl.SSLContext:
    """Return the context of a server that the authority vouches for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    return context
