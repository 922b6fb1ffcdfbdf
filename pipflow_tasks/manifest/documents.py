"""The requirements files of a project: those it names, and those that they include."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from ..errors import RequirementsError
from ..files import read
from ..requirements import Kind, RequirementsFile, expand_variables
from .addresses import Address, unset_error, unset_variable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from ..requirements import Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A requirements file and where it is; ``before`` is None where it is not there yet."""

    file: Path
    before: bytes | None
    content: RequirementsFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Requirements files that count together.

    Attributes:
        main: the file that new requirements go into.
        requirements: by the path that messages show: the named files and what they include
            with ``-r``. These may be edited.
        constraints: the same for ``-c``. These are obeyed and never edited.
        lines: every line of the requirements, in the order in which pip reads them.
        siblings: the lines of other files that the image installs as well; they count as they are.
        innermost: the paths of the requirements, what is included before what includes it.
        addresses: what they include from somewhere else, as far as it can be asked from here.
        fetched: the requirements files among them, by the address that messages show.
        unread: the lines that include what only the image can fetch.
        unheeded: the lines that say more in a file that was fetched: which index to ask, say.
        is_being_locked: what a line says of who has brought it counts, be they there or not.
        promoted: the places of lines that are the user's own from now on, whatever they say.
        requires_hashes: the installer wants a hash for every requirement, whatever the files say.
    """

    main: str
    requirements: dict[str, Document] = field(default_factory=dict)
    constraints: dict[str, Document] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)
    siblings: list[Line] = field(default_factory=list)
    innermost: list[str] = field(default_factory=list)
    addresses: list[Address] = field(default_factory=list)
    fetched: dict[str, RequirementsFile] = field(default_factory=dict)
    unread: list[Line] = field(default_factory=list)
    unheeded: list[Line] = field(default_factory=list)
    promoted: set[str] = field(default_factory=set)
    requires_hashes: bool = False
    is_being_locked: bool = False

    @property
    def is_locked(self) -> bool:
        """Whether the files hold their closure: a line says it is there via a project of theirs."""
        names = {line.name for line in self.lines}
        # what has brought it may stand at an address, and that may not have been asked
        counts = self.is_being_locked or not all(each.constrains for each in self.addresses)
        return any(counts or names & {*line.via} for line in self._marked)

    @property
    def locked(self) -> tuple[Line, ...]:
        """The lines that `lock` has written, and what followed it; none in files not locked."""
        if not self.is_locked:
            return ()
        return tuple(line for line in self._marked if line.place not in self.promoted)

    @property
    def _marked(self) -> tuple[Line, ...]:
        """The lines that say what has brought them along; not where another tool says so."""
        others = {path for path, found in self.requirements.items() if found.content.generator}
        return tuple(line for line in self.lines if line.via and line.path not in others)

    @property
    def direct(self) -> tuple[Line, ...]:
        """The lines that are the user's own."""
        locked = {line.place for line in self.locked}
        return tuple(line for line in self.lines if line.place not in locked)

    @property
    def is_missing(self) -> bool:
        """Whether the main file is not there yet."""
        return self.requirements[self.main].before is None

    @property
    def uses_hashes(self) -> bool:
        """Whether pip will want a hash for every requirement."""
        files = (*(each.content for each in self.requirements.values()), *self.fetched.values())
        return self.requires_hashes or any(content.uses_hashes for content in files)

    def find(self, name: str) -> tuple[Line, ...]:
        """Return the lines of a project, compared by canonical name."""
        wanted = canonicalize_name(name)
        return tuple(line for line in self.lines if line.name == wanted)

    def constraints_on(self, name: str) -> Iterator[Line]:
        """Yield the constraint lines on a project."""
        for document in self.constraints.values():
            yield from document.content.find(name)


def promote(manifest: Manifest, line: Line) -> Manifest:
    """Return the manifest with a locked line as one of the user's own."""
    return replace(manifest, promoted={*manifest.promoted, line.place})


def take_constraints(manifest: Manifest, texts: Iterable[tuple[str, str]], image: str) -> None:
    """Let files of an image constrain the documents, given their paths there and their texts."""
    for path, text in texts:
        shown = f"{path} in {image}"
        content = RequirementsFile.from_bytes(text.encode(), path=shown)
        manifest.constraints[shown] = Document(file=Path(path), before=None, content=content)


def read_constraints(
    manifest: Manifest, root: Path, names: Mapping[str, str], environment: Mapping[str, str]
) -> None:
    """Read files that constrain the documents besides those that they name themselves.

    Args:
        manifest: what to add them to; a file that is edited is no constraint of itself.
        root: the folder that the names are relative to.
        names: the files, each with the place that names it.
        environment: as for ``read_documents``.

    Raises:
        RequirementsError: a file is missing or in the middle of a merge.
        FileError: a file can't be read.
    """
    reader = _Reader(root, environment, manifest)
    for name, place in names.items():
        if name in manifest.requirements:
            continue
        address = Address.from_text(name, place=place, constrains=True, environment=environment)
        if address.url:
            manifest.addresses.append(address)
            continue
        if not (root / name).exists():
            raise RequirementsError(
                f"there is no file {name}, whose constraints {place} installs with",
                hint="write it, or take it out of that step",
            )
        reader.constrain(name, including=())


