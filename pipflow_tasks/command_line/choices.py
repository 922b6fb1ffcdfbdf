"""The values that options take, where they are few."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..console import COLOR_CHOICES

if TYPE_CHECKING:
    from collections.abc import Iterable

SHELLS = ("bash", "zsh", "fish")
CHOOSING = ("color", "completion", "format", "level")
"""The options that have them."""


def choices_of(option: str, command: str) -> Iterable[str]:
    """Return the values of one of ``CHOOSING`` for a command."""
    if option == "format":
        from ..report import formats_of

        return formats_of(command)
    if option == "level":
        from ..planning.upgrade import LEVELS

        return LEVELS
    return COLOR_CHOICES if option == "color" else SHELLS
