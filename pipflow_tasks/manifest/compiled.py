"""What other tools wrote, read for ``adopt``: compiled and frozen files, and their sources.

A compiled file names its sources at its top or in the comments of its lines. The result is made
from the sources, where they are there, since they have the user's lines and comments; else from the
compiled or frozen file itself.
"""

from __future__ import annotations

import posixpath
from itertools import takewhile
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from ..errors import RequirementsError, redact
from ..files import within_repository
from ..index.pip_settings import is_local
from ..requirements import Kind, Line, RequirementsFile, read_annotation
from ..requirements.pipfile import (
    is_lock,
    is_pipfile,
    lines_of_lock,
    lines_of_pipfile,
    sections_of_lock,
    split_section,
)
from .library import Opened, normal_path, read_more, walk

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from packaging.utils import NormalizedName
    from packaging.version import Version

    from ..requirements import Annotation
    from .library import Library, LocalFile

ReadProject: TypeAlias = "Callable[[Path, str, str, Collection[NormalizedName]], str]"

_SOURCES = (".in", "pyproject.toml")
_PYPROJECT = "pyproject.toml"
_EXCLUDED = "# The following packages "  # pip-compile lists there what it left out


class Pinned(Struct, frozen=True, kw_only=True):
    """A pin of a compiled or frozen file.

    Attributes:
        line: its line.
        name: the project.
        version: the version.
        parents: the projects that need it, as its comment says; often none.
        files: the sources that ask for it, likewise.
        is_direct: whether somebody asked for it; None where nothing says that.
    """

    line: Line
    name: NormalizedName
    version: Version
    parents: tuple[NormalizedName, ...] = ()
    files: tuple[str, ...] = ()
    is_direct: bool | None = None

    @property
    def hashes(self) -> tuple[str, ...]:
        """Its hashes, as its line has them."""
        return self.line.option_values("--hash")


class Adopted(Struct, frozen=True, kw_only=True):
    """What is adopted.

    Attributes:
        base: what the result is made from: the sources in one text, else the file itself.
        places: where each line of the base comes from.
        is_source: the base has the direct requirements, and no others.
        pinned: the pins, in the order of the files.
        options: the options of the compiled files that the base does not have.
        limits: the lines of constraints that the sources name.
        compiled: the paths of the files that have the pins.
        needless: the files that the project no longer needs.
        lost: what can't be kept, a sentence each.
        unread: the numbers of the lines of the base that the image does not read.
    """

    base: RequirementsFile
    places: tuple[str, ...]
    is_source: bool
    pinned: tuple[Pinned, ...]
    options: tuple[Line, ...] = ()
    limits: tuple[Line, ...] = ()
    compiled: tuple[str, ...] = ()
    needless: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    unread: frozenset[int] = frozenset()

    @property
    def asking(self) -> tuple[Line, ...]:
        """The lines of the base that the image reads, or that have a pin of their own."""
        lines = self.base.lines
        return tuple(line for line in lines if line.number not in self.unread or self.pin_of(line))

    def pin_of(self, line: Line) -> Pinned | None:
        """Return the pin that takes the place of a line of the base, with the marker of the line.

        None: there is none, or there are several, each with a marker.
        """
        found = self.find(line.name)
        exact = next((each for each in found if each.line.marker == line.marker), None)
        if exact is not None or line.number in self.unread:
            return exact
        return found[0] if len(found) == 1 and found[0].line.marker is None else None

    def find(self, name: NormalizedName | None) -> tuple[Pinned, ...]:
        """Return the pins of a project; several are for different platforms."""
        return tuple(each for each in self.pinned if each.name == name)

    def place_of(self, line: Line) -> str:
        """Return where a line of the base comes from."""
        return self.places[self.base.lines.index(line)]


class _Read(Struct, frozen=True, kw_only=True):
    """The files of a command: those with pins, and their sources; both in order."""

    library: Library
    compiled: tuple[LocalFile, ...]
    sources: tuple[str, ...]
    missing: tuple[str, ...] = ()


