"""Markers that hold in some environments and in no other (PEP 508)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import Version

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .inputs import Inputs

_VARIABLES = ("python_version", "platform_machine", "sys_platform", "platform_system")


def separate(inputs: Inputs, some: Iterable[int], others: Iterable[int]) -> str | None:
    """Return a marker that holds for some readers and not for others.

    An empty one where there are no others; None where no single variable separates them.
    """
    ours = [inputs.readers[number].target.markers for number in some]
    theirs = [inputs.readers[number].target.markers for number in others]
    if not theirs:
        return ""
    for variable in _VARIABLES:
        own = {markers.get(variable, "") for markers in ours}
        foreign = {markers.get(variable, "") for markers in theirs}
        if own.isdisjoint(foreign):
            return _compare(variable, own, foreign)
    return None


def _compare(variable: str, own: set[str], foreign: set[str]) -> str:
    """Return a marker for the values of a variable and not for foreign ones."""
    if variable == "python_version":
        if _newest(own) < _oldest(foreign):
            return f'python_version < "{_oldest(foreign)}"'
        if _oldest(own) > _newest(foreign):
            return f'python_version >= "{_oldest(own)}"'
    if len(foreign) == 1:
        return f'{variable} != "{next(iter(foreign))}"' if len(own) > 1 else _equal(variable, own)
    return _equal(variable, own)


def _equal(variable: str, values: Iterable[str]) -> str:
    return " or ".join(f'{variable} == "{value}"' for value in sorted(values))


def _versions(values: Iterable[str]) -> Iterator[Version]:
    return map(Version, values)


def _newest(values: Iterable[str]) -> Version:
    return max(_versions(values))


def _oldest(values: Iterable[str]) -> Version:
    return min(_versions(values))
