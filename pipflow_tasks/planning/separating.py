"""Markers that hold in some environments and in no other (PEP 508)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import Version

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .inputs import Inputs

VARIABLES = ("python_version", "platform_machine", "sys_platform", "platform_system")
"""Those that separate environments, each by itself."""


def separate(inputs: Inputs, some: Iterable[int], others: Iterable[int]) -> str | None:
    """Return a marker that holds for some readers and not for others.

    An empty one where there are no others; None where no single variable separates them.
    """
    ours = [inputs.readers[number].target.markers for number in some]
    theirs = [inputs.readers[number].target.markers for number in others]
    if not theirs:
        return ""
    for variable in VARIABLES:
        own = {markers.get(variable, "") for markers in ours}
        foreign = {markers.get(variable, "") for markers in theirs}
        if own.isdisjoint(foreign):
            return _compare(variable, own, foreign)
    return None


def _compare(variable: str, own: set[str], foreign: set[str]) -> str:
    """Return a marker for the values of a variable and not for foreign ones."""
    if variable == "python_version":
        return " or ".join(_ranges(own, foreign))
    if len(foreign) == 1:
        return f'{variable} != "{next(iter(foreign))}"' if len(own) > 1 else _equal(variable, own)
    return _equal(variable, own)


def _equal(variable: str, values: Iterable[str]) -> str:
    return " or ".join(f'{variable} == "{value}"' for value in sorted(values))


def _ranges(own: set[str], foreign: set[str]) -> Iterator[str]:
    """Yield a marker for each range of Pythons that has no foreign one.

    A Python between two of them belongs to the older one: the ranges of all leave none out.
    """
    values = sorted(own | foreign, key=Version)
    for place, value in enumerate(values):
        if value in foreign or (place and values[place - 1] in own):
            continue
        end = next((each for each in values[place:] if each in foreign), "")
        bounds = [f'python_version >= "{value}"'] * bool(place)
        bounds += [f'python_version < "{end}"'] * bool(end)
        yield " and ".join(bounds)