def read_sources(
    library: Library,
    main: str,
    names: Sequence[str],
    variables: Mapping[str, str],
    read_project: ReadProject,
) -> Adopted:
    """Return what is adopted from files: those that are named, else what ``main`` has.

    ``read_project`` returns the lines of what a pyproject.toml asks for, given its path, how
    messages show it, the command that compiled it, and what is pinned.

    Raises:
        RequirementsError: there is no such file, it has no pins, or two files pin a project
            differently.
        FileError: a file can't be read.
    """
    if not names:
        library, names = _find_names(library, main, variables)
    read = _read(library, names, variables, read_project)
    pinned, options = _merge(read.compiled)
    if not pinned:
        shown = " and ".join(names)
        raise RequirementsError(
            f"{shown} pins nothing, so there is nothing to adopt",
            hint="`pin` gives every line its pin, `lock` locks what they need",
        )
    left = tuple(_left_of_locks(read))
    _require_no_other(read.library, main, {*read.sources, *(file.path for file in read.compiled)})
    is_source = bool(read.sources) and not read.missing
    if is_source:
        lines, limits = _flatten(read, variables)
    else:
        lines, limits = _stripped(read.compiled), ()
    base, places = _join(lines, main, read.compiled[0])
    there = {line.content for line in lines if line.kind is Kind.OPTION}
    options = tuple(line for line in options if line.content not in there)
    of_machine = tuple(line for line in options if is_source and _names_folder(line))
    return Adopted(
        base=base,
        places=places,
        is_source=is_source,
        pinned=pinned,
        options=tuple(line for line in options if line not in of_machine),
        limits=limits,
        compiled=tuple(file.path for file in read.compiled),
        needless=tuple(_needless(read, main, [*lines, *limits], [path for path, _ in left])),
        lost=(
            *(
                f"{name}, from which it was compiled, is not there or lists no requirements: "
                "its comments, ranges and extras are not kept"
                for name in read.missing
            ),
            *(sentence for _, sentence in left),
            *map(tell_folder, of_machine),
        ),
    )


def tell_folder(line: Line) -> str:
    """Return that an option is left out which names a folder."""
    shown = redact(line.content)
    return (
        f"{line.place}: {shown} is a folder of the machine that compiled the file; it is not kept"
    )


def _names_folder(line: Line) -> bool:
    """Return whether a line says nothing but that an index is a folder."""
    return all(
        option in {"--index-url", "--extra-index-url"} and is_local(value)
        for option, value in line.file_options
    )


def _left_of_locks(read: _Read) -> Iterator[tuple[str, str]]:
    """Yield the locks of which a section is not adopted, each with a sentence about it."""
    taken = {split_section(file.path) for file in read.compiled if is_lock(file.path)}
    for path in dict.fromkeys(path for path, _ in sorted(taken)):
        text = (read.library.find(path).before or b"").decode("utf-8", "replace")
        for section, names in sections_of_lock(text).items():
            if (path, section) not in taken:
                shown = ", ".join(names[:5]) + (" and others" if len(names) > 5 else "")
                sentence = (
                    f"{path} also locks {shown} in its section {section}, which is not adopted; "
                    f"`adopt --sources {path}:{section} --file NAME` adopts that"
                )
                yield path, sentence


def _require_no_other(library: Library, main: str, adopted: Collection[str]) -> None:
    """Check that the result does not take the place of a file with other lines.

    Raises:
        RequirementsError: it would.
    """
    file = read_more(library, [main], {}).find(main)
    if main not in adopted and (file.before or b"").strip():
        raise RequirementsError(
            "it is there already, and what is adopted would take its place",
            path=main,
            hint="name it among --sources too, or write another file: `adopt --file NAME`",
        )


def _needless(
    read: _Read, main: str, lines: Iterable[Line], kept: Collection[str]
) -> Iterator[str]:
    """Yield the files that only their tool needs: sources, but no project's, and what it wrote.

    Of ``kept``, a part is not adopted.
    """
    compiled = [file.path for file in read.compiled]
    used = {*read.sources, *(line.path for line in lines)}
    paths = [path for path in sorted(used) if path.endswith(".in") or is_pipfile(path)]
    for path in dict.fromkeys(split_section(path)[0] for path in [*paths, *compiled]):
        if path != main and not {path, f"{path}.lock"}.intersection(kept):
            yield path


