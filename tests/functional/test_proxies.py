"""A proxy that refuses, or is not there: the error names it, and what says that it is asked."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from functional.temporary_project import TemporaryProject

SECURE = "https://packages.invalid/simple/"
PLAIN = "http://packages.invalid/simple/"


class _Refusing(BaseHTTPRequestHandler):
    status = 403

    def do_CONNECT(self) -> None:
        """Refuse to connect to a host."""
        self.send_error(self.status)

    do_GET = do_CONNECT  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


@contextmanager
def refusing(status: int) -> Iterator[str]:
    """Run a proxy that answers everything with a status; yield its host and port."""
    handler = type("Handler", (_Refusing,), {"status": status})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def add(project: TemporaryProject, index_url: str, variable: str, proxy: str) -> str:
    """Ask an index through a proxy, in vain; return what is printed as one line."""
    environment = {"PIP_INDEX_URL": index_url, variable: proxy}
    done = project.pipflow("add", "lib", environment=environment)
    assert (done.status, project.exists()) == (1, False), done.output
    assert "secret" not in done.output
    return re.sub(r"\s+", " ", done.stderr)


@pytest.mark.parametrize(
    ("variable", "source"),
    [
        ("https_proxy", "`https_proxy`"),
        ("HTTPS_PROXY", "`HTTPS_PROXY`"),
        ("all_proxy", "`all_proxy`"),
        ("PIP_PROXY", "pip's setting `proxy`"),
    ],
)
@pytest.mark.parametrize(
    ("status", "hint"),
    [
        (407, "put the user and the password for the proxy into {source}"),
        (403, "ask who runs the proxy to allow packages.invalid, or "),
        (503, "nothing was changed; try again later, or "),
    ],
)
def test_proxy_refuses_to_connect(
    project: TemporaryProject, variable: str, source: str, status: int, hint: str
) -> None:
    """The error names the proxy without its password, what names it, and what to do."""
    with refusing(status) as proxy:
        said = add(project, SECURE, variable, f"http://me:secret@{proxy}")
        expected = f"the proxy http://{proxy} ({source}) refuses to connect to packages.invalid"
    assert f"can't be reached: {expected} (HTTP {status})" in said
    assert f"hint: {hint.format(source=source)}" in said
    way_round = "take it out of pip's settings" if "pip" in source else "in `no_proxy`"
    assert status == 407 or way_round in said


@pytest.mark.parametrize(
    ("status", "failure", "hint"),
    [
        (407, "failed", "put the user and the password for the proxy into `http_proxy`"),
        (403, "refuses access", "or ask who runs the proxy to allow packages.invalid"),
        (502, "failed", "try again later, or name packages.invalid in `no_proxy`"),
    ],
)
def test_answer_may_be_the_proxys(
    project: TemporaryProject, status: int, failure: str, hint: str
) -> None:
    """Without TLS, a failure that may be the proxy's names the proxy as well."""
    with refusing(status) as proxy:
        said = add(project, PLAIN, "http_proxy", f"http://me:secret@{proxy}")
        assert f"{failure} (HTTP {status}), asked through the proxy http://{proxy} (" in said
    assert hint in said


@pytest.mark.parametrize(("url", "variable"), [(SECURE, "https_proxy"), (PLAIN, "HTTP_PROXY")])
def test_proxy_is_not_there(project: TemporaryProject, url: str, variable: str) -> None:
    """A proxy that can't be reached is named, with what names it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        said = add(project, url, variable, address)
    assert f"through the proxy {address} (`{variable}`): the connection was refused" in said
    assert "hint: check the address of the proxy, or name packages.invalid in `no_proxy`" in said


@pytest.mark.parametrize(
    "proxy", ["http://", "http://[", "http://me:secret@", "http://a:b:c", "me:secret@host"]
)
def test_address_of_a_proxy_is_not_valid(project: TemporaryProject, proxy: str) -> None:
    """Of a proxy whose address is not valid, what names it is named."""
    said = add(project, SECURE, "https_proxy", proxy)
    assert "the address of the proxy (`https_proxy`) is not valid" in said


def test_proxy_that_speaks_socks(project: TemporaryProject) -> None:
    """What a proxy needs to be asked is named."""
    said = add(project, SECURE, "all_proxy", "socks5://me:secret@127.0.0.1:1")
    assert "the proxy socks5://127.0.0.1:1 (`all_proxy`) speaks SOCKS" in said
    assert "`pip install pysocks`" in said
