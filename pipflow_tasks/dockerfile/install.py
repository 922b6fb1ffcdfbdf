"""Read the command lines of pip and uv."""

from __future__ import annotations

import posixpath
from itertools import dropwhile
from typing import TYPE_CHECKING

from msgspec import Struct

from ..values import Pattern
from .image import Content
from .pythons import Python, read_version
from .words import split_options

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .configuration import Configuration, Installer
    from .image import Misplaced


class InstallOptions(Struct, frozen=True, kw_only=True):
    """The options of an install command that count for the choice of versions.

    Variables without a known value are kept as ``${NAME}``. uv's ``--default-index`` is
    ``index_url``, and its ``--index`` comes before the extra ones.
    """

    index_url: str | None = None
    indexes: tuple[str, ...] = ()
    extra_index_urls: tuple[str, ...] = ()
    no_index: bool = False
    find_links: tuple[str, ...] = ()
    trusted_hosts: tuple[str, ...] = ()
    pre: bool = False
    require_hashes: bool = False
    no_deps: bool = False
    prefer_binary: bool = False
    only_binary: tuple[str, ...] = ()
    no_binary: tuple[str, ...] = ()
    index_strategy: str = ""
    exclude_newer: str = ""
    platforms: tuple[str, ...] = ()
    python_version: str = ""
    implementation: str = ""
    abis: tuple[str, ...] = ()
    python_platform: str = ""
    ignore_requires_python: bool = False
    all_releases: tuple[str, ...] = ()
    only_final: tuple[str, ...] = ()
    resolution: str = ""
    torch_backend: str = ""


class InstallCommand(Struct, frozen=True, kw_only=True):
    """One command that installs, builds or downloads what requirements files say.

    Attributes:
        stage: index of its stage.
        line: 1-based line of its instruction.
        path: the Dockerfile of that line, where it is that of a base image; else empty.
        installer: ``pip`` or ``uv``.
        command: ``install``, ``wheel``, ``download``, or uv's ``sync``.
        requirements: the files that ``-r`` (or uv's ``sync``) names, variables expanded.
        packages: the requirements that stand on the command itself, variables expanded.
        unset: those of the packages that a variable without a value made invalid, perhaps, each
            with the variable kept as ``${NAME}``.
        projects: the folders of the context that it installs as projects (``pip install .``, uv's
            ``-r pyproject.toml``), each with the extras that are asked for, separated by commas;
            ``*`` are all.
        groups: the dependency groups that it installs, each as a pyproject.toml of the context and
            a name.
        unfollowed: what else it installs and is not read, in the words of the command.
        conda_files: the files of conda environments in the context that may let pip install more.
        helper: the program that is given the files with ``-r``, where that is not pip itself.
        location: where it installs, as the command says it: the folder of its Python, and that
            of ``--target`` or ``--prefix``. Empty for the first Python of the image.
        sources: the same files in the build context, POSIX, relative to the context.
        possible: other files of the context that they may be: a copied folder may have one.
        constraints: the files that ``-c`` names.
        constraint_sources: the same files in the build context.
        overrides: the files that uv's ``--overrides`` names.
        override_sources: the same files in the build context.
        link_folders: the values of ``--find-links`` that are folders copied from the context, each
            with its path there.
        unknown: files of ``-r``, ``-c`` and ``--overrides`` whose source is unknown: made by a
            command, not copied from the context, or with an unknown variable (kept as ``${NAME}``).
        misplaced: those of the unknown that the context has, copied to another place.
        copied: what earlier COPY and ADD took from the context, each with its line. A change of
            one of them makes the step run again.
        options: the command's own options.
        environment: the ``PIP_*`` and ``UV_*`` variables in force, sorted by name.
        python: the Python that it installs into, by the instructions before.
        manager: the package manager that the stage has used before (``apk``), or empty.
        configuration: the files with the installer's settings, weakest first.
        pip_requirement: what pip was upgraded with before (``pip``, ``pip==21.3``), or None.
        content: the files that the image has at that moment.
    """

    stage: int
    line: int
    installer: Installer
    command: str
    requirements: tuple[str, ...]
    packages: tuple[str, ...] = ()
    unset: tuple[tuple[str, str], ...] = ()
    projects: tuple[tuple[str, str], ...] = ()
    groups: tuple[tuple[str, str], ...] = ()
    unfollowed: tuple[str, ...] = ()
    conda_files: tuple[str, ...] = ()
    helper: str = ""
    location: str = ""
    sources: tuple[str, ...] = ()
    possible: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    constraint_sources: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    override_sources: tuple[str, ...] = ()
    link_folders: tuple[tuple[str, str], ...] = ()
    unknown: tuple[str, ...] = ()
    misplaced: tuple[Misplaced, ...] = ()
    copied: tuple[tuple[str, int], ...] = ()
    options: InstallOptions = InstallOptions()
    environment: tuple[tuple[str, str], ...] = ()
    python: Python = Python()
    manager: str = ""
    configuration: tuple[Configuration, ...] = ()
    pip_requirement: str | None = None
    path: str = ""
    content: Content = Content()


