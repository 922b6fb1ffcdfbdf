"""What the faults of this folder came to: counted in each test, added up at the end of the run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from functional.temporary_project import Finished

Done = Literal["kills", "network faults", "writers"]
Wrong = Literal[
    "lost", "wrong pins", "tracebacks", "over the deadline", "nothing to change on a failed look-up"
]

PROPERTY = "faults"
"""The name under which a test's counts are in its report."""


@dataclass(frozen=True)
class Counts:
    """The counts of one test.

    Attributes:
        values: how often each thing was done, or went wrong.
        details: what went wrong, a sentence each.
    """

    values: dict[str, int] = field(default_factory=dict)
    details: list[str] = field(default_factory=list)

    def did(self, what: Done) -> None:
        """Count a fault that was made."""
        self.values[what] = self.values.get(what, 0) + 1

    def require(self, is_right: bool, wrong: Wrong, detail: str) -> None:
        """Count something that went wrong, unless it is right."""
        if not is_right:
            self.values[wrong] = self.values.get(wrong, 0) + 1
            self.details.append(f"{wrong}: {detail}")

    def require_no_traceback(self, done: Finished, where: str) -> None:
        """Count a traceback in what a program has printed."""
        self.require("Traceback" not in done.output, "tracebacks", f"{where}\n{done.output}")


def add_up(every: Iterable[Mapping[str, int]]) -> str:
    """Return the counts of all tests in one line; empty: there are none."""
    total: Counter[str] = Counter()
    for values in every:
        total.update(values)
    if not total:
        return ""
    made = ", ".join(f"{total[name]} {name}" for name in get_args(Done))
    wrong = ", ".join(f"{name} {total[name]}" for name in get_args(Wrong))
    return f"{made}; {wrong}"
