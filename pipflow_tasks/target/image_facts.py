"""What is known about base images: data for `target`, which holds the rules.

Sources: the history of the Docker Official Image (`docker-library/python` and the pull requests of
`docker-library/official-images`), PEP 600 and 656 with pip's change log, Debian's and Alpine's
releases. As of November 2026. A new patch release is a number in `LATEST_PATCH`; only when
the official image moves to another Debian do the dates of `RELEASED` have to be completed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct
from packaging.version import Version

from ..values import Pattern

if TYPE_CHECKING:
    from collections.abc import Mapping

OLDEST_MINOR = 6
"""Python 3.6 is the oldest that is known here; older images are refused."""

ASSUMED_LIBC = "glibc 2.36"
"""Debian bookworm's: taken, with a note, where the Python is set and the image says nothing."""

SAFE_LIBC = "glibc 2.17"
"""That of manylinux2014, which every image with glibc has at least."""

LATEST_PATCH: Mapping[int, int] = {  # by minor version; 3.6 to 3.9 have ended, the rest will go on
    6: 15, 7: 17, 8: 20, 9: 25, 10: 22, 11: 18, 12: 16, 13: 18, 14: 10, 15: 2,
}  # fmt: skip

# When each patch release came out, in order. An image with a full version in its tag was last built
# just before the next one. Complete up to August 2025, when the newest Debian came: a release whose
# successor is not listed belongs to that.
RELEASED: Mapping[int, tuple[str, ...]] = {
    minor: tuple(dates.split())
    for minor, dates in {
        6: "2016-12-23 2017-03-21 2017-07-17 2017-10-03 2017-12-19 2018-03-28 2018-06-27 2018-10-20"
        " 2018-12-24 2019-07-02 2019-12-18 2020-06-27 2020-08-17 2021-02-15 2021-06-28 2021-09-04",
        7: "2018-06-27 2018-10-20 2018-12-24 2019-03-25 2019-07-08 2019-10-15 2019-12-18 2020-03-10"
        " 2020-06-27 2020-08-17 2021-02-15 2021-06-28 2021-09-04 2022-03-16 2022-09-06 2022-10-11"
        " 2022-12-06 2023-06-06",
        8: "2019-10-14 2019-12-18 2020-02-24 2020-05-13 2020-07-13 2020-07-20 2020-09-24 2020-12-21"
        " 2021-02-19 2021-04-02 2021-05-03 2021-06-28 2021-08-30 2022-03-16 2022-09-06 2022-10-11"
        " 2022-12-06 2023-06-06 2023-08-24 2024-03-19 2024-09-06",
        9: "2020-10-05 2020-12-07 2021-02-19 2021-04-02 2021-04-04 2021-05-03 2021-06-28 2021-08-30"
        " 2021-11-05 2021-11-15 2022-01-14 2022-03-16 2022-03-23 2022-05-17 2022-09-06 2022-10-11"
        " 2022-12-06 2023-06-06 2023-08-24 2024-03-19 2024-09-06 2024-12-03 2025-04-08 2025-06-03"
        " 2025-10-09 2025-10-31",
        10: "2021-10-04 2021-12-06 2022-01-14 2022-03-16 2022-03-23 2022-06-06 2022-08-01"
        " 2022-09-05 2022-10-11 2022-12-06 2023-02-07 2023-04-04 2023-06-06 2023-08-24 2024-03-19"
        " 2024-09-06 2024-12-03 2025-04-08 2025-06-03",
        11: "2022-10-24 2022-12-06 2023-02-07 2023-04-04 2023-06-06 2023-08-24 2023-10-02"
        " 2023-12-04 2024-02-06 2024-04-02 2024-09-06 2024-12-03 2025-04-08 2025-06-03",
        12: "2023-10-02 2023-12-07 2024-02-06 2024-04-09 2024-06-06 2024-08-06 2024-09-06"
        " 2024-09-30 2024-12-03 2025-02-04 2025-04-08 2025-06-03",
        13: "2024-10-07 2024-12-03 2025-02-04 2025-04-08 2025-06-03 2025-06-11 2025-08-06"
        " 2025-08-14",
        14: "2025-10-07",
    }.items()
}

