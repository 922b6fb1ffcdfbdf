"""A keyring for tests that asks for a password on the terminal, as some do.

The library ``keyring`` takes it for ``PYTHON_KEYRING_BACKEND=asking_keyring.Asking``.
"""

from __future__ import annotations

from keyring.backend import KeyringBackend
from keyring.credentials import SimpleCredential

QUESTION = "the keyring's password: "


class Asking(KeyringBackend):
    """Keeps what is typed."""

    priority = 1

    def get_password(self, service: str, username: str) -> str | None:
        """Return the password of a user, which is asked for."""
        return self.get_credential(service, username).password

    def set_password(self, service: str, username: str, password: str) -> None:
        """Refuse: nobody here writes."""
        raise NotImplementedError

    def get_credential(self, service: str, username: str | None) -> SimpleCredential:
        """Ask on the terminal, whatever standard input is."""
        with open("/dev/tty", "r+b", buffering=0) as terminal:  # noqa: PTH123
            terminal.write(QUESTION.encode())
            return SimpleCredential("me", terminal.readline().decode().strip())
