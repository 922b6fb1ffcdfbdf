"""Which Python a command runs, as a shell would find it after the instructions so far.

Known are the folders with a Python of their own (venvs, conda's environments, what was built from
source), links, the packages of the distribution, and pyenv's choice. The base image is not read
here: what only its name or the image itself says is left to `environments`.
"""

from __future__ import annotations

import posixpath
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from ..values import Pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Origin: TypeAlias = Literal[
    "image", "system", "package", "version", "file", "copied", "elsewhere", "unknown"
]


class Python(Struct, frozen=True, kw_only=True):
    """A Python of a stage, and what says which one it is.

    Attributes:
        origin: ``image``: the base image's own. ``system``: the same where it has one that comes
            before that of the distribution, else the distribution's. ``package``: the
            distribution's. ``version``: the one in ``version``. ``file``: the one that a file of
            the build context names. ``copied``: that of another image. ``elsewhere``: one at a
            path that no instruction makes. ``unknown``: none of these.
        version: ``3.12``, ``3.12.4`` or ``2.7``; empty for the distribution's default.
        alternative: what a package of Red Hat's or Alpine's has in some releases: it is ``python3``
            there, or it is for Python 2.
        word: the words that say so, as a message shows them.
        line: 1-based line of their instruction, or 0.
        path: the Dockerfile of that line, where it is that of a base image; else empty.
        stage: index of the stage that it was made in; None: the stage that uses it.
        image: the image that it was copied from, where that is no stage.
        files: the files of the build context that may name it, the most likely first.
        otherwise: what counts where a file or an image does not say it, or where nothing is at
            that path.
    """

    origin: Origin = "image"
    version: str = ""
    alternative: str = ""
    word: str = ""
    line: int = 0
    path: str = ""
    stage: int | None = None
    image: str = ""
    files: tuple[str, ...] = ()
    otherwise: Python | None = None


class Located(Struct, frozen=True, kw_only=True):
    """A Python and the folder that it installs into; empty for the system's."""

    python: Python
    prefix: str = ""

    @property
    def key(self) -> str:
        """What its pip is known by."""
        return self.prefix or self.python.version


NAMED = Pattern(r"(?:python|pip|pip-)(?P<version>[23]\.[0-9]{1,2})(?:\.exe)?")
_PLAIN = Pattern(r"(?:python|pip|easy_install)[0-9.]*")
_VERSION_IN_PATH = Pattern(
    r".*/(?:\.?pyenv/versions/|opt/python/|python-?|cpython-)(?P<dotted>3\.[0-9]{1,2}(?:\.[0-9]{1,3})?)"
    r"(?:[-/].*)?|.*/cp3(?P<minor>[0-9]{1,2})-cp3.*",
    re.IGNORECASE,
)
_CONDA_PREFIX = Pattern(r".*/envs/([^/]+)")
_CONDA_PYTHON = Pattern(
    r"(?:[\w./-]+::)?python(?:\s*={1,2}\s*(?P<version>3\.[0-9]{1,2}(?:\.[0-9]{1,3})?)(?:\.?\*)?(?:=.*)?"
    r"|(?P<other>[\s<>=!~].*)?)"
)
_VERSION = Pattern(
    r"(?:c?python|pip|py)?[-@]?(?:(?P<dotted>[23]\.[0-9]{1,2})|3(?P<minor>[0-9]{1,2}))"
    r"(?P<patch>\.[0-9]{1,3})?(?:(?:a|b|rc)[0-9]+)?(?:-.*)?"
)
_SYSTEM_FOLDERS = ("/usr/local/bin", "/usr/bin", "/bin")
CONDA_BASE = "/@conda"
CONDA_ANY = f"{CONDA_BASE}/envs/*"
_VENV = Pattern(r"(?:.*/)?(?:\.?v?env|virtualenv|[\w.-]*venv|venv[\w.-]*|\.?virtualenvs/[^/]+)")
_OWN_FOLDER = Pattern(r".*/\.local/bin|\$.*")
_PYENV_FOLDER = Pattern(r".*(?:/shims|\.?pyenv/bin)")
_DEEPEST_LINK = 8


def conda_prefix(name: str) -> str:
    """Return the folder of a conda environment, where the folder of conda is not known."""
    return CONDA_BASE if name in {"base", "root"} else f"{CONDA_BASE}/envs/{name}"


def read_version(word: str) -> str:
    """Return the version that a word names (``3.12``, ``python3.12``, ``py311``), or nothing."""
    match = _VERSION.fullmatch(posixpath.basename(word.strip()))
    if match is None:
        return ""
    return f"{match['dotted'] or '3.' + match['minor']}{match['patch'] or ''}"


