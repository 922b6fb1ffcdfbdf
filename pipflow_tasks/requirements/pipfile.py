"""Pipenv's files as the lines of a requirements file: ``Pipfile`` and ``Pipfile.lock``.

``NAME:SECTION`` names one section of a lock, such as ``Pipfile.lock:develop``; without one it is
``default``. The sections of the Pipfile are called ``packages`` and ``dev-packages``. An entry is
a version (``"*"`` is any), or a table with ``version``, ``extras``, ``markers`` and other keys of
PEP 508 markers; or an address, which becomes ``name @ address``.
"""

from __future__ import annotations

import json
import posixpath
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_VARIABLES = ("os_name", "sys_platform", "platform_machine", "platform_system", "python_version")


def is_lock(name: str) -> bool:
    """Return whether a name is that of a ``Pipfile.lock``, or of a section of one."""
    return posixpath.basename(split_section(name)[0]) == "Pipfile.lock"


def is_pipfile(name: str) -> bool:
    """Return whether a name is that of a ``Pipfile``, or of a section of one."""
    return posixpath.basename(split_section(name)[0]) == "Pipfile"


def split_section(name: str) -> tuple[str, str]:
    """Return the file and the section that a name stands for; ``default`` needs no name."""
    file, _, section = name.partition(":")
    return file, section or "default"


def lines_of_lock(text: str, section: str) -> str:
    """Return the lines of a section of a ``Pipfile.lock``, with its indexes as options.

    Raises:
        ValueError: it is no lock of Pipenv, or has no such section.
    """
    data = json.loads(text)
    entries = data.get(section) if isinstance(data, dict) else None
    if not isinstance(entries, dict):
        known = ", ".join(sections_of_lock(text)) if isinstance(data, dict) else ""
        there = f"; there are {known}" if known else ""
        raise ValueError(f"it has no section `{section}`{there}")
    sources = _table(data, "_meta").get("sources", [])
    lines = [*_indexes(sources), *(_spell(name, entry) for name, entry in entries.items())]
    return "".join(f"{line}\n" for line in lines)


def sections_of_lock(text: str) -> Mapping[str, tuple[str, ...]]:
    """Return the sections of a ``Pipfile.lock`` that lock something, and what they lock."""
    data = json.loads(text)
    sections = {name: _table(data, name) for name in data if name != "_meta"}
    return {name: tuple(entries) for name, entries in sections.items() if entries}


def lines_of_pipfile(text: str, section: str) -> str:
    """Return the lines of what a ``Pipfile`` has for a section of its lock.

    Raises:
        ValueError: it is no TOML.
    """
    name = {"default": "packages", "develop": "dev-packages"}.get(section, section)
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    packages = _table(tomllib.loads(text), name)
    return "".join(f"{_spell(name, entry)}\n" for name, entry in packages.items())


def _table(data: dict[str, Any], name: str) -> dict[str, Any]:
    found = data.get(name, {})
    return found if isinstance(found, dict) else {}


def _indexes(sources: Any) -> Iterator[str]:
    urls = [each["url"] for each in sources if isinstance(each, dict) and each.get("url")]
    for place, url in enumerate(urls):
        yield f"{'--extra-index-url' if place else '--index-url'} {url}"


def _spell(name: str, entry: Any) -> str:
    """Return the line of an entry, its hashes each on a line of its own."""
    table = {"version": entry} if isinstance(entry, str) else entry
    version = str(table.get("version", "*"))
    extras = f"[{','.join(table['extras'])}]" if table.get("extras") else ""
    address = next((table[key] for key in ("file", "path") if key in table), "")
    if "git" in table:
        at = f"@{table['ref']}" if "ref" in table else ""
        address = f"git+{table['git']}{at}"
    asked = f" @ {address}" if address else "" if version == "*" else version
    markers = [f"({table['markers']})"] if table.get("markers") else []
    markers += [f"{key} {table[key]}" for key in _VARIABLES if key in table]
    marker = f" ; {' and '.join(markers)}" if markers else ""
    hashes = "".join(f" \\\n    --hash={each}" for each in table.get("hashes", ()))
    return f"{name}{extras}{asked}{marker}{hashes}"
