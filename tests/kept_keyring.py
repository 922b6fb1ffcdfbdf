"""A keyring for tests: what it keeps stands in a file, ``service user password`` a line.

The library ``keyring`` takes it for ``PYTHON_KEYRING_BACKEND=kept_keyring.Kept``; the file is named
by ``KEPT``, and who was asked for is written beside it.
"""

from __future__ import annotations

import os
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.credentials import SimpleCredential


class Kept(KeyringBackend):
    """Keeps what the file has."""

    priority = 1

    def get_password(self, service: str, username: str) -> str | None:
        """Return the password of a user."""
        found = self.get_credential(service, username)
        return None if found is None else found.password

    def set_password(self, service: str, username: str, password: str) -> None:
        """Refuse: nobody here writes."""
        raise NotImplementedError

    def get_credential(self, service: str, username: str | None) -> SimpleCredential | None:
        """Return who is kept under a service, or whether it is this user."""
        file = Path(os.environ["KEPT"])
        with file.with_suffix(".asked").open("a") as asked:
            asked.write(f"{service} {username or '-'}\n")
        for line in file.read_text().splitlines():
            at, user, password = line.split()
            if at == "broken":
                raise RuntimeError("the keyring is locked")
            if at == service and username in {None, user}:
                return SimpleCredential(user, password)
        return None
