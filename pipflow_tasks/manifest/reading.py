"""Manifests from files that were read: each function returns a manifest that holds more."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ..errors import RequirementsError
from ..requirements import Kind, RequirementsFile
from .addresses import Address, unset_error, unset_variable
from .documents import Manifest
from .library import MOST_FILES, Elsewhere, Opened, normal_path, walk

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from ..requirements import Line
    from .library import Event, Library


def read_manifest(library: Library, names: Sequence[str], variables: Mapping[str, str]) -> Manifest:
    """Return what requirements files say, with what they include.

    The first of ``names`` need not exist. ``variables`` replace ``${VARIABLES}`` in the names of
    included files.

    Raises:
        RequirementsError: a file is in the middle of a merge, an included file is missing, or
            files include each other.
        FileError: a file can't be read.
    """
    manifest = Manifest(main=normal_path(names[0]))
    return _with_walk(manifest, walk(names, library.find, variables, known={}), variables)


def with_files(
    manifest: Manifest, library: Library, files: Collection[Path], variables: Mapping[str, str]
) -> Manifest:
    """Return the manifest of some of its files alone, with what these include besides.

    ``files`` are absolute paths. Everything that is not read from a file is as it was.
    """
    names = [name for name in manifest.requirements if library.path_of(name) in files]
    if len(names) == len(manifest.requirements):
        return manifest
    left_out = manifest.requirements.keys() - {*names}
    kept = replace(
        Manifest(main=manifest.main),
        promoted=manifest.promoted,
        requires_hashes=manifest.requires_hashes,
        is_being_locked=manifest.is_being_locked,
    )
    return _with_walk(
        kept, walk(names, library.find, variables, known={}, skips=left_out), variables
    )


def with_constraints(
    manifest: Manifest, library: Library, names: Mapping[str, str], variables: Mapping[str, str]
) -> Manifest:
    """Return the manifest with further constraints: files and addresses, with who names each.

    The files that are edited do not constrain themselves.

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
        _require_there(library, name, place, "constraints")
        events = walk([name], library.find, variables, constrains=True, known=known)
        manifest = _with_walk(manifest, events, variables)
    return manifest


