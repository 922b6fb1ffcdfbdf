"""``--max-growth``: how much larger a plan makes what is installed, and whether it may.

Before is what a build of the files as they are would install today, after is the same of the files
as the plan leaves them. A file that both have does not count, whatever its size is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ..errors import RequirementsError, TooLarge, VersionConflict
from ..plan import Cost, Download
from ..planning.costs import by_size
from ..planning.measuring import measure
from ..values import join_words, say_size

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import TypeAlias

    from ..plan import Plan
    from .workspace import Found, Workspace

    _Downloads: TypeAlias = Mapping[str, Download]

_MOST_NAMED = 5
_MB = 1_000_000


class _Difference(Struct, frozen=True, kw_only=True):
    """A project of which another file is downloaded than before."""

    before: Download | None
    after: Download | None

    @property
    def size_bytes(self) -> int:
        """How much larger it is; what is unknown counts nothing."""
        after, before = (
            0 if each is None else each.size_bytes or 0 for each in (self.after, self.before)
        )
        return after - before

    @property
    def shown(self) -> str:
        """What a message says of it."""
        size = say_size(abs(self.size_bytes))
        if self.after is None:
            assert self.before is not None
            return f"{self.before.shown}: {size} less, it is installed no more"
        if self.before is None or self.before.version is None:
            return f"{self.after.shown}: {size}"
        word = "more" if self.size_bytes >= 0 else "less"
        return f"{self.before.shown} to {self.after.version}: {size} {word}"


class _Growth(Struct, frozen=True, kw_only=True):
    """What an environment, on one of its platforms, downloads that it did not download before."""

    environment: str
    differences: tuple[_Difference, ...]

    @property
    def size_bytes(self) -> int:
        """After minus before."""
        return sum(each.size_bytes for each in self.differences)

    @property
    def cost(self) -> Cost:
        """What a report says of it."""
        new = (each.after for each in self.differences if each.before is None and each.after)
        return Cost(
            environment=self.environment, downloads=by_size(new), growth_bytes=self.size_bytes
        )


def limit_growth(workspace: Workspace, plan: Plan, limit_bytes: int) -> Plan:
    """Return a plan with the growth of each environment, if none grows by more than the limit.

    Raises:
        TooLarge: one does, or a size that counts is unknown.
        RequirementsError: the plan edits no file that is installed.
        PackageIndexError: the index failed.
    """
    if not plan.edits:
        return plan
    found = workspace.find()
    if not any(edit.shown in found.manifest.requirements for edit in plan.edits):
        sources = join_words([edit.shown for edit in plan.edits])
        raise RequirementsError(
            f"--max-growth needs to know what will be installed, and {found.manifest.main} is yet "
            f"to be compiled from {sources}",
            hint="add --compile, or leave out --max-growth",
        )
    before = _measure(workspace, found)
    after = _measure(workspace, workspace.with_edits(found, plan.edits))
    grown = [
        _Growth(environment=name, differences=_compare(before.get((name, number), {}), downloads))
        for (name, number), downloads in after.items()
    ]
    for each in grown:
        _require_known(each)
    costs = tuple(_cost_of_each(grown))
    largest = max(grown, key=lambda each: each.size_bytes)
    if largest.size_bytes > limit_bytes:
        raise _too_large(largest, limit_bytes, costs)
    return replace(
        plan,
        costs=costs,
        warnings=(*plan.warnings, *_warn_of_unpinned(found)),
    )


def _measure(workspace: Workspace, found: Found) -> dict[tuple[str, int], _Downloads]:
    """Return what each environment downloads on each of its platforms.

    Raises:
        TooLarge: the files conflict, so it is unknown.
    """
    served = workspace.prepare(found, resolve=False).served
    try:
        return {
            (each.environment.name, number): downloads
            for each in served
            for number, downloads in enumerate(measure(each))
        }
    except VersionConflict as error:
        raise TooLarge(
            "--max-growth needs to know what is installed, and the pinned requirements conflict",
            reasons=error.reasons,
            hint="`check` says how to resolve the conflict; or leave out --max-growth",
        ) from error


def _compare(before: _Downloads, after: _Downloads) -> tuple[_Difference, ...]:
    """Return what differs, the largest growth first."""
    pairs = ((before.get(name), after.get(name)) for name in sorted({*before, *after}))
    found = [
        _Difference(before=old, after=new)
        for old, new in pairs
        if old is None or new is None or old.file != new.file
    ]
    return tuple(sorted(found, key=lambda each: -each.size_bytes))


def _require_known(growth: _Growth) -> None:
    """Check that the size of all that is new is known.

    Raises:
        TooLarge: it is not.
    """
    new = (each.after for each in growth.differences if each.after is not None)
    reasons = [f"{each.shown}: {_why_unknown(each)}" for each in by_size(new) if each.is_unknown]
    if reasons:
        raise TooLarge(
            "--max-growth needs sizes that are unknown",
            reasons=[*_few(reasons)],
            hint="use an index that states sizes (PEP 700), or leave out --max-growth",
        )


def _why_unknown(download: Download) -> str:
    if download.version is None:
        return f"nothing is known of it ({download.file})"
    if download.size_bytes is None:
        return f"the index does not state the size of {download.file}"
    return "its dependencies are unknown without building it"


def _too_large(growth: _Growth, limit_bytes: int, costs: Sequence[Cost]) -> TooLarge:
    where = "" if len(costs) < 2 else f" in {growth.environment}"
    more = say_size(growth.size_bytes)
    enough = -(-growth.size_bytes // _MB)
    return TooLarge(
        f"what is installed grows by {more}{where}, compressed, and --max-growth allows "
        f"{say_size(limit_bytes)}",
        reasons=[*_few([each.shown for each in growth.differences])],
        hint=f"choose a smaller build, or fewer extras; `--max-growth {enough}MB` allows all of it",
        costs=costs,
    )


def _few(reasons: Sequence[str]) -> Iterator[str]:
    yield from reasons[:_MOST_NAMED]
    if left := len(reasons[_MOST_NAMED:]):
        yield f"... and {left} more"


def _cost_of_each(grown: Iterable[_Growth]) -> Iterator[Cost]:
    """Yield the cost of each environment, of its largest platform; the largest first."""
    found: dict[str, Cost] = {}
    for each in sorted(grown, key=lambda each: -each.size_bytes):
        found.setdefault(each.environment, each.cost)
    yield from found.values()


def _warn_of_unpinned(found: Found) -> Iterator[str]:
    """Yield that the versions that the image has of some requirements are unknown."""
    names = [
        line.spelled_name
        for line in found.manifest.lines
        if line.requirement is not None and line.requirement.url is None and line.pin is None
    ]
    if names:
        verb = "is" if len(names) == 1 else "are"
        yield (
            f"{join_words([*dict.fromkeys(names)])} {verb} not pinned: --max-growth counts the "
            "newest that is allowed, before and after; the image may have another"
        )
