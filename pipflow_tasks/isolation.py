"""What ``pipflow --isolated`` keeps from happening: files, programs and variables of foreign code.

While a folder is isolated, ``files`` reads nothing outside of it, ``processes`` starts only the
user's own programs, and the variables that a project may use are those of ``hide_variables``.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import FileError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_FOLDER: ContextVar[Path | None] = ContextVar("folder", default=None)
_UNSET = ("DOCKER_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "FTP_PROXY")
"""How the names begin of variables that decide no version: they count as not set."""


@contextmanager
def isolate(folder: Path) -> Iterator[None]:
    """Isolate a repository while the block runs."""
    token = _FOLDER.set(Path(os.path.realpath(folder)))
    try:
        yield
    finally:
        _FOLDER.reset(token)


def is_isolated() -> bool:
    """Return whether the command runs with ``--isolated``."""
    return _FOLDER.get() is not None


def require_inside(path: Path, *, shown: str) -> None:
    """Check that a file may be read; links are followed.

    Raises:
        FileError: it is outside of the isolated repository.
    """
    folder = _FOLDER.get()
    if folder is None:
        return
    try:
        real = Path(os.path.realpath(path))
    except ValueError:  # the system allows no such name, so nothing is read
        return
    if not real.is_relative_to(folder):
        raise FileError(
            "it is outside of the repository, where `--isolated` reads no file", path=shown
        )


class HiddenVariables(dict[str, str]):
    """No variables; asking for the value of one that is set elsewhere is an error.

    So a project that uses a variable never gets another target than it has without ``--isolated``.
    """

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__()
        self.names = frozenset(name for name in names if not name.upper().startswith(_UNSET))

    def __getitem__(self, name: str) -> str:
        if name in self.names:
            raise UsageError(
                f"the project uses the variable {name}, which `--isolated` does not expand",
                hint=f"unset {name}, or run `pipflow` without `--isolated`",
            )
        raise KeyError(name)

    def get(self, name: str, default: str | None = None) -> str | None:  # type: ignore[override]
        """Return the default; see the class for variables that are set."""
        try:
            return self[name]
        except KeyError:
            return default

    def with_names(self, names: Iterable[str]) -> HiddenVariables:
        """Return these and further ones."""
        return HiddenVariables([*self.names, *names])


def hide_variables(variables: Mapping[str, str]) -> Mapping[str, str]:
    """Return the variables that a project may use."""
    return HiddenVariables(variables) if is_isolated() else variables


def names_set(variables: Mapping[str, str]) -> frozenset[str]:
    """Return the names of the variables that are set, hidden ones included."""
    return variables.names if isinstance(variables, HiddenVariables) else frozenset(variables)