class OtherInstall(Struct, frozen=True, kw_only=True):
    """A command of another tool that installs what a list says, though not from a package index.

    Attributes:
        stage: index of its stage.
        line: 1-based line of its instruction.
        program: ``conda``.
        sources: the lists in the build context.
    """

    stage: int
    line: int
    program: str
    sources: tuple[str, ...]


SHELLS = frozenset({"sh", "bash", "ash", "dash", "zsh", "ksh"})
# fmt: off
_WITH_AN_R_OF_THEIR_OWN = frozenset({
    "adduser", "apk", "apt", "apt-get", "awk", "bandit", "cat", "chgrp", "chmod", "chown", "cmp",
    "cp", "curl", "cut", "date", "diff", "dnf", "docker", "echo", "egrep", "fgrep", "find", "git",
    "grep", "groupadd", "gzip", "head", "install", "ls", "md5sum", "mv", "npm", "perl", "pip-audit",
    "pip-compile", "pip-licenses", "pip_audit", "piplicenses", "pipdeptree", "pipreqs", "piptools",
    "printf", "pytest", "read", "rm", "rsync", "safety", "scp", "sed", "sha256sum", "sort", "ssh",
    "tac", "tail", "tar", "tee", "test", "touch", "tr", "trivy", "uniq", "unzip", "useradd", "wc",
    "wget", "xargs", "yum", "zip",
})
# fmt: on
"""Common programs whose ``-r`` installs nothing."""
_PIP = Pattern(r"pip[0-9.]*(?:\.exe)?")
_PYTHON = Pattern(r"(?:python|pypy)[0-9.]*(?:\.exe)?")
_WHOLE = frozenset({"-m", "-c"})
"""Options of a shell or a Python whose value is the program."""
_SYSTEM_FOLDER = Pattern(r"(?:/usr(?:/local)?)?/s?bin|.*/\.local/bin|\$.*")
"""Folders of programs that hold no other Python than the image's first."""
_MODULE = Pattern(r"-[bBdEhiIOPqRsSuvx]*m(.*)")
_PYTHON_OPTIONS_WITH_VALUE = frozenset({"-W", "-X", "--check-hash-based-pycs"})
# fmt: off
_SHORT_OPTIONS = {
    "C": "config-settings", "P": "upgrade-package", "U": "upgrade", "b": "build",
    "c": "constraint", "d": "dest", "e": "editable", "f": "find-links", "i": "index-url",
    "p": "python", "r": "requirement", "t": "target", "w": "wheel-dir",
}
# fmt: on
_SAME_OPTIONS = {
    "requirements": "requirement",
    "constraints": "constraint",
    "overrides": "override",
    "default-index": "index-url",
    "uploaded-prior-to": "exclude-newer",
    "allow-insecure-host": "trusted-host",
}
# fmt: off
_OPTIONS_WITH_VALUE = frozenset({
    "abi", "all-releases", "allow-insecure-host", "build", "build-constraint", "build-constraints",
    "cache-dir", "cert", "client-cert", "color", "config-file", "config-setting",
    "config-settings", "constraint", "constraints", "default-index", "dest", "directory",
    "editable", "exclude", "exclude-newer", "exists-action", "extra", "extra-index-url",
    "find-links", "fork-strategy", "global-option", "group", "implementation", "index",
    "index-strategy", "index-url", "install-option", "keyring-provider", "link-mode", "log",
    "no-binary", "no-build-isolation-package", "only-binary", "only-final", "override", "overrides",
    "platform", "prefix", "prerelease", "progress-bar", "project", "proxy", "python",
    "python-platform", "python-version", "refresh-package", "reinstall-package", "report",
    "requirement", "requirements", "resolution", "resume-retries", "retries", "root",
    "root-user-action", "src", "target", "timeout", "torch-backend", "trusted-host",
    "upgrade-package", "upgrade-strategy", "uploaded-prior-to", "use-deprecated", "use-feature",
    "wheel-dir",
})
# fmt: on
_VALUED = _OPTIONS_WITH_VALUE.union(
    letter for letter, name in _SHORT_OPTIONS.items() if name in _OPTIONS_WITH_VALUE
)


def helper_of(words: Sequence[str]) -> tuple[str, Sequence[str]] | None:
    """Return the program that a command starts and its arguments, if it may wrap pip.

    A shell or a Python starts its script or its module.
    """
    name = posixpath.basename(words[0])
    if name in SHELLS or _PYTHON.fullmatch(name):
        rest = [*dropwhile(lambda word: word.startswith("-") and word not in _WHOLE, words[1:])]
        if rest[:1] == ["-m"]:
            rest = rest[1:]
        if not rest or rest[0] == "-c":
            return None
        name, words = posixpath.basename(rest[0]), rest
    if name in _WITH_AN_R_OF_THEIR_OWN or _PIP.fullmatch(name) or name == "uv":
        return None
    return name, words[1:]


