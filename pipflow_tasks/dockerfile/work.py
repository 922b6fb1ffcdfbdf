"""How much is done to follow one Dockerfile: with an end, whatever the file says."""

from __future__ import annotations

MOST_WORK = 20_000_000


class TooMuchWork(ValueError):  # noqa: N818
    """A Dockerfile takes too much to be followed."""

    def __init__(self) -> None:
        super().__init__("there are too many instructions, commands, files or variables to follow")


class Work:
    """The work on one Dockerfile, counted in about a tenth of a microsecond."""

    def __init__(self) -> None:
        self._left = MOST_WORK

    def spend(self, number: int) -> None:
        """Count what is about to be done.

        Raises:
            TooMuchWork: it is too much, with what was done before.
        """
        self._left -= number
        if self._left < 0:
            raise TooMuchWork
