"""What a pyproject.toml asks for, with the extras and groups of the command that compiled it.

``uv export`` takes the groups of ``tool.uv.default-groups``, or ``dev``, besides those that are
named. Exports that have no command (PDM's) have a group if they pin all that it lists.
"""

from __future__ import annotations

import posixpath
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from ..errors import RequirementsError
from .local_projects import find_table, find_words, read_group, read_local_project, read_toml

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    from packaging.utils import NormalizedName

_ONLY = {"--only-group", "--only-dev"}


def read_declared(path: Path, shown: str, command: str, pinned: Collection[NormalizedName]) -> str:
    """Return the lines of what a pyproject.toml asks for.

    Args:
        path: the file.
        shown: how messages name it.
        command: the one that compiled it; empty where it is unknown.
        pinned: the projects that the compiled file has.

    Raises:
        FileError: one of the files can't be read.
        RequirementsError: it does not state what it needs.
    """
    data = read_toml(path, shown)
    words = [part for word in command.split() for part in word.strip("'\"").split("=", 1)]
    if command:
        extras, groups = _named(words, "--extra"), _groups_of_command(data, words)
        extras += ["*"] if "--all-extras" in words else []
    else:
        optional = find_table(data, "project", "optional-dependencies")
        extras = [name for name, found in optional.items() if _has(pinned, find_words(found))]
        every = ((name, _read(data, path, name, shown)) for name in _group_names(data))
        groups = [name for name, found in every if _has(pinned, found)]
    lines: list[str] = []
    if _ONLY.isdisjoint(words):
        names = [canonicalize_name(name) if name != "*" else name for name in extras]
        found = read_local_project(path.parent, names, shown=posixpath.dirname(shown))
        lines += [*found.dependencies, *(f"-r {name}" for name in found.files)]
        if found.unread and not lines:
            raise RequirementsError(
                "it has no table `project` with the dependencies that were compiled",
                path=shown,
                hint="write its dependencies into a requirements.in, and name that",
            )
    for group in groups:
        lines += _read(data, path, group, shown)
    return "".join(f"{line}\n" for line in dict.fromkeys(lines))


def _named(words: Sequence[str], *options: str) -> list[str]:
    """Return the values of options, each of which may be several separated by commas."""
    pairs = pairwise([*words, ""])
    return [name for word, value in pairs if word in options for name in value.split(",")]


def _groups_of_command(data: dict[str, Any], words: Sequence[str]) -> list[str]:
    named = [name.rpartition(":")[2] for name in _named(words, "--group", "--only-group")]
    if words[:2] != ["uv", "export"]:
        return named
    every = [*_group_names(data)]
    defaults = find_table(data, "tool", "uv").get("default-groups", ["dev"])
    taken = every if defaults == "all" else find_words(defaults)
    if not _ONLY.isdisjoint(words) or "--no-default-groups" in words:
        taken = []
    if "--all-groups" in words:
        taken = every
    if {"--dev", "--only-dev"}.intersection(words):
        named.append("dev")
    left_out = {*_named(words, "--no-group"), *(["dev"] if "--no-dev" in words else [])}
    return [name for name in dict.fromkeys([*taken, *named]) if name not in left_out]


def _group_names(data: dict[str, Any]) -> Iterator[str]:
    names = [*find_table(data, "dependency-groups"), *_old_groups(data)]
    yield from dict.fromkeys(names)


def _old_groups(data: dict[str, Any]) -> dict[str, list[str]]:
    """Return the groups of uv and PDM from before dependency groups were standard."""
    found = {
        name: find_words(entries)
        for name, entries in find_table(data, "tool", "pdm", "dev-dependencies").items()
    }
    if dev := find_words(find_table(data, "tool", "uv").get("dev-dependencies", [])):
        found["dev"] = dev
    return found


def _read(data: dict[str, Any], path: Path, group: str, shown: str) -> list[str]:
    old = [text for text in _old_groups(data).get(group, []) if _name_of(text)]
    return [*read_group(path, group, shown=shown), *old]


def _has(pinned: Collection[NormalizedName], requirements: Iterable[str]) -> bool:
    names = [*filter(None, map(_name_of, requirements))]
    return bool(names) and all(name in pinned for name in names)


def _name_of(text: str) -> NormalizedName | None:
    try:
        return canonicalize_name(Requirement(text).name)
    except InvalidRequirement:
        return None
