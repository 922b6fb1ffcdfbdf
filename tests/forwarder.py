"""A forwarder before a loopback index, which may speak TLS, and counts who comes."""

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
        client: socket.socket = self.request
        if self.server.context is not None:
            client = self.server.context.wrap_socket(client, server_side=True)
        self.server.count += 1
        with client, socket.create_connection(("127.0.0.1", self.server.port)) as index:
            back = threading.Thread(target=_pump, args=(index, client), daemon=True)
            back.start()
            _pump(client, index)
            back.join(5)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


@contextmanager
def forwarder_to(
    index: LoopbackIndex, context: ssl.SSLContext | None = None
) -> Iterator[Forwarder]:
    """Put a forwarder before an index while the block runs."""
    port = urlsplit(index.url).port
    assert port is not None
    with Forwarder(port, context) as forwarder:
        threading.Thread(target=forwarder.serve_forever, args=(0.01,), daemon=True).start()
        yield forwarder
        forwarder.shutdown()


def secured(authority: trustme.CA) -> ssl.SSLContext:
    """Return the context of a server that the authority vouches for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    return context
