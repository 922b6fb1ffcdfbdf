"""pip's configuration: its files and variables, read as pip reads them.

The files are those of the system, the user and the environment of this Python, then the one that
``PIP_CONFIG_FILE`` names; variables ``PIP_*`` come last. The last that has a name in a section
counts, also with an empty value. Starting pip to ask takes longer than everything else that a
command does at its start, so it is asked only where its folders are not those of Linux.
"""

from __future__ import annotations

import locale
import os
import posixpath
import sys
from typing import TYPE_CHECKING

from ..errors import UsageError, redact

if TYPE_CHECKING:
    import configparser
    from collections.abc import Iterable, Iterator, Mapping

SECTIONS = ("global", "install", ":env:")
"""Where ``pip install`` looks for a setting; the last that has it counts."""

_NAME = "pip.conf"
_IGNORED = ("pip_version", "pip_help")
_ASK = """
import json, sys
from pip._internal.configuration import Configuration
from pip._internal.exceptions import ConfigurationError
configuration = Configuration(isolated=False)
try:
    configuration.load()
except ConfigurationError as error:
    sys.exit(str(error))
told = {}
for name, value in configuration.items():  # newer pips: of each file, the strongest last
    told.update(value if isinstance(value, dict) else {name: value})
print(json.dumps(told))
"""
"""Prints what pip's own reader has; `pip config list` does not say which of two files counts."""
_TIMEOUT_SECONDS = 20


def read_configuration(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what ``pip install`` is set to, by long names; an empty value does not count.

    Raises:
        UsageError: a file of the configuration can't be read.
    """
    sections = read_sections(environment)
    merged: dict[str, str] = {}
    for section in SECTIONS:
        merged.update({name: value for name, value in sections[section].items() if value})
    return merged


def read_sections(environment: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return what pip's configuration has, by section and by name.

    Raises:
        UsageError: a file of the configuration can't be read.
    """
    if sys.platform != "linux" and environment.get("PIP_CONFIG_FILE") != os.devnull:
        return _ask_pip(environment)
    sections: dict[str, dict[str, str]] = {section: {} for section in SECTIONS}
    for file in configuration_files(environment):
        if not os.path.exists(file):  # noqa: PTH110 - most are not there
            continue
        parser = _read_file(file)
        for section in parser.sections():
            if section in sections:
                sections[section].update(_by_long_name(parser.items(section)))
    variables = (
        (name.removeprefix("PIP_").lower(), value)
        for name, value in environment.items()
        if name.startswith("PIP_") and name.lower() not in _IGNORED
    )
    sections[":env:"].update(_by_long_name(variables))
    return sections


def configuration_files(environment: Mapping[str, str]) -> Iterator[str]:
    """Yield the files that pip looks for on Linux, the strongest last; most are not there."""
    named = environment.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return
    dirs = environment.get("XDG_CONFIG_DIRS", "")
    for folder in (dirs if dirs.strip() else "/etc/xdg").split(os.pathsep):
        yield posixpath.join(_expanded(folder, environment), "pip", _NAME)
    yield f"/etc/{_NAME}"
    if not named or not os.path.exists(named):  # noqa: PTH110 - as pip: any error is a no
        yield posixpath.join(_expanded("~", environment), ".pip", _NAME)
        home = environment.get("XDG_CONFIG_HOME", "")
        home = _expanded(home if home.strip() else "~/.config", environment)
        yield posixpath.join(home, "pip", _NAME)
    yield posixpath.join(sys.prefix, _NAME)
    if named is not None:
        yield named


def _expanded(path: str, environment: Mapping[str, str]) -> str:
    """Return a path with the user's folder in place of ``~``."""
    if path != "~" and not path.startswith("~/"):
        return path
    home = environment.get("HOME")
    if home is None:
        import pwd

        home = pwd.getpwuid(os.getuid()).pw_dir
    return home.rstrip("/") + path[1:] or "/"


def _read_file(file: str) -> configparser.RawConfigParser:
    """Read a file of the configuration; one that can't be opened is empty."""
    import configparser

    parser = configparser.RawConfigParser()
    encoding = locale.getpreferredencoding(False)
    try:
        parser.read(file, encoding=encoding)
    except UnicodeDecodeError as error:
        raise _unreadable(f"{file} contains invalid {encoding} characters") from error
    except configparser.Error as error:
        raise _unreadable(" ".join(str(error).split())) from error
    return parser


def _unreadable(reason: str) -> UsageError:
    return UsageError(
        f"pip can't read its configuration: {redact(reason)}",
        hint="`python -m pip config debug` lists the files and variables that it reads",
    )


def _by_long_name(items: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for name, value in items:
        yield name.lower().replace("_", "-").removeprefix("--"), value


def _ask_pip(environment: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return what pip's own reader has, by section and by name."""
    import json

    from ..processes import ProgramError, run_program

    try:
        done = run_program(
            [sys.executable, "-c", _ASK],
            timeout_seconds=_TIMEOUT_SECONDS,
            folder=sys.prefix,  # a folder called pip in the project would be taken for pip
            environment=environment,
            of_user=True,
        )
    except ProgramError as error:
        raise UsageError(
            f"pip can't be asked for its configuration: {error}",
            hint="try `python -m pip config list`; with PIP_CONFIG_FILE=/dev/null it is not asked",
        ) from error
    if done.status:
        raise _unreadable(" ".join(done.error_text.split()) or "it fails")
    sections: dict[str, dict[str, str]] = {section: {} for section in SECTIONS}
    for key, value in json.loads(done.text).items():
        section, _, name = key.partition(".")
        if section in sections:
            sections[section][name] = value
    return sections
