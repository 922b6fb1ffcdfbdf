"""The local requirements files that a command looks at, each read and parsed once.

``walk`` goes through files and what they include, in the order in which pip reads them. Every
question about includes is answered from this walk: what the named files say, what an install step
installs, what constrains it.
"""

from __future__ import annotations

import os
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from ..errors import FileError, RequirementsError
from ..files import exists, find_repository, is_file, read, show_path
from ..requirements import RequirementsFile, expand_variables

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from ..requirements import Generator, Line


MOST_DEEP, MOST_FILES = 32, 500
"""How deep files may include each other, and how many there may be in all."""


class LocalFile(Struct, frozen=True, kw_only=True):
    """A file that was looked for.

    Attributes:
        file: its path.
        before: its bytes; None where it does not exist or can't be read.
        content: the same, parsed.
        real: its path with links resolved.
        exists: there is something of that name, perhaps a folder.
        is_file: it is a file.
        failure: why it can't be read, or an empty string.
        template: the file of the same name that ends in ``.in``, as messages show it, if it exists.
        is_outside: it is not in the project's repository, or a link leads out of it.
    """

    file: Path
    before: bytes | None
    content: RequirementsFile
    real: Path
    exists: bool
    is_file: bool
    failure: str
    template: str = ""
    is_outside: bool = False

    @property
    def generator(self) -> Generator | None:
        """The tool that wrote it, if its comments name one; its source may stand beside it."""
        generator = self.content.generator
        if generator is None or generator.source:
            return generator
        return replace(generator, source=self.template)

    @property
    def path(self) -> str:
        """The path that messages show."""
        return self.content.path

    def require_readable(self) -> None:
        """Check that it can be read, if it exists.

        Raises:
            FileError: it can't.
        """
        if self.failure:
            raise FileError(self.failure, path=self.path)


class Library(Struct, frozen=True, kw_only=True):
    """Files that were read.

    Attributes:
        root: the project's folder.
        here: the folder that names are relative to: where the user stands, or the root.
        files: by their absolute paths, without ``..`` in them.
    """

    root: Path
    here: Path
    files: Mapping[Path, LocalFile] = MappingProxyType({})

    def path_of(self, name: str) -> Path:
        """Return the absolute path of a name."""
        return Path(os.path.normpath(self.here / name))

    def name_of(self, path: Path) -> str:
        """Return the name of a file or folder, as messages show it."""
        return show_path(path, self.here)

    def find(self, name: str) -> LocalFile:
        """Return the file of a name; it must have been read, whether it exists or not."""
        return self.files[self.path_of(name)]


def read_more(library: Library, names: Iterable[str], variables: Mapping[str, str]) -> Library:
    """Return the library with files and all that they include; what it has is not read again.

    ``names`` are those of ``Library.name_of``; the files need not exist. ``variables`` replace
    ``${VARIABLES}`` in the names of included files.
    """
    files = dict(library.files)
    repository = find_repository(library.root)

    def find(name: str) -> LocalFile:
        path = library.path_of(name)
        if path not in files:
            files[path] = _read(library.here / name, name, repository)
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
    """Return the absolute paths of files and of all that they include, by ``-c`` only if asked.

    Raises:
        FileError: one of them can't be read.
    """
    found: set[Path] = set()
    for event in walk(names, library.find, variables):
        if isinstance(event, Opened) and (with_constraints or not event.constrains):
            if event.file.is_file:
                event.file.require_readable()
            found.add(library.path_of(event.file.path))
    return frozenset(found)


def _read(file: Path, shown: str, repository: Path | None) -> LocalFile:
    data, failure = None, ""
    try:
        data = read(file, shown=shown)
    except FileError as error:
        failure = error.message
    try:
        real = Path(os.path.realpath(file))
    except ValueError:  # the system allows no such name
        real = file
    is_outside = repository is not None and not real.is_relative_to(os.path.realpath(repository))
    has_template = bool(file.name) and file.suffix != ".in" and is_file(file.with_suffix(".in"))
    return LocalFile(
        file=file,
        before=data,
        content=RequirementsFile.from_bytes(data or b"", path=shown),
        real=real,
        exists=data is not None or exists(file),
        is_file=is_file(file),
        failure=failure,
        template=os.path.splitext(shown)[0] + ".in" if has_template else "",  # noqa: PTH122 - text, not a file
        is_outside=is_outside,
    )


# --- the walk -------------------------------------------------------------------------------------


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
        """Whether it includes itself, perhaps through other files."""
        return self.file.path in self.within


class Elsewhere(Struct, frozen=True, kw_only=True):
    """A line includes an address, which the walk does not fetch."""

    name: str
    by: Line
    constrains: bool


Event: TypeAlias = "Opened | Line | Elsewhere"


def walk(
    names: Iterable[str],
    find: Callable[[str], LocalFile],
    variables: Mapping[str, str],
    *,
    constrains: bool = False,
    known: Mapping[Path, str] | None = None,
    skips: Collection[str] = (),
) -> Iterator[Event]:
    """Yield the files, lines and addresses on the way through files; no lines of constraints.

    Args:
        names: the files to begin with, relative to the project's root.
        find: returns the file of a name.
        variables: for ``${VARIABLES}`` in the names of included files.
        constrains: the named files count as constraints.
        known: the paths of the requirements files so far, by their real paths: a link to one of
            them is that file. With None, every name is a file of its own.
        skips: the paths of files that are passed over where a line includes them with ``-r``.

    Raises:
        RequirementsError: the files are too many, or included too deeply.
    """
    met = None if known is None else dict(known)
    done: set[tuple[str, bool]] = set()

    def visit(
        name: str, by: Line | None, within: tuple[str, ...], constrains: bool
    ) -> Iterator[Event]:
        file = find(normal_path(name))
        if met and file.real in met:
            file = find(met[file.real])
        if file.path in skips and not constrains:
            return
        opened = Opened(file=file, by=by, constrains=constrains, within=within)
        yield opened
        if opened.is_circular or (file.path, constrains) in done:
            return
        done.add((file.path, constrains))
        _require_few(by, len(within), len(done))
        if met is not None and not constrains:
            met.setdefault(file.real, file.path)
        for line in file.content.lines:
            if not constrains:
                yield line
            for written, only_constrains in line.includes:
                included, limits = (
                    expand_variables(written, variables),
                    constrains or only_constrains,
                )
                if "://" in included:
                    yield Elsewhere(name=written, by=line, constrains=limits)
                else:
                    included = os.path.join(os.path.dirname(file.path), included)  # noqa: PTH118, PTH120 - text, not a file
                    yield from visit(included, line, (*within, file.path), limits)

    for name in names:
        yield from visit(name, None, (), constrains)


def _require_few(by: Line | None, depth: int, number: int) -> None:
    message = ""
    if depth > MOST_DEEP:
        message = f"this file is included through more than {MOST_DEEP} others"
    elif number > MOST_FILES:
        message = f"more than {MOST_FILES} files are included"
    if message:
        place = (None, None) if by is None else (by.path, by.number)
        raise RequirementsError(message, path=place[0], line=place[1])


def normal_path(name: str) -> str:
    """Return a path relative to the project's root without ``..``, with slashes."""
    return os.path.normpath(name).replace(os.sep, "/")
