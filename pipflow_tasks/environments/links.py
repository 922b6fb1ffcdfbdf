"""Where an install looks beside the indexes: the folders and pages of ``--find-links``.

An index that is a folder is one of them: pip passes it over where the image does not have it.

Folders of the build context are listed, and pages are read. What only the image has is unseen:
what it holds is unknown, so a project that no index has may come from there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from ..errors import redact
from ..files import exists, is_file
from ..index import Links
from ..index.pip_settings import is_local
from ..isolation import require_inside
from ..manifest.addresses import find_address, show_address
from ..requirements import expand_variables

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from ..manifest.library import Library
    from ..requirements import Line
    from .steps import InstallStep

NOT_IN_CONTEXT = "is not in the build context"
"""Why what a folder has in the image is unknown: the build may make it, or nobody does."""

_ENDINGS = (".whl", ".tar.gz", ".zip", ".tar.bz2", ".tgz")


def find_links(
    steps: Sequence[InstallStep],
    lines: Sequence[Line],
    library: Library,
    variables: Mapping[str, str],
) -> Links:
    """Return what the steps and the files name; without folders that an earlier step fills."""
    folders: dict[Path, str] = {}
    pages: dict[str, str] = {}
    unseen: dict[str, str] = {}
    for text, place in _indexes(lines, variables):
        unseen[redact(f"the index {text} ({place})")] = "is a folder that only the image may have"
    for text, folder, place in (*_named_by_files(lines, library), *_named_by_steps(steps, library)):
        shown = f"--find-links {show_address(text, variables)} ({place})"
        url = find_address(text, variables)
        if url:
            pages.setdefault(url, shown)
        elif why := _why_unseen(text, folder):
            unseen[redact(shown)] = why
        elif folder is not None:
            folders.setdefault(folder, shown)
    return Links(
        folders=tuple(folders.items()), pages=tuple(pages.items()), unseen=tuple(unseen.items())
    )


def _indexes(lines: Sequence[Line], variables: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each index of the files that is a folder, with its place."""
    for line in lines:
        for option, text in line.file_options:
            is_index = option in {"--index-url", "--extra-index-url"}
            if is_index and is_local(expand_variables(text, variables)):
                yield text, line.place


def _named_by_files(
    lines: Sequence[Line], library: Library
) -> Iterator[tuple[str, Path | None, str]]:
    """Yield each value, the folder that it means if it is relative to its file, and its place."""
    for line in lines:
        for option, text in line.file_options:
            if option != "--find-links":
                continue
            path = _local(text)
            folder = library.path_of(line.path).parent / path if path else None
            yield text, None if path.startswith("/") else folder, line.place


def _named_by_steps(
    steps: Sequence[InstallStep], library: Library
) -> Iterator[tuple[str, Path | None, str]]:
    """Yield each value, the folder of the context that it is, and its place."""
    is_filled = any(step.install.command in {"wheel", "download"} for step in steps)
    for step in steps:
        known = dict(step.install.link_folders)
        for text in step.find_links:
            folder = library.path_of(step.context) / known[text] if text in known else None
            if not is_filled or folder is not None or "://" in text:
                yield text, folder, step.place


def _local(text: str) -> str:
    """Return the path that a value names, or an empty string."""
    expanded = expand_variables(text, {})
    if expanded.startswith("file:"):
        return unquote(urlsplit(expanded).path)
    return "" if "://" in expanded or set("$`") & set(expanded) else expanded


def _why_unseen(text: str, folder: Path | None) -> str:
    """Return why what a folder has in the image is unknown, as a clause, or nothing.

    What is missing or empty here may be made before the build.

    Raises:
        FileError: it is outside of the isolated repository.
    """
    if folder is None:
        has_variable = bool(set("$`") & set(expand_variables(text, {})))
        return "depends on a variable" if has_variable else NOT_IN_CONTEXT
    require_inside(folder, shown=text)
    if not exists(folder) or is_file(folder):
        return "is a file" if is_file(folder) else NOT_IN_CONTEXT
    holds = any(path.name.endswith(_ENDINGS) for path in folder.iterdir())
    return "" if holds else "holds no wheels or sdists"
