"""What commands do to the Pythons of a stage: venvs, conda, packages, links, pyenv, uv.

Each function takes what is known so far and the words of a command, and returns what is known then.
"""

from __future__ import annotations

import posixpath
import re
from itertools import pairwise
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ..values import Pattern
from .image import folders_above
from .pythons import (
    CONDA_ANY,
    CONDA_BASE,
    NAMED,
    Located,
    Python,
    conda_prefix,
    read_conda_spec,
    read_named_version,
    read_version,
)
from .words import split_options

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .pythons import Origin, Pythons

CONDAS = frozenset({"conda", "mamba", "micromamba"})
_MANAGERS = frozenset({
    "apk", "apt", "apt-get", "aptitude", "dnf", "microdnf", "tdnf", "yum", "zypper",
})  # fmt: skip
_FETCHERS = frozenset({"curl", "wget"})
MAKERS = _MANAGERS | {
    "alternatives", "amazon-linux-extras", "ln", "make", "pyenv", "update-alternatives", "uv",
    "virtualenv",
}  # fmt: skip
"""Programs that a wrapper may start and that count here; a Python does besides."""
_CONDA_INSTALLER = Pattern(
    r"(?:Mini|Ana)conda3?-(?:py3(?P<minor>[0-9]{1,2})_)?.*\.sh|(?:Miniforge|Mambaforge)[\w.-]*\.sh"
)
_SOURCE_FOLDER = Pattern(r".*/Python-(3\.[0-9]{1,2}\.[0-9]{1,3})")
_DEFAULT_PACKAGE = Pattern(r"(?:python3|py3)(?:-.*)?|virtualenv")
_NAMED_PACKAGE = Pattern(r"python3\.?([0-9]{1,2})(?:-.*)?")
_PACKAGE_OF_PYTHON_2 = Pattern(
    r"python(?:-(?:pip|dev|minimal|setuptools|all|all-dev|virtualenv|wheel))?"
)
_VALUED = frozenset({
    "C", "c", "channel", "cwd", "directory", "f", "file", "jobs", "j", "n", "name", "o",
    "output-document", "O", "p", "prefix", "prompt", "python", "python-preference",
})  # fmt: skip


class Where(Struct, frozen=True, kw_only=True):
    """Where a command runs.

    Attributes:
        environment: the variables in force.
        directory: the working directory.
        line: 1-based line of the instruction.
        read: returns what a path of the image holds, where a command wrote it, else None; and
            the files of the build context that it may be.
    """

    environment: Mapping[str, str]
    directory: str
    line: int
    read: Callable[[str], tuple[str | None, tuple[str, ...]]]

    @property
    def path(self) -> str:
        """The variable PATH."""
        return self.environment.get("PATH", "${PATH}")

    def join(self, path: str) -> str:
        """Return an absolute path."""
        return posixpath.normpath(posixpath.join(self.directory, path))

    def find(self, pythons: Pythons, program: str) -> Located:
        """Return the Python that a program runs."""
        if pythons.uses_pyenv:
            pythons = replace(pythons, pyenv=self._pyenv(pythons))
        venv = self.environment.get("VIRTUAL_ENV", "")
        return pythons.find(program, self.path, self.directory, venv)

    def _pyenv(self, pythons: Pythons) -> Python | None:
        """Return what pyenv runs here: by its variable, a file here or above, else as set."""
        if version := read_version(self.environment.get("PYENV_VERSION", "")):
            return self.named(version, "PYENV_VERSION")
        return self.named_by_file(pythons.pyenv) or pythons.pyenv

    def named(self, version: str, word: str) -> Python:
        """Return the Python of a version, or one that is unknown where that is empty."""
        origin: Origin = "version" if version else "unknown"
        return Python(origin=origin, version=version, word=word, line=self.line)

    def named_by_file(self, otherwise: Python | None) -> Python | None:
        """Return what a ``.python-version`` in this folder or above names."""
        paths = (posixpath.join(each, ".python-version") for each in folders_above(self.directory))
        found = (self.read_python(path, otherwise) for path in paths)
        return next(filter(None, found), None)

    def read_python(self, path: str, otherwise: Python | None = None) -> Python | None:
        """Return the Python that a file names; None where there is no such file."""
        text, sources = self.read(path)
        name = posixpath.basename(path)
        if text is not None:
            return self.named(read_named_version(path, text), name)
        if sources:
            return Python(
                origin="file", word=name, line=self.line, files=sources, otherwise=otherwise
            )
        return None


