"""A line at the bottom of a terminal, drawn by rich.

The cursor stays visible behind it: a command that is killed leaves the terminal as it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.control import Control
from rich.progress_bar import ProgressBar
from rich.segment import ControlType, Segments
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from ..console import draw, is_colored

if TYPE_CHECKING:
    from typing import TextIO

    from .activity import Activity

_BAR_COLUMNS = 24
_BAR_FROM_COLUMNS = 60
"""How wide a terminal has to be for a bar."""

_WIPE = Control(ControlType.CARRIAGE_RETURN, (ControlType.ERASE_IN_LINE, 2))


class LiveLine:
    """A display on a terminal."""

    def __init__(self, stream: TextIO) -> None:
        self._console = Console(
            file=stream, force_terminal=True, no_color=not is_colored(stream), highlight=False
        )
        is_plain = not self._console.encoding.startswith("utf")
        self._spinner = Spinner("line" if is_plain else "dots", style="cyan")

    def show(self, activity: Activity) -> None:
        """Draw the line anew."""
        draw(lambda: self._draw(activity), self._erase)

    def _erase(self) -> None:
        self._console.control(_WIPE)

    def _draw(self, activity: Activity) -> None:
        console = self._console
        width = console.width - 1  # the last column would begin a new line
        options = console.options.update(width=width, no_wrap=True, overflow="ellipsis")
        line, *_ = console.render_lines(self._row(activity), options, pad=False)
        with console:
            console.control(_WIPE)
            console.print(Segments(line), end="")

    def _row(self, activity: Activity) -> Table:
        """Return the line as one row, without its bar where the terminal is narrow."""
        words, count = activity.phase, activity.count
        if count is not None:
            words = f"{words} {count.ended} of {count.begun}"
        if activity.seconds >= 1:
            words = f"{words} · {activity.seconds:.0f} s"
        self._spinner.update(text=Text(words))
        row = Table.grid(padding=(0, 2))
        if count is not None and self._console.width >= _BAR_FROM_COLUMNS:
            bar = ProgressBar(
                total=count.begun,
                completed=count.ended,
                width=_BAR_COLUMNS,
                complete_style="cyan",
                finished_style="cyan",
            )
            row.add_row(self._spinner, bar)
        else:
            row.add_row(self._spinner)
        return row
