"""The credentials for each host: those in the addresses of the indexes, then those in a keyring.

A keyring is asked as pip does, once a host wants a password that no address has: the library
``keyring`` where it is installed beside this package, else the program of that name. It is no
dependency: who has a keyring has it.
"""

from __future__ import annotations

import json
import shutil
import threading
from concurrent.futures import TimeoutError as NoAnswer  # Python 3.10 has one of its own
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from ..console import lending
from ..processes import ProgramError, run_program
from .workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from urllib.parse import SplitResult

TIMEOUT_SECONDS = 60
"""A keyring may ask its owner."""


class Credentials:
    """User names and passwords for hosts; those of an index count for all that its host has."""

    def __init__(self, urls: Iterable[str], keyring: str) -> None:
        """Take those that the addresses of indexes hold; see ``ask_keyring`` for ``keyring``."""
        self._keyring = keyring
        self._indexes: list[str] = []
        self._told: dict[tuple[str, str, str], str] = {}
        self._asked: set[tuple[str, str, str]] = set()
        self._lock = threading.Lock()
        for url in urls:
            parts = _split(url)
            if parts is not None:
                told, _, host = parts.netloc.rpartition("@")
                self._indexes.append(urlunsplit(parts._replace(netloc=host)))
                if told:
                    self._take(parts.scheme, host, told)

    def put_into(self, url: str) -> str:
        """Return an address with the password for its host, unless it has one itself."""
        parts = _split(url) if self._told else None
        if parts is None:
            return url
        user, _, host = parts.netloc.rpartition("@")
        told = self._told.get((parts.scheme, host, user))
        return urlunsplit(parts._replace(netloc=f"{told}@{host}")) if told else url

    def learn(self, url: str) -> bool:
        """Ask a keyring about an address that was refused; return whether there is a password.

        The address holds the credentials that it was asked with.
        """
        parts = _split(url)
        if parts is None:
            return False
        told, _, host = parts.netloc.rpartition("@")
        key = (parts.scheme, host, told)
        with self._lock:
            if ":" not in told and key not in self._asked:
                self._asked.add(key)
                found = _ask_in_time(self._keyring, self._services(url, parts), unquote(told))
                if found is not None:
                    full = ":".join(quote(each, safe="") for each in found)
                    self._told[key] = full
                    self._take(parts.scheme, host, full)
        return ":" in self._told.get(key, "")

    def _take(self, scheme: str, host: str, told: str) -> None:
        user, colon, _ = told.partition(":")
        if colon:
            self._told[scheme, host, user] = told
        if colon or (scheme, host, "") not in self._told:
            self._told[scheme, host, ""] = told

    def _services(self, url: str, parts: SplitResult) -> list[str]:
        """Return the names that a keyring may have a password under, the likeliest first."""
        host = parts.netloc.rpartition("@")[2]
        bare = urlunsplit(parts._replace(netloc=host))
        indexes = [each for each in self._indexes if each.startswith(f"{parts.scheme}://{host}/")]
        indexes.sort(key=lambda index: not bare.startswith(index))
        return [*indexes, *(index.rstrip("/") for index in indexes), host]


def _ask_in_time(provider: str, services: Iterable[str], user: str) -> tuple[str, str] | None:
    """Ask a keyring; one that does not answer knows nothing."""
    worker = Workers(1)
    try:
        return worker.submit(partial(ask_keyring, provider, services), user).result(TIMEOUT_SECONDS)
    except NoAnswer:
        return None
    finally:
        worker.close()


def _split(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:  # the request for it reports that
        return None


def ask_keyring(provider: str, services: Iterable[str], user: str) -> tuple[str, str] | None:
    """Return a user and a password, or None.

    ``provider`` is pip's setting ``keyring-provider``: ``auto``, ``import``, ``subprocess``,
    ``disabled``. The password may be kept under the name of any of the services, the likeliest
    first. The user may be an empty string, where it is not known either.
    """
    ask = _find_library() if provider in {"auto", "import"} else None
    if ask is None and provider in {"auto", "subprocess"}:
        ask = _ask_program
    answers = (ask(service, user) for service in services) if ask is not None else ()
    return next(filter(None, answers), None)


def _find_library() -> Callable[[str, str], tuple[str, str] | None] | None:
    try:
        import keyring
    except Exception:  # it looks for what it can use, which may fail in any way
        return None

    def ask(service: str, user: str) -> tuple[str, str] | None:
        try:
            with lending():  # it may ask for a password
                found = keyring.get_credential(service, user or None)
        except Exception:  # what it uses may raise anything; it knows nothing, then
            return None
        return (found.username, found.password) if found and found.password else None

    return ask


def _ask_program(service: str, user: str) -> tuple[str, str] | None:
    program = shutil.which("keyring")
    if program is None:
        return None
    words = ["get", service, user] if user else ["--mode=creds", "--output=json", "get", service]
    try:
        done = run_program(
            [program, *words], timeout_seconds=TIMEOUT_SECONDS, shows_errors=True, of_user=True
        )
        if done.status != 0:
            return None
        text = done.stdout.decode("utf-8")
        if user:
            return user, text.rstrip("\r\n")
        told = json.loads(text)
        return str(told["username"]), str(told["password"])
    except (ProgramError, ValueError, LookupError, TypeError):
        return None
