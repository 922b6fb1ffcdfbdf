"""Connections to hosts: certificates, proxies, deadlines, and the look-up of host names."""

from __future__ import annotations

import http.client
import io
import os
import socket
import ssl
import sys
import threading
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NoAnswer  # Python 3.10 has one of its own
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.utils import get_auth_from_url, get_netrc_auth
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from ..errors import PackageIndexError
from .deadlines import within

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .trust import Trust

BUNDLES = (
    "/etc/ssl/cert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/cert.pem",
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/ssl/ca-bundle.pem",
)
"""Where Linux systems keep certificates; for a Python whose OpenSSL was built to look elsewhere."""


class Session(requests.Session):
    """A session that treats the certificate of each host as ``Trust`` says."""

    def __init__(self, trust: Trust, connections: int) -> None:
        """Prepare a session that keeps a number of connections to one host open."""
        super().__init__()
        self.mount("https://", _Secure(trust, checks=True, connections=connections))
        self.mount("http://", _Timely(pool_maxsize=connections))
        for host in trust.unchecked_hosts:
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
            for end in ("/",) if ":" in host else ("/", ":"):  # without a port: any port
                unchecked = _Secure(trust, checks=False, connections=connections)
                self.mount(f"https://{host}{end}", unchecked)

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        """Encode credentials in Latin-1, as requests does; in UTF-8 where Latin-1 can't."""
        try:
            return super().prepare_request(request)
        except UnicodeEncodeError:
            given = get_auth_from_url(request.url)
            user, password = given if any(given) else get_netrc_auth(request.url) or given
            request.auth = (user.encode(), password.encode())
            return super().prepare_request(request)

    def get_adapter(self, url: str) -> HTTPAdapter:
        """Choose the adapter by the host; credentials in the address do not count."""
        parts = urlsplit(url)
        plain = parts._replace(netloc=parts.netloc.rpartition("@")[2])
        adapter = super().get_adapter(plain.geturl())
        assert isinstance(adapter, HTTPAdapter)
        return adapter


class _Timely(HTTPAdapter):
    """Connections that keep to the deadline of ``until``."""

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool = super().get_connection_with_tls_context(*args, **kwargs)
        with _changing:
            _keep_to_deadline(pool)
        return pool


class _Secure(_Timely):
    """Connections that share one TLS context, which is complete before the first connection.

    No thread may load certificates into a context that other threads use: OpenSSL may crash.
    Loading them anew for each connection takes longer than an answer.
    """

    def __init__(self, trust: Trust, *, checks: bool, connections: int) -> None:
        self._trust = trust
        self._checks = checks
        super().__init__(pool_maxsize=connections)

    def build_connection_pool_key_attributes(
        self, request: Any, verify: Any, cert: Any = None
    ) -> Any:
        host, pool = super().build_connection_pool_key_attributes(request, self._checks)
        return host, {**pool, "ssl_context": self._context}

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> urllib3.ProxyManager:
        found = super().proxy_manager_for(proxy, proxy_ssl_context=self._context, **kwargs)
        assert isinstance(found, urllib3.ProxyManager)
        return found

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Leave the connection as it is: the context has all certificates already."""

    @cached_property
    def _context(self) -> ssl.SSLContext:
        context = _system_context() if self._checks else _unchecking_context()
        bundles = (self._trust.certificates, _bundle_of_the_environment()) if self._checks else ()
        for bundle in filter(None, bundles):
            with _naming(bundle):
                is_folder = Path(bundle).is_dir()
                context.load_verify_locations(**{"capath" if is_folder else "cafile": bundle})
        if self._trust.client_certificate:
            with _naming(self._trust.client_certificate):
                context.load_cert_chain(self._trust.client_certificate, password="")
        return context


@contextmanager
def _naming(file: str) -> Iterator[None]:
    """Name the file in the error if its certificate can't be used."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        if isinstance(error, ssl.SSLError):
            reason = "the file has no PEM certificate, or its key is missing"
        raise PackageIndexError(
            f"the certificate in {file} can't be used: {reason}",
            url="",
            hint="pip's settings or the variable REQUESTS_CA_BUNDLE name this file",
        ) from error


def _bundle_of_the_environment() -> str:
    """Return the bundle that requests would take from the environment, or an empty string."""
    with requests.Session() as session:
        settings = session.merge_environment_settings("https://", {}, None, None, None)
    return settings["verify"] if isinstance(settings["verify"], str) else ""


