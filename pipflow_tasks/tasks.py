"""The Invoke tasks: they read the command line, call the project, and print the report.

A project mounts ``namespace``; ``namespace_for`` makes one for a folder of a monorepo. Nothing
heavy is imported before a task runs.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, fields
from functools import partial
from inspect import Parameter, Signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from invoke.collection import Collection
from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import Task

from .errors import BuildError, PipflowError, UsageError
from .settings import SETTINGS, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from invoke.parser.argument import Argument

    from .plan import Outcome, Plan
    from .project import Level, Project


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of a task: Invoke's context, and the folder and settings of its namespace."""

    context: Context
    folder: str
    own_settings: Mapping[str, Any]

    def open(self, file: str) -> Project:
        """Open the project; ``file``, if given, overrides the setting."""
        from .project import Project

        values = _configured(self.context) | dict(self.own_settings)
        if file:
            values["file"] = file
        settings = Settings.from_mapping(values)
        tasks = None if self.is_program else tasks_folder(self.context)
        root = find_root(settings.files[0], tasks)
        return Project.open(root / self.folder, settings)

    def words(self, packages: str, task: str) -> str:
        """Return the packages as given, after a check.

        Raises:
            UsageError: there are none, or Invoke took an option for a package.
        """
        options = [word for word in packages.split() if word.startswith("-")]
        if options:
            asked = f"pipflow {task} --help" if self.is_program else f"invoke --help deps.{task}"
            raise UsageError(
                f'"{options[0]}" is an option, not a package',
                hint=f"use `{asked}` to see the options",
            )
        if not packages.strip(", \t\r\n"):
            raise UsageError("no package is named", hint=f"{task} needs at least one")
        return packages

    @property
    def is_program(self) -> bool:
        """Whether the task runs in the program ``pipflow``, without a tasks file."""
        return bool(self.context.config.get("pipflow_program"))

    def carry_out(self, body: Callable[..., Plan], own: Mapping[str, Any], shared: Shared) -> None:
        """Make a plan, apply or preview it, and print the report.

        Args:
            body: makes the plan of an open project.
            own: the arguments of the task that ``body`` takes.
            shared: the others.

        Raises:
            BuildError: the image was not built; raised after the report is printed.
        """
        from .report import FORMATS, write_report

        if shared.format_ not in FORMATS:
            known = ", ".join(FORMATS)
            raise UsageError(f'there is no format "{shared.format_}"', hint=f"use one of {known}")
        with self.open(shared.file) as project:
            plan = body(project, **own)
            if shared.format_ == "text":
                for warning in plan.warnings:
                    print(f"warning: {warning}", file=sys.stderr)
            try:
                outcome = self._act(project, plan, shared)
            except BuildError as error:
                if error.outcome is not None:
                    _print(write_report(plan, error.outcome, form=shared.format_))
                raise
        _print(write_report(plan, outcome, form=shared.format_))
        if any(finding.severity == "error" for finding in plan.findings):
            raise Exit(code=1)
        if shared.exit_code and plan.changes:
            raise Exit(code=2)

    def _act(self, project: Project, plan: Plan, shared: Shared) -> Outcome:
        rebuild = "never" if shared.no_rebuild else ""
        if shared.dry_run or self.context.config.run.dry:
            return project.preview(plan, rebuild=rebuild)
        echo = self.context.config.run.echo
        return project.apply(plan, rebuild=rebuild, keep=shared.keep, echo=echo)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """The arguments that several tasks share; ``_HELP`` describes each."""

    file: str = ""
    format_: str = "text"
    dry_run: bool = False
    no_rebuild: bool = False
    keep: bool = False
    exit_code: bool = False


def add(
    project: Project,
    packages: str,
    group: str = "",
    pre: bool = False,
    no_policy: bool = False,
    with_upgrades: bool = False,
    force: bool = False,
    no_resolve: bool = False,
) -> Plan:
    """Pin packages at the newest version that the image can install, and build the image.

    A missing requirements file is created. The block that a package is added to is sorted. A
    package that is already a direct requirement is not changed.
    """
    return project.plan_add(
        packages,
        group=group or None,
        prereleases=pre,
        policy=not no_policy,
        with_upgrades=with_upgrades,
        resolve=not no_resolve,
        force=force,
    )


