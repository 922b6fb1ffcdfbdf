"""Which kinds of files are taken of which projects: pip's ``--only-binary`` and ``--no-binary``."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeAlias

from msgspec import Struct, field
from packaging.utils import NormalizedName, canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ..requirements import Line
    from .steps import InstallStep

_Kind: TypeAlias = Literal["wheels", "sdists"]

_ALL = ":all:"


class Formats(Struct, frozen=True, kw_only=True):
    """Wheels or sdists, by project.

    Attributes:
        allowed: the one kind that is taken, and the place that has the last word; by name, or by
            ``:all:``.
    """

    allowed: Mapping[str, tuple[_Kind, str]] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def projects(self) -> frozenset[NormalizedName]:
        """The projects that are named."""
        return frozenset(canonicalize_name(name) for name in self.allowed if name != _ALL)

    def only(self, kind: _Kind, name: NormalizedName | None) -> str:
        """Return the place that says that a project is taken as this kind alone, or nothing."""
        named = None if name is None else self.allowed.get(name)
        found, place = named or self.allowed.get(_ALL) or ("", "")
        return place if found == kind else ""

    def allowing(
        self, place: str, *, wheels: Iterable[str] = (), sdists: Iterable[str] = ()
    ) -> Formats:
        """Return the same with one kind alone for ``:all:`` or for names.

        ``:none:`` takes that back. The place has the last word.
        """
        given: list[tuple[_Kind, str]] = []
        given += [("wheels", name.strip()) for name in wheels]
        given += [("sdists", name.strip()) for name in sdists]
        allowed = dict(self.allowed)
        for kind, name in sorted(given, key=lambda each: each[1] != _ALL):  # a name counts more
            if name == _ALL:
                allowed = {_ALL: (kind, place)}
            elif name == ":none:":
                allowed = {key: each for key, each in allowed.items() if each[0] != kind}
            elif name:
                allowed[canonicalize_name(name)] = (kind, place)
        return Formats(allowed=MappingProxyType(allowed))


def read_formats(steps: Sequence[InstallStep], lines: Sequence[Line]) -> Formats:
    """Return which kinds of files are taken; the last word counts, and that is the files'."""
    formats = Formats()
    for step in steps:
        formats = formats.allowing(
            step.place,
            wheels=step.variable("ONLY_BINARY").split(","),
            sdists=step.variable("NO_BINARY").split(","),
        )
        options = step.install.options
        formats = formats.allowing(step.place, wheels=options.only_binary, sdists=options.no_binary)
    for line in lines:
        for option, value in line.options:
            if option == "--only-binary":
                formats = formats.allowing(line.place, wheels=value.split(","))
            elif option == "--no-binary":
                formats = formats.allowing(line.place, sdists=value.split(","))
    return formats
