"""The Invoke tasks: they read the command line, call the project, and print the report.

A project mounts ``namespace``; ``namespace_for`` makes one for a folder of a monorepo. Nothing
heavy is imported before a task runs.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from functools import partial
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

    from .project import Level, Plan, Project


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

    def carry_out(
        self,
        project: Project,
        plan: Plan,
        form: str,
        *,
        dry_run: bool = False,
        no_rebuild: bool = False,
        keep: bool = False,
    ) -> None:
        """Apply a plan, or only preview it, and print the report.

        Raises:
            BuildError: the image was not built; raised after the report is printed.
        """
        from .report import FORMATS, write_report

        if form not in FORMATS:
            known = ", ".join(FORMATS)
            raise UsageError(f'there is no format "{form}"', hint=f"use one of {known}")
        rebuild = "never" if no_rebuild else ""
        if form == "text":
            for warning in plan.warnings:
                print(f"warning: {warning}", file=sys.stderr)
        try:
            if dry_run or self.context.config.run.dry:
                outcome = project.preview(plan, rebuild=rebuild)
            else:
                outcome = project.apply(
                    plan,
                    rebuild=rebuild,
                    keep=keep,
                    echo=self.context.config.run.echo,
                )
        except BuildError as error:
            if error.outcome is not None:
                _print(write_report(plan, error.outcome, form=form))
            raise
        _print(write_report(plan, outcome, form=form))


def add(
    run: Run,
    packages: str,
    group: str = "",
    pre: bool = False,
    no_policy: bool = False,
    with_upgrades: bool = False,
    file: str = "",
    format_: str = "text",
    dry_run: bool = False,
    no_rebuild: bool = False,
    keep: bool = False,
    force: bool = False,
    no_resolve: bool = False,
) -> None:
    """Pin packages at the newest version that the image can install, and build the image.

    A missing requirements file is created. The block that a package is added to is sorted. A
    package that is already a direct requirement is not changed.
    """
    with run.open(file) as project:
        plan = project.plan_add(
            run.words(packages, "add"),
            group=group or None,
            prereleases=pre,
            policy=not no_policy,
            with_upgrades=with_upgrades,
            resolve=not no_resolve,
            force=force,
        )
        run.carry_out(project, plan, format_, dry_run=dry_run, no_rebuild=no_rebuild, keep=keep)


def remove(
    run: Run,
    packages: str,
    file: str = "",
    format_: str = "text",
    dry_run: bool = False,
    no_rebuild: bool = False,
    keep: bool = False,
    force: bool = False,
    no_resolve: bool = False,
) -> None:
    """Remove packages and the comments that belong to them, and build the image."""
    with run.open(file) as project:
        plan = project.plan_remove(
            run.words(packages, "remove"), resolve=not no_resolve, force=force
        )
        run.carry_out(project, plan, format_, dry_run=dry_run, no_rebuild=no_rebuild, keep=keep)


def upgrade(
    run: Run,
    packages: str,
    pre: bool = False,
    file: str = "",
    format_: str = "text",
    dry_run: bool = False,
    no_rebuild: bool = False,
    keep: bool = False,
    force: bool = False,
    no_resolve: bool = False,
) -> None:
    """Move the pins of the named packages, and build the image.

    A specifier limits the new version, and may move a pin down: "django<5". A requirement without
    a pin gets one.
    """
    with run.open(file) as project:
        plan = project.plan_upgrade(
            run.words(packages, "upgrade"), prereleases=pre, resolve=not no_resolve, force=force
        )
        run.carry_out(project, plan, format_, dry_run=dry_run, no_rebuild=no_rebuild, keep=keep)


def upgrade_all(
    run: Run,
    only: str = "",
    skip: str = "",
    level: str = "major",
    pre: bool = False,
    file: str = "",
    format_: str = "text",
    dry_run: bool = False,
    no_rebuild: bool = False,
    keep: bool = False,
    force: bool = False,
    no_resolve: bool = False,
) -> None:
    """Move every pin to the newest compatible version, and build the image."""
    with run.open(file) as project:
        plan = project.plan_upgrade_all(
            only=only,
            skip=skip,
            level=_level(level),
            prereleases=pre,
            resolve=not no_resolve,
            force=force,
        )
        run.carry_out(project, plan, format_, dry_run=dry_run, no_rebuild=no_rebuild, keep=keep)


def lock(
    run: Run,
    file: str = "",
    format_: str = "text",
    dry_run: bool = False,
    no_rebuild: bool = False,
    keep: bool = False,
) -> None:
    """Pin all transitive dependencies in the requirements file, and build the image.

    The direct requirements are not changed. From then on all tasks keep the lock up to date.
    """
    with run.open(file) as project:
        plan = project.plan_lock()
        run.carry_out(project, plan, format_, dry_run=dry_run, no_rebuild=no_rebuild, keep=keep)


def unlock(
    run: Run,
    file: str = "",
    format_: str = "text",
    dry_run: bool = False,
    no_rebuild: bool = False,
    keep: bool = False,
) -> None:
    """Remove the lines that lock has written, and build the image."""
    with run.open(file) as project:
        plan = project.plan_unlock()
        run.carry_out(project, plan, format_, dry_run=dry_run, no_rebuild=no_rebuild, keep=keep)


def outdated(
    run: Run,
    only: str = "",
    skip: str = "",
    level: str = "major",
    pre: bool = False,
    file: str = "",
    format_: str = "text",
    exit_code: bool = False,
    no_resolve: bool = False,
) -> None:
    """Report which pins could move and what holds the others; change nothing."""
    with run.open(file) as project:
        plan = project.plan_outdated(
            only=only,
            skip=skip,
            level=_level(level),
            prereleases=pre,
            resolve=not no_resolve,
        )
        run.carry_out(project, plan, format_, dry_run=True)
    if exit_code and plan.changes:
        raise Exit(code=2)


def why(run: Run, packages: str, file: str = "", format_: str = "text") -> None:
    """Report which requirements need a package, and through what; change nothing."""
    with run.open(file) as project:
        plan = project.plan_why(run.words(packages, "why"))
        run.carry_out(project, plan, format_, dry_run=True)


def check(run: Run, file: str = "", format_: str = "text", offline: bool = False) -> None:
    """Report problems and how to fix them; change nothing.

    Checks the Dockerfile, the ignore file and the requirements, and asks the index.
    """
    with run.open(file) as project:
        plan = project.plan_check(offline=offline)
        run.carry_out(project, plan, format_, dry_run=True)
    if any(finding.severity == "error" for finding in plan.findings):
        raise Exit(code=1)


def rebuild(
    run: Run,
    file: str = "",
    format_: str = "text",
    dry_run: bool = False,
    no_cache: bool = False,
) -> None:
    """Build the image."""
    with run.open(file) as project:
        plan = project.plan_rebuild(no_cache=no_cache)
        run.carry_out(project, plan, format_, dry_run=dry_run)


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


class DepsTask(Task):  # type: ignore[type-arg]
    """A task bound to the folder and the settings of one namespace.

    Its function gets a ``Run``. An error of this package ends the program with the message and the
    exit status of the error. Invoke treats tasks with the same code as equal; a task of this class
    equals only itself.
    """

    def __init__(
        self, body: Callable[..., None], bind: Callable[..., Run], aliases: tuple[str, ...] = ()
    ) -> None:
        names = body.__code__.co_varnames[1 : body.__code__.co_argcount]
        super().__init__(
            body,
            aliases=aliases,
            auto_shortflags=False,
        )
        self._bind = bind
        self._texts = {name: _HELP[name] for name in names}

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:
        """Return the arguments, with the help texts set again: Invoke consumes them."""
        self.help = dict(self._texts)
        return super().get_arguments(ignore_unknown_help)

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        """Run the task; the first argument is Invoke's context."""
        context, *rest = args
        if not isinstance(context, Context):
            raise TypeError(f"a task's first argument is a Context, not {type(context)!r}")
        self.times_called += 1
        try:
            self.body(self._bind(context=context), *rest, **kwargs)
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
    for body in (add, remove, upgrade, upgrade_all, lock, unlock, why, check, rebuild):
        collection.add_task(DepsTask(body, bind))
    collection.add_task(DepsTask(outdated, bind, aliases=("view_all",)))
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