def follow(pythons: Pythons, words: Sequence[str], where: Where) -> Pythons:
    """Return the Pythons after a command."""
    name = posixpath.basename(words[0])
    if name in _MANAGERS:
        return _install_packages(pythons, name, words[1:], where)
    if name == "amazon-linux-extras":  # its Pythons are called by their versions
        return replace(pythons, manager=pythons.manager or "yum")
    if name in CONDAS:
        return _change_conda(pythons, name, words[1:], where)
    if name in _FETCHERS:
        return _fetch(pythons, words[1:], where)
    follower = _FOLLOWERS.get(name)
    if follower is not None:
        return follower(pythons, words[1:], where)
    if re.fullmatch(r"(?:python|pypy)[0-9.]*", name):
        return _run_python(pythons, words, where)
    if name.endswith(".sh"):
        return install_conda(pythons, words, where)
    return pythons


def parse(
    words: Sequence[str], flags: frozenset[str] = frozenset()
) -> tuple[dict[str, str], list[str]]:
    """Return the options and the operands of a command; ``flags`` take no value here."""
    options, operands = split_options(words, _VALUED - flags)
    return dict(options), operands


def _shown(*words: str) -> str:
    """Return a command as a message shows it."""
    text = " ".join(words)
    return text if len(text) <= 60 else f"{text[:57]}..."


# --- packages of the distribution -----------------------------------------------------------------


def _install_packages(
    pythons: Pythons, manager: str, words: Sequence[str], where: Where
) -> Pythons:
    pythons = replace(pythons, manager=manager)
    _, operands = parse(words)
    if operands[:1] not in (["install"], ["add"], ["in"], ["module"], ["reinstall"]):
        return pythons
    for operand in operands[1:]:
        package = re.split(r"[=<>~:*]", operand.lstrip("@"))[0]
        python = Python(
            origin="package", word=f"{manager} {operands[0]} {package}", line=where.line
        )
        if match := _NAMED_PACKAGE.fullmatch(package):
            if pythons.package is None and manager in {"dnf", "microdnf", "yum", "tdnf"}:
                python = replace(python, alternative=f"3.{match[1]}")
                pythons = replace(pythons, package=python)
        elif package == "python-is-python3" or _DEFAULT_PACKAGE.fullmatch(package):
            pythons = replace(pythons, package=python)
        elif package == "py-pip":
            pythons = replace(pythons, package2=replace(python, alternative="2.7"))
        elif _PACKAGE_OF_PYTHON_2.fullmatch(package) and manager != "dnf":
            python = replace(python, origin="version", version="2.7")
            pythons = replace(pythons, package2=python)
    return pythons


def _link(pythons: Pythons, words: Sequence[str], where: Where) -> Pythons:
    """Follow ``ln``."""
    _, operands = parse(words, _VALUED)
    if len(operands) < 2:
        return pythons
    *sources, target = operands
    target = where.join(target)
    is_folder = operands[-1].endswith("/") or posixpath.basename(target) == "bin"
    for source in sources:
        path = posixpath.join(target, posixpath.basename(source)) if is_folder else target
        pythons = pythons.with_link(path, source)
    return pythons


def _choose_alternative(pythons: Pythons, words: Sequence[str], _: Where) -> Pythons:
    """Follow ``update-alternatives``; of several, the last counts."""
    for index, word in enumerate(words):
        if word == "--install" and len(words) > index + 3:
            pythons = pythons.with_link(words[index + 1], words[index + 3])
        elif word == "--set" and len(words) > index + 2:
            pythons = pythons.with_link(f"/usr/bin/{words[index + 1]}", words[index + 2])
    return pythons


# --- venvs ----------------------------------------------------------------------------------------


def _run_python(pythons: Pythons, words: Sequence[str], where: Where) -> Pythons:
    """Follow ``python -m venv``, ``-m virtualenv`` and ``-m ensurepip``."""
    module = next((index for index, word in enumerate(words) if word == "-m"), len(words)) + 1
    name, rest = "".join(words[module : module + 1]), words[module + 1 :]
    if name == "venv":
        located = where.find(pythons, words[0])
        _, operands = parse(rest)
        for path in operands:
            pythons = _make_venv(pythons, path, located.python, _shown(*words), where)
            if "--upgrade-deps" in rest:
                upgraded = {**pythons.upgraded, where.join(path): "pip"}
                pythons = replace(pythons, upgraded=upgraded)
    elif name == "virtualenv":
        pythons = _virtualenv(pythons, rest, where, words[0])
    elif name == "ensurepip":
        pythons = pythons.with_pip(where.find(pythons, words[0]), "")
    return pythons


