"""Whom to trust on the way to an index, as pip's settings, the steps and the files say."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..index import Trust

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..index.pip_settings import PipSettings
    from ..requirements import Line
    from .steps import InstallStep


def find_trust(
    urls: Iterable[str], steps: Sequence[InstallStep], lines: Sequence[Line], pip: PipSettings
) -> tuple[Trust, tuple[str, ...]]:
    """Return whom to trust, and a notice for each host whose certificate is not checked.

    Args:
        urls: the addresses that are asked.
        steps: the install steps.
        lines: those of the requirements files.
        pip: pip's settings on this host.
    """
    trusting = [
        *((host, "pip's settings") for host in pip.trusted_hosts),
        *((host, step.place) for step in steps for host in step.trusted_hosts),
        *((host, line.place) for line in lines for host in line.option_values("--trusted-host")),
    ]
    asked = [urlsplit(url) for url in urls if url.startswith("https://")]
    hosts = {name for url in asked for name in (url.hostname, url.netloc.rpartition("@")[2])}
    unchecked: dict[str, str] = {}
    for host, place in trusting:
        if host in hosts:
            unchecked.setdefault(host, place)
    trust = Trust(
        certificates=pip.cert,
        client_certificate=pip.client_cert,
        proxy=pip.proxy,
        unchecked_hosts=tuple(unchecked),
        keyring=pip.keyring,
    )
    notices = (
        f"the certificate of {host} is not checked, as {place} would have it"
        for host, place in unchecked.items()
    )
    return trust, tuple(notices)
