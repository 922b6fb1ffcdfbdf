"""What a value leaves out when it is shown, compared or hashed; and which texts can be one.

``msgspec.Struct`` takes every field; these are assigned to ``__repr__``, ``__eq__`` and
``__hash__`` in the body of a class.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from msgspec import Struct


_LONG_NUMBER = re.compile(r"\d{1001}")


def require_short_numbers(text: str) -> str:
    """Return a text that is about to be read as versions, or requirements.

    Raises:
        ValueError: it has a number that is so long that Python refuses to read it, but only once
            the version is compared with another.
    """
    if _LONG_NUMBER.search(text):
        raise ValueError("it has a number of more than 1,000 digits")
    return text


def join_words(words: Sequence[str]) -> str:
    """Return words as a list in a sentence: ``one, two and three``."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def in_brackets(extras: Collection[str]) -> str:
    """Return extras as a requirement has them behind its name: ``[one,two]``, or nothing."""
    return f"[{','.join(sorted(extras))}]" if extras else ""


_UNITS = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


def say_size(size_bytes: int) -> str:
    """Return a size in a decimal unit: ``1.96 GB``, ``899 MB``."""
    for factor, unit in _UNITS:
        if abs(size_bytes) >= factor:
            size = size_bytes / factor
            return f"{size:.{2 if unit == 'GB' else int(abs(size) < 10)}f} {unit}"
    return f"{size_bytes} B"


_SIZE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)\s*(b|[kmg]i?b)", re.IGNORECASE)
_FACTORS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}


def read_size(text: str) -> int:
    """Return a size such as ``200MB``, ``1.5 GB`` or ``512MiB``, in bytes.

    Raises:
        ValueError: it is none, or has no unit.
    """
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text} is no size")
    return int(float(found[1]) * _FACTORS[found[2].lower()[:-1]])


def repr_without(*names: str) -> Callable[[Any], str]:
    """Return a ``__repr__`` that leaves fields out: they may hold passwords."""

    def show(value: Struct) -> str:
        told = ", ".join(f"{name}={each!r}" for name, each in _fields(value, names))
        return f"{type(value).__name__}({told})"

    return show


def hash_without(*names: str) -> Callable[[Any], int]:
    """Return a ``__hash__`` that leaves fields out: they have none of their own."""
    return lambda value: hash(tuple(_fields(value, names)))


def equal_without(*names: str) -> Callable[[Any, object], bool]:
    """Return an ``__eq__`` that leaves fields out; the class needs a ``__hash__`` as well."""

    def is_equal(value: Struct, other: object) -> bool:
        return type(other) is type(value) and _fields(value, names) == _fields(other, names)

    return is_equal


def _fields(value: Any, without: tuple[str, ...]) -> list[tuple[str, Any]]:
    kept = (name for name in value.__struct_fields__ if name not in without)
    return [(name, getattr(value, name)) for name in kept]


_PLURALS = {"needs": "need", "has": "have", "was": "were", "is": "are", "does": "do"}


def as_plural(reason: str) -> str:
    """Return the end of a sentence about one version as one about several."""
    verb, space, rest = reason.partition(" ")
    return f"{_PLURALS.get(verb, verb)}{space}{rest}"


class Pattern:
    """A regular expression that is compiled when it is first used: a command uses few of ours."""

    def __init__(self, text: str, flags: int = 0) -> None:
        self.text = text
        self.flags = flags

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        """The compiled expression."""
        return re.compile(self.text, self.flags)

    def search(self, text: str) -> re.Match[str] | None:
        """Find it anywhere in a text."""
        return self.compiled.search(text)

    def match(self, text: str) -> re.Match[str] | None:
        """Match the start of a text."""
        return self.compiled.match(text)

    def fullmatch(self, text: str) -> re.Match[str] | None:
        """Match a whole text."""
        return self.compiled.fullmatch(text)

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        """Yield its matches."""
        return self.compiled.finditer(text)

    def sub(self, replacement: str, text: str) -> str:
        """Replace its matches."""
        return self.compiled.sub(replacement, text)


def without_credentials(url: str) -> str:
    """Return an address without user, password and last slash, to compare it or to name it."""
    scheme, mark, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{mark}{host.rpartition('@')[2]}{slash}{path}".rstrip("/")
