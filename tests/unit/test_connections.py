"""Connections: one TLS context for all, unreadable certificates, one look-up of each name."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import trustme
from forwarder import forwarder_to, proxy, secured
from loopback_index import LoopbackIndex
from packaging.utils import canonicalize_name

from pipflow_tasks.errors import PackageIndexError
from pipflow_tasks.index import PackageIndex, Trust, connections

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECTS = [canonicalize_name(f"lib{number}") for number in range(24)]
LIB = PROJECTS[0]
CHANGING = ("load_verify_locations", "load_default_certs", "set_default_verify_paths")


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server() -> Iterator[LoopbackIndex]:
    with LoopbackIndex() as server:
        for project in PROJECTS:
            server.add(project, "1.0")
        server.delay_seconds = 0.02
        yield server


def ask_for_all(url: str, trust: Trust) -> None:
    with PackageIndex([url], trust=trust) as index:
        index.prefetch(PROJECTS)
        for project in PROJECTS:
            assert len(index.files(project)) == 1


def failure(url: str, trust: Trust = Trust()) -> str:  # noqa: B008 # it can't be changed
    with PackageIndex([url], trust=trust) as index, pytest.raises(PackageIndexError) as caught:
        index.files(LIB)
    return str(caught.value)


# Certificates


def test_context_is_whole_before_it_is_used(
    monkeypatch: pytest.MonkeyPatch,
    server: LoopbackIndex,
    authority: trustme.CA,
    bundle: str,
    tmp_path: Path,
) -> None:
    """No certificate is loaded after the first connection, because OpenSSL could crash."""
    mine = tmp_path / "me.pem"
    issued = authority.issue_cert("me@example.com")
    issued.private_key_and_cert_chain_pem.write_to_path(str(mine))
    here = secured(authority)
    told: list[tuple[str, int]] = []

    def record(name: str) -> None:
        original = getattr(ssl.SSLContext, name)

        def call(self: ssl.SSLContext, *args: Any, **kwargs: Any) -> Any:
            if self is not here:
                told.append((name, id(self)))
            return original(self, *args, **kwargs)

        monkeypatch.setattr(ssl.SSLContext, name, call)

    for name in (*CHANGING, "load_cert_chain", "wrap_socket"):
        record(name)

    with forwarder_to(server, here) as forwarder:
        ask_for_all(forwarder.url, Trust(certificates=bundle, client_certificate=str(mine)))
        assert forwarder.count > 4

    assert {name for name, _ in told} >= {"load_verify_locations", "load_cert_chain"}
    used: set[int] = set()
    for name, context in told:
        if name == "wrap_socket":
            used.add(context)
        else:
            assert context not in used, name


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_bundle_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
    server: LoopbackIndex,
    authority: trustme.CA,
    bundle: str,
    variable: str,
) -> None:
    """A bundle that a variable names is trusted, as pip trusts it."""
    with forwarder_to(server, secured(authority)) as forwarder:
        assert "its certificate is not trusted" in failure(forwarder.url)
        monkeypatch.setenv(variable, bundle)
        ask_for_all(forwarder.url, Trust())


def test_bundle_of_a_system_that_openssl_does_not_know(
    monkeypatch: pytest.MonkeyPatch,
    server: LoopbackIndex,
    authority: trustme.CA,
    bundle: str,
    tmp_path: Path,
) -> None:
    """The system's bundle is trusted if OpenSSL finds none, but not in addition to the user's."""
    monkeypatch.setattr(connections, "BUNDLES", (str(tmp_path / "none.pem"), bundle))
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.setenv("SSL_CERT_FILE", str(empty / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(empty))
    with forwarder_to(server, secured(authority)) as forwarder:
        ask_for_all(forwarder.url, Trust())

        (empty / "0a1b2c3d.0").touch()  # a folder as OpenSSL keeps it
        assert "its certificate is not trusted" in failure(forwarder.url)


@pytest.mark.parametrize("place", ["REQUESTS_CA_BUNDLE", "cert", "client-cert"])
@pytest.mark.parametrize("text", [None, "this is no certificate\n"])
def test_certificate_that_can_not_be_read(
    monkeypatch: pytest.MonkeyPatch,
    server: LoopbackIndex,
    authority: trustme.CA,
    tmp_path: Path,
    place: str,
    text: str | None,
) -> None:
    """The error for a missing or invalid file names the file and the settings that may name it."""
    path = tmp_path / "some.pem"
    if text is not None:
        path.write_text(text)
    trust = Trust(
        certificates=str(path) if place == "cert" else "",
        client_certificate=str(path) if place == "client-cert" else "",
    )
    if place == "REQUESTS_CA_BUNDLE":
        monkeypatch.setenv(place, str(path))
    with forwarder_to(server, secured(authority)) as forwarder:
        told = failure(forwarder.url, trust)

    assert f"the certificate in {path} can't be used: " in told
    assert "REQUESTS_CA_BUNDLE" in told


# Proxies


def test_proxy_that_speaks_tls(server: LoopbackIndex, authority: trustme.CA, bundle: str) -> None:
    """The bundle is trusted for a proxy as well."""
    with forwarder_to(server, secured(authority)) as index, proxy(secured(authority)) as way:
        ask_for_all(index.url, Trust(certificates=bundle, proxy=way.url))

    assert way.count > 0


def test_hosts_without_proxy(monkeypatch: pytest.MonkeyPatch, server: LoopbackIndex) -> None:
    """NO_PROXY counts for each host on its own, while the proxy serves other hosts."""
    other = canonicalize_name("other")
    with proxy() as way, LoopbackIndex() as inside:
        inside.add(other, "1.0")
        monkeypatch.setenv("http_proxy", way.url)
        monkeypatch.setenv("no_proxy", "localhost")
        direct = inside.url.replace("127.0.0.1", "localhost")
        with PackageIndex([server.url, direct]) as index:
            assert len(index.files(LIB)) == len(index.files(other)) == 1

    assert way.count > 0
    assert way.ports == {urlsplit(server.url).port}


# Host names


class Names:
    """A look-up that returns what the test wants, and records the names."""

    def __init__(self, *answers: list[str] | OSError, seconds: float = 0) -> None:
        self.seconds = seconds
        self.answers = list(answers)
        self.asked: Counter[str] = Counter()
        self._real = socket.getaddrinfo
        self._lock = threading.Lock()

    def __call__(self, host: str, port: int, *args: Any, **kwargs: Any) -> Any:
        """Answer for a host of the domain ``test``; ask for any other."""
        with self._lock:
            self.asked[host] += 1
            if not host.endswith(".test"):
                return self._real(host, port, *args, **kwargs)
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        time.sleep(self.seconds)
        if isinstance(answer, OSError):
            raise answer
        return [found for each in answer for found in self._real(each, port, *args, **kwargs)]


UNKNOWN = socket.gaierror(-3, "Temporary failure in name resolution")


@pytest.mark.parametrize(
    "answers",
    [
        [["127.0.0.1"]],
        [["127.0.0.9", "127.0.0.1"]],
        [["127.0.0.1", "127.0.0.1"], UNKNOWN],
    ],
)
def test_name_is_looked_up_once(
    monkeypatch: pytest.MonkeyPatch, server: LoopbackIndex, answers: list[list[str] | OSError]
) -> None:
    """Connections share one look-up of a name, and try its addresses in order."""
    names = Names(*answers)
    monkeypatch.setattr(socket, "getaddrinfo", names)

    with forwarder_to(server) as forwarder:
        ask_for_all(forwarder.url.replace("127.0.0.1", "index.test"), Trust())
        assert forwarder.count > 4

    assert names.asked["index.test"] == 1


def test_name_that_is_not_found_at_first(
    monkeypatch: pytest.MonkeyPatch, server: LoopbackIndex
) -> None:
    """A look-up that failed, or whose addresses did not answer, is repeated."""
    names = Names(UNKNOWN, ["127.0.0.9"], ["127.0.0.1"])
    monkeypatch.setattr(socket, "getaddrinfo", names)

    with PackageIndex([server.url.replace("127.0.0.1", "index.test")]) as index:
        assert len(index.files(LIB)) == 1

    assert names.asked["index.test"] == 3


def test_look_up_that_fails_slowly(monkeypatch: pytest.MonkeyPatch, server: LoopbackIndex) -> None:
    """A thread that waited for a failing look-up gets its error, and does not look up again."""
    names = Names(UNKNOWN, seconds=0.3)
    monkeypatch.setattr(socket, "getaddrinfo", names)

    with PackageIndex([server.url.replace("127.0.0.1", "index.test")]) as index:
        index.prefetch(PROJECTS)
        for project in PROJECTS:
            with pytest.raises(PackageIndexError, match="its name is unknown"):
                index.files(project)

    assert names.asked["index.test"] < 12, "two dozen ask three times each"


def test_name_that_is_not_known(monkeypatch: pytest.MonkeyPatch, server: LoopbackIndex) -> None:
    """The error for an unknown name says that the name is unknown."""
    monkeypatch.setattr(socket, "getaddrinfo", Names(UNKNOWN))

    assert "its name is unknown" in failure(server.url.replace("127.0.0.1", "index.test"))