# The last build of a series that has ended, which is what its floating tags are for ever.
ENDED: Mapping[int, str] = {6: "2021-12-23", 7: "2023-10-02", 8: "2024-10-07", 9: "2025-11-03"}

# From when a tag of the official image that names no Debian has meant which.
DEBIAN_DEFAULTS: tuple[tuple[str, str], ...] = (
    ("2014-01-01", "jessie"),
    ("2018-06-01", "stretch"),
    ("2019-07-10", "buster"),
    ("2021-08-16", "bullseye"),
    ("2023-06-14", "bookworm"),
    ("2025-08-12", "trixie"),
)
DEBIAN_LIBC: Mapping[str, str] = {
    "jessie": "glibc 2.19",
    "stretch": "glibc 2.24",
    "buster": "glibc 2.28",
    "bullseye": "glibc 2.31",
    "bookworm": "glibc 2.36",
    "trixie": "glibc 2.41",
    "forky": "glibc 2.41",  # not released: at least trixie's
}
# The official image is built on the two newest Debians and Alpines: from this day no more on that
# one, so that `3.8-alpine3.12` is the 3.8.10 of June 2021 for ever.
DEBIAN_DROPPED: Mapping[str, str] = {
    name: day for (_, name), (day, _) in zip(DEBIAN_DEFAULTS, DEBIAN_DEFAULTS[2:], strict=False)
}
ALPINE_DROPPED: Mapping[int, str] = {  # 3.N; the later ones differ in nothing that is known here
    4: "2017-12-05", 5: "2017-12-05", 6: "2018-07-06", 7: "2019-02-01", 8: "2019-06-24",
    9: "2019-12-23", 10: "2020-06-01", 11: "2021-02-03", 12: "2021-06-16", 13: "2021-11-24",
    14: "2022-05-24", 15: "2022-11-23", 16: "2023-05-10", 17: "2023-12-08", 18: "2024-05-23",
    19: "2024-12-09", 20: "2025-06-02",
}  # fmt: skip
ALPINE_LAST_MUSL_1_1 = 12
"""Alpine 3.12 is the last with musl 1.1."""
ALPINE_LAST_PY_PIP_2 = 11
"""Alpine 3.11 is the last whose package `py-pip` is for Python 2; later it is `py3-pip`."""
ALPINE_DEFAULT_MUSL_1_2 = "2021-02-03"
"""From when a tag that says `alpine` without a number has meant 3.13 or later."""

ALPINE_BEGUN: Mapping[int, str] = {minor + 2: day for minor, day in ALPINE_DROPPED.items()}
DEBIAN_BEGUN: Mapping[str, str] = {name: day for day, name in DEBIAN_DEFAULTS}

NEVER = "9999"
_PATCHES_TO_COME = 12
"""How many patch releases of a series that goes on may be out that are not listed here."""


ALPINE = Pattern(r"(?<![a-z0-9])alpine(?:[-:]?3\.(?P<minor>[0-9]{1,2}))?(?![a-z0-9])")

# Words of a tag that say nothing about the libc.
PLAIN_WORDS = frozenset({"slim", "rc", "onbuild", "dev", "builder"})


class Family(Struct, frozen=True, kw_only=True):
    """Images whose names tell the Python in the same way.

    Attributes:
        name: matches path and tag, as in ``library/python:3.9``; its group ``python`` is
            the version (absent: this name does not tell), ``arch`` a machine.
        python: the version where the group is absent.
        libc: where the name says no operating system; empty: as the official image of that Python.
        has_official_pip: the image carries the pip that the official image does.
        assumed: ``libc`` is likely rather than known.
        note: what has to be said of such a name.
    """

    name: Pattern
    python: str | None = None
    libc: str = ""
    has_official_pip: bool = False
    assumed: bool = False
    note: str = ""


