"""Where the tasks are mounted, and which settings count there.

The order is Invoke's own, the lowest level first: the collections from the innermost to the root
(with what ``namespace_for`` is given), the files of the system, of the user and of the project
(``invoke.yaml``), the environment, the file of ``invoke -f``, and what an own task has set.
Invoke reads an environment variable only if its configuration already has the name, a pre-task
does not see the configuration of its own collection, and a table of an outer collection replaces
that of an inner one. So the tables are merged here, setting by setting.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from invoke.collection import Collection
from invoke.config import Config
from invoke.context import Context, MockContext
from invoke.runners import normalize_hide

from .errors import UsageError
from .isolation import is_isolated
from .settings import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import TypeGuard

    from .processes import RunSettings

_ABOVE_THE_ENVIRONMENT = ("_runtime", "_overrides", "_modifications")
"""Invoke's levels; it has no public names for them. Without them the environment is highest."""


class Namespace(Collection):
    """A collection of our tasks, for one project.

    Attributes:
        folder: the project's folder, relative to that of the tasks file.
        program: the program whose only tasks these are, or an empty string.
        place: where that program has found its project; None: it has not looked.
    """

    def __init__(self, name: str, *, folder: str = "", program: str = "") -> None:
        super().__init__(name)
        self.folder = folder
        self.program = program
        self.place: Place | None = None

    def __deepcopy__(self, memo: object) -> Namespace:
        """Return the namespace itself: Invoke copies all that a root holds."""
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """The place of a namespace among the collections that Invoke has loaded.

    Attributes:
        namespace: the tasks.
        names: those of the collections that lead to it; none if it is the root.
        collections: these collections, from the root to the namespace itself.
    """

    namespace: Namespace
    names: tuple[str, ...]
    collections: tuple[Collection, ...]

    def command(self, task: str) -> str:
        """Return how a user calls one of the tasks, without ``invoke``: ``deps.add``."""
        return ".".join((*self.names, task))

    def settings(self) -> dict[str, Any]:
        """Return the settings that the collections have; an outer one overrides an inner one."""
        merged: dict[str, Any] = {}
        for collection in reversed(self.collections):
            merged.update(_table(collection.configuration()))
        return merged


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the program ``pipflow`` has found its project.

    Attributes:
        folder: the project's.
        collections: those that the project's tasks file mounts the project's namespace in.
    """

    folder: Path
    collections: tuple[Collection, ...] = ()


def find_mount(namespace: Namespace) -> Mount:
    """Return where a namespace is mounted.

    If no tasks module has it, as in a program with a bundled namespace, it has its own name. The
    program ``pipflow`` stands for the namespace that it has found.
    """
    found = _find_mounts().get(id(namespace))
    if found is not None:
        return found
    if namespace.place is not None and namespace.place.collections:
        return Mount(namespace=namespace, names=(), collections=namespace.place.collections)
    names = () if namespace.program else (str(namespace.name),)
    return Mount(namespace=namespace, names=names, collections=(namespace,))


def find_only_mount() -> Mount | None:
    """Return where the project mounts its one namespace, or None if it mounts none.

    Raises:
        UsageError: it mounts several.
    """
    found = _find_mounts()
    if len(found) > 1:
        commands = ", ".join(".".join(mount.names) for mount in found.values())
        raise UsageError(
            f"the project mounts several namespaces of pipflow_tasks: {commands}",
            hint="name the one that is meant: `Project.from_context(c, namespace)`",
        )
    return next(iter(found.values()), None)


def _find_mounts() -> dict[int, Mount]:
    """Return the namespaces in the tasks modules that were imported, by their identity.

    Invoke does not tell a task where it is mounted. A tasks module has its collection as ``ns`` or
    ``namespace``; where one has the collection of another, the longer way to a task counts.
    """
    own = __name__.partition(".")[0]
    modules = [*sys.modules.items()]
    return _longest(module for name, module in modules if name.partition(".")[0] != own)


def find_mounts_for(module: object, tasks_folder: Path, project: Path) -> tuple[Mount, ...]:
    """Return where a tasks module mounts namespaces whose folder is that of a project."""
    return tuple(
        mount
        for mount in _longest([module]).values()
        if (tasks_folder / mount.namespace.folder).resolve() == project
    )


def _longest(modules: Iterable[object]) -> dict[int, Mount]:
    """Return the mounts in modules; of those of one namespace, the one with the longest way."""
    found: dict[int, Mount] = {}
    for module in modules:
        known = getattr(module, "__dict__", {})
        roots = [root for root in map(known.get, ("ns", "namespace")) if _is_collection(root)]
        for mount in _mounts_in(roots[0], (), (roots[0],)) if roots else ():
            before = found.get(id(mount.namespace))
            if before is None or len(before.names) < len(mount.names):
                found[id(mount.namespace)] = mount
    return found


def _is_collection(value: object) -> TypeGuard[Collection]:
    return isinstance(value, Collection)


def _mounts_in(
    collection: Collection, names: tuple[str, ...], above: tuple[Collection, ...]
) -> Iterator[Mount]:
    inside = {  # a copy of a namespace has the same tasks
        id(task.namespace): task.namespace
        for task in collection.tasks.values()
        if isinstance(getattr(task, "namespace", None), Namespace)
    }
    for namespace in inside.values():
        collections = above if above[-1] is namespace else (*above, namespace)
        yield Mount(namespace=namespace, names=names, collections=collections)
    for name, inner in collection.collections.items():
        yield from _mounts_in(inner, (*names, name), (*above, inner))


def read_files(folder: Path) -> Context:
    """Return a context with what Invoke's files say: the system's, the user's, the project's."""
    config = Config()
    config.set_project_location(str(folder))
    config.load_project()
    return Context(config)


def read_values(
    context: Context, mount: Mount | None, environment: Mapping[str, str]
) -> dict[str, Any]:
    """Return the settings that count for a task, unchecked, by their names.

    Args:
        context: the context that Invoke gives the task.
        mount: where the task's namespace is; None: only what the context has counts.
        environment: the variables; ``INVOKE_PIPFLOW_FILE`` is the setting ``file``.

    Raises:
        UsageError: ``pipflow`` is not a table, or there is no setting of a variable's name.
    """
    values = {} if mount is None else mount.settings()
    values.update(_table(context.config))
    values.update(_read_environment(context.config, environment))
    for level in _ABOVE_THE_ENVIRONMENT:
        values.update(_table(getattr(context.config, level, {})))
    return values


def find_origins(
    context: Context, mount: Mount | None, environment: Mapping[str, str]
) -> dict[str, str]:
    """Return where each setting that ``read_values`` has is made, in words."""
    config = context.config
    found = {} if mount is None else dict.fromkeys(mount.settings(), "the tasks file")
    for level in ("system", "user", "project"):
        path = getattr(config, f"_{level}_path", None)
        found |= dict.fromkeys(_table(getattr(config, f"_{level}", {})), str(path))
    for name in _read_environment(config, environment):
        found[name] = f"the variable {variable_prefix(config)}{name.upper()}"
    for level in _ABOVE_THE_ENVIRONMENT:
        path = getattr(config, f"{level}_path", None) or "an own task"
        found |= dict.fromkeys(_table(getattr(config, level, {})), str(path))
    return found


def read_run_settings(context: Context) -> RunSettings:
    """Return how a context wants commands to be run.

    Under a ``MockContext`` they are handed to its ``run``, and nothing is built.

    Raises:
        UsageError: ``c.cd`` or ``c.prefix`` is in force. No shell runs our commands, and the folder
            of the project does not depend on the current one.
    """
    for name, is_used in (("cd", context.command_cwds), ("prefix", context.command_prefixes)):
        if is_used:
            raise UsageError(
                f"the tasks of pipflow_tasks can't be called within `c.{name}(...)`",
                hint="mount the project's folder with `namespace_for`"
                if name == "cd"
                else "set variables with Invoke's setting `run.env`",
            )
    from .processes import RunSettings  # its msgspec takes longer to load than a list of tasks

    config = context.config
    return RunSettings(
        echo=bool(config.run.echo),
        hidden=frozenset(normalize_hide(config.run.hide)),
        added={} if is_isolated() else {name: str(value) for name, value in config.run.env.items()},
        timeout_seconds=config.timeouts.command,
        stand_in=partial(_stand_in, context) if isinstance(context, MockContext) else None,
    )


def _stand_in(context: Context, command: str) -> int:
    return context.run(command).exited


def _table(configuration: Any) -> dict[str, Any]:
    """Return the settings of one level, under ``pipflow``; none of an empty file or table."""
    known = None if configuration is None else configuration.get("pipflow")
    try:
        return dict(known or {})
    except (TypeError, ValueError) as error:
        raise UsageError(
            "`pipflow` in the configuration is not a mapping of settings",
            hint="write one `name: value` on each line below `pipflow:`",
        ) from error


def _read_environment(config: Config, environment: Mapping[str, str]) -> dict[str, str]:
    prefix = variable_prefix(config)
    known = {f"{prefix}{name.upper()}": name for name in SETTINGS}
    for variable in environment:
        if variable.startswith(prefix) and variable not in known:
            close = get_close_matches(variable.removeprefix(prefix).lower(), SETTINGS, n=1)
            raise UsageError(
                f"there is no setting for the variable {variable}",
                hint=f"did you mean {prefix}{close[0].upper()}?" if close else "unset it",
            )
    return {known[variable]: environment[variable] for variable in known if variable in environment}


def variable_prefix(config: Config) -> str:
    """Return how the names of variables begin that are settings."""
    program = next(filter(None, (config.env_prefix, config.prefix)))
    return f"{program}_pipflow_".upper()


def find_root(context: Context, mount: Mount | None, file: str) -> Path:
    """Return the folder that ``folder`` of a namespace is relative to.

    This is the folder of the tasks that Invoke has loaded, also with ``--search-root``; else the
    nearest folder upward with ``tasks.py`` or ``tasks/``; else the nearest one with the
    requirements file; else the current folder.

    Args:
        context: the context that Invoke gives the task.
        mount: where the task's namespace is; the program ``pipflow`` has found its project.
        file: the requirements file.
    """
    if mount is not None and mount.namespace.place is not None:
        return mount.namespace.place.folder
    loaded = getattr(context.config, "_project_prefix", None)  # Invoke has no public name for it
    return Path(loaded).resolve() if loaded else search_root(file)


def search_root(file: str) -> Path:
    """Return the project's folder for the current one, without a loaded tasks file."""
    here = Path.cwd()
    folders = (here, *here.parents)
    for folder in folders:
        if (folder / "tasks.py").is_file() or (folder / "tasks" / "__init__.py").is_file():
            return folder
    return next((folder for folder in folders if (folder / file).is_file()), here)
