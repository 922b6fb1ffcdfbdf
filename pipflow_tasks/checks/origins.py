"""Which line, file or setting each part of the target comes from, and which settings to write."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

from ..environments.parts import name_parts
from ..errors import redact
from ..index.pip_settings import default_index_url
from ..manifest.addresses import expand_address
from ..plan import Origin
from ..settings import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ..environments.build import Build
    from ..environments.discovery import Discovery
    from ..environments.environment import Environment
    from ..index.pip_settings import PipSettings
    from ..manifest.documents import Manifest
    from ..plan import Finding
    from ..settings import Settings
    from ..target import Target

_USUAL = "the usual name"
_EXAMPLES = {
    "file": "requirements/prod.txt",
    "dockerfile": "docker/Dockerfile",
    "context": ".",
    "service": "app",
    "stage": "final",
    "python": '"3.12"',
    "platform": "linux/amd64",
    "index_url": "https://packages.example.com/simple/",
    "extra_index_url": "https://packages.example.com/simple/",
}
"""The settings that say what can't be found, each with a value to replace."""

_QUOTED = re.compile(r"`([a-z_]+)(: [^`\n]+)?`")


class OriginReader(Struct, frozen=True, kw_only=True):
    """Names where each part comes from.

    Attributes:
        settings: those of the project.
        set_by: where each of them is made, in words, by its name.
        variables: those of the process.
    """

    settings: Settings
    set_by: Mapping[str, str]
    variables: Mapping[str, str]

    def of_builds(self, discovery: Discovery) -> Iterator[Origin]:
        """Yield the origins of the files, the Dockerfiles, and their contexts."""
        for name in self.settings.files:
            steps = [b.place_of(step) for b in discovery.builds for step in b.installing]
            installed = f", installed by {' and '.join(dict.fromkeys(steps))}" if steps else ""
            yield Origin(part="file", value=name, source=f"{self._of('file')}{installed}")
        found = (each for build in discovery.builds for each in self._of_recipe(discovery, build))
        yield from dict.fromkeys(found)

    def _of_recipe(self, discovery: Discovery, build: Build) -> Iterator[Origin]:
        recipe = build.recipe
        source = self._of_build(discovery, build)
        context = discovery.library.name_of(recipe.context)
        yield Origin(part="dockerfile", value=recipe.path, source=source)
        beside = None if recipe.file is None else recipe.file.parent
        is_loose = discovery.compose is None and discovery.bake is None
        if is_loose and recipe.context == beside:
            source = "the folder of the Dockerfile"
        elif is_loose and "build_command" not in self.set_by:
            source = "the nearest folder that has what is installed"
        yield Origin(part="context", value=context, source=self._of("context", source))
        if is_loose and recipe.stage is not None:
            named = self._of("stage", self._of("build_command"))
            yield Origin(part="stage", value=recipe.stage, source=named)

    def of_target(self, target: Target, builds: tuple[Build, ...]) -> Iterator[Origin]:
        """Yield the origins of what the image accepts."""
        place = target.shown_source
        python = self._of_each("python", builds, target.python_source or place)
        yield Origin(part="python", value=target.python, source=python)
        if target.libc:
            yield Origin(part="libc", value=target.libc, source=target.libc_source or place)
        names = " and ".join(platform.name for platform in target.platforms)
        yield Origin(part="platform", value=names, source=self._of_platform(target, builds))

    def of_installs(
        self, environment: Environment, manifest: Manifest, pip: PipSettings
    ) -> Iterator[Origin]:
        """Yield the origins of the installer, of the indexes, and of what counts besides."""
        target, rules = environment.target, environment.rules
        places = dict.fromkeys(step.place for step in environment.steps)
        pip_of_image = "" if target.pip is None else f" {target.pip}"
        installer = target.installer if target.installer == "uv" else f"pip{pip_of_image}"
        source = " and ".join(places) or "no step installs the file: pip is assumed"
        if pip_of_image and places:
            source = f"{source}; its version: {target.shown_source}"
        yield Origin(part="installer", value=installer, source=source)
        for url in rules.index_urls:
            shown = redact(rules.shown.get(url, url))
            source = self._of_index(url, environment, manifest, pip)
            yield Origin(part="index", value=shown, source=source)
        for pattern, url in rules.index_for:
            shown = f"{redact(url)} for {pattern}"
            yield Origin(part="index", value=shown, source=self._of("index_for"))
        for shown in (*rules.links.seen, *(shown for shown, _ in rules.links.unseen)):
            value, _, place = redact(shown).removesuffix(")").rpartition(" (")
            yield Origin(part="links", value=value.removeprefix("--find-links "), source=place)
        for name, place in environment.sources.items():
            if name not in manifest.requirements:
                yield Origin(part="beside", value=redact(name), source=place)
        for line in environment.packages:
            if line.name is not None:
                yield Origin(part="beside", value=line.shown, source=line.place)

    def _of(self, setting: str, otherwise: str = _USUAL) -> str:
        """Return where a setting is made; if it is not, the other source."""
        if setting in self.set_by:
            return self.set_by[setting]
        is_made = setting != "file" and getattr(self.settings, setting, "") not in {"", "auto"}
        return f"the setting `{setting}`" if is_made else otherwise

    def _of_each(self, setting: str, builds: tuple[Build, ...], otherwise: str) -> str:
        """Return the same of a setting that may have a value for each environment."""
        names = [name for named in name_parts(builds) for name in named.names]
        is_made = getattr(self.settings.chosen_for(names), setting)
        return self._of(setting, otherwise) if is_made else otherwise

    def _of_build(self, discovery: Discovery, build: Build) -> str:
        compose = discovery.compose
        if compose is not None:
            return f"the service {build.recipe.service} in {compose.file.path}"
        if discovery.bake is not None:
            return f"the target {build.recipe.bake} in {' and '.join(discovery.bake.files)}"
        file = build.recipe.file
        is_below = file is not None and file.parent != discovery.library.root
        usual = "found below the project's folder" if is_below else _USUAL
        return self._of("dockerfile", self._of("build_command", usual))

    def _of_platform(self, target: Target, builds: tuple[Build, ...]) -> str:
        if named := self._of_each("platform", builds, ""):
            return named
        for build in builds:
            if build.recipe.platforms:
                if build.recipe.bake:
                    return f"the target {build.recipe.bake}"
                source = f"the service {build.recipe.service}" if build.recipe.service else ""
                return source or self._of("build_command")
            stages = [step.stage for step in build.steps] or [len(build.dockerfile.stages) - 1]
            for stage in stages:
                image = build.dockerfile.base_of(stage)
                if image.platform:
                    return f"{image.path or build.recipe.path}:{image.line}"
        if self.variables.get("DOCKER_DEFAULT_PLATFORM"):
            return "the variable DOCKER_DEFAULT_PLATFORM"
        return "this machine" if target.interpreter is None else target.shown_source

    def _of_index(
        self, url: str, environment: Environment, manifest: Manifest, pip: PipSettings
    ) -> str:
        named = [
            (value, line.place)
            for line in manifest.lines
            for option in ("--index-url", "--extra-index-url")
            for value in line.option_values(option)
        ]
        for step in environment.steps:
            named += ((value, step.place) for value in (step.index_url, *step.extra_index_urls))
        extras = self.settings.extra_index_url.split()
        named.append((self.settings.index_url, self._of("index_url")))
        named += ((value, self._of("extra_index_url")) for value in extras)
        if pip.index_url != default_index_url():
            named.append((pip.index_url, self._of_pip("PIP_INDEX_URL")))
        named += ((value, self._of_pip("PIP_EXTRA_INDEX_URL")) for value in pip.extra_index_urls)
        given = ((value, place) for value, place in named if value)
        places = (p for value, p in given if expand_address(value, self.variables) == url)
        return next(places, "pip's default")

    def _of_pip(self, variable: str) -> str:
        return f"the variable {variable}" if self.variables.get(variable) else "pip's configuration"


def suggest_settings(findings: Iterable[Finding]) -> str:
    """Return the lines for ``invoke.yaml`` that the fixes of errors ask for, or an empty string.

    A fix names a setting as `python`, or with its value, as `python: "3.12"`.
    """
    named = [
        (match[1], match[2], finding.fix[: match.start()].endswith("e.g. "))
        for finding in findings
        if finding.severity == "error"
        for match in _QUOTED.finditer(finding.fix)
        if match[1] in SETTINGS and match[1] in _EXAMPLES
    ]
    if not named:
        return ""
    name, value, is_example = next((each for each in named if each[1]), named[0])
    start = "to set it, write these lines" if value and not is_example else "for example,"
    line = f"  {name}{value or f': {_EXAMPLES[name]}'}"
    return f"{start} in invoke.yaml:\npipflow:\n{line}"
