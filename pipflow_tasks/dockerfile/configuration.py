"""The configuration files of pip and uv, in the order in which they count."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Literal, TypeAlias

from msgspec import Struct

from ..values import repr_without
from .image import folders_above, join

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Installer: TypeAlias = Literal["pip", "uv"]

LEVELS = ("global", "user", "site", "env")
"""pip's kinds of files, weakest first."""


class Configuration(Struct, frozen=True, kw_only=True):
    """A file with an installer's settings, as far as the Dockerfile says.

    Attributes:
        path: in the image; or the command that writes it.
        sources: the files of the build context that it may be, the most likely first.
        text: what a command or a heredoc writes into it, or None.
        certain: whether the image certainly has it.
    """

    path: str
    sources: tuple[str, ...] = ()
    text: str | None = None  # may hold passwords
    certain: bool = True

    __repr__ = repr_without("text")


def configuration_files(
    installer: Installer, program: str, environment: Mapping[str, str], home: str, directory: str
) -> Iterator[tuple[str, str]]:
    """Yield the level and path of each file where the installer looks, weakest first.

    pip looks beside its ``program``; uv in ``directory``, where it is started, and above.
    """
    homes = ("${HOME}", home)
    above = environment.get("XDG_CONFIG_HOME")
    folders = [above] if above else [f"{folder}/.config" for folder in homes]
    named = environment.get(f"{installer.upper()}_CONFIG_FILE", "")
    if named == "/dev/null":  # no configuration
        return
    if installer == "uv":
        if named:
            yield "env", named
            return
        yield "global", "/etc/uv/uv.toml"
        yield from (("user", f"{folder}/uv/uv.toml") for folder in folders)
        for each in filter(None, folders_above(directory)):
            yield from (("site", join(each, name)) for name in ("pyproject.toml", "uv.toml"))
        return
    yield from (("global", path) for path in ("/etc/xdg/pip/pip.conf", "/etc/pip.conf"))
    yield from (("user", f"{folder}/.pip/pip.conf") for folder in homes)
    yield from (("user", f"{folder}/pip/pip.conf") for folder in folders)
    started = posixpath.dirname(program)
    on_path = [] if started else environment.get("PATH", "").split(":")
    prefixes = [posixpath.dirname(folder) for folder in (started, *on_path) if folder[:1] == "/"]
    prefixes += [environment.get("VIRTUAL_ENV", "/usr"), "/usr/local", "/usr"]
    yield from (("site", f"{folder}/pip.conf") for folder in reversed(dict.fromkeys(prefixes)))
    if named:
        yield "env", named
