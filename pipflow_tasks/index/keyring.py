"""What a keyring knows of a host: asked as pip does, once the host wants a password.

The library ``keyring`` is asked where it is installed beside this package, else the program of that
name. It is no dependency: who has a keyring has it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

TIMEOUT_SECONDS = 60
"""A keyring may ask its owner."""


def ask_keyring(provider: str, services: Iterable[str], user: str) -> tuple[str, str] | None:
    """Return a user and a password, or None.

    Args:
        provider: pip's setting ``keyring-provider``: ``auto``, ``import``, ``subprocess``,
            ``disabled``.
        services: the names that the password may be kept under, the likeliest first.
        user: whose password, or an empty string where that is not known either.
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
        done = subprocess.run(
            [program, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,  # what it says to its owner is seen
            encoding="utf-8",
            timeout=TIMEOUT_SECONDS,
            check=True,
        )
        if user:
            return user, done.stdout.rstrip("\n")
        told = json.loads(done.stdout)
        return str(told["username"]), str(told["password"])
    except (OSError, subprocess.SubprocessError, ValueError, LookupError, TypeError):
        return None
