"""A list on the terminal, of which the user ticks what is to move.

questionary asks; it is an extra, and is loaded for this alone. The list is on standard error, so
that standard output has the report only.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

from .console import columns, is_colored, is_terminal, lending
from .errors import UsageError
from .report import write_choices

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .plan import Change

_QUESTION = "What is to move?"
_KEYS = "(space ticks, a all, enter goes on)"


def require_checklist() -> None:
    """Check that there is somebody to ask, and what asks.

    Raises:
        UsageError: standard input or standard error is no terminal, or questionary is missing.
    """
    if not (is_terminal(sys.stdin) and is_terminal(sys.stderr)):
        raise UsageError(
            "`--interactive` needs a terminal to ask on",
            hint="name what is to move with `--only`, or leave the option out",
        )
    if find_spec("questionary") is None:
        raise UsageError(
            "`--interactive` needs questionary, which is not installed",
            hint='install it: `pip install "pipflow-tasks[interactive]"`',
        )


def tick(groups: Sequence[tuple[Change, ...]]) -> list[tuple[Change, ...]]:
    """Return the groups of changes that the user ticks, which may be none."""
    from prompt_toolkit.output import ColorDepth, create_output
    from questionary import Choice, checkbox

    depth = None if is_colored(sys.stderr) else ColorDepth.DEPTH_1_BIT
    rows = write_choices(groups, width=columns(sys.stderr))
    question = checkbox(
        _QUESTION,
        [Choice(row, value=number) for number, row in enumerate(rows)],
        instruction=_KEYS,
        output=create_output(stdout=sys.stderr),
        color_depth=depth,
        erase_when_done=True,
    )
    with lending():
        try:
            ticked: list[int] = question.unsafe_ask()
        except KeyboardInterrupt:
            question.application.renderer.erase()  # a signal may cut off its own last lines
            raise
    return [groups[number] for number in ticked]
