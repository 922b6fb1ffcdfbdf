"""What an install step's configuration files say, as far as the build context has them."""

from __future__ import annotations

import re
from configparser import Error, RawConfigParser
from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec import Struct

from ..files import read_text
from ..values import repr_without

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from ..dockerfile import Configuration, InstallCommand

_UV_INDEX = re.compile(
    r"^\s*(?:\[\[(?:tool\.uv\.)?index\]\]|(?:(?:extra-|default-)?index(?:-url)?|find-links)\s*=)",
    re.MULTILINE,
)


class Configured(Struct, frozen=True, kw_only=True):
    """What configuration files say.

    Attributes:
        values: pip's settings, by the names of the variables that would say the same.
        unread: the files that may name an index and can't be read here.
    """

    values: Mapping[str, str]
    unread: tuple[str, ...]

    __repr__ = repr_without("values")


def read_texts(files: Iterable[tuple[Configuration, Path]]) -> dict[Path, str]:
    """Return what configuration files say that build contexts have, each read once.

    Args:
        files: the files, each with the folder that is its build context.

    Raises:
        FileError: one of them can't be read.
    """
    sources = {context / source: source for file, context in files for source in file.sources}
    found = {
        path: read_text(path, shown=source, errors="replace")
        for path, source in sources.items()
        if path.is_file()
    }
    return {path: text for path, text in found.items() if text is not None}


def read_configuration(
    install: InstallCommand, context: Path, texts: Mapping[Path, str]
) -> Configured:
    """Read the configuration of an install step; uv's is looked through for indexes alone.

    Args:
        install: the step.
        context: the folder that is its build context.
        texts: what the files there say, by their paths.
    """
    sections: dict[str, dict[str, str]] = {"global": {}, install.command: {}}
    unread: list[str] = []
    for file in install.configuration:
        paths = (context / source for source in file.sources)
        text = next((texts[path] for path in paths if path in texts), file.text)
        if text is None:
            unread.extend([file.path] if file.certain else [])
        elif install.installer == "uv":
            unread.extend([file.path] if _UV_INDEX.search(text) else [])
        else:
            parser, is_whole = _parse(text)
            unread.extend([] if is_whole else [file.path])
            for name, values in sections.items():
                values.update(parser[name] if parser.has_section(name) else {})
    return Configured(
        values=MappingProxyType(
            {
                f"PIP_{name.upper().replace('-', '_')}": value
                for values in sections.values()
                for name, value in values.items()
            }
        ),
        unread=tuple(dict.fromkeys(unread)),
    )


def _parse(text: str) -> tuple[RawConfigParser, bool]:
    """Return what a file of pip's says, and whether all of it could be read."""
    parser = RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except Error:
        return parser, False
    return parser, True
