"""Until when Pythons and releases of distributions get security fixes.

Sources, as of November 2026: the Python developers guide, "Status of Python versions"
(a month there is its last day here); Debian's LTS page (the end of long-term support, not of the
paid extension); Ubuntu's release cycle (the end of standard support, which ends with the month);
Alpine's releases page; the CentOS project; the Amazon Linux FAQs. What is not listed goes on, or is
not known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from ..values import Pattern

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

PYTHONS: Mapping[str, str] = {
    "3.6": "2021-12-23", "3.7": "2023-06-27", "3.8": "2024-10-07", "3.9": "2025-10-31",
    "3.10": "2026-10-31", "3.11": "2027-10-31", "3.12": "2028-10-31", "3.13": "2029-10-31",
    "3.14": "2030-10-31", "3.15": "2031-10-31",
}  # fmt: skip
DEBIANS: Mapping[str, str] = {
    "jessie": "2020-06-30", "stretch": "2022-06-30", "buster": "2024-06-30",
    "bullseye": "2026-08-31", "bookworm": "2028-06-30", "trixie": "2030-06-30",
}  # fmt: skip
UBUNTUS: Mapping[str, tuple[str, str]] = {
    "16.04": ("xenial", "2021-04-30"), "18.04": ("bionic", "2023-05-31"),
    "20.04": ("focal", "2025-05-31"), "22.04": ("jammy", "2027-04-30"),
    "24.04": ("noble", "2029-04-30"), "26.04": ("resolute", "2031-04-30"),
}  # fmt: skip
ALPINES: Mapping[str, str] = {
    "3.8": "2020-05-01", "3.9": "2020-11-01", "3.10": "2021-05-01", "3.11": "2021-11-01",
    "3.12": "2022-05-01", "3.13": "2022-11-01", "3.14": "2023-05-01", "3.15": "2023-11-01",
    "3.16": "2024-05-23", "3.17": "2024-11-22", "3.18": "2025-05-09", "3.19": "2025-11-01",
    "3.20": "2026-04-01", "3.21": "2026-11-01", "3.22": "2027-05-01", "3.23": "2027-11-01",
}  # fmt: skip
_OTHERS: tuple[tuple[str, str, str], ...] = (
    ("CentOS 7", r"centos[-:]?7(?:\.[0-9.]+)?", "2024-06-30"),
    ("CentOS 8", r"centos[-:]?8(?:\.[0-9.]+)?", "2021-12-31"),
    ("Amazon Linux 2", r"amazonlinux:2(?:\.0\.[0-9.]+)?|al2", "2026-06-30"),
)
_SOON_DAYS = 183
"""What ends within half a year is not recommended."""


class Lifetime(Struct, frozen=True, kw_only=True):
    """A Python or a release of a distribution, and its last day with security fixes.

    Attributes:
        name: what messages call it, ``Debian bullseye``.
        word: matches what names of images say of it.
        ends: as ``2026-08-31``.
        tag: the same in a tag that may name another release in its place; or empty.
    """

    name: str
    word: Pattern
    ends: str
    tag: str = ""


def _word(pattern: str) -> Pattern:
    return Pattern(rf"(?<![a-z0-9.])(?:{pattern})(?![a-z0-9])")


RELEASES: tuple[Lifetime, ...] = (
    *(
        Lifetime(
            name=f"Debian {number} ({name})",
            word=_word(rf"{name}|debian[-:]?{number}(?:\.[0-9]+)?"),
            ends=ends,
            tag=name,
        )
        for number, (name, ends) in enumerate(DEBIANS.items(), start=8)
    ),
    *(
        Lifetime(
            name=f"Ubuntu {number}",
            word=_word(rf"{name}|ubuntu[-:]?{number.replace('.', '[.]')}"),
            ends=ends,
            tag=number,
        )
        for number, (name, ends) in UBUNTUS.items()
    ),
    *(
        Lifetime(
            name=f"Alpine {number}",
            word=_word(rf"alpine[-:]?v?{number.replace('.', '[.]')}(?:[.][0-9]+)?"),
            ends=ends,
            tag=number,
        )
        for number, ends in ALPINES.items()
    ),
    *(Lifetime(name=name, word=_word(word), ends=ends) for name, word, ends in _OTHERS),
)


def find_release(image: str) -> Lifetime | None:
    """Return the release of a distribution that an image's name says, in lower case."""
    return next((each for each in RELEASES if each.word.search(image)), None)


def is_ended(ends: str, today: date) -> bool:
    """Return whether the last day with security fixes is over."""
    return ends < today.isoformat()


def next_supported(lifetimes: Mapping[str, str], after: str, today: date) -> str:
    """Return the first after one of them that has half a year left, else the last one."""
    names = [*lifetimes]
    day = today.toordinal() + _SOON_DAYS
    later = [
        name
        for name in names[names.index(after) + 1 :]
        if lifetimes[name] > today.fromordinal(day).isoformat()
    ]
    return [*later, names[-1]][0]
