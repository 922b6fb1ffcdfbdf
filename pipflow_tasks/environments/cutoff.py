"""Which releases are too new: by the installer's own option, and by the age that a setting asks."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ..resolution.finder import Cutoff

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .steps import InstallStep


def find_cooldown(days: float, now: datetime) -> Cutoff | None:
    """Return what is too young by the setting ``cooldown_days``; 0 is none."""
    if not days:
        return None
    reason = f"the setting cooldown_days is {days:g}"
    return Cutoff(latest=now - timedelta(days=days), now=now, reason=reason)


def find_limit(
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
        if latest is None and text:
            notices.append(
                f"{step.place} excludes what is newer than {text}, which is not a valid "
                "time; it does not count"
            )
        elif latest is not None:
            reason = f"{step.place} excludes what is newer than {text}"
            limits.append(Cutoff(latest=latest, now=now, reason=reason))
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