def _find_names(
    library: Library, main: str, variables: Mapping[str, str]
) -> tuple[Library, Sequence[str]]:
    """Return the main file, or where there is none, the compiled file that the project has.

    Raises:
        RequirementsError: it has none, or several.
    """
    library = read_more(library, [main], variables)
    if library.find(main).before is not None:
        return library, [main]
    paths = [*library.root.glob("*.txt"), *library.root.glob("requirements/*.txt")]
    names = sorted(library.name_of(path) for path in paths)
    library = read_more(library, names, variables)
    found = [name for name in names if library.find(name).generator is not None]
    if len(found) != 1:
        shown = " ".join(found)
        raise RequirementsError(
            f"there is no such file, and several are compiled: {', '.join(found)}"
            if found
            else "there is no such file, and none that another tool has compiled",
            path=main,
            hint=f'name those that are meant: `adopt --sources "{shown}"`' if found else "",
        )
    return library, found


def _read(
    library: Library,
    names: Sequence[str],
    variables: Mapping[str, str],
    read_project: ReadProject,
) -> _Read:
    """Read the compiled files that are meant, what they include, and their sources."""
    waiting = [_compiled_of(library, name) for name in names]
    for name in waiting:
        if is_lock(name):
            library = _with_text(library, name, lines_of_lock)
    compiled: dict[str, LocalFile] = {}
    sources: dict[str, bool] = {}
    while waiting:  # a source may include what is compiled from another one
        library = read_more(library, waiting, variables)
        found = [file for file in _opened(library, waiting, variables) if file.path not in compiled]
        waiting = []
        for file in found:
            if file.before is None:
                raise RequirementsError(
                    "there is no such file",
                    path=file.path,
                    hint="name what to adopt with --sources, and what to write with --file",
                )
            compiled[file.path] = file
            for name in sources_of(library, file):
                shown, is_there = place_source(library, file, name)
                library = _with_source(library, shown, file, read_project)
                sources.setdefault(shown, is_there)
        there = [name for name, is_there in sources.items() if is_there]
        library = read_more(library, there, variables)
        opened = _opened(library, there, variables)
        waiting = [each.path for each in opened if each.generator and each.path not in compiled]
    missing = tuple(name for name, is_there in sources.items() if not is_there)
    if missing and there:
        raise RequirementsError(
            f"{missing[0]}, from which a file was compiled, is not there or lists no requirements",
            hint="adopt the files one by one, or only those whose sources can be read",
        )
    return _Read(
        library=library,
        compiled=tuple(compiled.values()),
        sources=tuple(there),
        missing=missing,
    )


def _opened(
    library: Library, names: Sequence[str], variables: Mapping[str, str]
) -> list[LocalFile]:
    """Return files and what they include, but for constraints, each once."""
    found: dict[str, LocalFile] = {}
    for event in walk(names, library.find, variables):
        if isinstance(event, Opened) and not event.constrains:
            event.file.require_readable()
            event.file.content.require_resolved()
            found[event.file.path] = event.file
    return [*found.values()]


def _compiled_of(library: Library, name: str) -> str:
    """Return the compiled file of a source; another file is one by itself."""
    folder, base = posixpath.split(name)
    if is_pipfile(name):
        path, section = split_section(name)
        return normal_path(f"{path}.lock" + (f":{section}" if ":" in name else ""))
    if not name.endswith(_SOURCES):
        return normal_path(name)
    stem = "requirements" if base == _PYPROJECT else posixpath.splitext(base)[0]
    compiled = posixpath.join(folder, f"{stem}.txt")
    if not library.path_of(compiled).is_file():
        raise RequirementsError(
            f"there is no {compiled} that was compiled from it",
            path=name,
            hint="compile it first, or name the compiled file: `adopt --sources FILE`",
        )
    return normal_path(compiled)


