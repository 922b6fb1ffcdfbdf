"""Record the index part of cases anew: ``python tests/tools/record_case.py FILE ...``.

Not run in CI: it asks the default index. Each file holds, under ``recipe``, what to record:

- ``wants``: lists of requirements, each resolved for each of ``pythons``;
- ``keep``: by project, specifiers whose newest version is recorded besides;
- ``only``: the projects that are recorded, where not all are; what is needed of others is left out;
- ``extras``: those whose requirements are kept; all others are left out;
- ``series``: of how many newest minor series the newest version is kept (6).

Only projects are asked for that these requirements reach. Of each, few versions are kept, but for
each need of a version that is kept, one that satisfies it; of compiled wheels, those for x86_64.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from tools.recorded_index import Projects, Release, dump

from pipflow_tasks.errors import ProjectNotFound
from pipflow_tasks.index import PackageIndex
from pipflow_tasks.index.pip_settings import default_index_url
from pipflow_tasks.simple_api import DistributionFile, Metadata
from pipflow_tasks.target import Target

_WHEEL = re.compile(r"-(?P<tags>[^-]+-[^-]+-[^-]+)\.whl$")
_LINUX = re.compile(r"manylinux.*_x86_64|any")


class Recorder:
    """Follows requirements through the index, and keeps what it has seen."""

    def __init__(self, index: PackageIndex, recipe: dict[str, Any]) -> None:
        self._index = index
        self._series: int = recipe.get("series", 6)
        self._pythons: list[str] = recipe["pythons"]
        self._only = set(map(canonicalize_name, recipe.get("only", ())))
        self._extras = set(recipe.get("extras", ()))
        self._targets = [
            Target.from_python(python, platforms=["linux/amd64"], source="recipe")
            for python in self._pythons
        ]
        self._kept: dict[NormalizedName, set[Version]] = {}
        for name, specifiers in recipe.get("keep", {}).items():
            project = self._project(canonicalize_name(name))
            for specifier in specifiers:
                project.update(self._newest(canonicalize_name(name), SpecifierSet(specifier)))
        for requirements in recipe["wants"]:
            for text in requirements:
                requirement = Requirement(text)
                self._extras |= requirement.extras
                self._need(requirement)
        self._follow()

    @property
    def projects(self) -> Projects:
        """What was kept."""
        return {
            name: {str(v): self._release(name, v) for v in sorted(versions, reverse=True)}
            for name, versions in sorted(self._kept.items())
            if versions
        }

    def _follow(self) -> None:
        done: set[tuple[NormalizedName, Version]] = set()
        while True:
            todo = {(n, v) for n, versions in self._kept.items() for v in versions} - done
            if not todo:
                return
            done |= todo
            self._index.prefetch_metadata(self._files(*each) for each in sorted(todo))
            needs = [
                need
                for each in sorted(todo)
                for need in self._needs(*each)
                if need.marker is None
                or any(t.applies(need.marker, ("", *self._extras)) for t in self._targets)
            ]
            self._index.prefetch(canonicalize_name(need.name) for need in needs)
            for need in needs:
                self._need(need)

    def _need(self, requirement: Requirement) -> None:
        """Keep a version for a need, if none of those that are kept satisfies it."""
        name = canonicalize_name(requirement.name)
        project = self._project(name)
        for target in self._targets:
            suits = [v for v in project if self._suits(name, v, target)]
            if not any(requirement.specifier.contains(v, prereleases=True) for v in suits):
                project.update(self._newest(name, requirement.specifier, target))

    def _project(self, name: NormalizedName) -> set[Version]:
        """Return the versions kept of a project; at first, the newest of each newest series."""
        if name not in self._kept:
            print(" ", name, file=sys.stderr)
            self._kept[name] = set()
            seen: dict[tuple[int, ...], Version] = {}
            for version in self._versions(name):
                if not version.is_prerelease and not version.is_devrelease:
                    seen.setdefault(version.release[:2], version)
            self._kept[name].update(islice(seen.values(), self._series))
            for target in self._targets:
                self._kept[name].update(self._newest(name, SpecifierSet(), target))
        return self._kept[name]

    def _newest(
        self, name: NormalizedName, specifier: SpecifierSet, target: Target | None = None
    ) -> Iterator[Version]:
        fitting = (
            version
            for version in self._versions(name)
            if specifier.contains(version, prereleases=bool(specifier.prereleases))
            and (target is None or self._suits(name, version, target))
        )
        yield from islice(fitting, 1)

    def _suits(self, name: NormalizedName, version: Version, target: Target) -> bool:
        return any(
            file.requires_python is None or target.supports_python(file.requires_python)
            for file in self._files(name, version)
        )

    def _versions(self, name: NormalizedName) -> list[Version]:
        return list(self._page(name))

    def _files(self, name: NormalizedName, version: Version) -> Sequence[DistributionFile]:
        return sorted(
            self._page(name)[version], key=lambda file: (not file.is_wheel, file.filename)
        )

    def _page(self, name: NormalizedName) -> Mapping[Version, Sequence[DistributionFile]]:
        try:
            return self._index.files(name)
        except ProjectNotFound:
            return {}

    def _metadata(self, name: NormalizedName, version: Version) -> Metadata | None:
        return self._index.metadata(self._files(name, version))

    def _needs(self, name: NormalizedName, version: Version) -> Iterator[Requirement]:
        """Yield what a version needs, but for extras and projects that are not kept."""
        metadata = self._metadata(name, version)
        for requirement in metadata.requires if metadata is not None else ():
            if self._only and canonicalize_name(requirement.name) not in self._only:
                continue
            asked = re.findall(r"""extra\s*==\s*["']([^"']+)""", str(requirement.marker or ""))
            if not asked or self._extras.intersection(asked):
                self._extras |= requirement.extras
                yield requirement

    def _release(self, name: NormalizedName, version: Version) -> Release:
        files = self._files(name, version)
        release: Release = {}
        python = next((f.requires_python for f in files if f.requires_python is not None), None)
        if python is not None:
            release["python"] = str(python)
        if needs := [str(requirement) for requirement in self._needs(name, version)]:
            release["needs"] = needs
        if (tags := list(_tags(files, self._pythons))) != ["py3-none-any"]:
            release["tags"] = tags
        if any(not file.is_wheel for file in files) and tags not in (["py3-none-any"], []):
            release["sdist"] = True
        if self._metadata(name, version) is None:
            release["sdist"] = "dynamic"
        if all(file.yanked is not None for file in files):
            release["yanked"] = files[0].yanked or ""
        return release


def _tags(files: Iterable[DistributionFile], pythons: Iterable[str]) -> Iterator[str]:
    """Yield the tags of wheels: of the universal one, else of one for each Python that matters."""
    wheels = [found["tags"] for file in files if (found := _WHEEL.search(file.filename))]
    if any(tags.endswith("-none-any") and "py3" in tags for tags in wheels):
        yield "py3-none-any"
        return
    wanted = {f"cp{python.replace('.', '')}" for python in pythons}
    seen: set[str] = set()
    for python, abi, platforms in (tags.split("-") for tags in sorted(wheels)):
        linux = [each for each in platforms.split(".") if _LINUX.fullmatch(each)]
        is_abi3 = abi == "abi3" and python.startswith("cp3")
        is_any = abi == "none" and "py3" in python.split(".")
        if linux and (python in wanted or is_abi3 or is_any) and f"{python}-{abi}" not in seen:
            seen.add(f"{python}-{abi}")
            yield f"{python}-{abi}-{min(linux)}"


def main(paths: Sequence[str]) -> None:
    """Record each file anew, from its recipe."""
    for path in map(Path, paths):
        recipe = json.loads(path.read_text())["recipe"]
        print(path.name, file=sys.stderr)
        with PackageIndex([default_index_url()]) as index:
            projects = Recorder(index, recipe).projects
        path.write_text(dump({"recipe": recipe, "projects": projects}))


if __name__ == "__main__":
    main(sys.argv[1:])
