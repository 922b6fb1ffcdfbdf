"""Manifests from files that were read: each function returns a manifest that holds more."""

from __future__ import annotations

import os
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ..errors import RequirementsError
from ..requirements import RequirementsFile
from .addresses import Address, unset_error, unset_variable
from .documents import Document, Manifest
from .includes import Closed, Elsewhere, Opened, walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .includes import Event
    from .library import Library


def read_manifest(library: Library, names: Sequence[str], variables: Mapping[str, str]) -> Manifest:
    """Return what requirements files say, with what they include.

    Args:
        library: where they were read.
        names: the files; the first need not be there.
        variables: for ``${VARIABLES}`` in the names of included files.

    Raises:
        RequirementsError: a file is in the middle of a merge, an included file is missing, or
            files include each other.
        FileError: a file can't be read.
    """
    manifest = Manifest(main=os.path.normpath(names[0]).replace(os.sep, "/"))
    return _take(manifest, walk(names, library.find, variables, known={}), variables)


def with_constraints(
    manifest: Manifest, library: Library, names: Mapping[str, str], variables: Mapping[str, str]
) -> Manifest:
    """Return the manifest with files that constrain it, besides those that it names itself.

    Args:
        manifest: a file that is edited is no constraint of itself.
        library: where they were read.
        names: files and addresses of such, each with the place that names it.
        variables: as for ``read_manifest``.

    Raises:
        RequirementsError: a file is missing or in the middle of a merge.
        FileError: a file can't be read.
    """
    known = {library.find(path).real: path for path in manifest.requirements}
    for name, place in names.items():
        if name in manifest.requirements:
            continue
        address = Address.from_text(name, place=place, constrains=True, variables=variables)
        if address.url:
            manifest = replace(manifest, addresses=(*manifest.addresses, address))
            continue
        if not library.find(name).exists:
            raise RequirementsError(
                f"there is no file {name}, and {place} installs with these constraints",
                hint="write it, or remove it from that step",
            )
        events = walk([name], library.find, variables, constrains=True, known=known)
        manifest = _take(manifest, events, variables)
    return manifest


def with_siblings(
    manifest: Manifest, library: Library, names: Mapping[str, str], variables: Mapping[str, str]
) -> Manifest:
    """Return the manifest with what else the image installs, as far as that is there.

    Args:
        manifest: its own files are no siblings.
        library: where they were read.
        names: requirements files and addresses of such, each with the place that names it.
        variables: as for ``read_manifest``.

    Raises:
        RequirementsError: as for ``read_manifest``.
        FileError: a file can't be read.
    """
    addresses = [*manifest.addresses]
    siblings = {line.place: line for line in manifest.siblings}
    for name, place in names.items():
        address = Address.from_text(name, place=place, constrains=False, variables=variables)
        if address.url:
            addresses.append(address)
        elif "://" in name or name in manifest.requirements:
            continue
        elif library.find(name).is_file:
            for line in read_manifest(library, (name,), variables).lines:
                if line.path not in manifest.requirements:
                    siblings.setdefault(line.place, line)
    return replace(manifest, addresses=tuple(addresses), siblings=tuple(siblings.values()))


def with_image_constraints(
    manifest: Manifest, texts: Iterable[tuple[str, str]], image: str
) -> Manifest:
    """Return the manifest constrained by files of an image, given their paths and their texts."""
    constraints = dict(manifest.constraints)
    for path, text in texts:
        shown = f"{path} in {image}"
        content = RequirementsFile.from_bytes(text.encode(), path=shown)
        constraints[shown] = Document(file=Path(path), before=None, content=content)
    return replace(manifest, constraints=MappingProxyType(constraints))


def _take(manifest: Manifest, events: Iterable[Event], variables: Mapping[str, str]) -> Manifest:
    """Return the manifest with what a walk meets."""
    requirements, constraints = dict(manifest.requirements), dict(manifest.constraints)
    lines, innermost = [*manifest.lines], [*manifest.innermost]
    addresses, unread = [*manifest.addresses], [*manifest.unread]
    for event in events:
        if isinstance(event, Opened):
            is_main = event.file.path == manifest.main and not event.constrains
            _require_usable(event, may_be_missing=is_main)
            into = constraints if event.constrains else requirements
            into[event.file.path] = event.file.document
        elif isinstance(event, Closed):
            innermost.append(event.file.path)
        elif isinstance(event, Elsewhere):
            address = _address_of(event, variables)
            if address.url:
                addresses.append(address)
            else:
                unread.append(event.by)
        else:
            lines.append(event)
    return replace(
        manifest,
        requirements=MappingProxyType(requirements),
        constraints=MappingProxyType(constraints),
        lines=tuple(lines),
        innermost=tuple(innermost),
        addresses=tuple(addresses),
        unread=tuple(unread),
    )


def _address_of(event: Elsewhere, variables: Mapping[str, str]) -> Address:
    place = event.by.place
    if variable := unset_variable(event.name, variables):
        raise unset_error(place, "the address", variable)
    return Address.from_text(
        event.name, place=place, constrains=event.constrains, variables=variables
    )


def _require_usable(opened: Opened, *, may_be_missing: bool) -> None:
    """Check that a file is there, whole, and not within itself."""
    file, by = opened.file, opened.by
    if opened.is_circular:
        within = opened.within
        chain = " includes ".join((*within[within.index(file.path) :], file.path))
        raise RequirementsError(
            f"the files include each other: {chain}",
            path=by.path if by else None,
            line=by.number if by else None,
            hint="take one of these lines out",
        )
    file.require_readable()
    if file.document.before is None and not may_be_missing:
        raise RequirementsError(
            f"there is no file {file.path}",
            path=by.path if by else None,
            line=by.number if by else None,
            hint="paths in a requirements file are relative to that file",
        )
    file.document.content.require_resolved()
