"""Ask a built image which distributions it has, in the Python that the files are installed into.

One ``run`` of the image, by its id: nothing is pulled, and the container has no network.
"""

from __future__ import annotations

import json
import re
from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec import Struct
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from ..processes import ProgramError
from ..values import Pattern
from .probe import inspect_image, run_python

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_VALID_NAME = Pattern(r"[A-Z0-9]|[A-Z0-9][A-Z0-9._-]*[A-Z0-9]", re.IGNORECASE)
_SCRIPT = """\
import glob, json, sys
path = apart + [found for each in apart for found in glob.glob(each + "/lib/python*/site-packages")]
path += sys.path
try:
    from importlib.metadata import distributions
    found = [(each.metadata["Name"], each.version) for each in distributions(path=path)]
except ImportError:
    import pkg_resources
    found = [(each.project_name, each.version) for each in pkg_resources.WorkingSet(path)]
print("\\n" + json.dumps(found))
"""
"""Runs on Python 3.6 and later. ``apart`` are the folders of ``--target`` and ``--prefix``."""


class Installed(Struct, frozen=True, kw_only=True):
    """The distributions of a built image.

    Attributes:
        image: its name, or an empty string where none was asked.
        versions: of each project; none where they are unknown.
        note: why they are unknown, as a clause, or an empty string.
    """

    image: str = ""
    versions: Mapping[NormalizedName, Version] = MappingProxyType({})
    note: str = ""


def ask_installed(
    engine: str, images: Iterable[str], location: str, environment: Mapping[str, str]
) -> Installed:
    """Return what the first of these images that the engine has has installed.

    ``location`` is the install step's own. The variables are for the engine's program.
    """
    names = tuple(images)
    folder, *apart = location.split(":")
    try:
        for name in names:
            identity, _ = inspect_image(engine, name, environment)
            if identity:
                script = f"apart = {json.dumps(apart)}\n{_SCRIPT}"
                text = run_python(engine, identity, script, environment, folder=folder)
                return Installed(image=name, versions=MappingProxyType(_read(text)))
    except ProgramError as error:
        return Installed(note=f"{engine} could not say what the image {name} has: {error}")
    return Installed(note=f"{engine} has no image {' or '.join(names)}")


def _read(text: str) -> dict[NormalizedName, Version]:
    """Return the versions that a script printed; of a project that is there twice, the first.

    Raises:
        ProgramError: it printed something else.
    """
    try:
        printed = json.loads(text.splitlines()[-1])
        if isinstance(printed, dict):
            raise ProgramError("it has no Python")
        pairs = [(name, str(version)) for name, version in printed]
    except (ValueError, TypeError, LookupError) as error:
        raise ProgramError("what its Python printed is not valid") from error
    found: dict[NormalizedName, Version] = {}
    for name, version in pairs:
        if isinstance(name, str) and _VALID_NAME.fullmatch(name):
            try:
                found.setdefault(canonicalize_name(name), Version(version))
            except ValueError:
                continue
    return found
