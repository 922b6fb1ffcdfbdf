"""The policy of a line: ``django==4.2.16  # pipflow: >=4.2,<5  keep the LTS``.

A policy is ``hold`` or a PEP 440 specifier set, which may have spaces after its commas. The next
space ends the policy; the rest of the comment is the user's.
"""

from __future__ import annotations

import re

from msgspec import Struct
from packaging.specifiers import InvalidSpecifier, SpecifierSet

_MARK = re.compile(r"#\s*pipflow:")


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
    mark = _MARK.search(comment)
    if mark is None:
        return None
    words = comment[mark.end() :].split()
    taken = words[:1]
    while taken and taken[-1].endswith(",") and len(taken) < len(words):
        taken.append(words[len(taken)])
    text = "".join(taken)
    if text == "hold":
        return Policy(text=text, specifier=SpecifierSet(), is_hold=True)
    try:
        specifier = SpecifierSet(text)
    except InvalidSpecifier:
        specifier = SpecifierSet()
    if not specifier:
        shown = " ".join(taken)
        raise ValueError(f'the policy "{shown}" is neither "hold" nor a specifier')
    return Policy(text=text, specifier=specifier, is_hold=False)


def bounds_pin(specifier: SpecifierSet) -> bool:
    """Return whether a specifier limits where a pin may move.

    An upper bound or an exclusion does; a lower bound alone or an exact version does not.
    """
    return any(
        clause.operator in {"<", "<=", "~=", "!="}
        or (clause.operator == "==" and clause.version.endswith(".*"))
        for clause in specifier
    )
