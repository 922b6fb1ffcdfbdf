"""Addresses as files have them: what they stand for, and how messages show them."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import quote, urljoin

from msgspec import Struct

from ..errors import UsageError, redact
from ..requirements import expand_variables

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE = re.compile(r"\$\{(\w+)\}")


class Address(Struct, frozen=True, kw_only=True):
    """A file that stands somewhere else; it counts as it stands there.

    Attributes:
        url: where; it may hold credentials. Empty where only the image can ask.
        shown: the same as messages have it.
        place: who names it.
        constrains: by ``-c``; else by ``-r``.
    """

    url: str
    shown: str
    place: str
    constrains: bool

    @classmethod
    def from_text(
        cls, text: str, *, place: str, constrains: bool, variables: Mapping[str, str]
    ) -> Address:
        """Read what a file has."""
        return cls(
            url=find_address(text, variables),
            shown=show_address(text, variables),
            place=place,
            constrains=constrains,
        )

    def include(
        self, text: str, *, place: str, constrains: bool, variables: Mapping[str, str]
    ) -> Address:
        """Read what the file at this address has; it is relative to it, as for pip."""
        url = expand_address(text, variables)
        shown = show_address(text, variables)
        with suppress(ValueError):  # of urllib's: it is no address, and can't be asked
            url, shown = urljoin(self.url, url), urljoin(self.shown, shown)
        return Address(
            url=find_address(url, {}),
            shown=shown,
            place=place,
            constrains=constrains or self.constrains,
        )


def expand_address(text: str, variables: Mapping[str, str]) -> str:
    """Put the values of variables in; blanks, which no address has, are written as in one."""
    url = expand_variables(text, variables)
    return re.sub(r"[\x00-\x20]", lambda found: quote(found[0]), url)


def find_address(text: str, variables: Mapping[str, str]) -> str:
    """Return the address that a text is, if it can be asked from here; else an empty string."""
    url = expand_address(text, variables)
    can_be_asked = url.lower().startswith(("http://", "https://")) and not set("$`") & set(url)
    return url if can_be_asked else ""


def show_address(text: str, variables: Mapping[str, str]) -> str:
    """Return an address for messages: without credentials and without the values of variables."""
    shown = redact(expand_address(text, variables))
    for name in VARIABLE.findall(text):
        value = expand_address(variables.get(name, ""), {})
        if value and "://" not in value:  # else it is the address itself
            shown = re.sub(
                rf"(?<![A-Za-z0-9]){re.escape(value)}(?![A-Za-z0-9])",
                lambda _, name=name: f"${{{name}}}",  # type: ignore[misc]
                shown,
            )
    return shown


def unset_variable(text: str, variables: Mapping[str, str]) -> str:
    """Return the first variable of a text that has no value, as it is written, or nothing."""
    found = VARIABLE.search(expand_variables(text, variables))
    return found[0] if found else ""


def unset_error(place: str, what: str, variable: str) -> UsageError:
    """Return the error for a variable of an address that has no value."""
    return UsageError(
        f"{place}: {what} uses {variable}, which is not set",
        hint="set it in the environment; its value is neither written nor printed",
    )
