"""A plan and its outcome, in the formats that ``--format`` takes.

A format is a module with one function, and one entry in ``FORMATS``; the sentences that
several formats share are in ``wording``.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from .json import write_json
from .markdown import write_markdown
from .text import write_text
from .wording import show

__all__ = ["FORMATS", "show", "write_report"]

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..plan import Outcome, Plan

    Writer: TypeAlias = Callable[[Plan, Outcome], str]

FORMATS: Mapping[str, Writer] = MappingProxyType(
    {"text": write_text, "json": write_json, "markdown": write_markdown}
)
"""What writes each format, by its name."""


def write_report(plan: Plan, outcome: Outcome, *, form: str = "text") -> str:
    """Return the report of a command, in one of ``FORMATS``, without a final line ending."""
    return FORMATS[form](plan, outcome)
