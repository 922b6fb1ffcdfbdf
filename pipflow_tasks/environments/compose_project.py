"""Find a project's compose files as compose does, and read them: by compose, or ourselves."""

from __future__ import annotations

import os
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ..compose import COMPOSE_FILES, ComposeFile, is_variant, read_dotenv
from ..engine import choose_compose
from ..errors import ComposeError
from ..files import find_repository, read_text, show_path
from ..isolation import HiddenVariables

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..engine import ComposeProgram
    from ..manifest.library import Library

_OVERRIDES = tuple(
    f"{name}.override.{suffix}"
    for name in ("compose", "docker-compose")
    for suffix in ("yml", "yaml")
)


class ComposeProject(Struct, frozen=True, kw_only=True):
    """A compose project.

    Attributes:
        folder: where its commands run: the project's, or one above it.
        base: the (first) file's folder, which paths in the files are relative to.
        file: what its files say together.
        program: what builds it.
        variables: those of the process, on top of those of the ``.env`` file.
    """

    folder: Path
    base: Path
    file: ComposeFile
    program: ComposeProgram
    variables: Mapping[str, str]


def find_compose(
    library: Library, builder: str, environment: Mapping[str, str]
) -> tuple[ComposeProject, ...]:
    """Find the compose project of a folder: by ``COMPOSE_FILE``, else there, else above it.

    Without a file of a usual name, each ``compose.*.yml`` in the folder is a project of its own.

    Folders above are looked at as far as the repository goes, which is where ``.git`` stands, else
    as far as the topmost tasks file. ``builder`` is the setting.

    Raises:
        ComposeError: a file is not there, or can't be understood.
    """
    root = library.root
    variables = _with_variables(environment, root / ".env")
    named = variables.get("COMPOSE_FILE", "")
    separator = variables.get("COMPOSE_PATH_SEPARATOR") or os.pathsep
    paths = [root / part.strip() for part in named.split(separator) if part.strip()]
    if paths:
        return (_read(root, paths, library, builder, variables),)
    for folder in _folders(root):
        found = [path for name in COMPOSE_FILES if (path := folder / name).is_file()][:1]
        if found:
            found += [path for name in _OVERRIDES if (path := folder / name).is_file()][:1]
            if folder != root:
                variables = _with_variables(environment, folder / ".env")
            return (_read(folder, found, library, builder, variables),)
        variants = sorted(path for path in root.iterdir() if is_variant(path.name))
        if folder == root and variants:
            return tuple(
                _read(root, [path], library, builder, variables, is_named=True) for path in variants
            )
    return ()


def _folders(root: Path) -> list[Path]:
    """Return the folder, and those above it that belong to its repository."""
    folders = [root, *root.parents]
    repository = find_repository(root)
    if repository is not None:
        return [folder for folder in folders if folder.is_relative_to(repository)]
    mounting = [
        at
        for at, folder in enumerate(folders)
        if (folder / "tasks.py").is_file() or (folder / "tasks" / "__init__.py").is_file()
    ]
    return folders[: max(mounting, default=0) + 1]


def _read(
    folder: Path,
    paths: list[Path],
    library: Library,
    builder: str,
    variables: Mapping[str, str],
    *,
    is_named: bool = False,
) -> ComposeProject:
    program = choose_compose(builder, variables)
    if is_named:
        program = replace(program, words=(*program.words, "--file", show_path(paths[0], folder)))
    shown = [library.name_of(path) for path in paths]

    def read_ourselves() -> ComposeFile:
        texts = [(name, _read_text(path, name)) for path, name in zip(paths, shown, strict=True)]
        return _read_texts(texts, paths[0].parent, library, variables, frozenset(paths[:1]))

    told = program.config(folder)
    if told is None:
        file = read_ourselves()
        if any(service.extends_file for service in file.services):
            told = program.extended(folder)
    if told is not None:
        file = ComposeFile.from_config(told, path=shown[0])
        if any(each.build is not None and each.build.dockerfile_inline for each in file.services):
            file = file.with_places(read_ourselves().places)
    return ComposeProject(
        folder=folder,
        base=paths[0].parent,
        file=file,
        program=program,
        variables=variables,
    )


def _read_texts(
    texts: Sequence[tuple[str, str]],
    base: Path,
    library: Library,
    variables: Mapping[str, str],
    seen: frozenset[Path],
) -> ComposeFile:
    """Read the files of a project, those that they extend, and the projects that they include.

    What is not there is left unread.
    """

    def read(name: str) -> str | None:
        return read_text(base / name, shown=library.name_of(base / name))

    file = ComposeFile.from_texts(texts, environment=variables, read=read)
    for include in file.includes:
        found = [(name, read(name)) for name in include.paths]
        inside = [(library.name_of(base / name), text) for name, text in found if text is not None]
        files = {Path(os.path.normpath(base / name)) for name in include.paths}
        if len(inside) < len(found) or not inside or files & seen:
            continue
        folder = Path(os.path.normpath(base / include.folder))
        named = [base / name for name in include.dotenv] or [folder / ".env"]
        inner = reduce(_with_variables, named, variables)
        other = _read_texts(inside, folder, library, inner, seen | files)
        file = file.including(other, include)
    return file


def _read_text(path: Path, shown: str) -> str:
    text = read_text(path, shown=shown)
    if text is None:
        raise ComposeError(
            "there is no such file, which COMPOSE_FILE names",
            path=shown,
            hint="the names are relative to the project's folder",
        )
    return text


def _with_variables(environment: Mapping[str, str], path: Path) -> Mapping[str, str]:
    """Return variables on top of those of a file."""
    text = read_text(path, shown=path.name)
    values = read_dotenv(text or "", environment, path=path.name)
    if isinstance(environment, HiddenVariables):
        return environment.with_names(values)
    return {**values, **environment}