_VERSION = r"[0-9]{1,2}\.[0-9]{1,2}(?:\.[0-9]{1,3})?(?:(?:a|b|rc)[0-9]{1,3}|-rc)?"
_ARCH = r"(?:-(?P<arch>arm64|amd64|x86_64)(?:[.-].*)?)?"


def _name_lambda(versions: str) -> Pattern:
    name = r"(?:lambda/python:|aws-lambda-python:|sam/build-python)"
    return Pattern(rf"(?:.+/)?{name}(?P<python>{versions})(?:[.:-].*?)??{_ARCH}")


# The first that matches the whole name counts.
FAMILIES: tuple[Family, ...] = (
    Family(  # the Docker Official Image
        name=Pattern(
            r"(?:(?:.+/)?(?:library|dependency_proxy/containers)/|(?P<arch>amd64|arm32v6|arm32v7"
            rf"|arm64v8|i386|ppc64le|riscv64|s390x)/)?python:(?:(?P<python>{_VERSION})(?:-.*)?|.*)"
        ),
        has_official_pip=True,
    ),
    Family(  # uv's, built on the official image
        name=Pattern(rf"(?:.+/)?astral(?:-sh)?/uv:(?:.*-)?python(?P<python>{_VERSION})(?:-.*)?"),
        has_official_pip=True,
    ),
    # AWS Lambda's: Amazon Linux 2018.03, 2 and 2023
    Family(name=_name_lambda(r"3\.[67]"), libc="glibc 2.17"),
    Family(name=_name_lambda(r"3\.(?:[89]|1[01])"), libc="glibc 2.26"),
    Family(name=_name_lambda(r"3\.[0-9]{2}"), libc="glibc 2.34"),
    *(  # distroless: the name says the release, Debian the patch level
        Family(
            name=Pattern(rf"(?:.+/)?python3-debian{number}:.*?{_ARCH}"),
            python=python,
        )
        for number, python in ((10, "3.7.3"), (11, "3.9.2"), (12, "3.11.2"), (13, "3.13.5"))
    ),
    *(  # Playwright's: Ubuntu's Python, with the newest pip of their day
        Family(name=Pattern(rf"(?:.+/)?playwright/python:(?:.+-)?{name}{_ARCH}"), python=python)
        for name, python in (("jammy", "3.10.12"), ("noble", "3.12.3"))
    ),
    Family(  # Microsoft's development containers
        name=Pattern(
            r"(?:.+/)?devcontainers/python:"
            r"(?:(?:dev|[0-9][0-9.]*)-)?(?P<python>3\.[0-9]{1,2})(?:-.*)?"
        ),
        libc="glibc 2.31",
        assumed=True,
    ),
    Family(  # Bitnami's
        name=Pattern(rf"(?:.+/)?bitnami(?:legacy|secure)?/python:(?P<python>{_VERSION})(?:-.*)?"),
        libc="glibc 2.31",
        assumed=True,
    ),
    Family(  # Chainguard's, rolling: at least what its older images have
        name=Pattern(
            r"(?:(?:.+/)?chainguard|cgr\.dev/.+)/python:"
            rf"(?:(?P<python>{_VERSION})(?:-.*)?|.*)"
        ),
        libc="glibc 2.37",
        assumed=True,
    ),
    Family(  # CircleCI's
        name=Pattern(rf"(?:.+/)?(?:cimg|circleci)/python:(?P<python>{_VERSION})(?:-.*)?"),
        libc="glibc 2.28",
        assumed=True,
    ),
    Family(  # Red Hat's ubi9/python-311
        name=Pattern(r"(?:.+/)?(?:ubi|rhel)(?:8|9|10)/python-(?P<python>3[0-9]{1,2})[-:].*"),
    ),
    Family(  # tiangolo/uvicorn-gunicorn:python3.11-slim, azure-functions/python:4-python3.11
        name=Pattern(r".+:(?:.*[-_.])?python-?(?P<python>3\.[0-9]{1,2}(?:\.[0-9]{1,3})?)(?:-.*)?"),
        libc="glibc 2.31",
        assumed=True,
    ),
    Family(  # miniconda3:py311_24.1.2-0, ray:2.9.0-py310-gpu
        name=Pattern(r".+:(?:.*[-_.])?py(?P<python>3[0-9]{1,2})(?:[-_.].*)?"),
        libc="glibc 2.31",
        assumed=True,
    ),
    Family(  # home-assistant/amd64-base-python:3.12-alpine3.20
        name=Pattern(
            r"(?:.+/)?(?:(?P<arch>amd64|aarch64|armv7|armhf|i386)-)?[\w.-]*[-_]python"
            rf":(?P<python>{_VERSION})(?:-.*)?"
        ),
        libc="glibc 2.31",
        assumed=True,
    ),
    Family(  # base/python311:1.4, acme/python-3.11-web:7
        name=Pattern(
            r"(?:.+/)?(?:[\w.-]*[-_])?python-?(?P<python>3\.?[0-9]{1,2})(?:[-_.][\w.-]*)?:.*"
        ),
        libc="glibc 2.31",
        assumed=True,
    ),
    Family(
        note="is taken for a copy of the Docker Official Image",
        name=Pattern(rf"(?!.*playwright/).+/python:(?:(?P<python>{_VERSION})(?:-.*)?|.*)"),
        has_official_pip=True,
    ),
)

