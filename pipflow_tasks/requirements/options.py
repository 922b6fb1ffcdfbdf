"""pip's options in requirements files, read with the standard library's optparse, as pip does.

So abbreviations, ``--option=value``, ``--option value`` and ``-ovalue`` mean the same as in pip.
"""

from __future__ import annotations

import shlex
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn

from ..values import Pattern

if TYPE_CHECKING:
    from optparse import Option, OptionParser

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
OF_REQUIREMENTS = frozenset({"--hash", "--config-settings", "--global-option", "--install-option"})
"""The options that belong to a requirement: on a line without one pip ignores them."""
OF_FORMATS = frozenset({"--no-binary", "--only-binary"})
"""The options of whole files that pip heeds also behind a requirement."""
OF_PLACES = frozenset({"--index-url", "--extra-index-url", "--find-links", "--no-index"})
"""The options that say where to look."""
_FLAGS = ("--no-index", "--pre", "--prefer-binary", "--require-hashes", "--no-require-hashes")
MOST_OPTIONS = 1 << 17
"""How many characters of options a line may have."""
_HASH_ALGORITHMS = ("sha256", "sha384", "sha512")


HASH = Pattern(r"""(?<!\S)(--hash(?:=|\s+)["']?)([^\s"']+)(["']?)""")
"""A hash behind a requirement: the option, the digest, and the quote that closes it."""


def split_options(content: str) -> tuple[str, str]:
    """Split before the first word that begins with ``-``; only spaces separate words."""
    if content.startswith("-"):
        return "", content
    place = content.find(" -")
    return (content, "") if place < 0 else (content[:place].rstrip(), content[place + 1 :])


def read_options(text: str) -> tuple[tuple[str, str], ...]:
    """Read options: long names with their values, ``""`` for a flag, in the order of the text.

    Raises:
        ValueError: pip would refuse them, or they are too long.
    """
    if not text:
        return ()
    if len(text) > MOST_OPTIONS:
        raise ValueError(f"its options have more than {MOST_OPTIONS:,} characters")
    seen: list[tuple[str, str]] = []
    _parse(shlex.split(text), seen)
    return tuple(seen)


def find_named(text: str) -> frozenset[str]:
    """Return the long names of the options in a text that pip refuses as a whole."""
    try:
        words = shlex.split(text) if len(text) <= MOST_OPTIONS else text.split()
    except ValueError:  # quotes that are not closed
        words = text.split()
    seen: list[tuple[str, str]] = []
    for place in range(len(words)):
        if words[place].startswith("-"):
            with suppress(ValueError):
                _parse(words[place : place + 2], seen)  # it has one value at most
    return frozenset(name for name, _ in seen)


def _parse(words: list[str], seen: list[tuple[str, str]]) -> None:
    """Read words as options, and append what is seen on the way to the first error."""
    parser = _parser()
    values = parser.get_default_values()
    values.seen = seen
    parser.parse_args(words, values)


def _require_hash(value: str) -> None:
    algorithm, colon, _ = value.partition(":")
    if not colon:
        raise ValueError(f"--hash={value} is not of the form ALGORITHM:DIGEST")
    if algorithm not in _HASH_ALGORITHMS:
        raise ValueError(f"pip accepts no {algorithm} hashes, only {', '.join(_HASH_ALGORITHMS)}")


@cache
def _parser() -> OptionParser:
    from optparse import OptionParser  # most files have no options

    class Parser(OptionParser):
        def error(self, msg: str) -> NoReturn:
            raise ValueError(msg)

    def record(option: Option, _: str, value: str | None, parser: Any) -> None:
        name = option.get_opt_string()
        if name == "--hash":
            _require_hash(value or "")
        if name == "--config-settings" and "=" not in (value or ""):
            raise ValueError(f"--config-settings {value} is not of the form KEY=VALUE")
        parser.values.seen.append((name, value or ""))

    parser = Parser(add_help_option=False, prog="pip")
    for names in _WITH_VALUE:
        parser.add_option(*names, action="callback", callback=record, type="string", nargs=1)
    for name in _FLAGS:
        parser.add_option(name, action="callback", callback=record)
    return parser
