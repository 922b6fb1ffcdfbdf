"""Where the program ``pipflow`` finds its project, and the tasks file that has its settings.

Files are looked at, and no Python of the project is run: what a tasks file does is read in its
syntax tree.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .compose import COMPOSE_FILES, is_variant
from .dockerfile.names import is_dockerfile_name
from .errors import UsageError
from .files import find_repository, read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

PACKAGE = __name__.partition(".")[0]
TABLE = "pipflow"
_USUAL = "requirements.txt"
_OTHERS = ("*requirements*.txt", "requirements/*.txt")
DATA_FILES = ("invoke.yaml", "invoke.yml", "invoke.json")
PYTHON_FILE = "invoke.py"
"""Invoke's configuration of a project, in the order in which it looks."""


def folders_upward(start: Path) -> tuple[Path, ...]:
    """Return a folder and those above it that belong to its repository.

    Without a repository, the last one is the topmost that belongs to the same user.
    """
    folders = (start, *start.parents)
    repository = find_repository(start)
    if repository is not None:
        return folders[: folders.index(repository) + 1]
    owner = start.stat().st_uid
    others = (at for at, folder in enumerate(folders) if folder.stat().st_uid != owner)
    return folders[: next(others, len(folders))]


def find_project(folders: Sequence[Path], names: Iterable[str]) -> Path:
    """Return the folder of the project, given the folders from the current one upward.

    That is the nearest one with a requirements file; else with a Dockerfile or a compose file; else
    with a configuration of Invoke's; else the current one. A file that is not ``requirements.txt``
    counts after those that are, unless the folder has a build as well: it may be for documents.

    Args:
        folders: the current folder first.
        names: the requirements files that the user names, who comes first.
    """
    named = [name for name in names if not Path(name).is_absolute()]
    rules: list[Callable[[Path], bool]] = [
        lambda folder: any((folder / name).is_file() for name in named),
        lambda folder: (folder / _USUAL).is_file() or (_has_others(folder) and _has_build(folder)),
        _has_others,
        _has_build,
        lambda folder: find_configuration(folder) is not None,
    ]
    for holds in rules:
        for folder in folders:
            if holds(folder):
                return folder
    return folders[0]


def find_files(folder: Path) -> list[str]:
    """Return the names of the requirements files in a folder: the usual one, else all others."""
    return [_USUAL] if (folder / _USUAL).is_file() else sorted(_others_in(folder))


def _has_others(folder: Path) -> bool:
    return any(_others_in(folder))


def _others_in(folder: Path) -> Iterator[str]:
    paths = (path for pattern in _OTHERS for path in folder.glob(pattern))
    return (path.relative_to(folder).as_posix() for path in paths if path.is_file())


def _has_build(folder: Path) -> bool:
    names = (path.name for path in folder.glob("*") if path.is_file())
    return any(
        name in COMPOSE_FILES or is_variant(name) or is_dockerfile_name(name) for name in names
    )


def find_configuration(folder: Path) -> Path | None:
    """Return the file in a folder that Invoke reads as the configuration of a project."""
    paths = (folder / name for name in (*DATA_FILES, PYTHON_FILE))
    return next((path for path in paths if path.is_file()), None)


class TasksFile:
    """A ``tasks.py`` or a package ``tasks`` that imports ``pipflow_tasks``.

    Attributes:
        path: the module that Invoke loads.
        folder: the one that folders of namespaces are relative to.
    """

    def __init__(self, path: Path, folder: Path, trees: Sequence[tuple[Path, ast.Module]]) -> None:
        self.path = path
        self.folder = folder
        self._trees = trees

    def settings(self, project: Path) -> Iterator[tuple[Path, int]]:
        """Yield the file and the line of each place that makes settings of a project."""
        for path, tree in self._trees:
            reader = _SettingsReader(tree, self.folder, project)
            yield from ((path, line) for line in sorted(reader.lines()))


def find_tasks_file(
    folders: Iterable[Path], name: str, show: Callable[[Path], str]
) -> TasksFile | None:
    """Return the nearest tasks file that imports ``pipflow_tasks``.

    Args:
        folders: the project's folder first.
        name: that of the module, ``tasks``.
        show: returns how messages name a file.

    Raises:
        UsageError: one mentions ``pipflow_tasks``, and is not valid Python.
        FileError: one can't be read.
    """
    for folder in folders:
        path = folder / f"{name}.py"
        files = [path]
        if not path.is_file():
            path = folder / name / "__init__.py"
            files = sorted(path.parent.rglob("*.py")) if path.is_file() else []
        trees = [(file, tree) for file in files if (tree := _parse(file, show(file))) is not None]
        if any(_imports_us(node) for _, tree in trees for node in ast.walk(tree)):
            return TasksFile(path, folder, trees)
    return None


def _parse(path: Path, shown: str) -> ast.Module | None:
    """Return the syntax tree of a file; None where it does not name this package."""
    data = read(path, shown=shown) or b""
    if PACKAGE.encode() not in data:
        return None
    try:
        return ast.parse(data, filename=str(path))
    except (SyntaxError, ValueError) as error:
        raise UsageError(
            f"it is not valid Python, so it is unknown whether it has settings: {error}",
            path=shown,
            line=getattr(error, "lineno", None),
            hint="fix it, or leave pipflow_tasks out of it and write the settings in invoke.yaml",
        ) from error


def _imports_us(node: ast.AST) -> bool:
    names: list[str] = []
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom) and not node.level:
        names = [node.module or ""]
    return any(name.partition(".")[0] == PACKAGE for name in names)


# --- settings in a syntax tree --------------------------------------------------------------------


def find_table(path: Path, shown: str) -> int | None:
    """Return the line of an ``invoke.py`` that assigns our settings; None: none does."""
    tree = ast.parse(read(path, shown=shown) or b"")
    names = (node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == TABLE)
    return next((name.lineno for name in names), None)


class _SettingsReader:
    """Finds what makes settings of one project in a syntax tree.

    That is ``namespace_for`` with settings, and ``configure`` or a table with ours. What
    ``configure`` is given by a name is unknown, and counts.
    """

    def __init__(self, tree: ast.Module, folder: Path, project: Path) -> None:
        self._tree = tree
        self._folder = folder
        self._project = project
        self._makers = {
            alias.asname or alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
            if alias.name == "namespace_for"
        }

    def lines(self) -> set[int]:
        """Return the lines."""
        tests: list[tuple[type[ast.expr], Callable[[Any], bool]]] = [
            (ast.Dict, lambda node: any(map(_is_table, node.keys))),
            (ast.Subscript, lambda node: isinstance(node.ctx, ast.Store) and _is_table(node.slice)),
            (ast.Call, self._makes_settings),
        ]
        return {
            node.lineno
            for node in ast.walk(self._tree)
            if isinstance(node, ast.expr)
            and any(isinstance(node, kind) and test(node) for kind, test in tests)
        }

    def _makes_settings(self, call: ast.Call) -> bool:
        function = call.func
        if isinstance(function, ast.Attribute) and function.attr == "configure":
            return any(not isinstance(value, ast.Dict) or None in value.keys for value in call.args)
        is_maker = (
            function.attr == "namespace_for"
            if isinstance(function, ast.Attribute)
            else isinstance(function, ast.Name) and function.id in self._makers
        )
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        if not is_maker:
            return TABLE in given
        folder = (*call.args, given.get("folder"))[0]
        if isinstance(folder, ast.Constant) and isinstance(folder.value, str):
            meant = (self._folder / folder.value).resolve()
            return meant == self._project and bool(given.keys() - {"folder"})
        return folder is not None or bool(given)


def _is_table(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value == TABLE
