"""The walk through requirements files and what they include, in the order in which pip reads them.

Every question about includes is answered from this walk: what the named files say, what an
install step installs, what constrains it. A walk touches no disk: it is given what finds a file.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from ..requirements import expand_variables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from ..requirements import Line
    from .documents import LocalFile


class Opened(Struct, frozen=True, kw_only=True):
    """A file begins, or is named once more.

    Attributes:
        file: the file, whether it exists or not.
        by: the line that includes it; None where it was named otherwise.
        constrains: it counts as constraints.
        within: the paths of the files that include it, the outermost first.
    """

    file: LocalFile
    by: Line | None
    constrains: bool
    within: tuple[str, ...]

    @property
    def is_circular(self) -> bool:
        """Whether it includes itself, by whatever way round."""
        return self.file.path in self.within


class Elsewhere(Struct, frozen=True, kw_only=True):
    """A line includes an address; the walk does not go there.

    Attributes:
        name: the address as it is written.
        by: the line.
        constrains: it counts as constraints.
    """

    name: str
    by: Line
    constrains: bool


class Closed(Struct, frozen=True, kw_only=True):
    """A requirements file ends."""

    file: LocalFile


Event: TypeAlias = "Opened | Line | Elsewhere | Closed"


def walk(
    names: Iterable[str],
    find: Callable[[str], LocalFile],
    variables: Mapping[str, str],
    *,
    constrains: bool = False,
    known: Mapping[Path, str] | None = None,
    with_constraints: bool = True,
) -> Iterator[Event]:
    """Yield what is met on the way through files; of constraints, only the files.

    Args:
        names: the files to begin with, relative to the project's root.
        find: returns the file of a name.
        variables: for ``${VARIABLES}`` in the names of included files.
        constrains: the named files count as constraints.
        known: the requirements files that were met before, by their real paths: a file that has
            another name there, by way of a link, keeps that. With None, every name is a file of
            its own.
        with_constraints: follow ``-c``, too.
    """
    way = _Walk(
        find=find,
        variables=variables,
        with_constraints=with_constraints,
        links=known is not None,
        met=dict(known or {}),
        done=set(),
    )
    for name in names:
        yield from way.visit(name, None, (), constrains=constrains)


class _Walk(Struct, kw_only=True):
    """One walk, as far as it has come.

    Attributes:
        met: the requirements files so far, by their real paths.
        done: the files that are not gone through again, each with whether it constrains.
        links: a file that was met by another name keeps that.
    """

    find: Callable[[str], LocalFile]
    variables: Mapping[str, str]
    with_constraints: bool
    links: bool
    met: dict[Path, str]
    done: set[tuple[str, bool]]

    def visit(
        self, name: str, by: Line | None, within: tuple[str, ...], *, constrains: bool
    ) -> Iterator[Event]:
        """Go through a file, if it was not gone through before."""
        file = self.find(_path_of(name, by, self.variables))
        if self.links and file.real in self.met:
            file = self.find(self.met[file.real])
        opened = Opened(file=file, by=by, constrains=constrains, within=within)
        yield opened
        if opened.is_circular or (file.path, constrains) in self.done:
            return
        self.done.add((file.path, constrains))
        if not constrains:
            self.met.setdefault(file.real, file.path)
        for line in file.document.content.lines:
            if not constrains:
                yield line
            yield from self._follow(line, (*within, file.path), constrains=constrains)
        if not constrains:
            yield Closed(file=file)

    def _follow(self, line: Line, within: tuple[str, ...], *, constrains: bool) -> Iterator[Event]:
        """Go through what a line includes."""
        for name, only_constrains in line.includes:
            if only_constrains and not self.with_constraints:
                continue
            limits = constrains or only_constrains
            if "://" in expand_variables(name, self.variables):
                yield Elsewhere(name=name, by=line, constrains=limits)
            else:
                yield from self.visit(name, line, within, constrains=limits)


def _path_of(name: str, by: Line | None, variables: Mapping[str, str]) -> str:
    """Return a file's path relative to the root; what a file includes is relative to it."""
    if by is not None:
        name = os.path.join(os.path.dirname(by.path), expand_variables(name, variables))  # noqa: PTH118, PTH120 - text, not a file
    return os.path.normpath(name).replace(os.sep, "/")
