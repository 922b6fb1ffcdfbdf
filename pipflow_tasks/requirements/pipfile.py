"""Pipenv's files as the lines of a requirements file: ``Pipfile`` and ``Pipfile.lock``.

Only what the image installs counts: ``packages`` of a Pipfile, ``default`` of its lock. An entry is
a version (``"*"`` is any), or a table with ``version``, ``extras``, ``markers`` and other keys of
PEP 508 markers; or an address, which becomes ``name @ address``.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Iterator

_VARIABLES = ("os_name", "sys_platform", "platform_machine", "platform_system", "python_version")


def lines_of_lock(text: str) -> str:
    """Return the lines of a ``Pipfile.lock``, with its indexes as options.

    Raises:
        ValueError: it is no lock of Pipenv.
    """
    data = json.loads(text)
    default = data.get("default") if isinstance(data, dict) else None
    if not isinstance(default, dict):
        raise ValueError("it has no section `default`")
    sources = _table(data, "_meta").get("sources", [])
    lines = [*_indexes(sources), *(_spell(name, entry) for name, entry in default.items())]
    return "".join(f"{line}\n" for line in lines)


def lines_of_pipfile(text: str) -> str:
    """Return the lines of a ``Pipfile``.

    Raises:
        ValueError: it is no TOML.
    """
    packages = _table(tomllib.loads(text), "packages")
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
