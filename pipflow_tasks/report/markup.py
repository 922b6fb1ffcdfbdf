"""Text as Markdown that shows it, whoever wrote it: GitHub Flavored Markdown.

It adds no markup, no link and no HTML, and addresses nobody. Only code within backticks stays code.
"""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

from .wording import show

if TYPE_CHECKING:
    from collections.abc import Iterable

_CODE = re.compile(r"(?<!`)`[^`]+`(?!`)")
"""A command or a line within a sentence of ours; what it holds is no markup."""
_ADDRESS = re.compile(r"(?:\b[a-z][a-z0-9+.-]*://|\bwww\.)[^\s`]+", re.IGNORECASE)
_SPECIAL = re.compile(r"[\\`*\[\]<>|~$#]|(?<![^\W_])_|_(?![^\W_])|&(?=[#\w])")
_OPENING = re.compile(r"\A([0-9]+(?=[.)](?:\s|\Z))|(?=[-+=]))")
"""What would begin a list, or underline a heading."""
_PIPE = re.compile(r"(?<!\\)((?:\\\\)*)\|")
_ADDRESSING = re.compile(r"(?<=@)(?=\S)|(?<=#)(?=\w)")
"""Where GitHub would find a person, an address or the number of an issue."""
_NOTHING = "&#8203;"
_IN_LINK = re.compile(r"[()<>|\\`\[\]\"']")


def as_markdown(text: str) -> str:
    """Return a text as Markdown that shows it: code of its own stays, all else is no markup."""
    shown = show(text).strip()
    parts: list[str] = []
    position = 0
    for found in _CODE.finditer(shown):
        parts += (_prose(shown[position : found.start()]), found[0])
        position = found.end()
    return _OPENING.sub(r"\1\\", _joined([*parts, _prose(shown[position:])]))


def as_cell(text: str) -> str:
    """Return a text as the Markdown of a cell: also in code, no bar ends it."""
    return _PIPE.sub(r"\1\\|", as_markdown(text))


def _prose(text: str) -> str:
    """Return a text without code as Markdown that shows it; an address becomes code, no link."""
    parts: list[str] = []
    position = 0
    for found in _ADDRESS.finditer(text):
        address = found[0].rstrip(".,;:)")
        parts += (_plain(text[position : found.start()]), f"`{address}`")
        position = found.start() + len(address)
    return _joined([*parts, _plain(text[position:])])


def _joined(parts: Iterable[str]) -> str:
    """Return parts as one text; those that end and begin with code do not become one."""
    joined = ""
    for part in parts:
        is_between = joined.endswith("`") and part.startswith("`")
        joined += f"{_NOTHING}{part}" if is_between else part
    return joined


def _plain(text: str) -> str:
    apart = _ADDRESSING.sub("\0", text)
    escaped = _SPECIAL.sub(lambda found: f"\\{found[0]}" if found[0] != "&" else "&amp;", apart)
    return escaped.replace("\0", _NOTHING)


def as_code(text: str) -> str:
    """Return a text that ``as_markdown`` shows as code, unless it holds what ends code."""
    return text if "`" in text else f"`{text}`"


def as_html(text: str) -> str:
    """Return a text as HTML that shows it."""
    return escape(show(text)).replace("@", f"@{_NOTHING}")


def as_link(url: str) -> str:
    """Return an address as the destination of a link."""
    return _IN_LINK.sub(lambda found: f"%{ord(found[0]):02X}", show(url))