def read_manifest(root: Path, names: Sequence[str], environment: Mapping[str, str]) -> Manifest:
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
    manifest = Manifest(main=os.path.normpath(names[0]).replace(os.sep, "/"))
    for name in names:
        _Reader(root, environment, manifest).take(name, including=())
    return manifest


def read_addresses(
    manifest: Manifest,
    fetch: Callable[[Address], bytes],
    environment: Mapping[str, str],
) -> None:
    """Read what stands somewhere else: it constrains the documents, or counts beside them.

    What is named there is relative to it, as for pip.

    Args:
        manifest: whose addresses are read.
        fetch: returns what stands at an address.
        environment: as for ``read_documents``.

    Raises:
        RequirementsError: it is no requirements file.
    """
    waiting = [*manifest.addresses]
    done: set[tuple[str, bool]] = set()
    while waiting:
        address = waiting.pop(0)
        if (address.url, address.constrains) in done:
            continue
        done.add((address.url, address.constrains))
        shown = address.shown
        content = RequirementsFile.from_bytes(fetch(address), path=shown)
        content.require_resolved()
        for line in content.lines:
            is_web_page = line.content.startswith("<")  # to sign in, perhaps
            if line.kind is Kind.UNREADABLE or is_web_page:
                raise RequirementsError(
                    "this is a web page" if is_web_page else f"not a valid line: {line.problem}",
                    path=shown,
                    line=line.number,
                    hint=f"{address.place} names what should be a requirements file",
                )
            included = [
                address.include(
                    name, place=line.place, constrains=constrains, environment=environment
                )
                for name, constrains in line.includes
            ]
            waiting.extend(each for each in included if each.url)
            if any(not each.url for each in included):
                manifest.unread.append(line)
            elif line.kind is Kind.OPTION and not included:
                manifest.unheeded.append(line)
        if address.constrains:
            manifest.constraints[shown] = Document(file=Path(), before=None, content=content)
        else:
            manifest.fetched[shown] = content
            manifest.siblings.extend(content.lines)


def read_siblings(
    manifest: Manifest, root: Path, names: Mapping[str, str], environment: Mapping[str, str]
) -> None:
    """Read what else the image installs, as far as it is there and none of the documents.

    Args:
        manifest: what it is beside of.
        root: the folder that the names are relative to.
        names: requirements files and addresses of such, each with the place that names it.
        environment: as for ``read_documents``.

    Raises:
        RequirementsError: as for ``read_documents``.
        FileError: a file can't be read.
    """
    there = {line.place for line in manifest.siblings}
    for name, place in names.items():
        address = Address.from_text(name, place=place, constrains=False, environment=environment)
        if address.url:
            manifest.addresses.append(address)
        elif name not in manifest.requirements and (root / name).is_file():
            for line in read_manifest(root, (name,), environment).lines:
                if line.path not in manifest.requirements and line.place not in there:
                    manifest.siblings.append(line)


@dataclass(frozen=True, slots=True)
class _Reader:
    root: Path
    environment: Mapping[str, str]
    manifest: Manifest

    def take(self, name: str, *, including: tuple[str, ...], by: Line | None = None) -> None:
        """Read a requirements file, and then what it includes, at the place of the option."""
        shown = self._shown(name, by)
        document = self._open(shown, including, by, may_be_missing=shown == self.manifest.main)
        if shown in self.manifest.requirements:
            return
        self.manifest.requirements[shown] = document
        for line in document.content.lines:
            self.manifest.lines.append(line)
            for included, constrains in line.includes:
                if constrains:
                    self.constrain(included, including=(*including, shown), by=line)
                elif not self._leads_elsewhere(included, line, constrains=False):
                    self.take(included, including=(*including, shown), by=line)
        self.manifest.innermost.append(shown)

    def constrain(self, name: str, *, including: tuple[str, ...], by: Line | None = None) -> None:
        """Read a constraints file; whatever it includes constrains as well."""
        if by is not None and self._leads_elsewhere(name, by, constrains=True):
            return
        shown = self._shown(name, by)
        document = self._open(shown, including, by)
        self.manifest.constraints[shown] = document
        for line in document.content.lines:
            for included, _ in line.includes:
                self.constrain(included, including=(*including, shown), by=line)

    def _leads_elsewhere(self, name: str, by: Line, *, constrains: bool) -> bool:
        """Tell whether a line includes an address, and remember it."""
        if "://" not in expand_variables(name, self.environment):
            return False
        if variable := unset_variable(name, self.environment):
            raise unset_error(by.place, "the address", variable)
        address = Address.from_text(
            name, place=by.place, constrains=constrains, environment=self.environment
        )
        if address.url:
            self.manifest.addresses.append(address)
        else:
            self.manifest.unread.append(by)
        return True

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
        """Return a file's path relative to the root; what a file includes is relative to it.

        A file that is there by another name, by way of a link, keeps that.
        """
        if by is not None:
            name = os.path.join(os.path.dirname(by.path), expand_variables(name, self.environment))  # noqa: PTH118, PTH120 - text, not a file
        shown = os.path.normpath(name).replace(os.sep, "/")
        file = (self.root / shown).resolve()
        alike = (n for n, d in self.manifest.requirements.items() if d.file.resolve() == file)
        return next(alike, shown)
