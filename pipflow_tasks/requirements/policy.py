"""The policy of a line: ``django==4.2.16  # pipflow: >=4.2,<5  keep the LTS``.

A policy is ``hold`` or a PEP 440 specifier set, which may have spaces after its commas. The next
space ends the policy; the rest of the comment is the user's.
"""

from __future__ import annotations

import re

from msgspec import Struct
from packaging.specifiers import Specifier, SpecifierSet

from ..values import require_short_numbers
from .via import read_via

_MARK = re.compile(r"#\s*pipflow:")
_FOREIGN_MARK = re.compile(r"(?<!\S)#\s*(?:pyup|rq\.filter|renovate|dependabot):", re.IGNORECASE)
_WORD = re.compile(r"\S+")


class Policy(Struct, frozen=True, kw_only=True):
    """A limit on where a pin may move.

    Attributes:
        text: the policy as the comment writes it, without spaces.
        specifier: the versions that are allowed; empty for ``hold``.
        is_hold: whether the pin must not move at all.
    """

    text: str
    specifier: SpecifierSet
    is_hold: bool


def read_policy(comment: str) -> Policy | None:
    """Return the policy in a comment, if there is one.

    Raises:
        ValueError: the policy is malformed.
    """
    span = _find_policy(comment)
    if span is None:
        return None
    words = comment[slice(*span)].split()
    text = "".join(words)
    if text == "hold":
        return Policy(text=text, specifier=SpecifierSet(), is_hold=True)
    try:
        specifier = SpecifierSet(require_short_numbers(text))
    except ValueError:
        specifier = SpecifierSet()
    if not specifier:
        shown = " ".join(words)
        raise ValueError(f'the policy "{shown}" is neither "hold" nor a specifier')
    return Policy(text=text, specifier=specifier, is_hold=False)


def begins_with_policy(comment: str) -> bool:
    """Return whether the first thing in a comment is the mark of a policy."""
    return _MARK.match(comment) is not None


def read_foreign_policy(comment: str) -> tuple[str, str] | None:
    """Return a comment with which another tool limits a line, and the policy that says the same.

    These are ``# pyup: <2`` and ``# rq.filter: <2``, and ``ignore`` behind the name of a tool.
    Anything else that tools write into comments is none.
    """
    span = _find_policy(comment, _FOREIGN_MARK)
    if span is None:
        return None
    start = comment.rindex("#", 0, span[0])
    shown = comment[start : span[1]]
    text = "".join(comment[slice(*span)].split())
    if text == "ignore":
        return shown, "hold"
    try:
        is_limit = bool(SpecifierSet(require_short_numbers(text)))
    except ValueError:
        is_limit = False
    return (shown, text) if is_limit else None


def change_policy(comment: str, text: str) -> str:
    """Return a comment with this policy: in place of the one it has, else before the rest of it.

    ``# via flask`` begins a comment in any case, and so does a word for a tool such as Renovate,
    which looks for it there alone.
    """
    span = _find_policy(comment)
    if span is not None:
        start, stop = span
        gap = "" if start < stop else " "
        return f"{comment[:start]}{gap}{text}{comment[stop:]}"
    if read_via(comment) or _FOREIGN_MARK.match(comment):
        return f"{comment}  # pipflow: {text}"
    return f"# pipflow: {text}  {comment}".rstrip()


def _find_policy(comment: str, mark: re.Pattern[str] = _MARK) -> tuple[int, int] | None:
    """Return where the text of a policy begins and ends in a comment, behind a mark."""
    found = mark.search(comment)
    if found is None:
        return None
    start = stop = found.end()
    for word in _WORD.finditer(comment, found.end()):
        start, stop = word.start() if start == stop else start, word.end()
        if not word[0].endswith(","):
            break
    return start, stop


def split_clauses(specifier: str) -> tuple[str, ...]:
    """Return the clauses of a specifier as they were typed, without spaces."""
    clauses = "".join(specifier.strip(" ()").split()).split(",")
    return tuple(clause for clause in clauses if clause)


def bounds_pin(clause: str) -> bool:
    """Return whether a clause can hold a newer version back, so that it becomes a policy.

    An upper bound or an exclusion does; a lower bound or an exact version does not.
    """
    return clause.startswith("!=") or caps_pin(clause)


def caps_pin(clause: str) -> bool:
    """Return whether a clause excludes every version from some version on."""
    read = Specifier(clause)
    return read.operator in {"<", "<=", "~="} or (
        read.operator == "==" and read.version.endswith(".*")
    )
