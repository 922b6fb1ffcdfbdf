"""What requirements files include from addresses: fetched, read, and counted."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ..errors import RequirementsError
from ..requirements import Kind, RequirementsFile
from .documents import Document

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..requirements import Line
    from .addresses import Address
    from .documents import Manifest


def with_fetched(
    manifest: Manifest, fetch: Callable[[Address], bytes], variables: Mapping[str, str]
) -> Manifest:
    """Return the manifest with what its addresses have: constraints, or sibling lines.

    What is named there is relative to it, as for pip.

    Args:
        manifest: whose addresses are read.
        fetch: returns what is at an address.
        variables: for ``${VARIABLES}`` in included addresses.

    Raises:
        RequirementsError: it is no requirements file.
    """
    constraints, fetched = dict(manifest.constraints), dict(manifest.fetched)
    siblings = [*manifest.siblings]
    unread, unheeded = [*manifest.unread], [*manifest.unheeded]
    waiting = [*manifest.addresses]
    done: set[tuple[str, bool]] = set()
    while waiting:
        address = waiting.pop(0)
        if (address.url, address.constrains) in done:
            continue
        done.add((address.url, address.constrains))
        content = RequirementsFile.from_bytes(fetch(address), path=address.shown)
        content.require_resolved()
        for line in content.lines:
            _require_requirements(line, address)
            included = _included(line, address, variables)
            waiting.extend(each for each in included if each.url)
            if any(not each.url for each in included):
                unread.append(line)
            elif line.kind is Kind.OPTION and not included:
                unheeded.append(line)
        if address.constrains:
            document = Document(file=Path(), before=None, content=content)
            constraints[address.shown] = document
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


def _included(line: Line, address: Address, variables: Mapping[str, str]) -> list[Address]:
    """Return what a line of the file at an address includes."""
    return [
        address.include(name, place=line.place, constrains=constrains, variables=variables)
        for name, constrains in line.includes
    ]


def _require_requirements(line: Line, address: Address) -> None:
    """Check that a line may be one of a requirements file."""
    is_web_page = line.content.startswith("<")  # to sign in, perhaps
    if line.kind is Kind.UNREADABLE or is_web_page:
        raise RequirementsError(
            "this is a web page" if is_web_page else f"not a valid line: {line.problem}",
            path=address.shown,
            line=line.number,
            hint=f"{address.place} names it as a requirements file",
        )
