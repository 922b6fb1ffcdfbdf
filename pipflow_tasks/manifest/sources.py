"""Compiled files with the sources that people edit: what they are made of, and where.

A source is a requirements file, mostly one that ends in ``.in``. What a compiled file is made of
is found as for ``adopt``, in ``compiled``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from ..files import within_repository
from .compiled import place_source, sources_of
from .library import Opened, read_more, walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from packaging.utils import NormalizedName

    from ..requirements import Generator, Line
    from .documents import Manifest
    from .library import Library, LocalFile

_NO_REQUIREMENTS = (".toml", ".py", ".cfg", ".lock")


class Compiled(Struct, frozen=True, kw_only=True):
    """A compiled file, and what it is made of.

    Attributes:
        file: the compiled file.
        generator: what its header says.
        sources: the requirements files that its command names, in order.
        read: these and all that they include, by their paths; also what only limits them.
        folder: where its command is run.
    """

    file: LocalFile
    generator: Generator
    sources: tuple[str, ...]
    read: tuple[str, ...]
    folder: Path


def find_compiled(
    library: Library, name: str, variables: Mapping[str, str]
) -> tuple[Compiled | None, Library]:
    """Return what a file is made of, and the library with that.

    None: no tool has compiled it, or not from requirements files that are there.
    """
    file = library.find(name)
    if file.generator is None or not file.generator.source:
        return None, library
    named = [place_source(library, file, source) for source in sources_of(library, file)]
    if not all(is_there and not path.endswith(_NO_REQUIREMENTS) for path, is_there in named):
        return None, library
    sources = tuple(dict.fromkeys(path for path, _ in named))
    library = read_more(library, sources, variables)
    opened = [
        event.file.path
        for event in walk(sources, library.find, variables)
        if isinstance(event, Opened)
    ]
    compiled = Compiled(
        file=file,
        generator=file.generator,
        sources=sources,
        read=tuple(dict.fromkeys(opened)),
        folder=_find_folder(library, file, sources),
    )
    return compiled, library


def find_limits(
    library: Library, names: Iterable[str], variables: Mapping[str, str]
) -> tuple[Line, ...]:
    """Return the lines with a specifier in what compiled files are made of, which limit them."""
    found: dict[str, Line] = {}
    for name in names:
        compiled, library = find_compiled(library, name, variables)
        for path in compiled.read if compiled is not None else ():
            file = library.find(path)
            lines = file.content.lines if file.generator is None else ()
            found |= {line.place: line for line in lines if line.requirement is not None}
    return tuple(
        line
        for line in found.values()
        if line.requirement is not None and line.requirement.specifier
    )


def find_dependents(
    library: Library, first: Compiled, variables: Mapping[str, str]
) -> tuple[Compiled, ...]:
    """Return a compiled file and others that its sources, or the file itself, are in.

    Each comes behind those that it is made of.
    """
    found = [first]
    waiting: list[Compiled] = []
    folders = dict.fromkeys([library.root, first.file.file.parent])
    for path in (path for folder in folders for path in sorted(folder.glob("*.txt"))):
        name = library.name_of(path)
        library = read_more(library, [name], variables)
        compiled, library = find_compiled(library, name, variables)
        if compiled is not None and name != first.file.path:
            waiting.append(compiled)
    changing = {*first.sources, first.file.path}
    while new := [each for each in waiting if not changing.isdisjoint(each.read)]:
        found += new
        changing |= {each.file.path for each in new}
        waiting = [each for each in waiting if each not in new]
    return tuple(_in_order(found))


def find_elsewhere(
    manifest: Manifest, library: Library, variables: Mapping[str, str]
) -> frozenset[NormalizedName]:
    """Return the projects that locked lines name and that other files have.

    A lock of several files names the parents of all of them. The others are those that the library
    has, which builds install, and those beside the manifest's own.
    """
    listed = {line.name for line in manifest.lines}
    unknown = {parent for line in manifest.lines for parent in line.via} - listed
    if not unknown:
        return frozenset()
    folders = dict.fromkeys(file.file.parent for file in manifest.requirements.values())
    beside = (path for folder in folders for path in sorted(folder.glob("*.txt")))
    named = dict.fromkeys(map(library.name_of, (*beside, *library.files)))
    here = manifest.requirements.keys() | manifest.constraints.keys()
    others = [name for name in named if name not in here]
    library = read_more(library, others, variables)
    lines = (line for name in others for line in library.find(name).content.lines)
    return frozenset(line.name for line in lines if line.name is not None and line.name in unknown)


def _in_order(files: Sequence[Compiled]) -> Iterator[Compiled]:
    left = [*files]
    while left:
        paths = {each.file.path for each in left}
        ready = [each for each in left if paths.isdisjoint({*each.read} - {each.file.path})]
        yield from ready or left
        left = [each for each in left if each not in ready] if ready else []


def _find_folder(library: Library, file: LocalFile, sources: Sequence[str]) -> Path:
    """Return the folder in which the names of a command mean what they are.

    Tools run in the project, beside the file, or in a folder above.
    """
    assert file.generator is not None
    command = file.generator.compiling
    written = command.output if command is not None else ""
    wanted = {library.path_of(source) for source in sources}
    names = file.generator.source.split(" and ")
    path = library.path_of(file.path)
    for folder in dict.fromkeys([*within_repository(library.root), path.parent, library.here]):
        is_output = not written or (folder / written).resolve() == path.resolve()
        if is_output and wanted >= {folder / name for name in names}:
            return folder
    return library.root