def is_installer(program: str) -> bool:
    """Return whether a program is pip or uv, or a Python that may start one."""
    name = posixpath.basename(program)
    return name in {"uv", "pip-sync"} or bool(_PIP.fullmatch(name) or _PYTHON.fullmatch(name))


def installer_of(words: Sequence[str]) -> tuple[Installer, Sequence[str]] | None:
    """Return the installer that a command starts, and its arguments; None for other commands."""
    name = posixpath.basename(words[0])
    if _PIP.fullmatch(name):
        return "pip", words[1:]
    if name == "uv":
        return "uv", words[1:]
    if name == "pip-sync":
        return "pip", ["sync", *words[1:]]
    if not _PYTHON.fullmatch(name):
        return None
    rest = iter(enumerate(words[1:], 2))
    for after, word in rest:
        module = _MODULE.fullmatch(word)
        if module is not None:
            started = [*filter(None, [module[1]]), *words[after:]]
            return installer_of(started) if started else None
        if posixpath.basename(word) == "get-pip.py":
            return "pip", ["install", "--upgrade", "pip", *words[after:]]
        if word in _PYTHON_OPTIONS_WITH_VALUE:
            next(rest, None)
        elif not word.startswith("-"):
            return None
    return None


def target_version(installer: Installer, options: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    """Return the version that uv's ``--python-version`` names, and the words that do.

    pip's is for wheels only: the Python that runs pip is another.
    """
    for value in options.get("python-version", ()) if installer == "uv" else ():
        if version := read_version(value):
            return version, f"--python-version {value}"
    return "", ""


def find_location(
    program: str, options: Mapping[str, Sequence[str]], environment: Mapping[str, str]
) -> str:
    """Return where a command installs; commands that install into one place return the same."""
    pythons = [value for value in options.get("python", ()) if "/" in value]
    folder = posixpath.dirname([program, *pythons][-1])
    if not folder:
        venv = environment.get("VIRTUAL_ENV", "")
        first = environment.get("PATH", "").partition(":")[0]
        folder = f"{venv}/bin" if venv else first
    folder = "" if _SYSTEM_FOLDER.fullmatch(folder) else folder
    apart = [value for name in ("target", "prefix", "root") for value in options.get(name, ())]
    return ":".join([folder, *apart]) if apart else folder


def parse_options(words: Sequence[str]) -> tuple[dict[str, list[str]], list[str]]:
    """Return the values of each option by its long name, and the operands."""
    options: dict[str, list[str]] = {}
    given, operands = split_options(words, _VALUED)
    for option, value in given:
        name = _SHORT_OPTIONS.get(option, option)
        options.setdefault(_SAME_OPTIONS.get(name, name), []).append(value)
    return options, operands


def install_options(options: Mapping[str, Sequence[str]]) -> InstallOptions:
    """Return the options that count for the choice of versions."""

    def names(option: str) -> tuple[str, ...]:
        found: list[str] = []
        for value in ",".join(options.get(option, ())).split(","):
            if value.strip() == ":none:":
                found.clear()
            elif value.strip():
                found.append(value.strip())
        return tuple(found)

    only_binary = names("only-binary")
    if "no-build" in options:
        only_binary = (":all:",)
    return InstallOptions(
        index_url=[None, *options.get("index-url", ())][-1],
        indexes=tuple(options.get("index", ())),
        extra_index_urls=tuple(options.get("extra-index-url", ())),
        no_index="no-index" in options,
        find_links=tuple(options.get("find-links", ())),
        trusted_hosts=tuple(options.get("trusted-host", ())),
        pre="pre" in options or "allow" in options.get("prerelease", ()),
        require_hashes="require-hashes" in options,
        no_deps="no-deps" in options,
        prefer_binary="prefer-binary" in options,
        only_binary=only_binary,
        no_binary=names("no-binary"),
        index_strategy=["", *options.get("index-strategy", ())][-1],
        exclude_newer=["", *options.get("exclude-newer", ())][-1],
        platforms=tuple(options.get("platform", ())),
        python_version=["", *options.get("python-version", ())][-1],
        implementation=["", *options.get("implementation", ())][-1],
        abis=tuple(options.get("abi", ())),
        python_platform=["", *options.get("python-platform", ())][-1],
        ignore_requires_python="ignore-requires-python" in options,
        all_releases=names("all-releases"),
        only_final=names("only-final"),
        resolution=["", *options.get("resolution", ())][-1],
        torch_backend=["", *options.get("torch-backend", ())][-1],
    )
