"""The Invoke tasks: read the command line, call the project, print the report.

``namespace`` is what a project mounts; ``namespace_for`` makes one for a folder of a monorepo.
Nothing heavy is imported until a task runs.
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
    """One run of a task: where it is mounted, and what Invoke was told."""

    context: Context
    folder: str
    own_settings: Mapping[str, Any]

    def open(self, file: str) -> Project:
        """Open the project, with ``file`` in the place of the setting where it is given."""
        from .project import Project

        values = _configured(self.context) | dict(self.own_settings)
        if file:
            values["file"] = file
        settings = Settings.from_mapping(values)
        tasks = None if self.is_program else tasks_folder(self.context)
        root = find_root(settings.files[0], tasks)
        return Project.open(root / self.folder, settings)

    def words(self, packages: str, task: str) -> str:
        """Check that what was given for packages is packages.

        Raises:
            UsageError: it is nothing, or an option that Invoke took for a package.
        """
        options = [word for word in packages.split() if word.startswith("-")]
        if options:
            asked = f"pipflow {task} --help" if self.is_program else f"invoke --help deps.{task}"
            raise UsageError(
                f'"{options[0]}" is an option, not a package',
                hint=f"use `{asked}` to see the options",
            )
        if not packages.strip(", \t\r\n"):
            raise UsageError("no package is named", hint=f"{task} takes at least one")
        return packages

    @property
    def is_program(self) -> bool:
        """Whether the tasks run as the program ``pipflow``, not from a tasks file."""
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
        """Apply a plan, or only show it, and print the report.

        Raises:
            BuildError: after the report, where the image was not built.
        """
        from .report import FORMATS, write_report

        if form not in FORMATS:
            raise UsageError(f'there is no format "{form}"', hint=f"use {', '.join(FORMATS)}")
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
    """Pin packages at their newest version that suits the image, and build it.

    The requirements file is created where it is missing; the block that a package is added to is
    sorted. A package that is there already stays as it is.
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
    """Remove packages, with the comments that belong to them, and build the image."""
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
    """Move the pins of named packages, and build the image.

    A specifier says where to, also downward: "django<5". A line that was not pinned is pinned.
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
    """Move every pin to its newest version that suits the image, and build it."""
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
    """Write a line for everything that the requirements bring along, and build the image.

    The requirements stay as they are. From then on all tasks keep these lines complete.
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
    """Take the lines out again that lock has written, and build the image."""
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
    """Tell what could move and what holds the rest, and change nothing."""
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
    """Tell which lines have brought a package along, and by way of what; change nothing."""
    with run.open(file) as project:
        plan = project.plan_why(run.words(packages, "why"))
        run.carry_out(project, plan, format_, dry_run=True)


def check(run: Run, file: str = "", format_: str = "text", offline: bool = False) -> None:
    """Look for what breaks the workflow, and say how to mend it; change nothing.

    Dockerfile, ignore file and requirements are read, and the index is asked.
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
    "packages": "One word: packages parted by commas or blanks, specifiers in quotes.",
    "group": "The heading comment of the block to write into.",
    "pre": "Take pre-releases too.",
    "only": "Consider these packages only.",
    "skip": "Leave these packages alone.",
    "level": "The highest part of a version that may change: major, minor or patch.",
    "file": "The requirements file, or several parted by commas, instead of the setting.",
    "format_": "How to report: text, json or markdown.",
    "dry_run": "Show what would change and be built, and do nothing.",
    "no_rebuild": "Do not build the image.",
    "keep": "Keep the changes in the file even if the build fails.",
    "no_policy": "Do not write the specifier behind the pin as its policy.",
    "with_upgrades": "Move the standing pins that are in the way, too.",
    "no_resolve": "Do not look up what the packages need of each other.",
    "force": "Edit also a file that another tool says it has written.",
    "exit_code": "End with status 2 if something could move.",
    "offline": "Leave out what needs an index, for a hook before each commit.",
    "no_cache": "Build every layer anew.",
}


class DepsTask(Task):  # type: ignore[type-arg]
    """A task bound to the folder and the settings of one namespace.

    It hands its function a ``Run``, and ends every error of this package with its own message and
    exit status. Invoke takes tasks with the same code for one; this one equals itself alone.
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
        """Return the arguments; Invoke uses the help texts up each time it does this."""
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
        settings: what differs from the settings under ``pipflow``; see ``Settings``.

    Raises:
        UsageError: a setting is not known, or has a value it can't have.
    """
    Settings.from_mapping(settings)
    bind = partial(Run, folder=folder, own_settings=settings)
    collection = Collection()
    for body in (add, remove, upgrade, upgrade_all, lock, unlock, why, check, rebuild):
        collection.add_task(DepsTask(body, bind))
    collection.add_task(DepsTask(outdated, bind, aliases=("view_all",)))
    return collection


def find_root(file: str, tasks: Path | None = None) -> Path:
    """Return the folder of the project that a command means.

    The folder of the tasks that Invoke has loaded; else the nearest folder from here upward that
    holds ``tasks.py`` or ``tasks/``; else the nearest with the requirements file; else here.
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
    """Return the folder of the tasks that Invoke has loaded, wherever ``--search-root`` led it.

    Invoke tells it in no public way; where it does not tell at all, ``find_root`` looks itself.
    """
    folder = getattr(context.config, "_project_prefix", None)
    return Path(folder).resolve() if folder else None


def _configured(context: Context) -> dict[str, Any]:
    """Return the settings that Invoke's configuration and the environment have.

    Invoke reads environment variables for names that its configuration has already, and a task
    that runs as another's pre-task does not see the configuration of its own collection: so the
    names are not left to be found there.
    """
    known = context.config.get("pipflow", {})
    try:
        values = dict(known)
    except (TypeError, ValueError) as error:
        raise UsageError(
            "the configuration has something else than settings under `pipflow`",
            hint="write them as a mapping, a setting a line",
        ) from error
    for name in SETTINGS:
        if (variable := f"INVOKE_PIPFLOW_{name.upper()}") in os.environ:
            values[name] = os.environ[variable]
    return values


def _print(text: str) -> None:
    """Print a report; what standard output has no letters for is escaped."""
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding), flush=True)


def _level(word: str) -> Level:
    from .project import LEVELS

    for level in LEVELS:
        if word == level:
            return level
    raise UsageError(f'there is no level "{word}"', hint=f"use one of {', '.join(LEVELS)}")


namespace = namespace_for()