def _make_venv(pythons: Pythons, path: str, python: Python, word: str, where: Where) -> Pythons:
    prefix = where.join(path)
    if python.otherwise is not None and python.word.startswith(f"{prefix}/"):
        python = python.otherwise  # the folder is on PATH before it is there
    if not python.line:
        python = replace(python, word=word, line=where.line)
    return pythons.with_prefix(prefix, python)


def _virtualenv(
    pythons: Pythons, words: Sequence[str], where: Where, program: str = "python3"
) -> Pythons:
    """Follow virtualenv, which brings its own pip: the newest of its day."""
    options, operands = parse(words)
    word = _shown("virtualenv", *words)
    spec = options.get("p", options.get("python", "")) or where.environment.get(
        "VIRTUALENV_PYTHON", ""
    )
    python = _python_of(pythons, spec, word, where)
    if python is None:
        python = where.find(pythons, program).python
    for path in operands:
        pythons = _make_venv(pythons, path, python, word, where)
        pythons = replace(pythons, upgraded={**pythons.upgraded, where.join(path): "pip"})
    return pythons


def _python_of(pythons: Pythons, spec: str, word: str, where: Where) -> Python | None:
    """Return the Python that an option names (``3.12``, a path), or None without one."""
    if not spec:
        return None
    if "/" in spec:
        prefix = pythons.find_prefix(where.join(spec))
        return (prefix or where.find(pythons, spec)).python
    if spec in {"python", "python3"}:
        return where.find(pythons, spec).python
    return where.named(read_version(spec), word)


# --- uv -------------------------------------------------------------------------------------------


def _run_uv(pythons: Pythons, words: Sequence[str], where: Where) -> Pythons:
    """Follow ``uv venv``, ``uv python install``, and the venv that ``uv sync`` makes."""
    options, operands = parse(words)
    word = _shown("uv", *words)
    spec = options.get("p", options.get("python", "")) or where.environment.get("UV_PYTHON", "")
    venv = where.environment.get("UV_PROJECT_ENVIRONMENT", "") or ".venv"
    is_of_project = operands[:1] in (["sync"], ["run"]) and where.join(venv) not in pythons.prefixes
    if operands[:1] == ["venv"] or (is_of_project and "active" not in options):
        path = venv if is_of_project else "".join(operands[1:2]) or ".venv"
        otherwise = pythons.managed or where.find(pythons, "python3").python
        python = (
            _python_of(pythons, spec, word, where) or where.named_by_file(otherwise) or otherwise
        )
        pythons = _make_venv(pythons, path, python, word, where)
        return replace(pythons, upgraded={**pythons.upgraded, where.join(path): "pip"})
    if operands[:2] == ["python", "install"]:
        names = operands[2:]
        python = where.named(read_version(names[0]) if len(names) == 1 else "", word)
        by_file = None if names else where.named_by_file(None)
        return replace(pythons, managed=by_file or python)
    return pythons


def _install_project(pythons: Pythons, words: Sequence[str], where: Where) -> Pythons:
    """Follow Poetry, Pipenv and PDM, which may put a venv into the project's folder."""
    path = where.join(".venv")
    _, operands = parse(words)
    if operands[:1] not in (["install"], ["sync"], ["update"]) or path in pythons.prefixes:
        return pythons
    python = where.find(pythons, "python3").python
    return _make_venv(pythons, path, python, _shown("python3", "-m", "venv", ".venv"), where)


def chosen_python(
    pythons: Pythons, variable: str, options: Mapping[str, Sequence[str]], where: Where
) -> Located | None:
    """Return the Python that ``--python``, else a variable names; None where neither does."""
    value = where.environment.get(variable, "")
    spec, word = value, f"{variable}={value}"
    for each in options.get("python", ()):
        spec, word = each, f"--python {each}"
    if "/" in spec:
        name = posixpath.basename(spec)
        is_program = name in {"python", "python3"} or NAMED.fullmatch(name) is not None
        path = where.join(spec)
        located = where.find(pythons, path) if is_program else pythons.find_folder(path)
        if located.prefix or located.python.origin != "version":
            return located
        return Located(python=replace(located.python, word=word))
    if version := read_version(spec):
        return Located(python=where.named(version, word))
    if spec in {"python", "python3"}:
        return where.find(pythons, spec)
    return None if not spec or "$" in spec else Located(python=where.named("", word))


