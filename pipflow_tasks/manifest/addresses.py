"""Addresses in requirements files: with variables expanded, and as messages show them."""

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

    from ..requirements import Line

VARIABLE = re.compile(r"\$\{(\w+)\}")


class Address(Struct, frozen=True, kw_only=True):
    """A requirements file at an address.

    Attributes:
        url: may hold credentials. Empty where only the image can ask.
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
        """Read an address as a local file has it."""
        return cls(
            url=find_address(text, variables),
            shown=show_address(text, variables),
            place=place,
            constrains=constrains,
        )

    def included(self, line: Line, variables: Mapping[str, str]) -> list[Address]:
        """Return what a line of the file at this address includes, relative to it as for pip."""
        found: list[Address] = []
        for text, constrains in line.includes:
            url, shown = expand_address(text, variables), show_address(text, variables)
            with suppress(ValueError):  # no valid address for urllib
                url, shown = urljoin(self.url, url), urljoin(self.shown, shown)
            found.append(
                Address(
                    url=find_address(url, {}),
                    shown=shown,
                    place=line.place,
                    constrains=constrains or self.constrains,
                )
            )
        return found


def expand_address(text: str, variables: Mapping[str, str]) -> str:
    """Expand variables, and percent-encode blanks."""
    url = expand_variables(text, variables)
    return re.sub(r"[\x00-\x20]", lambda found: quote(found[0]), url)


def find_address(text: str, variables: Mapping[str, str]) -> str:
    """Return the address in a text if it can be asked from here, else an empty string."""
    url = expand_address(text, variables)
    can_be_asked = url.lower().startswith(("http://", "https://")) and not set("$`") & set(url)
    return url if can_be_asked else ""


def show_address(text: str, variables: Mapping[str, str]) -> str:
    """Return an address for messages: without credentials and without the values of variables."""
    return redact(expand_address(text, variables), values_of(text, variables))


def values_of(text: str, variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of an address as it has them (``${NAME}``), by their values."""
    given = {
        expand_address(variables.get(name, ""), {}): f"${{{name}}}"
        for name in VARIABLE.findall(text)
    }
    return {value: name for value, name in given.items() if value and "://" not in value}


def unset_variable(text: str, variables: Mapping[str, str]) -> str:
    """Return the first variable without value as it is written, or an empty string."""
    found = VARIABLE.search(expand_variables(text, variables))
    return found[0] if found else ""


def unset_error(place: str, what: str, variable: str) -> UsageError:
    """Return the error for a variable of an address that has no value."""
    return UsageError(
        f"{place}: {what} uses {variable}, which is not set",
        hint="set it in the environment; its value is neither written nor printed",
    )
