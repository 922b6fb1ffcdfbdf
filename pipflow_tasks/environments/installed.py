"""What a base image has installed in the Python that the files are installed into."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec import Struct
from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from ..values import require_short_numbers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ..target import Target
    from .steps import InstallStep


class BasePackage(Struct, frozen=True, kw_only=True):
    """A distribution of a base image.

    Attributes:
        name: as it spells it.
        version: its version.
        requirements: what it needs in this Python.
    """

    name: str
    version: Version
    requirements: tuple[Requirement, ...]


def find_base_packages(
    target: Target, steps: Iterable[InstallStep]
) -> Mapping[NormalizedName, BasePackage]:
    """Return what the image has that was asked for its Python, if steps install beside it.

    A venv, ``--target`` and ``--prefix`` have nothing of it.
    """
    asked = target.interpreter
    if asked is None or any(step.install.location for step in steps):
        return MappingProxyType({})
    found: dict[NormalizedName, BasePackage] = {}
    for name, version, needs in asked.installed:
        try:
            distribution = BasePackage(
                name=name, version=Version(version), requirements=tuple(_read(needs, target))
            )
        except ValueError:
            continue
        found.setdefault(canonicalize_name(name), distribution)
    return MappingProxyType(found)


def _read(needs: Iterable[str], target: Target) -> Iterator[Requirement]:
    for need in needs:
        try:
            requirement = Requirement(require_short_numbers(need))
        except (ValueError, RecursionError):
            continue
        if requirement.marker is None or target.applies(requirement.marker):
            yield requirement