def remove(project: Project, packages: str, force: bool = False, no_resolve: bool = False) -> Plan:
    """Remove packages and the comments that belong to them, and build the image."""
    return project.plan_remove(packages, resolve=not no_resolve, force=force)


def upgrade(
    project: Project,
    packages: str,
    pre: bool = False,
    force: bool = False,
    no_resolve: bool = False,
) -> Plan:
    """Move the pins of the named packages, and build the image.

    A specifier limits the new version, and may move a pin down: "django<5". A requirement without
    a pin gets one.
    """
    return project.plan_upgrade(packages, prereleases=pre, resolve=not no_resolve, force=force)


def upgrade_all(
    project: Project,
    only: str = "",
    skip: str = "",
    level: str = "major",
    pre: bool = False,
    force: bool = False,
    no_resolve: bool = False,
) -> Plan:
    """Move every pin to the newest compatible version, and build the image."""
    return project.plan_upgrade_all(
        only=only,
        skip=skip,
        level=_level(level),
        prereleases=pre,
        resolve=not no_resolve,
        force=force,
    )


def lock(project: Project) -> Plan:
    """Pin all transitive dependencies in the requirements file, and build the image.

    The direct requirements are not changed. From then on all tasks keep the lock up to date.
    """
    return project.plan_lock()


def unlock(project: Project) -> Plan:
    """Remove the lines that lock has written, and build the image."""
    return project.plan_unlock()


def outdated(
    project: Project,
    only: str = "",
    skip: str = "",
    level: str = "major",
    pre: bool = False,
    no_resolve: bool = False,
) -> Plan:
    """Report which pins could move and what holds the others; change nothing."""
    return project.plan_outdated(
        only=only, skip=skip, level=_level(level), prereleases=pre, resolve=not no_resolve
    )


def why(project: Project, packages: str) -> Plan:
    """Report which requirements need a package, and through what; change nothing."""
    return project.plan_why(packages)


def check(project: Project, offline: bool = False) -> Plan:
    """Report problems and how to fix them; change nothing.

    Checks the Dockerfile, the ignore file and the requirements, and asks the index.
    """
    return project.plan_check(offline=offline)


def rebuild(project: Project, no_cache: bool = False) -> Plan:
    """Build the image."""
    return project.plan_rebuild(no_cache=no_cache)


_HELP = {
    "packages": "Packages, separated by commas or spaces; quote several as one word.",
    "group": "The heading comment of the block to add to.",
    "pre": "Allow pre-releases.",
    "only": "Consider only these packages, separated by commas or spaces.",
    "skip": "Do not move these packages, separated by commas or spaces.",
    "level": "The highest part of a version that may change: major, minor or patch.",
    "file": "The requirements file, or several separated by commas; overrides the setting.",
    "format_": "The format of the report: text, json or markdown.",
    "dry_run": "Show what would change and what would be built; do nothing.",
    "no_rebuild": "Do not build the image.",
    "keep": "Keep the changes in the file even if the build fails.",
    "no_policy": "Do not write the specifier as a policy comment behind the pin.",
    "with_upgrades": "Also move the conflicting pins.",
    "no_resolve": "Ignore the dependencies of the packages.",
    "force": "Edit the file even if another tool has generated it.",
    "exit_code": "End with status 2 if a pin could move.",
    "offline": "Skip the checks that need an index, for a pre-commit hook.",
    "no_cache": "Build every layer again.",
}


_READING = ("file", "format_")
_CHANGING = (*_READING, "dry_run", "no_rebuild", "keep")
_TASKS = (
    (add, _CHANGING),
    (remove, _CHANGING),
    (upgrade, _CHANGING),
    (upgrade_all, _CHANGING),
    (lock, _CHANGING),
    (unlock, _CHANGING),
    (outdated, (*_READING, "exit_code")),
    (why, _READING),
    (check, _READING),
    (rebuild, (*_READING, "dry_run")),
)
"""The functions that make plans, each with the shared arguments that its task takes."""


