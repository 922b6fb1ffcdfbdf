"""Projects of the build context that a step installs: ``pip install .`` and what that needs.

So it is with a conda environment, whose file may let pip install more.

Read are pyproject.toml (PEP 621, setuptools' dynamic metadata, hatch-requirements-txt) and
setup.cfg. What a setup.py computes is unknown.
"""

from __future__ import annotations

import posixpath
import shlex
import sys
from typing import TYPE_CHECKING, Any

import yaml
from msgspec import Struct
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ..files import read_text
from ..values import require_short_numbers

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path


class LocalProject(Struct, frozen=True, kw_only=True):
    """What a project needs.

    Attributes:
        files: the requirements files that its dependencies are read from, relative to its folder.
        dependencies: those that it states itself.
        unread: the file whose build tells what it needs, where nothing states it, or nothing.
    """

    files: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()
    unread: str = ""


def read_local_project(folder: Path, extras: Collection[str], *, shown: str) -> LocalProject:
    """Return what the project in a folder needs with extras; nothing where that is not stated.

    Raises:
        FileError: one of its files can't be read.
    """
    data = read_toml(folder / "pyproject.toml", posixpath.join(shown, "pyproject.toml"))
    files = [*_dynamic_files(data, extras), *_hatch_files(data)]
    stated = [*_stated(data, extras)]
    if not files and not stated:
        text = read_text(folder / "setup.cfg", shown=posixpath.join(shown, "setup.cfg"))
        files, stated = _of_setup_cfg(text or "")
    return LocalProject(
        files=tuple(dict.fromkeys(files)),
        dependencies=tuple(stated),
        unread="" if files or stated else _find_build(folder, data),
    )


def _find_build(folder: Path, data: dict[str, Any]) -> str:
    """Return the name of the file that only a build understands, or nothing."""
    project = find_table(data, "project")
    if project and "dependencies" not in find_words(project.get("dynamic", [])):
        return ""  # it needs nothing
    if (folder / "setup.py").is_file():
        return "setup.py"
    return "pyproject.toml" if "build-system" in data else ""


def read_group(path: Path, name: str, *, shown: str) -> list[str]:
    """Return the requirements of a dependency group (PEP 735), with the groups that it includes.

    Raises:
        FileError: the file can't be read.
    """
    groups = find_table(read_toml(path, shown), "dependency-groups")
    by_name = {canonicalize_name(each): entries for each, entries in groups.items()}
    found: list[str] = []
    waiting, seen = [canonicalize_name(name)], set[str]()
    while waiting:
        group = waiting.pop(0)
        entries = by_name.get(group, []) if group not in seen else []
        seen.add(group)
        for entry in entries if isinstance(entries, list) else []:
            if isinstance(entry, str):
                found.append(entry)
            elif isinstance(entry, dict) and isinstance(entry.get("include-group"), str):
                waiting.append(canonicalize_name(entry["include-group"]))
    return [*filter(_is_requirement, found)]


def read_conda_file(path: Path, *, shown: str) -> tuple[list[str], list[str]]:
    """Return what a conda environment's file gives to pip: options, in words, and requirements.

    Raises:
        FileError: it can't be read.
    """
    try:
        data = yaml.safe_load(read_text(path, shown=shown) or "")
    except (yaml.YAMLError, ValueError, RecursionError):  # its build fails in the image
        return [], []
    dependencies = data.get("dependencies") if isinstance(data, dict) else None
    sections = [each for each in dependencies or () if isinstance(each, dict)]
    entries = [entry for each in sections for entry in find_words(each.get("pip"))]
    options = [entry for entry in entries if entry.startswith("-")]
    words = [word for entry in options for word in shlex.split(entry, comments=True)]
    return words, [entry for entry in entries if entry not in options]


def read_toml(path: Path, shown: str) -> dict[str, Any]:
    """Return what a TOML file says, or nothing where it is none."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    try:
        found: dict[str, Any] = tomllib.loads(read_text(path, shown=shown) or "")
        return found
    except (ValueError, RecursionError):  # its build fails in the image
        return {}


def find_table(data: Any, *names: str) -> dict[str, Any]:
    """Return the table below names; an empty one where there is none."""
    for name in names:
        data = data.get(name, {}) if isinstance(data, dict) else {}
    return data if isinstance(data, dict) else {}


def find_words(value: object) -> list[str]:
    """Return a text, or the texts of a list."""
    values = [value] if isinstance(value, str) else value
    return [each for each in values if isinstance(each, str)] if isinstance(values, list) else []


def _dynamic_files(data: dict[str, Any], extras: Collection[str]) -> Iterator[str]:
    """Yield the files that setuptools reads dependencies from."""
    dynamic = find_words(find_table(data, "project").get("dynamic", []))
    own = find_table(data, "tool", "setuptools", "dynamic")
    if "dependencies" in dynamic:
        yield from find_words(find_table(own, "dependencies").get("file"))
    if "optional-dependencies" in dynamic:
        for extra, found in find_table(own, "optional-dependencies").items():
            if _is_asked(extra, extras) and isinstance(found, dict):
                yield from find_words(found.get("file"))


def _hatch_files(data: dict[str, Any]) -> Iterator[str]:
    """Yield the files that hatch-requirements-txt reads dependencies from."""
    dynamic = find_words(find_table(data, "project").get("dynamic", []))
    hook = find_table(data, "tool", "hatch", "metadata", "hooks")
    if "dependencies" in dynamic and isinstance(hook.get("requirements_txt"), dict):
        yield from find_words(hook["requirements_txt"].get("files", ["requirements.txt"]))


def _stated(data: dict[str, Any], extras: Collection[str]) -> Iterator[str]:
    """Yield the requirements that the project table states."""
    project = find_table(data, "project")
    found = find_words(project.get("dependencies", []))
    for extra, more in find_table(project, "optional-dependencies").items():
        found += find_words(more) if _is_asked(extra, extras) else []
    yield from filter(_is_requirement, found)


def _is_asked(extra: str, extras: Collection[str]) -> bool:
    return "*" in extras or canonicalize_name(extra) in extras


def _of_setup_cfg(text: str) -> tuple[list[str], list[str]]:
    """Return the files and the requirements of ``install_requires``."""
    import configparser

    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
        value = parser.get("options", "install_requires", fallback="").strip()
    except configparser.Error:  # its build fails in the image
        return [], []
    if value.startswith("file:"):
        return [name.strip() for name in value[5:].split(",") if name.strip()], []
    return [], [line for line in value.splitlines() if _is_requirement(line)]


def _is_requirement(text: str) -> bool:
    try:
        return bool(Requirement(require_short_numbers(text)))
    except (ValueError, RecursionError):
        return False
