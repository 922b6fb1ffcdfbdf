"""The steps that install the requirements files, with what counts for them besides."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from msgspec import Struct

from ..files import is_file, read_text
from ..index.pip_settings import is_yes
from ..values import Pattern, repr_without

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from ..dockerfile import InstallCommand
    from ..manifest.library import Library
    from ..target.interpreter import Interpreter
    from .build import Build

_UV_INDEX = Pattern(
    r"^\s*(?:\[\[(?:tool\.uv\.)?index\]\]|(?:(?:extra-|default-)?index(?:-url)?|find-links)\s*=)",
    re.MULTILINE,
)


class InstallStep(Struct, frozen=True, kw_only=True):
    """An install step of a Dockerfile, in a project.

    Attributes:
        path: the Dockerfile that it is in.
        context: the build context, relative to the project's root.
        install: what it says.
        inherited: the variables that its base image sets, and pip's configuration there and in
            the build context by the names of the variables that would say the same.
        unread: the files with settings that only the image knows.
    """

    path: str
    context: str
    install: InstallCommand
    inherited: tuple[tuple[str, str], ...] = ()
    unread: tuple[str, ...] = ()

    __repr__ = repr_without("inherited")

    @property
    def place(self) -> str:
        """Where it is, ``Dockerfile:4``."""
        return f"{self.path}:{self.install.line}"

    def in_project(self, sources: Iterable[str]) -> tuple[str, ...]:
        """Return files of its build context, relative to the project's root."""
        return tuple(posixpath.normpath(posixpath.join(self.context, each)) for each in sources)

    def variable(self, *names: str) -> str:
        """Return the value of the installer's own variable, by the first name that has one."""
        prefix = f"{self.install.installer.upper()}_"
        values = {**dict(self.inherited), **dict(self.install.environment)}
        return next((values[prefix + name] for name in names if values.get(prefix + name)), "")

    def is_set(self, *names: str) -> bool:
        """Return whether the installer's own variable says yes."""
        return is_yes(self.variable(*names))

    @property
    def index_url(self) -> str:
        """The main index that it names."""
        return self.install.options.index_url or self.variable("DEFAULT_INDEX", "INDEX_URL")

    @property
    def extra_index_urls(self) -> tuple[str, ...]:
        """The further indexes that it names; pip's flags add to its variable, uv's replace it."""
        flags = self.install.options.extra_index_urls
        if self.install.installer == "pip":
            return (*self.variable("EXTRA_INDEX_URL").split(), *flags)
        urls = [*(self.install.options.indexes or self.variable("INDEX").split())]
        urls += flags or self.variable("EXTRA_INDEX_URL").split()
        return tuple(re.sub(r"^[\w.-]+=(?=\w+:)", "", url) for url in urls)

    @property
    def asks_all(self) -> bool:
        """Whether uv looks for the best version on all indexes."""
        strategy = self.install.options.index_strategy or self.variable("INDEX_STRATEGY")
        return strategy.startswith("unsafe-")

    @property
    def no_index(self) -> bool:
        """Whether it installs only what is in the image already."""
        return self.install.options.no_index or self.is_set("NO_INDEX")

    @property
    def find_links(self) -> tuple[str, ...]:
        """Folders and pages where it looks besides."""
        return (*self.variable("FIND_LINKS").split(), *self.install.options.find_links)

    @property
    def trusted_hosts(self) -> tuple[str, ...]:
        """Hosts whose certificates it does not check."""
        named = self.variable("TRUSTED_HOST", "INSECURE_HOST").split()
        return (*named, *self.install.options.trusted_hosts)

    @property
    def takes_prereleases(self) -> bool:
        """Whether pre-releases count like any other version."""
        return (
            self.install.options.pre or self.is_set("PRE") or self.variable("PRERELEASE") == "allow"
        )

    @property
    def skips_dependencies(self) -> bool:
        """Whether it takes the file for complete."""
        return (
            self.install.options.no_deps
            or self.install.command == "sync"
            or self.is_set("NO_DEPS", "NO_DEPENDENCIES")
        )

    @property
    def requires_hashes(self) -> bool:
        """Whether it wants a hash for every requirement."""
        return self.install.options.require_hashes or self.is_set("REQUIRE_HASHES")

    @property
    def prefers_wheels(self) -> bool:
        """Whether an older wheel is better than a newer source."""
        return self.install.options.prefer_binary or self.is_set("PREFER_BINARY")


def read_configuration(builds: Iterable[Build]) -> dict[Path, str | None]:
    """Read the configuration files in the build contexts that install steps have, each once.

    Raises:
        FileError: one of them can't be read.
    """
    sources = {
        build.recipe.context / source: source
        for build in builds
        for step in build.steps
        for file in step.configuration
        for source in file.sources
    }
    return {
        path: read_text(path, shown=source, errors="replace")
        for path, source in sources.items()
        if is_file(path)
    }


def find_steps(
    builds: Sequence[Build],
    library: Library,
    base: Interpreter | None,
    configuration: Mapping[Path, str | None],
) -> tuple[InstallStep, ...]:
    """Return the steps that install the requirements files, each once.

    Several builds may build one image; ``base`` is the base image's own account, and
    ``configuration`` has the files of the build contexts, by their paths.
    """
    variables = dict(base.environment) if base is not None else {}
    asked = _as_variables(base.pip_configuration if base is not None else ())
    found: dict[InstallStep, None] = {}
    for build in builds:
        context = build.recipe.context
        for install in build.steps:
            configured, unread = _configuration_of(install, context, configuration)
            step = InstallStep(
                path=install.path or build.recipe.path,
                context=library.name_of(context),
                install=install,
                inherited=tuple({**asked, **configured, **variables}.items()),
                unread=unread,
            )
            found[step] = None
    return tuple(found)


def _configuration_of(
    install: InstallCommand, context: Path, texts: Mapping[Path, str | None]
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return what pip's configuration files say, as variables, and the files that are not read.

    They may name an index and can't be read here. Files of uv are only searched for indexes.
    """
    sections: dict[str, dict[str, str]] = {"global": {}, install.command: {}}
    unread: list[str] = []
    for file in install.configuration:
        known = (texts.get(context / source) for source in file.sources)
        text = next((each for each in known if each is not None), file.text)
        if text is None:
            unread.extend([file.path] if file.certain else [])
        elif install.installer == "uv":
            unread.extend([file.path] if _UV_INDEX.search(text) else [])
        else:
            import configparser

            parser = configparser.RawConfigParser(strict=False)
            try:
                parser.read_string(text)
            except configparser.Error:  # what was read up to there counts
                unread.append(file.path)
            for name, values in sections.items():
                values.update(parser[name] if parser.has_section(name) else {})
    named = (pair for values in sections.values() for pair in values.items())
    return _as_variables(named), tuple(dict.fromkeys(unread))


def _as_variables(settings: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return pip's settings by the names of the variables that would say the same."""
    return {f"PIP_{name.upper().replace('-', '_')}": value for name, value in settings}