class _Context(ssl.SSLContext):
    """A context that urllib3 does not change for each connection while other threads use it."""

    def set_alpn_protocols(self, alpn_protocols: Iterable[str]) -> None:
        """Set none: HTTP/1.1 needs none."""


def _system_context() -> ssl.SSLContext:
    """Return a context that trusts what the operating system trusts, as pip's does."""
    if sys.platform == "darwin":
        from truststore import SSLContext

        return SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context = _Context(ssl.PROTOCOL_TLS_CLIENT)
    context.load_default_certs()
    folder = Path(ssl.get_default_verify_paths().capath or os.devnull)
    has_folder = any(folder.glob("????????.[0-9]"))  # OpenSSL reads it when it is needed
    if not context.cert_store_stats()["x509"] and not has_folder:
        for bundle in filter(Path.is_file, map(Path, BUNDLES)):
            context.load_verify_locations(bundle)
            break
    return context


def _unchecking_context() -> ssl.SSLContext:
    context = _Context(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


_changing = threading.Lock()


class _Reader(io.RawIOBase):
    """What a socket receives; each read waits for its timeout, and not beyond the deadline.

    A server that sends one byte at a time never lets the timeout of a socket run out.
    """

    def __init__(self, sock: socket.socket, received: io.RawIOBase) -> None:
        self._socket = sock
        self._received = received
        self._timeout_seconds = sock.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._socket.settimeout(within(self._timeout_seconds))
        return self._received.readinto(buffer)

    def close(self) -> None:
        self._received.close()
        super().close()


class _Answer(http.client.HTTPResponse):
    """An answer whose status line, headers and body come before the deadline."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_Reader(sock, self.fp.detach()))


def _keep_to_deadline(pool: Any) -> None:
    """Let the connections of a pool keep to the deadline, and share one look-up of the host's name.

    Some resolvers, such as those of container networks, drop a few of many queries that come at
    once. A dropped query is repeated only after five seconds. A SOCKS proxy looks names up itself.
    """
    base: Any = pool.ConnectionCls
    if issubclass(base, _Kept):
        return
    name = _Name() if base in {HTTPConnection, HTTPSConnection} else None

    class Connection(_Kept, base):  # type: ignore[misc]
        response_class = _Answer
        _dns_host: str  # urllib3 connects to this one, not to ``host``

        def _new_conn(self) -> socket.socket:
            if name is None:
                return self._connect()
            addresses = name.addresses(self)
            original = self._dns_host
            for address in addresses:
                self._dns_host = address
                try:
                    return self._connect()
                except (NewConnectionError, ConnectTimeoutError):
                    if address == addresses[-1]:
                        name.forget()
                        raise
                finally:
                    self._dns_host = original
            raise AssertionError("a name that was found has an address")

        def _connect(self) -> socket.socket:
            self.timeout: float | None = within(self.timeout)
            connected: socket.socket = super()._new_conn()
            connected.settimeout(within(self.timeout))  # for TLS
            return connected

    pool.ConnectionCls = Connection


class _Kept:
    """Marks the connections that keep to the deadline."""


class _Name:
    """The addresses of one host name, shared by all threads that ask at the same time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: Future[list[str]] | None = None

    def addresses(self, connection: HTTPConnection) -> list[str]:
        """Return the addresses of a connection's host.

        Raises:
            NameResolutionError: there are none; every thread that waited gets this error.
            TimeoutError: the system did not answer before the deadline.
        """
        with self._lock:
            found = self._found
            if found is None:
                self._found = found = Future()
                host = connection.host.rstrip(".")
                args = (found, host, connection.port)
                threading.Thread(target=_look_up, args=args, daemon=True).start()
        try:
            return found.result(min(within(None), threading.TIMEOUT_MAX))
        except NoAnswer as error:
            raise TimeoutError("the name was not found in time") from error
        except (OSError, UnicodeError) as error:
            with self._lock:
                if self._found is found:
                    self._found = None
            failure = error if isinstance(error, socket.gaierror) else socket.gaierror(error)
            raise NameResolutionError(connection.host, connection, failure) from error

    def forget(self) -> None:
        """Look the name up again next time: no address answered."""
        with self._lock:
            self._found = None


def _look_up(found: Future[list[str]], host: str, port: int) -> None:
    """Ask the system for the addresses of a host, which may take longer than any deadline."""
    try:
        infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        found.set_result(list(dict.fromkeys(str(address[0]) for *_, address in infos)))
    except Exception as error:  # raised again in each thread that waits
        found.set_exception(error)