def uv_python(pythons: Pythons, options: Mapping[str, Sequence[str]], where: Where) -> Located:
    """Return the Python that ``uv pip`` installs into, where none is named."""
    environment = where.environment
    is_system = environment.get("UV_SYSTEM_PYTHON", "").lower() in {"1", "true", "yes", "on"}
    if "system" not in options and not is_system:
        for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
            if folder := environment.get(name, ""):
                return pythons.find_folder(where.join(folder))
        venvs = (posixpath.join(each, ".venv") for each in folders_above(where.directory))
        if located := next(filter(None, map(pythons.find_prefix, venvs)), None):
            return located
    return where.find(pythons, "python3")


# --- conda ----------------------------------------------------------------------------------------


def run_in_conda(words: Sequence[str], where: Where) -> tuple[list[str], dict[str, str]]:
    """Return the command that ``conda run`` starts, and its variables."""
    index = 2
    prefix = CONDA_BASE
    while index < len(words) and words[index].startswith("-"):
        name, equals, value = words[index].lstrip("-").partition("=")
        if name in {"n", "name", "p", "prefix", "cwd", "a", "attach", "e", "env"} and not equals:
            index += 1
            value = "".join(words[index : index + 1])
        if name in {"n", "name"}:
            prefix = conda_prefix(value)
        elif name in {"p", "prefix"}:
            prefix = where.join(value)
        index += 1
    return list(words[index:]), activated(where.environment, prefix)


def activated(environment: Mapping[str, str], prefix: str) -> dict[str, str]:
    """Return the variables with a venv or an environment of conda in front."""
    path = f"{prefix}/bin:{environment.get('PATH', '${PATH}')}"
    name = "CONDA_PREFIX" if prefix.startswith(CONDA_BASE) else "VIRTUAL_ENV"
    return {**environment, "PATH": path, name: prefix}


def find_activated(words: Sequence[str], where: Where) -> str:
    """Return the folder that a command activates (``. venv/bin/activate``), or nothing."""
    name, *rest = words
    if name in {".", "source"} and rest:
        folder, script = posixpath.split(rest[0])
        if script == "activate" and posixpath.basename(folder) == "bin" and len(rest) == 1:
            return posixpath.dirname(where.join(folder))
        rest = rest[1:] if script == "activate" else []
        is_conda = script == "activate"
    else:
        is_conda = posixpath.basename(name) in CONDAS and rest[:1] == ["activate"]
        rest = rest[1:]
    if not is_conda:
        return ""
    target = next((word for word in rest if not word.startswith("-")), "base")
    return where.join(target) if "/" in target else conda_prefix(target)


def _change_conda(pythons: Pythons, name: str, words: Sequence[str], where: Where) -> Pythons:
    """Follow ``conda create``, ``install``, ``update`` and ``conda env create``."""
    asked = read_conda(words)
    if asked is None:
        return pythons
    file = "".join(asked.files[-1:])
    is_yaml = is_conda_file(file)
    version = read_conda_spec(asked.packages)
    python: Python | None = None
    if version is not None:
        python = where.named(version, _shown(name, *words))
    elif is_yaml:
        python = where.read_python(where.join(file)) or where.named("", file)
    elif asked.command == "create":
        python = where.named("", _shown(name, *words))
    if python is None:
        return pythons
    return pythons.with_prefix(conda_target(pythons, asked, where), python)


class CondaCommand(Struct, frozen=True, kw_only=True):
    """What a command line asks of conda.

    Attributes:
        command: ``create``, ``install``, ``update`` or ``upgrade``.
        packages: as they are named.
        files: those with further packages, lists or the file of an environment.
        options: by their names.
    """

    command: str
    packages: tuple[str, ...]
    files: tuple[str, ...]
    options: Mapping[str, str]