def with_siblings(
    manifest: Manifest, library: Library, names: Mapping[str, str], variables: Mapping[str, str]
) -> Manifest:
    """Return the manifest with what else the image installs, from files that exist.

    ``names`` are requirements files and addresses, with who names each.

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


def with_overrides(
    manifest: Manifest, library: Library, names: Mapping[str, str], variables: Mapping[str, str]
) -> Manifest:
    """Return the manifest with the lines of files of overrides, with who names each.

    Raises:
        RequirementsError: a file is missing, or as for ``read_manifest``.
        FileError: a file can't be read.
    """
    found = [*manifest.overrides]
    for name, place in names.items():
        _require_there(library, name, place, "overrides")
        found += read_manifest(library, (name,), variables).lines
    return replace(manifest, overrides=tuple(found))


def with_image_constraints(
    manifest: Manifest, texts: Iterable[tuple[str, str]], image: str
) -> Manifest:
    """Return the manifest constrained by files of an image, given their paths and their texts."""
    shown = {f"{path} in {image}": text for path, text in texts}
    found = {name: RequirementsFile.from_bytes(shown[name].encode(), path=name) for name in shown}
    return replace(manifest, constraints=MappingProxyType({**manifest.constraints, **found}))


def with_fetched(
    manifest: Manifest, fetch: Callable[[Address], bytes], variables: Mapping[str, str]
) -> Manifest:
    """Return the manifest with the constraints and sibling lines from its addresses.

    ``fetch`` returns what is at an address.

    Raises:
        RequirementsError: it is no requirements file.
    """
    constraints, fetched = dict(manifest.constraints), dict(manifest.fetched)
    siblings, unread, unheeded = [*manifest.siblings], [*manifest.unread], [*manifest.unheeded]
    waiting = [*manifest.addresses]
    done: set[tuple[str, bool]] = set()
    while waiting:
        address = waiting.pop(0)
        if (address.url, address.constrains) in done:
            continue
        done.add((address.url, address.constrains))
        if len(done) > MOST_FILES:
            raise RequirementsError(
                f"more than {MOST_FILES} files at addresses are included", path=address.shown
            )
        content = RequirementsFile.from_bytes(fetch(address), path=address.shown)
        content.require_resolved()
        for line in content.lines:
            _require_requirement(line, address)
            included = address.included(line, variables)
            waiting.extend(each for each in included if each.url)
            if any(not each.url for each in included):
                unread.append(line)
            elif line.kind is Kind.OPTION and not included:
                unheeded.append(line)
        if address.constrains:
            constraints[address.shown] = content
        else:
            fetched[address.shown] = content
            siblings.extend(content.lines)
    return replace(
        manifest,
        constraints=MappingProxyType(constraints),
        fetched=MappingProxyType(fetched),
        siblings=tuple(siblings),
        unread=tuple(unread),
        unheeded=tuple(unheeded),
    )


def _require_there(library: Library, name: str, place: str, kind: str) -> None:
    if not library.find(name).exists:
        raise RequirementsError(
            f"there is no file {name}, and {place} installs with these {kind}",
            hint="write it, or remove it from that step",
        )


def _require_requirement(line: Line, address: Address) -> None:
    is_web_page = line.content.startswith("<")  # to sign in, perhaps
    if line.kind is Kind.UNREADABLE or is_web_page:
        raise RequirementsError(
            "this is a web page" if is_web_page else f"not a valid line: {line.problem}",
            path=address.shown,
            line=line.number,
            hint=f"{address.place} names it as a requirements file",
        )


def _with_walk(
    manifest: Manifest, events: Iterable[Event], variables: Mapping[str, str]
) -> Manifest:
    requirements, constraints = dict(manifest.requirements), dict(manifest.constraints)
    lines, innermost = [*manifest.lines], [*manifest.innermost]
    addresses, unread = [*manifest.addresses], [*manifest.unread]
    siblings, outside = [*manifest.siblings], [*manifest.outside]
    foreign: set[str] = set()
    for event in events:
        if isinstance(event, Opened):
            file = event.file
            is_main = file.path == manifest.main and not event.constrains
            _require_usable(event, may_be_missing=is_main)
            if event.constrains:
                constraints[file.path] = file.content
            elif file.is_outside and event.by is not None:
                foreign.add(file.path)
                outside.append(event.by)
            elif file.path not in requirements:
                requirements[file.path] = file
                within = [path for path in event.within if path not in foreign]
                before = innermost.index(within[-1]) if within else len(innermost)
                innermost.insert(before, file.path)
        elif isinstance(event, Elsewhere):
            if variable := unset_variable(event.name, variables):
                raise unset_error(event.by.place, "the address", variable)
            address = Address.from_text(
                event.name, place=event.by.place, constrains=event.constrains, variables=variables
            )
            if address.url:
                addresses.append(address)
            else:
                unread.append(event.by)
        elif event.path in foreign:
            siblings.append(event)
        else:
            lines.append(event)
    return replace(
        manifest,
        requirements=MappingProxyType(requirements),
        constraints=MappingProxyType(constraints),
        lines=tuple(lines),
        siblings=tuple(siblings),
        outside=tuple(outside),
        innermost=tuple(innermost),
        addresses=tuple(addresses),
        unread=tuple(unread),
    )


def _require_usable(opened: Opened, *, may_be_missing: bool) -> None:
    """Check that a file is readable, in no merge, exists, and does not include itself."""
    file, by, within = opened.file, opened.by, opened.within
    file.require_readable()
    file.content.require_resolved()
    if opened.is_circular:
        chain = " includes ".join((*within[within.index(file.path) :], file.path))
        message, hint = f"the files include each other: {chain}", "take one of these lines out"
    elif file.before is None and not may_be_missing:
        message = f"there is no file {file.path}"
        hint = "paths in a requirements file are relative to that file"
    else:
        return
    raise RequirementsError(
        message, path=by.path if by else None, line=by.number if by else None, hint=hint
    )
