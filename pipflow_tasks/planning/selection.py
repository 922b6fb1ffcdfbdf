"""Which projects ``--only`` and ``--skip`` mean: names, patterns, and the headings of blocks."""

from __future__ import annotations

from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from ..errors import RequirementsError
from ..requirements import heading_text, split_requirements
from ..settings import split_values
from .requests import names_in, require_there

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import TypeAlias

    from packaging.utils import NormalizedName

    from ..manifest.documents import Manifest

    _Block: TypeAlias = tuple[str, frozenset[NormalizedName]]  # its heading, and its projects


def select(manifest: Manifest, items: Iterable[str], option: str) -> frozenset[NormalizedName]:
    """Return the projects of the files that the items of an option mean.

    An item is ``flask``, ``boto*``, or ``# Web``, the heading of a block; without ``#`` it means a
    heading where it is not the name of a project. Patterns are those of ``fnmatch``, matched
    against canonical names.

    Raises:
        RequirementsError: an item means no project of the files, or is more than a name.
    """
    contents = [file.content for file in manifest.requirements.values()]
    blocks = [block for content in contents for block in content.names_by_heading()]
    return frozenset(
        name
        for item in items
        for part in _split(blocks, item.strip())
        for name in _select(manifest, blocks, part, option)
    )


def _split(blocks: Sequence[_Block], item: str) -> tuple[str, ...]:
    """Return what commas separate; an item that is a heading may have commas."""
    return (item,) if _find_headed(blocks, item) else split_values(item)


def _find_headed(blocks: Sequence[_Block], item: str) -> list[frozenset[NormalizedName]]:
    """Return the projects of each block that has a heading."""
    wanted = heading_text(item).casefold()
    return [names for heading, names in blocks if heading.casefold() == wanted]


def _select(
    manifest: Manifest, blocks: Sequence[_Block], item: str, option: str
) -> frozenset[NormalizedName]:
    meant = _find_headed(blocks, item)
    if meant and (item.startswith("#") or not manifest.find(item)):
        return frozenset(name for names in meant for name in names)
    if item.startswith("#"):
        known = ", ".join(f'"{heading}"' for heading, _ in blocks)
        raise RequirementsError(
            f'no block has the heading "{heading_text(item)}"',
            path=manifest.main,
            hint=f"the headings are {known}" if known else "no file has heading comments",
        )
    return frozenset(
        name for word in item.split() for name in _select_by_name(manifest, blocks, word, option)
    )


def _select_by_name(
    manifest: Manifest, blocks: Sequence[_Block], word: str, option: str
) -> frozenset[NormalizedName]:
    """Return the projects that a name or a pattern means."""
    is_pattern = not {"*", "?"}.isdisjoint(word) and {*"=<>!~;@["}.isdisjoint(word)
    if not is_pattern:
        names = names_in(split_requirements(word), option)
        for name in names:
            _require_no_heading(manifest, blocks, name)
            require_there(manifest, name)
        return names
    pattern = canonicalize_name(word)
    every = {line.name for line in manifest.lines if line.name is not None}
    found = frozenset(name for name in every if fnmatchcase(name, pattern))
    if not found:
        raise RequirementsError(
            f'no project that is listed matches "{word}"',
            path=manifest.main,
            hint=f"{option} takes names, patterns such as `boto*`, and the headings of blocks",
        )
    return found


def _require_no_heading(manifest: Manifest, blocks: Sequence[_Block], name: NormalizedName) -> None:
    """Raise RequirementsError where a name that is not listed is almost that of a heading."""
    headings = {heading.casefold(): heading for heading, _ in blocks}
    near = () if manifest.find(name) else get_close_matches(name, headings, n=1)
    if near:
        raise RequirementsError(
            f"{name} is not listed",
            path=manifest.main,
            hint=f'did you mean the heading "{headings[near[0]]}"?',
        )