BUILD_IMAGE = re.compile(
    r"(?:many|musl)linux(?P<libc>2014|2010|1|_2_[0-9]{1,2}|_1_[0-9]{1,2})_(?P<arch>[a-z0-9_]+)"
)
"""PyPA's images that wheels are built in, which are called like the tag of these wheels."""

BOARDS: Mapping[str, str] = {
    "generic-aarch64": "aarch64",
    "generic-amd64": "x86_64",
    "intel-nuc": "x86_64",
    "raspberry-pi": "armv6l",
    "raspberry-pi2": "armv7l",
    "raspberrypi3": "armv7l",
    "raspberrypi3-64": "aarch64",
    "raspberrypi4-64": "aarch64",
    "raspberrypi5": "aarch64",
}
"""Small computers that images are named after (balenalib's), and their machines."""

# The variables that images set, with the value that their names say.
VARIABLES: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "AIRFLOW_VERSION",
        re.compile(
            r"(?:.+/)?apache/airflow:(?:slim-)?(?P<value>[0-9]+\.[0-9]+\.[0-9]+(?:(?:a|b|rc)[0-9]+)?)"
            r"(?:-python.*)?"
        ),
    ),
)

# Images that no version can be chosen for, whatever the settings say.
UNSUPPORTED: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?:.+/)?python:2(?:[.-].*)?"), "Python 2, which has ended"),
    (re.compile(r"(?:.+/)?pypy[^/]*:.*|.+:.*pypy.*"), "PyPy, not CPython"),
    (re.compile(r"(?:.+/)?graalpy[^/]*:.*"), "GraalPy, not CPython"),
    (re.compile(r".*(?:windowsservercore|nanoserver).*|(?:.+/)?windows/.*"), "a Windows image"),
)

# Docker's names of platforms, and the machine that Python reports there.
MACHINES: Mapping[str, str] = {
    "linux/amd64": "x86_64",
    "linux/arm64": "aarch64",
    "linux/arm/v7": "armv7l",
    "linux/arm/v6": "armv6l",
    "linux/386": "i686",
    "linux/ppc64le": "ppc64le",
    "linux/s390x": "s390x",
    "linux/riscv64": "riscv64",
}
_ALIASES = {
    "linux/amd64": "x86-64 x64 amd64/v1 amd64/v2 amd64/v3 amd64/v4",
    "linux/arm64": "arm64/v8 arm64v8",
    "linux/arm/v7": "arm armv7 armhf armv8l arm32v7",
    "linux/arm/v6": "armv6 arm32v6",
    "linux/386": "x86 i386 i486 i586",
    "linux/ppc64le": "ppc64el",
}
MACHINE_NAMES: Mapping[str, str] = {
    **{machine: platform for platform, machine in MACHINES.items()},
    **{platform.removeprefix("linux/"): platform for platform in MACHINES},
    **{alias: platform for platform, names in _ALIASES.items() for alias in names.split()},
}

