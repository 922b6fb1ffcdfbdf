"""The requirements files of a project: those it names, and those that they include."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from ..errors import RequirementsError
from ..files import read
from ..requirements import RequirementsFile, expand_variables

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from ..requirements import Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A requirements file and where it is; ``before`` is None where it is not there yet."""

    file: Path
    before: bytes | None
    content: RequirementsFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Documents:
    """Requirements files that count together.

    Attributes:
        main: the file that new requirements go into.
        requirements: by the path that messages show: the named files and what they include
            with ``-r``. These may be edited.
        constraints: the same for ``-c``. These are obeyed and never edited.
        lines: every line of the requirements, in the order in which pip reads them.
    """

    main: str
    requirements: dict[str, Document] = field(default_factory=dict)
    constraints: dict[str, Document] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)

    @property
    def is_missing(self) -> bool:
        """Whether the main file is not there yet."""
        return self.requirements[self.main].before is None

    @property
    def uses_hashes(self) -> bool:
        """Whether pip will want a hash for every requirement."""
        return any(document.content.uses_hashes for document in self.requirements.values())

    def find(self, name: str) -> tuple[Line, ...]:
        """Return the lines of a project, compared by canonical name."""
        wanted = canonicalize_name(name)
        return tuple(line for line in self.lines if line.name == wanted)

    def constraints_on(self, name: str) -> Iterator[Line]:
        """Yield the constraint lines on a project."""
        for document in self.constraints.values():
            yield from document.content.find(name)


def read_documents(root: Path, names: Sequence[str], environment: Mapping[str, str]) -> Documents:
    """Read requirements files and, as pip does, what they include.

    Args:
        root: the folder that the names are relative to.
        names: the files; the first need not be there.
        environment: for ``${VARIABLES}`` in the names of included files.

    Raises:
        RequirementsError: a file is in the middle of a merge, an included file is missing, or
            files include each other.
        FileError: a file can't be read.
    """
    documents = Documents(main=os.path.normpath(names[0]).replace(os.sep, "/"))
    for name in names:
        _Reader(root, environment, documents).take(name, including=())
    return documents


@dataclass(frozen=True, slots=True)
class _Reader:
    root: Path
    environment: Mapping[str, str]
    documents: Documents

    def take(self, name: str, *, including: tuple[str, ...], by: Line | None = None) -> None:
        """Read a requirements file, and then what it includes, at the place of the option."""
        shown = self._shown(name, by)
        document = self._open(shown, including, by, may_be_missing=shown == self.documents.main)
        if shown in self.documents.requirements:
            return
        self.documents.requirements[shown] = document
        for line in document.content.lines:
            self.documents.lines.append(line)
            for included in line.option_values("--requirement"):
                if not _is_address(included):
                    self.take(included, including=(*including, shown), by=line)
            for constraint in line.option_values("--constraint"):
                self._constrain(constraint, including=(*including, shown), by=line)

    def _constrain(self, name: str, *, including: tuple[str, ...], by: Line) -> None:
        """Read a constraints file; whatever it includes constrains as well."""
        if _is_address(name):
            return
        shown = self._shown(name, by)
        document = self._open(shown, including, by)
        self.documents.constraints[shown] = document
        for line in document.content.lines:
            for option in ("--requirement", "--constraint"):
                for included in line.option_values(option):
                    self._constrain(included, including=(*including, shown), by=line)

    def _open(
        self,
        shown: str,
        including: tuple[str, ...],
        by: Line | None,
        *,
        may_be_missing: bool = False,
    ) -> Document:
        if shown in including and by is not None:
            chain = " includes ".join((*including[including.index(shown) :], shown))
            raise RequirementsError(
                f"the files include each other: {chain}",
                path=by.path,
                line=by.number,
                hint="take one of these lines out",
            )
        file = self.root / shown
        before = read(file, shown=shown)
        if before is None and not may_be_missing:
            raise RequirementsError(
                f"there is no file {shown}",
                path=by.path if by else None,
                line=by.number if by else None,
                hint="paths in a requirements file are relative to that file",
            )
        content = RequirementsFile.from_bytes(before or b"", path=shown)
        content.require_resolved()
        return Document(file=file, before=before, content=content)

    def _shown(self, name: str, by: Line | None) -> str:
        """Return a file's path relative to the root; what a file includes is relative to it."""
        if by is not None:
            name = os.path.join(os.path.dirname(by.path), expand_variables(name, self.environment))  # noqa: PTH118, PTH120 - text, not a file
        return os.path.normpath(name).replace(os.sep, "/")


def _is_address(name: str) -> bool:
    return "://" in name