def read_conda_spec(words: Iterable[str]) -> str | None:
    """Return the version of the ``python`` among packages of conda; empty: none in particular.

    None: there is no ``python`` among them.
    """
    for word in words:
        if match := _CONDA_PYTHON.fullmatch(word.strip()):
            return match["version"] or ""
    return None


def _conda_python(text: str) -> str:
    """Return the version of ``python`` in the text of an ``environment.yml``, or nothing."""
    import yaml

    try:
        root = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        return ""
    packages = root.get("dependencies") if isinstance(root, dict) else None
    words = packages if isinstance(packages, list) else []
    return read_conda_spec(word for word in words if isinstance(word, str)) or ""


def read_named_version(path: str, text: str) -> str:
    """Return the version of Python that a file names, by the kind of file that it is."""
    if posixpath.splitext(path)[1] in {".yml", ".yaml"}:
        return _conda_python(text)
    lines = (line.strip() for line in text.splitlines())  # of a .python-version
    return next((read_version(line) for line in lines if line and not line.startswith("#")), "")


class Pythons(Struct, frozen=True, kw_only=True):
    """What the instructions so far say of a stage's Pythons.

    Attributes:
        prefixes: folders with a Python of their own; conda's as ``/@conda/envs/NAME``.
        links: paths of programs, and what they are linked to.
        owners: pip's programs, and the Python whose pip was installed under that name.
        package: the distribution's Python 3, once a package manager has installed it.
        package2: the same for ``python``, where that is Python 2, or may be.
        pyenv: what pyenv runs.
        uses_pyenv: pyenv is there.
        conda_root: the folder that conda was installed to.
        managed: what ``uv python install`` has installed.
        upgraded: what pip was upgraded with (``pip``, ``pip==21.3``), by the folder of its Python.
        installers: downloaded files, and the names that they had.
        manager: the package manager that was used, or an empty string.
    """

    prefixes: Mapping[str, Python] = MappingProxyType({})
    links: Mapping[str, str] = MappingProxyType({})
    owners: Mapping[str, Located] = MappingProxyType({})
    package: Python | None = None
    package2: Python | None = None
    pyenv: Python | None = None
    uses_pyenv: bool = False
    conda_root: str = ""
    managed: Python | None = None
    upgraded: Mapping[str, str] = MappingProxyType({})
    installers: Mapping[str, str] = MappingProxyType({})
    manager: str = ""

    def with_prefix(self, prefix: str, python: Python) -> Pythons:
        """Return this with a folder that has a Python of its own."""
        rest = {name: value for name, value in self.upgraded.items() if name != prefix}
        return replace(self, prefixes={**self.prefixes, prefix: python}, upgraded=rest)

    def in_file(self, path: str) -> Pythons:
        """Return this with the Dockerfile that the Pythons' lines are in."""

        def placed(python: Python) -> Python:
            return replace(python, path=python.path or path)

        return replace(
            self,
            prefixes={prefix: placed(python) for prefix, python in self.prefixes.items()},
            owners={
                name: replace(located, python=placed(located.python))
                for name, located in self.owners.items()
            },
            **{
                name: placed(python)
                for name in ("package", "package2", "pyenv", "managed")
                if (python := getattr(self, name)) is not None
            },
        )

    def with_link(self, path: str, target: str) -> Pythons:
        """Return this with a link at ``path``, if that is a Python's or pip's name."""
        if not _PLAIN.fullmatch(posixpath.basename(path)):
            return self
        target = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
        return replace(self, links={**self.links, path: target})

    def with_pip(self, located: Located, requirement: str) -> Pythons:
        """Return this after pip was installed for a Python; empty: the one that it bundles."""
        found = self
        if requirement:
            found = replace(self, upgraded={**self.upgraded, located.key: requirement})
        if located.prefix or located.python.origin in {"image", "system"}:
            return found
        return replace(found, owners={"pip": located, "pip3": located})

    def copied(self, source: str, target: str, stage: int) -> Iterator[tuple[str, Python]]:
        """Yield the folders with a Python that a copy of a folder of this stage makes."""
        top = source.rstrip("/") + "/"
        for prefix, python in self.prefixes.items():
            if prefix == source or prefix.startswith(top):
                place = posixpath.normpath(posixpath.join(target, prefix[len(top) :]))
                made_in = stage if python.stage is None else python.stage
                yield place, replace(python, stage=made_in)

    def find(self, program: str, path: str, directory: str = "/", venv: str = "") -> Located:
        """Return the Python that a program runs (``pip``, ``python3``, ``/opt/venv/bin/pip``).

        ``path`` is the variable PATH; what it keeps as ``${PATH}`` is the base image's own.
        ``venv`` is the variable VIRTUAL_ENV.
        """
        if "/" in program:
            return self._at(posixpath.normpath(posixpath.join(directory, program)))
        for folder in path.split(":"):
            if folder in _SYSTEM_FOLDERS or folder.startswith("$") or "/" not in folder:
                break
            if _PYENV_FOLDER.fullmatch(folder):
                continue
            prefix = posixpath.dirname(folder)
            located = self.find_prefix(prefix)
            if located is not None and not _is_other(program, located.python):
                return located
            if located is None and (link := self.links.get(posixpath.join(folder, program))):
                return self._at(link)
            if located is None and (prefix == venv or _VENV.fullmatch(prefix)):
                return self._elsewhere(posixpath.join(folder, program))
        return self._of_system(program)

    def find_folder(self, prefix: str) -> Located:
        """Return the Python of a folder, whether an instruction makes it or not."""
        folder = posixpath.join(prefix, "bin")
        if folder in _SYSTEM_FOLDERS:
            return self._of_system("python3")
        return self.find_prefix(prefix) or self._elsewhere(posixpath.join(folder, "python3"))

    def _elsewhere(self, path: str) -> Located:
        """Return the Python of a program at a path that no instruction makes."""
        folder, name = posixpath.split(path)
        python = Python(origin="elsewhere", word=path, otherwise=self._of_system(name).python)
        return Located(python=python, prefix=posixpath.dirname(folder))

    def _at(self, path: str, depth: int = 0) -> Located:
        """Return the Python of a program with a path."""
        link = self.links.get(path)
        if link is not None and link != path and depth < _DEEPEST_LINK:
            return self._at(link, depth + 1)
        folder, name = posixpath.split(path)
        located = self.find_prefix(posixpath.dirname(folder))
        if located is not None:
            return located
        if match := NAMED.fullmatch(name):
            return Located(python=Python(origin="version", version=match["version"], word=name))
        if folder in {"/usr/bin", "/bin"}:
            return self._of_distribution(name)
        is_own = _OWN_FOLDER.fullmatch(folder) or _PYENV_FOLDER.fullmatch(folder)
        if folder in _SYSTEM_FOLDERS or is_own:
            return self._of_system(name, depth)
        return self._elsewhere(path)

    def find_prefix(self, prefix: str) -> Located | None:
        """Return the Python of a folder, by what was made there, else by its name, or None."""
        if prefix in self.prefixes:
            return Located(python=self.prefixes[prefix], prefix=prefix)
        if match := _CONDA_PREFIX.fullmatch(prefix):
            prefix = conda_prefix(match[1])
            word = f"the conda environment {match[1]}"
            known = self.prefixes.get(prefix, self.prefixes.get(CONDA_ANY))
            return Located(python=known or Python(origin="unknown", word=word), prefix=prefix)
        if match := _VERSION_IN_PATH.fullmatch(prefix):
            version = match["dotted"] or f"3.{match['minor']}"
            return Located(
                python=Python(origin="version", version=version, word=prefix), prefix=prefix
            )
        return None

    def _of_system(self, name: str, depth: int = 0) -> Located:
        """Return the Python of a program that no folder of its own has."""
        if self.pyenv is not None and not NAMED.fullmatch(name):
            return Located(python=self.pyenv, prefix="pyenv")
        if name in self.owners:
            return self.owners[name]
        if match := NAMED.fullmatch(name):
            python = Python(origin="version", version=match["version"], word=name)
            built = self.prefixes.get("/usr/local")
            if built is not None and built.version.startswith(f"{python.version}."):
                python = built
            return Located(python=python)
        for folder in _SYSTEM_FOLDERS:
            link = self.links.get(posixpath.join(folder, name))
            if link is not None and depth < _DEEPEST_LINK:
                located = self._at(link, depth + 1)
                python = located.python
                is_behind = folder != "/usr/local/bin" and not located.prefix
                if is_behind and python.origin == "version":
                    return Located(python=replace(python, origin="system"))
                return located
        for prefix in ("/usr/local", CONDA_BASE, "/usr"):
            if prefix in self.prefixes:
                return Located(python=self.prefixes[prefix], prefix=prefix)
        found = self._of_distribution(name).python
        return Located(python=replace(found, origin="system") if found.word else Python())

    def _of_distribution(self, name: str) -> Located:
        """Return the Python of a program in ``/usr/bin``."""
        if name in {"python", "pip"} and self.package2 is not None:
            return Located(python=self.package2)
        link = self.links.get("/usr/bin/python3")
        if link is not None and name.startswith("pip"):  # pip there begins with #!/usr/bin/python3
            return self._at(link, 1)
        return Located(python=self.package or Python(origin="package"))


def _is_other(program: str, python: Python) -> bool:
    """Return whether a program names another version than a folder has."""
    named = NAMED.fullmatch(program)
    return bool(named and python.version and not f"{python.version}.".startswith(f"{named[1]}."))