# glibc's minor version to the name manylinux had before PEP 600, and the first pip that takes it.
MANYLINUX_ALIASES: Mapping[int, tuple[str, str]] = {
    17: ("manylinux2014", "19.3"),
    12: ("manylinux2010", "19.0"),
    5: ("manylinux1", "8.1"),
}
MANYLINUX_OLDEST: Mapping[str, int] = {  # glibc 2.N; machines without manylinux wheels are absent
    "x86_64": 5,
    "i686": 5,
    "aarch64": 17,
    "armv7l": 17,
    "ppc64le": 17,
    "s390x": 17,
    "riscv64": 17,
}
MANYLINUX_PIP: Mapping[str, str] = {"riscv64": "24.1"}  # any manylinux wheel on that machine
PEP_600_PIP = "20.3"
MUSLLINUX_PIP = "21.2"
PACKAGING_TAGS_PIP = "20.0"  # before, of the tags without ABI, those of other Pythons were pure
LINUX_FIRST_PIP = "26.3"  # from here `linux_x86_64` is preferred to manylinux, before it comes last

# The pip of the official image was the newest of the day ...
PIP_BY_DATE: tuple[tuple[str, str], ...] = (
    ("2016-11-06", "9.0.1"), ("2018-03-21", "9.0.3"), ("2018-04-14", "10.0.1"),
    ("2018-07-22", "18.0"), ("2018-10-05", "18.1"), ("2019-01-25", "19.0.1"),
    ("2019-02-20", "19.0.3"), ("2019-04-24", "19.1"), ("2019-05-06", "19.1.1"),
    ("2019-07-25", "19.2.1"), ("2019-08-25", "19.2.3"), ("2019-10-14", "19.3"),
    ("2019-10-18", "19.3.1"), ("2020-01-24", "20.0.2"), ("2020-04-28", "20.1"),
    ("2020-05-19", "20.1.1"), ("2020-07-29", "20.2"), ("2020-08-12", "20.2.2"),
    ("2020-09-08", "20.2.3"), ("2020-10-16", "20.2.4"), ("2020-11-30", "20.3"),
    ("2020-12-03", "20.3.1"), ("2020-12-15", "20.3.3"), ("2021-01-23", "21.0"),
    ("2021-01-30", "21.0.1"), ("2021-04-24", "21.1"), ("2021-05-23", "21.1.2"),
    ("2021-06-26", "21.1.3"), ("2021-07-26", "21.2.1"), ("2021-08-12", "21.2.4"),
)  # fmt: skip
PIP_BY_DATE_UNTIL = "2022-04"
# ... until it became the one that Python bundles: (from this patch, pip); empty: not known.
PIP_BUNDLED: Mapping[int, tuple[tuple[int, str], ...]] = {
    7: ((13, "22.0.4"), (17, "23.0.1")),
    8: ((13, "22.0.4"), (17, "23.0.1")),
    9: ((11, "22.0.4"), (17, "23.0.1")),
    10: ((3, "22.0.4"), (6, "22.2.1"), (7, "22.2.2"), (9, "22.3.1"), (11, "23.0.1"), (21, "")),
    11: ((0, "22.3"), (1, "22.3.1"), (4, "23.1.2"), (5, "23.2.1"), (8, "24.0"), (16, "")),
    12: ((0, "23.2.1"), (2, "24.0"), (5, ""), (6, "24.2"), (8, "24.3.1"), (10, "25.0.1"), (14, "")),
    13: ((0, "24.2"), (1, "24.3.1"), (3, "25.0.1"), (4, "25.1.1"), (6, "25.2"), (10, "")),
    14: ((0, "25.2"), (1, "")),
}

PIPS: tuple[Version, ...] = tuple(
    Version(pip)
    for pip in (
        *(pip for _, pip in PIP_BY_DATE),
        *(pip for rows in PIP_BUNDLED.values() for _, pip in rows if pip),
    )
)
"""The versions of pip that images are known to carry."""

