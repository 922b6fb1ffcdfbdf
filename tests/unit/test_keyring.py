"""Passwords that a keyring keeps: the library and the program are real, what they keep is ours."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import keyring
import pytest
from kept_keyring import Kept
from keyring.credentials import SimpleCredential
from loopback_index import LoopbackIndex
from packaging.utils import canonicalize_name

from pipflow_tasks.errors import PackageIndexError
from pipflow_tasks.index import PackageIndex, Trust

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECTS = [canonicalize_name(f"lib{number}") for number in range(12)]


@pytest.fixture
def server() -> Iterator[LoopbackIndex]:
    with LoopbackIndex() as server:
        for project in PROJECTS:
            server.add(project, "1.0")
        server.credentials = ("me@example.com", "hush/hush")
        yield server


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the file with what the keyring keeps, for the library and the program."""
    file = tmp_path / "kept"
    file.touch()
    monkeypatch.setenv("KEPT", str(file))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "kept_keyring.Kept")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    before = keyring.get_keyring()
    keyring.set_keyring(Kept())  # type: ignore[no-untyped-call]
    yield file
    keyring.set_keyring(before)


def keep(file: Path, service: str, user: str = "me@example.com", secret: str = "hush/hush") -> None:
    file.write_text(f"elsewhere {user} nothing\n{service} {user} {secret}\n")


def asked(file: Path) -> list[str]:
    log = file.with_suffix(".asked")
    return log.read_text().splitlines() if log.exists() else []


def ask_for_all(url: str, provider: str = "auto") -> None:
    with PackageIndex([url], trust=Trust(keyring=provider)) as index:
        index.prefetch(PROJECTS)
        for project in PROJECTS:
            (files,) = index.files(project).values()
            assert len(files) == 1
            assert index.metadata(files) is not None


def refusal(url: str, provider: str = "auto") -> str:
    with (
        PackageIndex([url], trust=Trust(keyring=provider)) as index,
        pytest.raises(PackageIndexError) as caught,
    ):
        index.files(PROJECTS[0])
    return str(caught.value)


@pytest.mark.parametrize("provider", ["auto", "import", "subprocess"])
@pytest.mark.parametrize("with_user", [True, False])
@pytest.mark.parametrize("service", ["{url}", "{bare}", "{host}"])
def test_password_of_the_keyring(
    server: LoopbackIndex, kept: Path, provider: str, service: str, with_user: bool
) -> None:
    """It is found under the index's address or its host, with the user's name or without."""
    host = server.url.split("/")[2]
    keep(kept, service.format(url=server.url, bare=server.url.rstrip("/"), host=host))

    user = "me%40example.com@" if with_user else ""
    ask_for_all(server.url.replace("://", f"://{user}"), provider)

    asking = asked(kept)
    assert len(asking) == len(set(asking)), "nobody is asked twice"
    assert {line.split()[1] for line in asking} == {"me@example.com" if with_user else "-"}


def test_keyring_is_not_asked_in_vain(server: LoopbackIndex, kept: Path) -> None:
    """Who wants no password, or is given one, or is forbidden to ask, asks no keyring."""
    keep(kept, server.url)
    assert "refuses access (HTTP 401)" in refusal(server.url, "disabled")
    assert "HTTP 401" in refusal(server.url.replace("://", "://me:wrong@"))
    server.credentials = None
    ask_for_all(server.url)

    assert asked(kept) == []


@pytest.mark.parametrize("provider", ["auto", "import", "subprocess"])
@pytest.mark.parametrize("line", ["", "{url} me@example.com old-secret\n", "broken - -\n"])
def test_keyring_that_does_not_help(
    server: LoopbackIndex, kept: Path, provider: str, line: str
) -> None:
    """Where it has none, a wrong one or is locked, the error says what it came to."""
    kept.write_text(line.format(url=server.url))

    told = refusal(server.url, provider)

    refused = "the credentials" if "old-secret" in line else "access"
    assert f"refuses {refused} (HTTP 401)" in told
    assert "or a keyring" in told
    assert "old-secret" not in told


def test_nobody_has_a_keyring(server: LoopbackIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without library and program there is nothing to ask."""
    monkeypatch.setitem(sys.modules, "keyring", None)
    monkeypatch.setenv("PATH", "")

    assert "refuses access (HTTP 401)" in refusal(server.url)


def test_two_users_of_one_host(server: LoopbackIndex, kept: Path) -> None:
    """Each address is asked with the password of its own user."""
    kept.write_text("".join(f"{server.url} {user} of-{user}\n" for user in ("alice", "bob")))
    for user, other in (("alice", "bob"), ("bob", "alice")):
        server.credentials = (user, f"of-{user}")
        urls = [server.url.replace("://", f"://{each}@") for each in (user, other)]
        with PackageIndex(urls, first_only=True) as index:
            assert len(index.files(PROJECTS[0])) == 1


@pytest.mark.parametrize("place", ["keyring", "address", "netrc"])
def test_password_with_any_letters(
    server: LoopbackIndex,
    kept: Path,
    place: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Letters that Latin-1 has not are sent in UTF-8, as RFC 7617 proposes."""
    server.credentials = ("me", "h€sh")
    url = server.url
    if place == "keyring":
        keep(kept, server.url, "me", "h€sh")
    elif place == "netrc":
        if sys.version_info < (3, 11):
            pytest.skip("netrc of Python 3.10 knows no such letters")
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login me password h€sh\n", "utf-8")
        netrc.chmod(0o600)
        monkeypatch.setenv("NETRC", str(netrc))
    else:
        url = url.replace("://", "://me:h%E2%82%ACsh@")

    ask_for_all(url)


def test_keyring_that_does_not_answer(
    server: LoopbackIndex, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not waited for for ever."""
    monkeypatch.setattr("pipflow_tasks.index.credentials.TIMEOUT_SECONDS", 0.1)
    monkeypatch.setattr(Kept, "get_credential", lambda *_: time.sleep(3))

    assert "refuses access (HTTP 401)" in refusal(server.url)


def test_deadline_leaves_out_the_keyring(
    server: LoopbackIndex, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look-up may wait for a keyring as long as that takes, and has one deadline otherwise."""
    keep(kept, server.url)
    get_credential = Kept.get_credential

    def think(self: Kept, service: str, username: str | None) -> SimpleCredential | None:
        time.sleep(1.2)
        return get_credential(self, service, username)

    monkeypatch.setattr(Kept, "get_credential", think)
    with PackageIndex([server.url], deadline_seconds=1) as index:
        assert len(index.files(PROJECTS[0])) == 1
    server.delay_seconds = 0.6
    with (
        PackageIndex([server.url], deadline_seconds=1) as index,
        pytest.raises(PackageIndexError, match="did not answer in time"),
    ):
        index.files(PROJECTS[0])
