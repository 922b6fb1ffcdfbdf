"""pip's options in requirements files, read with pip's own parser: the standard library's optparse.

So abbreviations, ``--option=value``, ``--option value`` and ``-ovalue`` mean what they mean to pip.
"""

from __future__ import annotations

import shlex
from functools import cache
from optparse import OptionParser
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from optparse import Option

_WITH_VALUE = (
    ("-i", "--index-url", "--pypi-url"),
    ("--extra-index-url",),
    ("-f", "--find-links"),
    ("-r", "--requirement"),
    ("-c", "--constraint"),
    ("-e", "--editable"),
    ("--no-binary",),
    ("--only-binary",),
    ("--trusted-host",),
    ("--use-feature",),
    ("--hash",),
    ("-C", "--config-settings", "--config-setting"),
    ("--global-option",),
    ("--install-option",),
    ("--all-releases",),
    ("--only-final",),
)
_FLAGS = ("--no-index", "--pre", "--prefer-binary", "--require-hashes")


def split_options(content: str) -> tuple[str, str]:
    """Cut before the first word that begins with ``-``; words are parted by single blanks."""
    if content.startswith("-"):
        return "", content
    place = content.find(" -")
    return (content, "") if place < 0 else (content[:place].rstrip(), content[place + 1 :])


def read_options(text: str) -> tuple[tuple[str, str], ...]:
    """Read options: long names with their values, ``""`` for a flag, in the order of the text.

    Raises:
        ValueError: pip would not take them.
    """
    if not text:
        return ()
    parser = _parser()
    values = parser.get_default_values()
    values.seen = []
    parser.parse_args(shlex.split(text), values)
    return tuple(values.seen)


class _Parser(OptionParser):
    def error(self, msg: str) -> NoReturn:
        raise ValueError(msg)


@cache
def _parser() -> _Parser:
    def record(option: Option, _: str, value: str | None, parser: Any) -> None:
        parser.values.seen.append((option.get_opt_string(), value or ""))

    parser = _Parser(add_help_option=False, prog="pip")
    for names in _WITH_VALUE:
        parser.add_option(*names, action="callback", callback=record, type="string", nargs=1)
    for name in _FLAGS:
        parser.add_option(name, action="callback", callback=record)
    return parser