_PYTHON = re.compile(
    r"3\.(?P<minor>[0-9]{1,2})(?:\.(?P<patch>[0-9]{1,3}))?(?P<pre>(?:a|b|rc)[0-9]{1,3}|-rc)?"
)


class Release(Struct, frozen=True, kw_only=True):
    """A version of CPython, and what the official image of it is.

    Attributes:
        text: as it was written.
        minor: 9 for 3.9.
        patch: None where the text says the series alone.
        pre: ``rc1``, or empty.
        until: the day from which its image was built no more, on the system that the tag names.
        since: the day from which its image was built on that system.
    """

    text: str
    minor: int
    patch: int | None
    pre: str
    until: str = NEVER
    since: str = ""

    @classmethod
    def find(cls, text: str) -> Release | None:
        """Read a version of Python 3."""
        text = re.sub(r"^3(?=[0-9]{1,2}$)", "3.", text.strip())  # Red Hat's 311
        match = _PYTHON.fullmatch(text)
        if match is None:
            return None
        minor, pre = int(match["minor"]), match["pre"] or ""
        # `3.15-rc` is whatever pre-release is newest: each counts as 3.15.0.
        patch = int(match["patch"]) if match["patch"] else 0 if pre else None
        return cls(
            text=text,
            minor=minor,
            patch=patch,
            pre="rc1" if pre == "-rc" else pre,
        )

    @property
    def version(self) -> Version:
        """Three numbers, as Requires-Python is compared with; a series is its last patch."""
        patch = self.patch
        if patch is None:
            out = sum(day < self.until for day in RELEASED.get(self.minor, ()))
            patch = out - 1 if out and self.until < NEVER else LATEST_PATCH.get(self.minor, 0)
        return Version(f"3.{self.minor}.{patch}")

    @property
    def patches(self) -> tuple[Version, ...]:
        """The versions that its image may have, oldest first; none where the text says which.

        An image that a machine has kept is as old as its system at most.
        """
        if self.patch is not None:
            return ()
        # images of a new system come some weeks before it is the one without a name
        first = max(sum(day < self.since for day in RELEASED.get(self.minor, ())) - 2, 0)
        goes_on = self.minor not in ENDED and self.until == NEVER
        last = self.version.micro + (_PATCHES_TO_COME if goes_on else 0)
        return tuple(Version(f"3.{self.minor}.{patch}") for patch in range(first, last + 1))

    @property
    def is_known(self) -> bool:
        """It is not newer than these tables."""
        return (self.patch or 0) <= LATEST_PATCH.get(self.minor, -1)

    @property
    def last_built(self) -> str:
        """The day of its image's last build; the far future where that is to come."""
        days = RELEASED.get(self.minor, ())
        successor = 0 if self.pre else len(days) if self.patch is None else self.patch + 1
        end = days[successor] if successor < len(days) else ENDED.get(self.minor, NEVER)
        return min(end, self.until)

    @property
    def debian_libc(self) -> str:
        """The libc of its image where the tag names no operating system."""
        return DEBIAN_LIBC[max(row for row in DEBIAN_DEFAULTS if row[0] <= self.last_built)[1]]

    @property
    def alpine_libc(self) -> str:
        """The libc of its image where the tag says `alpine` without a number."""
        return "musl 1.1" if self.last_built < ALPINE_DEFAULT_MUSL_1_2 else "musl 1.2"

    @property
    def pip(self) -> Version | None:
        """The pip that its image carries; None where that is not known, and new enough."""
        patch = self.version.micro
        bundled = [pip for first, pip in PIP_BUNDLED.get(self.minor, ()) if first <= patch]
        if bundled and not self.pre:
            return Version(bundled[-1]) if bundled[-1] else None
        if self.last_built >= PIP_BY_DATE_UNTIL:
            return None
        return Version(max(row for row in PIP_BY_DATE if row[0] <= self.last_built)[1])
