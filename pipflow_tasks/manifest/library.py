"""The local requirements files that a command looks at, each read and parsed once."""

from __future__ import annotations

import os
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from ..errors import FileError
from ..files import read
from ..requirements import RequirementsFile
from .documents import Document, LocalFile
from .includes import Opened, walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Library(Struct, frozen=True, kw_only=True):
    """Files that were read.

    Attributes:
        root: the project's folder, which names are relative to.
        files: by their absolute paths, without ``..`` in them.
    """

    root: Path
    files: Mapping[Path, LocalFile] = field(default_factory=lambda: MappingProxyType({}))

    def path_of(self, name: str) -> Path:
        """Return the absolute path of a name."""
        return Path(os.path.normpath(self.root / name))

    def find(self, name: str) -> LocalFile:
        """Return the file of a name; it must have been read, whether it exists or not."""
        return self.files[self.path_of(name)]


def read_more(library: Library, names: Iterable[str], variables: Mapping[str, str]) -> Library:
    """Return the library with files and all that they include; what it has is not read again.

    Args:
        library: what was read so far.
        names: files, whether they exist or not, relative to the root.
        variables: for ``${VARIABLES}`` in the names of included files.
    """
    files = dict(library.files)

    def find(name: str) -> LocalFile:
        path = library.path_of(name)
        if path not in files:
            files[path] = _read(library.root / name, name)
        return files[path]

    for _ in walk(names, find, variables):
        pass
    return replace(library, files=MappingProxyType(files))


def find_included(
    library: Library,
    names: Iterable[str],
    variables: Mapping[str, str],
    *,
    with_constraints: bool = False,
) -> frozenset[Path]:
    """Return the absolute paths of files, whether they exist or not, with all that they include.

    Args:
        library: where they were read.
        names: the files, relative to the root.
        variables: as for ``read_more``.
        with_constraints: with what they include by ``-c``, too.

    Raises:
        FileError: one of them can't be read.
    """
    found: set[Path] = set()
    events = walk(names, library.find, variables, with_constraints=with_constraints)
    for event in events:
        if isinstance(event, Opened):
            if event.file.is_file:
                event.file.require_readable()
            found.add(library.path_of(event.file.path))
    return frozenset(found)


def _read(file: Path, shown: str) -> LocalFile:
    data, failure = None, ""
    try:
        data = read(file, shown=shown)
    except FileError as error:
        failure = error.message
    try:
        real = Path(os.path.realpath(file))
    except ValueError:  # there is no such name
        real = file
    content = RequirementsFile.from_bytes(data or b"", path=shown)
    return LocalFile(
        document=Document(file=file, before=data, content=content),
        real=real,
        exists=data is not None or file.exists(),
        is_file=file.is_file(),
        failure=failure,
    )
