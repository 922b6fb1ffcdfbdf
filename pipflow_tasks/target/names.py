"""Names of platforms, Pythons and pips, as people and images write them."""

from __future__ import annotations

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from ..errors import TargetError
from . import image_facts as facts

HINT = 'set `python`, e.g. `python: "3.11"` under `pipflow` in invoke.yaml'


def docker_platform(machine: str, *, source: str = "") -> str:
    """Name a platform as Docker does, from such a name or a machine's (``x86_64``, ``arm64``).

    Raises:
        TargetError: there are no wheels for it, or it is not Linux.
    """
    name = machine.strip().lower().removeprefix("linux/")
    if name not in facts.MACHINE_NAMES:
        hint = f"use one of {', '.join(facts.MACHINES)}"
        raise target_error(f"platform `{machine}` is unknown", source=source, hint=hint)
    return facts.MACHINE_NAMES[name]


def read_release(python: str, *, source: str) -> facts.Release:
    """Read a version of Python.

    Raises:
        TargetError: it is none, or one that can't be served.
    """
    release = facts.Release.find(python)
    if release is None:
        raise target_error(f"`{python}` is no Python 3 that is known", source=source, hint=HINT)
    if release.minor < facts.OLDEST_MINOR:
        hint = f"use Python 3.{facts.OLDEST_MINOR} or newer"
        if release.text == "3.1":  # what YAML makes of 3.10
            hint = 'write the version in quotes: `python: "3.10"`'
        raise target_error(f"python {release.text} is too old", source=source, hint=hint)
    return release


def newest_pip(requirement: str) -> Version | None:
    """Return the newest pip that a requirement admits (``pip<23``); None where it sets no limit.

    Of versions that are not known here, those that the requirement names count.

    Raises:
        ValueError: the requirement can't be read.
    """
    try:
        specifier = SpecifierSet(requirement.strip().removeprefix("pip").strip())
    except InvalidSpecifier as error:
        raise ValueError(str(error)) from error
    if specifier.contains("9999") or not specifier:
        return None
    named = [Version(clause.version.removesuffix(".*")) for clause in specifier]
    return max((v for v in (*facts.PIPS, *named) if specifier.contains(v)), default=None)


def target_error(message: str, *, source: str, hint: str = "") -> TargetError:
    """Return an error about what is at a place, ``Dockerfile:1``, or comes from elsewhere."""
    path, _, line = source.rpartition(":")
    if path and line.isdecimal():
        return TargetError(message, path=path, line=int(line), hint=hint)
    return TargetError(f"{message} ({source})" if source else message, hint=hint)
