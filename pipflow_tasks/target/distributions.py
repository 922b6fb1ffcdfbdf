"""Linux distributions: their C library, and the Python 3 and pip of their own packages.

Sources: the package lists of each release. A Python without a patch level moves with updates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from ..values import Pattern
from .image_facts import (
    ALPINE,
    ALPINE_BEGUN,
    ALPINE_DROPPED,
    ALPINE_LAST_MUSL_1_1,
    ALPINE_LAST_PY_PIP_2,
    DEBIAN_BEGUN,
    DEBIAN_DROPPED,
    DEBIAN_LIBC,
    NEVER,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


class Distribution(Struct, frozen=True, kw_only=True):
    """A release of a distribution.

    Attributes:
        word: how image names call it.
        parts: each such name has one of these in it, which is faster to see.
        libc: ``glibc 2.36``, ``musl 1.2``.
        python: of its package ``python3``; empty where that is none that is served here.
        pip: of its package of pip, or empty.
        has_alternatives: another package may be its ``python3``, or its ``pip`` that of Python 2.
        dropped: from which day the official image of Python was built on it no more.
        begun: from which day it was, or empty.
    """

    word: Pattern
    libc: str
    parts: tuple[str, ...] = ("",)
    python: str = ""
    pip: str = ""
    has_alternatives: bool = False
    dropped: str = NEVER
    begun: str = ""


def _word(pattern: str) -> Pattern:
    return Pattern(rf"(?<![a-z0-9])(?:{pattern})(?![a-z0-9])")


_DEBIAN_PYTHONS: Mapping[str, tuple[str, str]] = {
    "buster": ("3.7.3", "18.1"),
    "bullseye": ("3.9.2", "20.3.4"),
    "bookworm": ("3.11.2", "23.0.1"),
    "trixie": ("3.13.5", "25.1.1"),
}
_FEDORA: Mapping[int, tuple[str, str]] = {  # glibc and Python; pip is new enough for any wheel
    32: ("2.31", "3.8"), 33: ("2.32", "3.9"), 34: ("2.33", "3.9"), 35: ("2.34", "3.10"),
    36: ("2.35", "3.10"), 37: ("2.36", "3.11"), 38: ("2.37", "3.11"), 39: ("2.38", "3.12"),
    40: ("2.39", "3.12"), 41: ("2.40", "3.13"), 42: ("2.41", "3.13"), 43: ("2.42", "3.14"),
    44: ("2.43", "3.14"),
}  # fmt: skip
_ALPINE: Mapping[int, tuple[str, str]] = {
    8: ("3.6", "10.0.1"), 9: ("3.6", "18.1"), 10: ("3.7", "18.1"), 11: ("3.8", "19.2.3"),
    12: ("3.8", "20.1.1"), 13: ("3.8", "20.3.4"), 14: ("3.9", "20.3.4"), 15: ("3.9", "20.3.4"),
    16: ("3.10", "22.1.1"), 17: ("3.10", "22.3.1"), 18: ("3.11", "23.1.2"), 19: ("3.11", "23.3.1"),
    20: ("3.12", "24.0"), 21: ("3.12", "24.3.1"), 22: ("3.12", "25.1.1"),
    23: ("3.12", "25.1.1"), 24: ("3.14", "26.1.2"),
}  # fmt: skip


def _name_redhat(number: int) -> Pattern:
    names = rf"(?:ubi|rhel|c|(?:rocky|alma|oracle)linux[-:]?){number}s?(?:\.[0-9]+)?"
    return _word(rf"{names}|(?:rockylinux|almalinux|oraclelinux|ubi)[\w/-]*:{number}(?:\.[0-9]+)?")


DISTRIBUTIONS: tuple[Distribution, ...] = (
    *(
        Distribution(
            word=_word(rf"{name}|debian[-:]?{number}"),
            parts=(name, "debian"),
            libc=libc,
            python=_DEBIAN_PYTHONS.get(name, ("", ""))[0],
            pip=_DEBIAN_PYTHONS.get(name, ("", ""))[1],
            dropped=DEBIAN_DROPPED.get(name, NEVER),
            begun=DEBIAN_BEGUN.get(name, ""),
        )
        for number, (name, libc) in enumerate(DEBIAN_LIBC.items(), start=8)
    ),
    *(
        Distribution(
            word=_word(rf"{name}|ubuntu[-:]?{number}|ros:(?:{ros})(?!.*l4t)"),
            parts=(name, "ubuntu", "ros:"),
            libc=f"glibc {libc}",
            python=python,
            pip=pip,
        )
        for name, number, libc, python, pip, ros in (
            ("bionic", r"18\.04", "2.27", "3.6.9", "9.0.1", "melodic"),
            ("focal", r"20\.04", "2.31", "3.8.10", "20.0.2", "noetic|foxy|galactic"),
            ("jammy", r"22\.04", "2.35", "3.10.12", "22.0.2", "humble|iron"),
            ("noble", r"24\.04", "2.39", "3.12.3", "24.0", "jazzy|kilted"),
            ("resolute", r"26\.04", "2.43", "3.14.4", "25.1.1", "none yet"),
        )
    ),
    Distribution(
        word=_word(r"amazonlinux:2(?:\.0\.[0-9.]+)?|al2"),
        parts=("amazonlinux", "al2"),
        libc="glibc 2.26",
        python="3.7",
        pip="20.2.2",
    ),
    Distribution(
        word=_word(r"amazonlinux:2023(?:\.[0-9.]+)?|al2023"),
        parts=("2023",),
        libc="glibc 2.34",
        python="3.9",
        pip="21.3.1",
    ),
    Distribution(
        word=_word(r"centos[-:]?7(?:\.[0-9.]+)?"),
        parts=("centos",),
        libc="glibc 2.17",
        python="3.6.8",
        pip="9.0.3",
    ),
    Distribution(
        word=_name_redhat(8),
        parts=("8",),
        libc="glibc 2.28",
        python="3.6.8",
        pip="9.0.3",
        has_alternatives=True,
    ),
    Distribution(word=_name_redhat(9), parts=("9",), libc="glibc 2.34", python="3.9", pip="21.2.3"),
    Distribution(
        word=_name_redhat(10), parts=("10",), libc="glibc 2.39", python="3.12", pip="23.3.2"
    ),
    *(
        Distribution(
            word=_word(rf"fedora[-:]?{number}"),
            parts=("fedora",),
            libc=f"glibc {libc}",
            python=python,
        )
        for number, (libc, python) in _FEDORA.items()
    ),
)

_HOME_ASSISTANT = Pattern(r"(?:.*/)?home-assistant/[a-z0-9]+-base:3\.(?P<minor>[0-9]{1,2})")
_ALPINE_TAG = Pattern(r"(?:.*/)?alpine:(?:v|3\.(?P<minor>[0-9]{1,2}))(?:\.[0-9]+)?(?:[-_].*)?")

BARE = Pattern(
    r"(?:.*/)?(?:debian|ubuntu|alpine|busybox|ubi(?:8|9|10)?-(?:minimal|micro)|cuda"
    r"|uv|micromamba|home-assistant/[a-z0-9]+-base(?:-(?:debian|ubuntu))?|scratch):.*"
)
"""Images that have no Python of their own."""


def alpine(minor: int) -> Distribution:
    """Return Alpine 3.``minor``."""
    python, pip = _ALPINE.get(minor, ("", ""))
    libc = "musl 1.1" if minor <= ALPINE_LAST_MUSL_1_1 else "musl 1.2"
    return Distribution(
        word=ALPINE,
        libc=libc,
        python=python,
        pip=pip,
        has_alternatives=minor <= ALPINE_LAST_PY_PIP_2,
        dropped=ALPINE_DROPPED.get(minor, NEVER),
        begun=ALPINE_BEGUN.get(minor, ""),
    )


def find_alpine(name: str) -> int | None:
    """Return the N of Alpine 3.N in a name (``node:20-alpine3.19``); None where none is named."""
    for pattern in (_HOME_ASSISTANT, _ALPINE_TAG):
        match = pattern.fullmatch(name)
        if match and match["minor"]:
            return int(match["minor"])
    match = ALPINE.search(name)
    return int(match["minor"]) if match and match["minor"] else None


def find_distribution(path: str, tag: str) -> Distribution | None:
    """Return the release of a distribution that an image's name says."""
    for text in (f"{path.rpartition('/')[2]}:{tag}", f"{path}:{tag}"):
        minor = find_alpine(text)
        if minor is not None:
            return alpine(minor)
        for row in DISTRIBUTIONS:
            if any(part in text for part in row.parts) and row.word.search(text):
                return row
    return None
