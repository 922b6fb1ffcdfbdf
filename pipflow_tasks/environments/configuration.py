"""What an install step's configuration files say, as far as the build context has them."""

from __future__ import annotations

import re
from configparser import Error, RawConfigParser
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..files import read

if TYPE_CHECKING:
    from pathlib import Path

    from ..dockerfile import Configuration, InstallCommand

_UV_INDEX = re.compile(
    r"^\s*(?:\[\[(?:tool\.uv\.)?index\]\]|(?:(?:extra-|default-)?index(?:-url)?|find-links)\s*=)",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Configured:
    """What configuration files say.

    Attributes:
        values: pip's settings, by the names of the variables that would say the same.
        unread: the files that may name an index and can't be read here.
    """

    values: dict[str, str] = field(repr=False)
    unread: tuple[str, ...]


def read_configuration(install: InstallCommand, context: Path) -> Configured:
    """Read the configuration of an install step; uv's is looked through for indexes alone.

    Raises:
        FileError: a file of the build context can't be read.
    """
    sections: dict[str, dict[str, str]] = {"global": {}, install.command: {}}
    unread: list[str] = []
    for file in install.configuration:
        text = _text_of(file, context)
        if text is None:
            unread.extend([file.path] if file.certain else [])
        elif install.installer == "uv":
            unread.extend([file.path] if _UV_INDEX.search(text) else [])
        else:
            parser = RawConfigParser(strict=False)
            try:
                parser.read_string(text)
            except Error:
                unread.append(file.path)
            for name, values in sections.items():
                values.update(parser[name] if parser.has_section(name) else {})
    return Configured(
        values={
            f"PIP_{name.upper().replace('-', '_')}": value
            for values in sections.values()
            for name, value in values.items()
        },
        unread=tuple(dict.fromkeys(unread)),
    )


def _text_of(file: Configuration, context: Path) -> str | None:
    for source in file.sources:
        path = context / source
        data = read(path, shown=source) if path.is_file() else None
        if data is not None:
            return data.decode("utf-8-sig", "replace")
    return file.text
