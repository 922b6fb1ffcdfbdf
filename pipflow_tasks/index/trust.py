"""Whom to trust on the way to an index: certificates, proxy and keyring."""

from __future__ import annotations

from msgspec import Struct


class Trust(Struct, frozen=True, kw_only=True):
    """How to connect to a host: certificates, proxy and keyring.

    Attributes:
        certificates: a bundle to trust besides the operating system's and one that the
            environment names, or an empty string.
        client_certificate: the certificate to present to a server, or an empty string.
        proxy: the address of the proxy; an empty string takes that of the environment.
        unchecked_hosts: each ``host`` or ``host:port`` whose certificate is not checked.
        keyring: how to ask a keyring for passwords; see ``ask_keyring``.
    """

    certificates: str = ""
    client_certificate: str = ""
    proxy: str = ""
    unchecked_hosts: tuple[str, ...] = ()
    keyring: str = "auto"

    @property
    def proxies(self) -> dict[str, str]:
        """The proxy, in a new dict for each request: requests adds the environment's to it."""
        return {"http": self.proxy, "https": self.proxy} if self.proxy else {}


SYSTEM_TRUST = Trust()
"""The operating system's certificates, and the environment's proxies."""
