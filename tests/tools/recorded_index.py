"""The index part of a resolution case: a small JSON form, and how it is served.

``{"flask": {"3.0.3": {"python": ">=3.8", "needs": ["werkzeug>=3"]}}}``: by project and version,
what its wheels are made for and need. A release has one ``py3-none-any`` wheel unless ``tags``
names others (none at all: a source distribution alone), and a source distribution where ``sdist``
says so; ``yanked`` is the reason. Addresses, hashes, sizes and times are not recorded.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from loopback_index import LoopbackIndex, Sdist

__all__ = ["Projects", "Release", "dump", "load", "serve"]


class Release(TypedDict, total=False):
    """One version of a project."""

    python: str
    needs: list[str]
    tags: list[str]
    sdist: Sdist
    yanked: str


Projects = dict[str, dict[str, Release]]


def load(folder: Path, parts: Iterable[str | Projects]) -> Projects:
    """Join recordings, named by file, with what a case itself holds; the last has its way."""
    joined: Projects = {}
    for part in parts:
        if isinstance(part, str):
            part = json.loads((folder / f"{part}.json").read_text())["projects"]
        joined.update(part)
    return joined


def dump(recording: Mapping[str, Any]) -> str:
    """Write a recording, a line for each release."""
    recipe = ",\n".join(
        f"    {json.dumps(key)}: {json.dumps(value)}" for key, value in recording["recipe"].items()
    )
    projects = [
        f"    {json.dumps(name)}: {{\n"
        + ",\n".join(f"      {json.dumps(v)}: {json.dumps(r)}" for v, r in releases.items())
        + "\n    }"
        for name, releases in recording["projects"].items()
    ]
    joined = ",\n".join(projects)
    return f'{{\n  "recipe": {{\n{recipe}\n  }},\n  "projects": {{\n{joined}\n  }}\n}}\n'


def serve(index: LoopbackIndex, projects: Projects) -> None:
    """Put the releases on an index."""
    for name, releases in projects.items():
        for version, release in releases.items():
            tags = release.get("tags", ["py3-none-any"])
            index.add(
                name,
                version,
                requires_python=release.get("python"),
                requires_dist=release.get("needs", ()),
                tags=tags,
                yanked=release.get("yanked"),
                wheel=bool(tags),
                sdist=release.get("sdist", not tags),
            )