def sources_of(library: Library, file: LocalFile) -> Iterator[str]:
    """Yield the names of a compiled file's sources, as its comments give them.

    What a line names counts where it is there. An export names none: it is made of the project's
    own file.
    """
    if is_lock(file.path):
        yield posixpath.basename(file.path).replace("Pipfile.lock", "Pipfile")
        return
    generator = file.generator
    if generator is None:
        return
    if generator.source:
        yield from generator.source.split(" and ")
        named = dict.fromkeys(name for pinned in _pins_of(file) for name in pinned.files)
        yield from (name for name in named if place_source(library, file, name)[1])
    elif library.path_of(posixpath.join(posixpath.dirname(file.path), _PYPROJECT)).is_file():
        yield _PYPROJECT


def _with_source(
    library: Library, shown: str, file: LocalFile, read_project: ReadProject
) -> Library:
    """Return the library with a source that is no requirements file, as one."""
    name = posixpath.basename(shown)
    if name == _PYPROJECT:
        command = file.generator.command if file.generator is not None else ""
        pinned = {line.name for line in file.content.lines if line.name and line.pin}
        text = read_project(library.path_of(shown), shown, command, pinned)
        return _with_text(library, shown, lambda _, __: text)
    return _with_text(library, shown, lines_of_pipfile) if is_pipfile(name) else library


def _with_text(library: Library, name: str, convert: Callable[[str, str], str]) -> Library:
    """Return the library with a file, or a section of it, converted to lines of requirements.

    Raises:
        RequirementsError: it can't be converted.
    """
    path, section = split_section(name)
    library = read_more(library, [path], {})
    file = library.find(path)
    file.require_readable()
    if file.before is None:
        return library
    try:
        text = convert(file.before.decode("utf-8", "replace"), section)
    except (ValueError, AttributeError, TypeError) as error:
        raise RequirementsError(f"it can't be understood: {error}", path=name) from error
    file = replace(file, content=RequirementsFile.from_bytes(text.encode(), path=name))
    files = {**library.files, library.path_of(name): file}
    return replace(library, files=MappingProxyType(files))


def place_source(library: Library, file: LocalFile, name: str) -> tuple[str, bool]:
    """Return a source's path and whether it can be read.

    Tools run in the root, beside the file, or above in the repository. What a setup.py computes,
    and another tool's lock, are no list of requirements.
    """
    if not name.endswith((*_SOURCES, ".txt")) and not is_pipfile(name):
        return normal_path(name), False
    beside = posixpath.join(posixpath.dirname(file.path), name)
    above = [library.name_of(folder / name) for folder in within_repository(library.root)]
    for path in (beside, *above, name):
        if library.path_of(split_section(path)[0]).is_file():
            return normal_path(path), True
    return normal_path(beside), False


# the pins


def _merge(files: Iterable[LocalFile]) -> tuple[tuple[Pinned, ...], tuple[Line, ...]]:
    """Return the pins of files, each once, and their options.

    Raises:
        RequirementsError: two files pin a project differently.
    """
    found: dict[tuple[NormalizedName, str], Pinned] = {}
    options: dict[str, Line] = {}
    for file in files:
        for pinned in _pins_of(file):
            key = pinned.name, str(pinned.line.marker or "")
            first = found.setdefault(key, pinned)
            if first.version != pinned.version:
                raise RequirementsError(
                    f"{first.line.place} pins {first.name} {first.version}, and "
                    f"{pinned.line.place} pins {pinned.version}: one file can't have both",
                    hint="compile the files together, or adopt one of them",
                )
            parents = tuple(dict.fromkeys((*first.parents, *pinned.parents)))
            is_direct = True if pinned.is_direct else first.is_direct
            found[key] = replace(first, parents=parents, is_direct=is_direct)
        for line in file.content.lines:
            if line.kind is Kind.OPTION and not line.includes:
                options.setdefault(line.content, line)
    return tuple(found.values()), tuple(options.values())


