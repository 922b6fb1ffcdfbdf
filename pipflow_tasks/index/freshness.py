"""How long an answer may be used without asking again, as a private cache has it (RFC 9111)."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MOST_SECONDS = 86_400.0
"""How long a page counts as fresh at most, whatever the server says."""


class Freshness(Struct, frozen=True, array_like=True):
    """Until when an answer is fresh, and how to ask whether it is still the same.

    Attributes:
        asked: when it was asked for, in seconds since 1970.
        expires: when it is no longer fresh.
        etag: the header, or an empty string.
        modified: the header Last-Modified, or an empty string.
    """

    asked: float
    expires: float
    etag: str = ""
    modified: str = ""

    def is_fresh(self, now: float) -> bool:
        """Return whether nothing need be asked; a clock that was set back says nothing."""
        return self.asked <= now < min(self.expires, self.asked + MOST_SECONDS)

    @property
    def validators(self) -> dict[str, str]:
        """The headers of a request that a server may answer with 304."""
        found = {"If-None-Match": self.etag, "If-Modified-Since": self.modified}
        return {name: value for name, value in found.items() if value}

    def confirms(self, headers: Mapping[str, str]) -> bool:
        """Return whether an answer 304 with these headers is about the same page."""
        etag, modified = headers.get("ETag", ""), headers.get("Last-Modified", "")
        if self.etag and etag:
            return etag.removeprefix("W/") == self.etag.removeprefix("W/")
        return not (self.modified and modified) or self.modified == modified


def read_freshness(headers: Mapping[str, str], asked: float) -> Freshness | None:
    """Return what the headers of an answer say, or None if it must not be stored.

    ``asked`` is when the request was sent, in seconds since 1970. An answer that says nothing is
    not fresh at any time; one without validators either is not worth storing.
    """
    said = dict(_directives(headers.get("Cache-Control", "")))
    if "no-store" in said or "*" in headers.get("Vary", ""):
        return None
    found = Freshness(
        asked=asked,
        expires=asked + (0.0 if "no-cache" in said else _lifetime(headers, said)),
        etag=headers.get("ETag", ""),
        modified=headers.get("Last-Modified", ""),
    )
    return found if found.validators or found.expires > asked else None


def _directives(text: str) -> Iterator[tuple[str, str]]:
    for part in text.split(","):
        name, _, value = part.partition("=")
        yield name.strip().lower(), value.strip().strip('"')


def _lifetime(headers: Mapping[str, str], said: Mapping[str, str]) -> float:
    """Return for how many seconds an answer is fresh."""
    if "max-age" in said:
        age = headers.get("Age", "0").strip()
        if not (said["max-age"].isascii() and said["max-age"].isdecimal() and age.isdecimal()):
            return 0.0
        return max(0.0, float(said["max-age"]) - float(age))
    try:
        expires, date = (parsedate_to_datetime(headers[name]) for name in ("Expires", "Date"))
        return max(0.0, (expires - date).total_seconds())
    except (LookupError, ValueError, TypeError):
        return 0.0
