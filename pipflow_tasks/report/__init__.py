"""A plan and its outcome, in the formats that ``--format`` takes.

A format is a module with one function, ``write``, whose name is in ``FORMATS``; a module is loaded
when its format is asked for. The sentences that several formats share are in ``wording``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, TypeAlias

from .wording import show

__all__ = [
    "FORMATS",
    "formats_of",
    "show",
    "why_refused",
    "write_announcement",
    "write_choices",
    "write_report",
]

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..errors import PipflowError
    from ..plan import Change, Outcome, Plan

    Writer: TypeAlias = Callable[[Plan, Outcome, PipflowError | None], str]

FORMATS = ("text", "json", "markdown", "github", "sarif")
"""The formats; each is written by the module of its name."""

OF_CHECK = frozenset({"sarif"})
"""The formats that only ``check`` has."""


def why_refused(form: str, command: str) -> str:
    """Return why a command has no report in a format; empty: it has one."""
    if form not in FORMATS:
        return f'there is no format "{form}"'
    if form in OF_CHECK and command != "check":
        return f"only `check` has reports as {form}"
    return ""


def formats_of(command: str) -> tuple[str, ...]:
    """Return the formats that a command has."""
    return tuple(form for form in FORMATS if not why_refused(form, command))


def write_report(
    plan: Plan,
    outcome: Outcome,
    error: PipflowError | None = None,
    *,
    form: str = "text",
    width: int = 0,
) -> str:
    """Return the report of a command, in one of ``FORMATS``, without a final line ending.

    Args:
        plan: what the command planned; where it failed before, a plan with nothing but its name.
        outcome: what became of the plan.
        error: what ended the command, or None.
        form: the format.
        width: where text is wrapped: the columns of the terminal; 0: nowhere.
    """
    if form == "text":
        from .text import write as write_text

        return write_text(plan, outcome, error, width=width)
    write: Writer = import_module(f".{form}", __name__).write
    return write(plan, outcome, error)


def write_announcement(plan: Plan, *, width: int = 0) -> str:
    """Return what a plan is about to change and to build, as text; see ``write_report``."""
    from .text import announce

    return announce(plan, width=width)


def write_choices(groups: Sequence[Sequence[Change]], *, width: int = 0) -> list[str]:
    """Return groups of changes as text, to choose from: a line for each change that fits."""
    from .text import describe_groups

    return describe_groups(groups, width=width)