def _pins_of(file: LocalFile) -> Iterator[Pinned]:
    """Yield the pins of a file; among lines that say why they are there, others are direct."""
    lines = file.content.lines
    found = {
        line.number: annotation_of(lines, index)
        for index, line in enumerate(lines)
        if line.pin is not None
    }
    are_annotated = any(found.values())
    names = {line.name for line in lines if line.pin is not None}
    for line in lines:
        if line.name is None or line.pin is None:
            continue
        annotation = found[line.number]
        is_direct: bool | None = True if are_annotated else None
        if annotation is not None and (annotation.files or annotation.parents):
            # `uv export` names the project itself, which the file does not have
            is_direct = bool(annotation.files) or names.isdisjoint(annotation.parents)
        yield Pinned(
            line=line,
            name=line.name,
            version=line.pin,
            parents=annotation.parents if annotation is not None else (),
            files=annotation.files if annotation is not None else (),
            is_direct=is_direct,
        )


def annotation_of(lines: Sequence[Line], index: int) -> Annotation | None:
    """Return why a compiled file has a line: what is said behind it, or indented below it."""
    return read_annotation(
        [*_behind(lines[index]), *(line.comment for line in _below(lines, index))]
    )


def _behind(line: Line) -> tuple[str, ...]:
    return (line.comment,) if line.comment else ()


def _below(lines: Sequence[Line], index: int) -> list[Line]:
    """Return the indented comments below a line, which belong to it."""
    further = lines[index + 1 :]
    return [*takewhile(lambda line: line.kind is Kind.COMMENT and line.is_indented, further)]


# the text that the result is made from


def _flatten(read: _Read, variables: Mapping[str, str]) -> tuple[list[Line], tuple[Line, ...]]:
    """Return the lines of the sources in the order in which they are read, and what limits them.

    Lines that include a file give way to its lines. Of a compiled file, its sources count; the
    lines of a file that was written by hand count as they are.
    """
    lines: list[Line] = []
    limits: dict[str, Line] = {}
    library = read.library
    own = [file.path for file in read.compiled if not _is_compiled(file)]
    for event in walk([*own, *read.sources], library.find, variables):
        if isinstance(event, Opened):
            event.file.require_readable()
            if event.constrains and not _is_compiled(event.file):
                limits.update({line.place: line for line in event.file.content.lines if line.name})
        elif isinstance(event, Line) and not (
            event.includes or _is_compiled(library.find(event.path))
        ):
            lines.append(event)
    return lines, tuple(limits.values())


def _is_compiled(file: LocalFile) -> bool:
    return file.generator is not None or is_lock(file.path)


def _stripped(files: Iterable[LocalFile]) -> list[Line]:
    """Return the lines of compiled or frozen files without what their tools wrote around them."""
    found: list[Line] = []
    for file in files:
        lines = file.content.lines
        gone: set[int] = set()
        if file.generator is not None:
            top = takewhile(lambda line: line.kind in {Kind.COMMENT, Kind.BLANK}, lines)
            gone |= {line.number for line in top}
            gone |= {line.number for line in _excluded(lines)}
        for index, line in enumerate(lines):
            if line.pin is not None and (annotation := annotation_of(lines, index)):
                below = annotation.length - len(_behind(line))
                gone |= {each.number for each in _below(lines, index)[:below]}
        found += [line for line in lines if line.number not in gone and not line.includes]
    return found


def _excluded(lines: Sequence[Line]) -> list[Line]:
    """Return the comments in which pip-compile lists what it left out."""
    start = next((i for i, line in enumerate(lines) if line.comment.startswith(_EXCLUDED)), None)
    return [] if start is None else [line for line in lines[start:] if line.kind is Kind.COMMENT]


def _join(
    lines: Sequence[Line], main: str, like: LocalFile
) -> tuple[RequirementsFile, tuple[str, ...]]:
    """Return lines as one file, a blank line between those of different files.

    Raises:
        RequirementsError: a line goes on in the next.
    """
    text, places, before = "", [], ""
    for line in lines:
        if before and line.path != before and not text.endswith("\n\n"):
            text += "\n" if text.endswith("\n") else "\n\n"
            places.append(line.place)
        elif text and not text.endswith(("\n", "\r")):
            text += "\n"
        text += line.text
        places.append(line.place)
        before = line.path
    base = replace(like.content, path=main).with_texts([text])
    if len(base.lines) != len(places):
        raise RequirementsError(
            "a line of the sources goes on in a file below it",
            path=main,
            hint="end the last line of each source",
        )
    return base, tuple(places)