class DepsTask(Task):  # type: ignore[type-arg]
    """A task bound to the folder and the settings of one namespace.

    Its function makes a plan; the task carries it out. An error of this package ends the program
    with the message and the exit status of the error. Invoke treats tasks with the same code as
    equal; a task of this class equals only itself.
    """

    def __init__(
        self, body: Callable[..., Plan], shared: tuple[str, ...], bind: Callable[..., Run]
    ) -> None:
        self._shared = shared
        self._bind = bind
        aliases = ("view_all",) if body is outdated else ()
        super().__init__(body, aliases=aliases, auto_shortflags=False)

    def argspec(self, body: Callable[..., Plan]) -> Signature:
        """Return the signature that Invoke parses: of the function, and the shared arguments."""
        own = super().argspec(body)
        defaults = {field.name: field.default for field in fields(Shared)}
        shared = [
            Parameter(name, Parameter.POSITIONAL_OR_KEYWORD, default=defaults[name])
            for name in self._shared
        ]
        return own.replace(parameters=[*own.parameters.values(), *shared])

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:
        """Return the arguments, with the help texts set again: Invoke consumes them."""
        self.help = {name: _HELP[name] for name in self.argspec(self.body).parameters}
        return super().get_arguments(ignore_unknown_help)

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        """Run the task; the first argument is Invoke's context."""
        context, *rest = args
        if not isinstance(context, Context):
            raise TypeError(f"a task's first argument is a Context, not {type(context)!r}")
        self.times_called += 1
        given = self.argspec(self.body).bind(*rest, **kwargs).arguments
        shared = Shared(**{name: given.pop(name) for name in self._shared if name in given})
        run = self._bind(context=context)
        try:
            if "packages" in given:
                given["packages"] = run.words(given["packages"], self.body.__name__)
            run.carry_out(self.body, given, shared)
        except PipflowError as error:
            raise Exit(str(error), error.exit_status) from error

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)


def namespace_for(folder: str = "", **settings: Any) -> Collection:
    """Make a namespace for one folder of a repository, with its own settings.

    Args:
        folder: the project's folder, relative to that of ``tasks.py``.
        settings: the settings that override those under ``pipflow``; see ``Settings``.

    Raises:
        UsageError: a setting is unknown, or its value is not valid.
    """
    Settings.from_mapping(settings)
    bind = partial(Run, folder=folder, own_settings=settings)
    collection = Collection()
    for body, shared in _TASKS:
        collection.add_task(DepsTask(body, shared, bind))
    return collection


def find_root(file: str, tasks: Path | None = None) -> Path:
    """Return the root folder of the project.

    This is the folder of the tasks that Invoke has loaded; else the nearest folder upward with
    ``tasks.py`` or ``tasks/``; else the nearest one with the requirements file; else the current
    folder.
    """
    if tasks is not None:
        return tasks
    here = Path.cwd()
    folders = (here, *here.parents)
    for folder in folders:
        if (folder / "tasks.py").is_file() or (folder / "tasks" / "__init__.py").is_file():
            return folder
    return next((folder for folder in folders if (folder / file).is_file()), here)


def tasks_folder(context: Context) -> Path | None:
    """Return the folder of the tasks that Invoke has loaded, also with ``--search-root``.

    Invoke has no public attribute for this folder. Without the private one the result is None, and
    ``find_root`` searches for the folder.
    """
    folder = getattr(context.config, "_project_prefix", None)
    return Path(folder).resolve() if folder else None


def _configured(context: Context) -> dict[str, Any]:
    """Return the settings from Invoke's configuration and from the environment.

    Invoke reads an environment variable only if its configuration already has the name, and a
    pre-task does not see the configuration of its own collection. So the variables are read here.
    """
    known = context.config.get("pipflow", {})
    try:
        values = dict(known)
    except (TypeError, ValueError) as error:
        raise UsageError(
            "`pipflow` in the configuration is not a mapping of settings",
            hint="write one `name: value` on each line below `pipflow:`",
        ) from error
    for name in SETTINGS:
        if (variable := f"INVOKE_PIPFLOW_{name.upper()}") in os.environ:
            values[name] = os.environ[variable]
    return values


def _print(text: str) -> None:
    """Print a report; characters that standard output can't encode are escaped."""
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding), flush=True)


def _level(word: str) -> Level:
    from .project import LEVELS

    for level in LEVELS:
        if word == level:
            return level
    raise UsageError(f'there is no level "{word}"', hint=f"use one of {', '.join(LEVELS)}")


namespace = namespace_for()
