"""Which files of a project an install takes: of which kind, how old, and when pre-releases count.

Told by options inside the requirements files, the flags and variables of the install step, and the
setting ``cooldown_days``.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal, TypeAlias

from msgspec.structs import replace
from packaging.utils import NormalizedName, canonicalize_name

from ..resolution.finder import Admission, Cutoff

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ..requirements import Line
    from ..resolution.finder import Prereleases
    from .steps import InstallStep

_Kind: TypeAlias = Literal["wheels", "sdists"]

_RELEASES: Mapping[str, Prereleases] = {"--all-releases": "always", "--only-final": "never"}
_ALL = ":all:"
_NONE = ":none:"


def read_admission(
    steps: Sequence[InstallStep],
    lines: Sequence[Line],
    *,
    cooldown_days: float,
    cooldown_exempt: Sequence[str],
    now: datetime,
    by_uv: bool,
) -> tuple[Admission, dict[NormalizedName, Admission], tuple[str, ...]]:
    """Return which files are taken: of any project, and of those that an option names.

    Last come notices about times that are not valid.
    """
    preferring = [step.place for step in steps if step.prefers_wheels]
    preferring += [line.place for line in lines if ("--prefer-binary", "") in line.file_options]
    limit, notices = _find_limit(steps, now)
    cutoff = None
    if cooldown_days:
        reason = f"the setting cooldown_days is {cooldown_days:g}"
        cutoff = Cutoff(
            latest=now - timedelta(days=cooldown_days),
            now=now,
            reason=reason,
            exempt=tuple(cooldown_exempt),
            is_rolling=True,
        )
    of_any = Admission(
        prereleases=_prereleases(steps, lines, by_uv=by_uv),
        prefers_wheels=preferring[0] if preferring else "",
        cutoff=cutoff,
        limit=limit,
    )
    formats, releases = _read_formats(steps, lines), _read_releases(steps, lines)
    of_any = _admit(of_any, _ALL, formats, releases)
    named = {
        canonicalize_name(name): _admit(of_any, name, formats, releases)
        for name in (*formats, *releases)
        if name != _ALL
    }
    return of_any, named, notices


def _admit(
    admission: Admission,
    name: str,
    formats: Mapping[str, tuple[_Kind, str]],
    releases: Mapping[str, Prereleases],
) -> Admission:
    """Return what is admitted of a project, or of ``:all:``."""
    if name in formats:
        kind, place = formats[name]
        wheels, sdists = (place, "") if kind == "wheels" else ("", place)
        admission = replace(admission, only_wheels=wheels, only_sdists=sdists)
    return replace(admission, prereleases=releases.get(name, admission.prereleases))


def _read_formats(
    steps: Sequence[InstallStep], lines: Sequence[Line]
) -> dict[str, tuple[_Kind, str]]:
    """Return the one kind of files that is taken, by project or for ``:all:``, and who says so.

    The last word counts, and that is the files'; ``:none:`` takes the words before it back.
    """
    allowed: dict[str, tuple[_Kind, str]] = {}
    for place, wheels, sdists in _say_formats(steps, lines):
        given: list[tuple[_Kind, str]] = []
        given += [("wheels", name.strip()) for name in wheels]
        given += [("sdists", name.strip()) for name in sdists]
        for kind, name in sorted(given, key=lambda each: each[1] != _ALL):  # a name counts more
            if name == _ALL:
                allowed = {_ALL: (kind, place)}
            elif name == _NONE:
                allowed = {key: each for key, each in allowed.items() if each[0] != kind}
            elif name:
                allowed[canonicalize_name(name)] = (kind, place)
    return allowed


def _read_releases(steps: Sequence[InstallStep], lines: Sequence[Line]) -> dict[str, Prereleases]:
    """Return by project or for ``:all:`` whether pre-releases count; the last word is the files'.

    These are ``--all-releases`` and ``--only-final`` of pip from 26.0 on.
    """
    said: list[tuple[Prereleases, str]] = []
    for step in steps:
        options = step.install.options
        every = (*step.variable("ALL_RELEASES").split(","), *options.all_releases)
        final = (*step.variable("ONLY_FINAL").split(","), *options.only_final)
        said += [*(("always", word) for word in every), *(("never", word) for word in final)]
    for line in lines:
        for option, value in line.file_options:
            if how := _RELEASES.get(option):
                said += [(how, word) for word in value.split(",")]
    found: dict[str, Prereleases] = {}
    for kind, word in said:
        name = word.strip()
        if name == _NONE:
            found = {key: each for key, each in found.items() if each != kind}
        elif name:
            found[name if name == _ALL else canonicalize_name(name)] = kind
    return found


def _say_formats(
    steps: Sequence[InstallStep], lines: Sequence[Line]
) -> Iterator[tuple[str, Sequence[str], Sequence[str]]]:
    """Yield each place that names projects, with those of wheels alone and of sdists alone."""
    for step in steps:
        variables = (step.variable("ONLY_BINARY"), step.variable("NO_BINARY"))
        yield step.place, variables[0].split(","), variables[1].split(",")
        yield step.place, step.install.options.only_binary, step.install.options.no_binary
    for line in lines:
        for option, value in line.options:
            if option == "--only-binary":
                yield line.place, value.split(","), ()
            elif option == "--no-binary":
                yield line.place, (), value.split(",")


def _prereleases(
    steps: Sequence[InstallStep], lines: Sequence[Line], *, by_uv: bool
) -> Prereleases:
    """Return when a pre-release counts like any other version."""
    if steps and all(step.takes_prereleases for step in steps):
        return "always"
    if by_uv:
        return "last"
    is_asked = any(option == "--pre" for line in lines for option, _ in line.file_options)
    return "always" if is_asked else "named"


def _find_limit(
    steps: Sequence[InstallStep], now: datetime
) -> tuple[Cutoff | None, tuple[str, ...]]:
    """Return what the installer excludes as too new, and notices about times that are not valid.

    Of several steps, the strictest word counts.
    """
    limits: list[Cutoff] = []
    notices: list[str] = []
    for step in steps:
        text = step.install.options.exclude_newer
        text = text or step.variable("EXCLUDE_NEWER", "UPLOADED_PRIOR_TO")
        latest = _moment(text.strip(), now, whole_day=step.install.installer == "uv")
        what = f"{step.place} excludes what is newer than {text}"
        if latest is not None:
            limits.append(Cutoff(latest=latest, now=now, reason=what))
        elif text:
            notices.append(f"{what}, which is not a valid time; it does not count")
    return min(limits, key=lambda limit: limit.latest, default=None), tuple(notices)


def _moment(text: str, now: datetime, *, whole_day: bool) -> datetime | None:
    """Read RFC 3339, a day (for uv all of it, for pip none), or an age (`7 days`, `P7D`)."""
    age = re.fullmatch(r"(\d+)\s*(hour|day|week)s?(?: ago)?", text, re.IGNORECASE)
    iso = re.fullmatch(r"P(\d+)([DW])", text, re.IGNORECASE)
    try:
        if age:
            return now - timedelta(**{f"{age[2].lower()}s": int(age[1])})
        if iso:
            return now - timedelta(days=int(iso[1]) * (7 if iso[2].upper() == "W" else 1))
        if re.fullmatch(r"[\d-]{10}", text):
            midnight = datetime.fromisoformat(f"{text}T00:00:00+00:00")
            return midnight + timedelta(days=1) if whole_day else midnight
        moment = datetime.fromisoformat(re.sub(r"[zZ]$", "+00:00", text))
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo is not None else None