def read_conda(words: Sequence[str]) -> CondaCommand | None:
    """Read what follows ``conda``; None where it changes no packages."""
    options, operands = parse(words)
    is_env = operands[:1] == ["env"]
    command, *packages = operands[is_env:] or [""]
    if command not in {"create", "install", "update", "upgrade"}:
        return None
    files = [after for word, after in pairwise(words) if word in {"-f", "--file"}]
    files += [word.partition("=")[2] for word in words if word.startswith("--file=")]
    if not files and is_env:
        files = ["environment.yml"]
    return CondaCommand(
        command=command, packages=tuple(packages), files=tuple(files), options=options
    )


def is_conda_file(name: str) -> bool:
    """Return whether a file is that of an environment, and not a list of packages."""
    return posixpath.splitext(name)[1] in {".yml", ".yaml"}


def conda_target(pythons: Pythons, asked: CondaCommand, where: Where) -> str:
    """Return the folder of the environment that a command of conda changes."""
    prefix = _conda_prefix(asked.options, where, is_yaml=any(map(is_conda_file, asked.files)))
    return pythons.conda_root if prefix == CONDA_BASE and pythons.conda_root else prefix


def _conda_prefix(options: Mapping[str, str], where: Where, *, is_yaml: bool) -> str:
    folder = options.get("p", options.get("prefix", ""))
    if folder:
        return where.join(folder)
    name = options.get("n", options.get("name", ""))
    if not name and is_yaml:  # the file says it
        return CONDA_ANY
    return conda_prefix(name or where.environment.get("CONDA_DEFAULT_ENV", "base"))


def _fetch(pythons: Pythons, words: Sequence[str], where: Where) -> Pythons:
    """Remember under which path an installer of conda is downloaded."""
    for word in words:
        name = posixpath.basename(word)
        if "://" in word and _CONDA_INSTALLER.fullmatch(name):
            options, _ = parse(words)
            paths = (options.get(key) for key in ("o", "O", "output", "output-document"))
            path = next((path for path in paths if path and "://" not in path), name)
            kept = {**pythons.installers, where.join(path): name}
            return replace(pythons, installers=kept)
    return pythons


def install_conda(pythons: Pythons, words: Sequence[str], where: Where) -> Pythons:
    """Follow the installer of conda: ``bash miniconda.sh -b -p /opt/conda``."""
    for index, word in enumerate(words):
        name = pythons.installers.get(where.join(word), posixpath.basename(word))
        match = _CONDA_INSTALLER.fullmatch(name)
        if match is not None:
            options, _ = parse(words[index + 1 :], frozenset({"f", "c"}))
            folder = where.join(options.get("p") or "/root/miniconda3")
            minor = match["minor"]
            python = where.named(f"3.{minor}" if minor else "", name)
            return replace(pythons.with_prefix(folder, python), conda_root=folder)
    return pythons


# --- pyenv and what is built from source ----------------------------------------------------------


def _run_pyenv(pythons: Pythons, words: Sequence[str], where: Where) -> Pythons:
    _, operands = parse(words)
    pythons = replace(pythons, uses_pyenv=True)
    if operands[:1] in (["global"], ["local"]) and len(operands) > 1:
        python = where.named(read_version(operands[1]), _shown("pyenv", *words))
        if python.origin == "unknown":
            python = where.named_by_file(None) or python
        return replace(pythons, pyenv=python)
    return pythons


def _make(pythons: Pythons, words: Sequence[str], where: Where) -> Pythons:
    """Follow ``make install`` in the source of a Python."""
    options, operands = parse(words)
    folder = where.join(options.get("C", options.get("directory", ".")))
    match = _SOURCE_FOLDER.fullmatch(folder)
    if match is None or not {"install", "altinstall"} & {*operands}:
        return pythons
    python = where.named(match[1], _shown("make", *words))
    if "install" in operands:
        return pythons.with_prefix("/usr/local", python)
    minor = match[1].rpartition(".")[0]
    pip = Located(python=python, prefix="/usr/local")
    return replace(pythons, owners={**pythons.owners, f"python{minor}": pip, f"pip{minor}": pip})


_FOLLOWERS: Mapping[str, Callable[[Pythons, Sequence[str], Where], Pythons]] = {
    "alternatives": _choose_alternative,
    "ln": _link,
    "make": _make,
    "pdm": _install_project,
    "pipenv": _install_project,
    "poetry": _install_project,
    "pyenv": _run_pyenv,
    "update-alternatives": _choose_alternative,
    "uv": _run_uv,
    "virtualenv": _virtualenv,
}
