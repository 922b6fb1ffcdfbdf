"""The Invoke tasks: they read the command line, call the project, and print the report.

A project mounts ``namespace``; ``namespace_for`` makes one for a folder of a monorepo. Nothing
heavy is imported before a task runs.
"""

from __future__ import annotations

import atexit
import gc
import os
import shlex
import sys
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, fields
from difflib import get_close_matches
from functools import cache as once
from functools import partial
from inspect import Parameter, Signature, cleandoc
from io import BufferedRandom, BufferedWriter, TextIOWrapper
from pathlib import PurePath
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import Task

from .console import REPORT_WORDS, choose_color, columns, open_streams, say, write_out
from .errors import BuildError, Cancelled, FileError, PipflowError, TooLarge, UsageError
from .isolation import is_isolated
from .mount import Namespace, find_mount, read_run_settings
from .settings import Settings
from .signals import ended_once
from .values import read_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from invoke.parser.argument import Argument

    from .commands.workspace import Caching
    from .plan import ImageStatus, Outcome, Plan
    from .project import Level, Project


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of a task: Invoke's context, and the namespace of the task."""

    context: Context
    namespace: Namespace

    def words(self, packages: str, task: str) -> str:
        """Return the packages as given, after a check.

        Raises:
            UsageError: there are none, or Invoke took an option for a package.
        """
        options = [word for word in packages.split() if word.startswith("-")]
        if options:
            raise self._not_a_package(options[0], task)
        if not packages.strip(", \t\r\n"):
            raise no_package(self.namespace, task)
        return packages

    def _not_a_package(self, option: str, task: str) -> UsageError:
        program = self.namespace.program
        command = find_mount(self.namespace).command(task)
        asked = f"{program} {task} --help" if program else f"invoke --help {command}"
        names = _signature(self.namespace, task)
        flags = ["--help", *(f"--{name.strip('_').replace('_', '-')}" for name in names)]
        near = get_close_matches(option, flags, n=1)
        hint = f"did you mean `{near[0]}`? " if near and option not in near else ""
        return UsageError(
            f'"{option}" is an option, not a package',
            hint=f"{hint}use `{asked}` to see the options",
        )

    def carry_out(
        self, body: Callable[..., Plan], own: Mapping[str, Any], shared: Shared
    ) -> Outcome:
        """Make a plan, apply or preview it, and print the report.

        Args:
            body: makes the plan of an open project.
            own: the arguments of the task that ``body`` takes.
            shared: the others.

        Raises:
            UsageError: an option or a setting is not valid.
            Exit: the task failed, or its report can't be written, or has a status of its own.
        """
        from .plan import Plan
        from .progress import watch
        from .project import Project
        from .report import formats_of, show, why_refused, write_report

        command = _command_of(body)
        if refused := why_refused(shared.format_, command):
            raise UsageError(refused, hint=f"use one of {', '.join(formats_of(command))}")
        if body is rebuild and is_isolated():
            raise UsageError("`--isolated` builds nothing", hint="run `pipflow rebuild` without it")
        shared.require_build_to_verify()
        limit_bytes = shared.max_growth_bytes
        write = partial(write_report, form=shared.format_, width=columns(sys.stdout))
        progress = watch()
        with Project.from_context(
            self.context,
            self.namespace,
            file=shared.file,
            verify=shared.verify or "",
            caching=shared.caching,
            progress=progress,
        ) as project:
            plan = Plan(command=command)
            try:
                with self._held(project, plan.command, shared):
                    with progress.during("resolving", project.count_look_ups):
                        plan = _plan(project, body, own)
                        if limit_bytes is not None:
                            plan = project.limit_growth(plan, limit_bytes)
                    if shared.format_ == "text":
                        for warning in plan.warnings:
                            say(f"warning: {show(warning)}")
                    outcome = self._act(project, plan, shared)
            except PipflowError as error:
                self.report_failure(error, plan, shared)
                raise TaskFailed(error, project.shown) from error
            outcome = self._with_undo(plan, outcome, shared)
            # the cache is written after it
            _report(write(plan, outcome), shared.words, is_done=outcome.is_done)
        if any(finding.severity == "error" for finding in plan.findings):
            raise Exit(code=1)
        if shared.exit_code and (plan.changes or plan.is_unfinished):
            raise Exit(code=2)
        return outcome

    def report_failure(self, error: PipflowError, plan: Plan, shared: Shared) -> None:
        """Print the report of a task that failed.

        As text, only what became of files and images: the error is printed to standard error.
        """
        from msgspec.structs import replace

        from .plan import Outcome
        from .report import formats_of, write_report

        if isinstance(error, TooLarge) and error.costs:
            plan = replace(plan, costs=error.costs)
        outcome = error.outcome if isinstance(error, BuildError) else None
        has_report = outcome is not None or shared.format_ != "text"
        if shared.format_ not in formats_of(plan.command) or not has_report:
            return
        if outcome is None:
            is_build = isinstance(error, BuildError)
            status: ImageStatus = "failed" if is_build else "unchanged"
            outcome = Outcome(status=status, dry_run=self._is_dry(shared))
        outcome = self._with_undo(plan, outcome, shared)
        with suppress(Exit):  # the error comes first
            width = columns(sys.stdout)
            report = write_report(plan, outcome, error, form=shared.format_, width=width)
            _report(report, shared.words, is_done=outcome.is_done)

    def _held(self, project: Project, command: str, shared: Shared) -> AbstractContextManager[None]:
        """Keep other commands out of the files, if this one is to change them."""
        if command not in _CHANGING_COMMANDS or self._is_dry(shared) or is_isolated():
            return nullcontext()
        return project.changing(
            command, rebuild="never" if shared.no_rebuild else "", forgets=shared.no_rebuild
        )

    def _with_undo(self, plan: Plan, outcome: Outcome, shared: Shared) -> Outcome:
        """Return an outcome with the command that undoes it."""
        from msgspec.structs import replace

        from .report.undo import write_undo

        return replace(outcome, undo=write_undo(plan, outcome, partial(self._call, shared)))

    def _call(self, shared: Shared, task: str, *packages: str, is_built: bool) -> str:
        """Return how the user calls a task for the same files."""
        options = ["--file", shared.file] if shared.file else []
        if not is_built:
            options.append("--no-rebuild")
        return call(self.namespace, task, *packages, options=options)

    def _is_dry(self, shared: Shared) -> bool:
        return shared.dry_run or bool(self.context.config.run.dry)

    def _act(self, project: Project, plan: Plan, shared: Shared) -> Outcome:
        rebuild = "never" if shared.no_rebuild or is_isolated() else ""
        if self._is_dry(shared):
            return project.preview(plan, rebuild=rebuild)
        is_told = shared.format_ == "text"
        before_build = partial(self._announce, plan) if is_told else None
        return project.apply(plan, rebuild=rebuild, keep=shared.keep, before_build=before_build)

    def _announce(self, plan: Plan) -> None:
        """Show what is about to change, before the minutes of a build.

        Where nothing of the build is shown, the report follows at once, and has the changes.
        """
        from msgspec.structs import replace

        from .report import write_announcement

        if read_run_settings(self.context).hides_all:
            plan = replace(plan, changes=(), costs=())
        say(write_announcement(plan, width=columns(sys.stderr)), REPORT_WORDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """The arguments that several tasks share; ``_HELP`` describes each."""

    file: str = ""
    format_: str = "text"
    dry_run: bool = False
    no_rebuild: bool = False
    keep: bool = False
    exit_code: bool = False
    refresh: bool = False
    no_cache_dir: bool = False
    color: str = ""
    max_growth: str | None = None
    verify: str | None = None

    @property
    def words(self) -> Mapping[str, str]:
        """How lines of the report begin, each with its colour."""
        return REPORT_WORDS if self.format_ == "text" else {}

    @property
    def max_growth_bytes(self) -> int | None:
        """By how much what is installed may grow; None: by any size.

        Raises:
            UsageError: it is no size.
        """
        try:
            return None if self.max_growth is None else read_size(self.max_growth)
        except ValueError as error:
            raise UsageError(
                f'`--max-growth` can\'t be "{self.max_growth}"',
                hint="write a number with its unit: B, kB, MB, GB, or KiB, MiB, GiB: 200MB",
            ) from error

    def require_build_to_verify(self) -> None:
        """Raise UsageError where an image is to be tried that is not built."""
        without = "--isolated" if is_isolated() else "--no-rebuild" if self.no_rebuild else ""
        if self.verify and without:
            raise UsageError(
                f"`--verify` runs in the new image, and `{without}` builds none",
                hint="leave out one of them",
            )

    @property
    def caching(self) -> Caching:
        """What becomes of the cache of the index."""
        if self.no_cache_dir:
            return "off"
        return "refresh" if self.refresh else "use"


def add(
    project: Project,
    packages: str,
    group: str = "",
    pre: bool = False,
    no_policy: bool = False,
    with_upgrades: bool = False,
    force: bool = False,
    no_resolve: bool = False,
    compile_: bool = False,
) -> Plan:
    """Pin packages at the newest version the image can install, and build the image.

    A missing requirements file is created. The block that a package is added to is sorted. A
    package that is pinned already keeps its version; its line gets the extras and the policy that
    are asked for. A line without a pin gets one. If pip-compile or uv has compiled the file, the
    package is written into its source.
    """
    return project.plan_add(
        packages,
        group=group or None,
        prereleases=pre,
        policy=not no_policy,
        with_upgrades=with_upgrades,
        resolve=not no_resolve,
        force=force,
        compiles=compile_,
    )


def remove(
    project: Project,
    packages: str,
    force: bool = False,
    no_resolve: bool = False,
    compile_: bool = False,
) -> Plan:
    """Remove packages and the comments that belong to them, and build the image."""
    return project.plan_remove(packages, resolve=not no_resolve, force=force, compiles=compile_)


def upgrade(
    project: Project,
    packages: str,
    pre: bool = False,
    no_policy: bool = False,
    force: bool = False,
    no_resolve: bool = False,
) -> Plan:
    """Move the pins of the named packages, and build the image.

    A specifier limits the new version, and may move a pin down: "django<5". Its upper bound becomes
    the policy of the line. A requirement without a pin gets one.
    """
    return project.plan_upgrade(
        packages,
        prereleases=pre,
        policy=not no_policy,
        resolve=not no_resolve,
        force=force,
    )


def pin(
    project: Project,
    names: str | None = None,
    pre: bool = False,
    no_policy: bool = False,
    force: bool = False,
    no_resolve: bool = False,
) -> Plan:
    """Pin every requirement that is not pinned, and build the image.

    A pin is the version that the built image has, if docker or podman has that image and the
    version is allowed; else it is the newest one that is allowed. The upper bound of a range
    becomes the policy of its line.
    """
    return project.plan_pin(
        names or "", prereleases=pre, policy=not no_policy, resolve=not no_resolve, force=force
    )


def upgrade_all(
    project: Project,
    only: str | None = None,
    skip: str | None = None,
    level: str = "major",
    pin: bool = False,
    pre: bool = False,
    interactive: bool = False,
    force: bool = False,
    no_resolve: bool = False,
) -> Plan:
    """Move every pin to the newest compatible version, and build the image.

    With `--interactive`, you tick what is to move. What has to move together is ticked together.
    """
    from .checklist import require_checklist, tick

    if interactive:
        require_checklist()
    return project.plan_upgrade_all(
        only=only or "",
        skip=skip or "",
        level=_level(level),
        pin=pin,
        prereleases=pre,
        resolve=not no_resolve,
        force=force,
        choose=tick if interactive else None,
    )


def lock(project: Project) -> Plan:
    """Pin all transitive dependencies in the requirements file, and build the image.

    The direct requirements are not changed. From then on all tasks keep the lock up to date.
    """
    return project.plan_lock()


def unlock(project: Project) -> Plan:
    """Remove the lines that lock has written, and build the image.

    As with lock, the files that the requirements file includes count with it.
    """
    return project.plan_unlock()


def adopt(project: Project, sources: str = "", direct: str = "", transitive: str = "") -> Plan:
    """Make one locked file of what pip-compile, uv or pip freeze wrote, and build the image.

    No version moves. The lines that a person asked for keep their comments, and a limit becomes
    their policy; the others become lines with `# via`.
    """
    return project.plan_adopt(sources, direct=direct, transitive=transitive)


def outdated(
    project: Project,
    only: str | None = None,
    skip: str | None = None,
    level: str = "major",
    pre: bool = False,
    no_resolve: bool = False,
) -> Plan:
    """Report which pins could move and what holds the others; change nothing."""
    return project.plan_outdated(
        only=only or "",
        skip=skip or "",
        level=_level(level),
        prereleases=pre,
        resolve=not no_resolve,
    )


def why(project: Project, packages: str) -> Plan:
    """Report which requirements need a package, and through what; change nothing."""
    return project.plan_why(packages)


def why_not(project: Project, packages: str) -> Plan:
    """Report what rules out a version, and which command takes it; change nothing.

    A name alone is about the newest version. The package need not be listed: "urllib3==2.0".
    """
    return project.plan_why_not(packages)


def check(project: Project, offline: bool = False, explain: bool = False) -> Plan:
    """Report problems and how to fix them; change nothing.

    Checks the Dockerfile, the ignore file and the requirements, and asks the index.
    """
    return project.plan_check(offline=offline, explain=explain)


def rebuild(project: Project, no_cache: bool = False) -> Plan:
    """Build the image."""
    return project.plan_rebuild(no_cache=no_cache)


def cache(context: Context, clear: bool = False) -> None:
    """Show the cache of index pages and its size, or empty it."""
    from .index.cache import cache_folder, clear_cache, find_cache_files

    folder = cache_folder(os.environ)
    if clear:
        try:
            _report(f"removed {clear_cache(folder) / 1e6:.1f} MB from {folder}", is_done=True)
        except OSError as error:
            raise TaskFailed(unreadable(error)) from error
        return
    size_bytes = sum(path.stat().st_size for path in find_cache_files(folder))
    _report(f"{folder}: {size_bytes / 1e6:.1f} MB", is_done=False)


LISTS = ("names", "sources")
"""The options that ``pipflow`` takes packages or files for without naming the option."""

EXAMPLES: Mapping[str, tuple[tuple[str, str], ...]] = MappingProxyType(
    {
        "add": (("", "requests flask"), ("", "django>=4.2,<5"), ("--group web", "celery[redis]")),
        "adopt": (("", ""), ("", "base.in dev.in")),
        "cache": (("", ""), ("--clear", "")),
        "check": (("", ""), ("--offline", "")),
        "lock": (("", ""), ("--dry-run", "")),
        "outdated": (("", ""), ("--level minor", ""), ("--exit-code", "")),
        "pin": (("", ""), ("", "flask redis")),
        "rebuild": (("", ""), ("--no-cache", "")),
        "remove": (("", "flask redis"),),
        "unlock": (("", ""),),
        "upgrade": (("", "flask redis"), ("", "django<5")),
        "upgrade-all": (
            ("", ""),
            ("--level minor", ""),
            ("--skip django,celery", ""),
            ("--max-growth 200MB", ""),
            ("--interactive", ""),
        ),
        "why": (("", "urllib3"),),
        "why-not": (("", "urllib3"), ("", "urllib3==2.0")),
    }
)
"""For each task, what may stand behind it: options, and packages, each separated by spaces."""

_HELP = {
    "packages": 'Packages; quote several as one word: "requests flask".',
    "group": "The heading comment of the block to add to; default: the first block.",
    "sources": "The files to adopt, separated by commas; default: the requirements file.",
    "direct": "Packages that are direct requirements, separated by commas or spaces.",
    "transitive": "Packages that are transitive dependencies, separated by commas or spaces.",
    "pre": "Allow pre-releases.",
    "names": "Pin only these packages, separated by commas or spaces; default: all.",
    "only": 'Consider only these: names, patterns ("boto*") or headings, separated by commas; '
    "default: all.",
    "skip": "Leave these alone: names, patterns or headings, separated by commas; default: none.",
    "pin": "Also pin the requirements that are not pinned.",
    "interactive": "Ask on the terminal what is to move; needs the extra `interactive`.",
    "level": "The highest part of a version that may change: major, minor or patch.",
    "file": "The requirements file, or several separated by commas; default: the setting `file`, "
    "else the file that the image installs.",
    "format_": "The format of the report: text, json, markdown or github; of check, also sarif.",
    "color": "When to use colours: auto (on a terminal), always or never.",
    "dry_run": "Show what would change and what would be built; do nothing.",
    "no_rebuild": "Do not build the image.",
    "keep": "Keep the changes in the file even if the build fails.",
    "no_policy": "Write no policy comment: do not keep the upper bound and the exclusions.",
    "with_upgrades": "Also move the conflicting pins.",
    "no_resolve": "Ignore the dependencies of the packages.",
    "force": "Edit the file even if another tool has generated it.",
    "compile_": "Run pip-compile or uv, if it has compiled the file, and build the image.",
    "exit_code": "End with status 2 if a pin could move.",
    "offline": "Skip the checks that need an index, for a pre-commit hook.",
    "explain": "Say which line or file each part of the target comes from.",
    "no_cache": "Build every layer again.",
    "refresh": "Ask the index again for everything that the cache has.",
    "no_cache_dir": "Neither read nor write the cache of the index.",
    "clear": "Remove the files of the cache.",
    "verify": 'A command to run in each new image, such as "pip check"; if it fails, the build has '
    "failed; default: the setting `verify`.",
    "max_growth": "Change nothing if what is installed grows by more, such as 200MB, in compressed "
    "files of all packages.",
}


_READING = ("file", "format_", "color", "refresh", "no_cache_dir")
_CHANGING = (*_READING, "dry_run", "no_rebuild", "keep", "verify")
_GROWING = (*_CHANGING, "max_growth")
_TASKS = (
    (add, _GROWING),
    (remove, _GROWING),
    (upgrade, _GROWING),
    (pin, _GROWING),
    (upgrade_all, _GROWING),
    (lock, _GROWING),
    (unlock, _GROWING),
    (adopt, _CHANGING),
    (outdated, (*_READING, "exit_code")),
    (why, _READING),
    (why_not, _READING),
    (check, _READING),
    (rebuild, ("file", "format_", "color", "dry_run", "verify")),
)
"""The functions that make plans, each with the shared arguments that its task takes."""

_MANY_OBJECTS = 200_000


def _command_of(body: Callable[..., Plan]) -> str:
    """Return the name of the task of a function, as it is typed."""
    return body.__name__.replace("_", "-")


_CHANGING_COMMANDS = {_command_of(body) for body, shared in _TASKS if "dry_run" in shared}


class DepsTask(Task):  # type: ignore[type-arg]
    """A task of one namespace.

    Its function makes a plan; the task carries it out, and returns the outcome. An error of this
    package ends the program with the message and the exit status of the error. Invoke treats tasks
    with the same code as equal; a task of this class equals only itself.
    """

    def __init__(
        self, body: Callable[..., Plan], shared: tuple[str, ...], namespace: Namespace
    ) -> None:
        self._shared = shared
        self.namespace = namespace
        aliases = ("view_all",) if body is outdated else ()
        super().__init__(body, aliases=aliases, auto_shortflags=False)

    @property
    def command(self) -> str:
        """Its name as it is typed."""
        return _command_of(self.body)

    @property
    def __doc__(self) -> str:
        """The docstring of the function, with examples as they are typed where it is mounted."""
        told = cleandoc(self.body.__doc__ or "")
        shown = "\n".join(f"    {each}" for each in examples(self.namespace, self.command))
        return f"{told}\n\nExamples:\n\n{shown}"

    @__doc__.setter
    def __doc__(self, text: str) -> None:
        """Ignore what Invoke copies from the function."""

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

    def __call__(self, *args: Any, **kwargs: Any) -> Outcome:
        """Run the task; the first argument is Invoke's context."""
        open_streams()
        _end_quickly()
        with ended_once(), _collecting_rarely():
            return self._run(*args, **kwargs)

    def _run(self, *args: Any, **kwargs: Any) -> Outcome:
        context, *rest = args
        if not isinstance(context, Context):
            raise TypeError(f"a task's first argument is a Context, not {type(context)!r}")
        self.times_called += 1
        given = self.argspec(self.body).bind(*rest, **kwargs).arguments
        shared = Shared(**{name: given.pop(name) for name in self._shared if name in given})
        run = Run(context=context, namespace=self.namespace)
        try:
            if shared.color:
                choose_color(shared.color)
            _require_limits({**given, "max_growth": shared.max_growth, "verify": shared.verify})
            if "packages" in given:
                given["packages"] = run.words(given["packages"], self.command)
            return run.carry_out(self.body, given, shared)
        except PipflowError as error:
            raise self._failed(error, run, shared) from error
        except RecursionError as error:
            failure = UsageError("a file of the project is nested too deeply")
            raise self._failed(failure, run, shared) from error
        except OSError as error:
            raise self._failed(unreadable(error), run, shared) from error
        except KeyboardInterrupt as error:
            cancelled = Cancelled(f"{str(error) or 'interrupted'}; nothing was changed")
            raise self._failed(cancelled, run, shared) from error

    def _failed(self, error: PipflowError, run: Run, shared: Shared) -> TaskFailed:
        """Return the failure of the task, with its report printed."""
        if shared.format_ != "text":
            from .plan import Plan

            plan = Plan(command=self.command)
            run.report_failure(error, plan, shared)
        return TaskFailed(error)

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)


def unreadable(error: OSError) -> FileError:
    """Return the error of a file or folder that the system does not let us see."""
    reason = error.strerror or str(error)
    if error.filename is None:
        return FileError(reason)
    return FileError(f"can't be read: {reason}", path=str(error.filename))


def report_error(error: PipflowError, command: str, form: str) -> None:
    """Print the report of a task that failed before it began, in formats that have errors."""
    if form == "text":
        return
    from .plan import Outcome, Plan
    from .report import formats_of, write_report

    if form in formats_of(command):
        plan, outcome = Plan(command=command), Outcome(status="unchanged")
        with suppress(Exit):  # the error comes first
            _report(write_report(plan, outcome, error, form=form), is_done=False)


_LIMITS = ("max_growth", "names", "only", "skip", "verify")
"""The options that would limit or try nothing where their value is empty."""


def _require_limits(given: Mapping[str, str | None]) -> None:
    """Raise UsageError where such an option has an empty value: its variable may not be set."""
    for name in _LIMITS:
        value = given.get(name)
        if value is not None and not value.strip(" ,"):
            raise UsageError(
                f"`--{name.replace('_', '-')}` has an empty value",
                hint="leave it out, or see whether a variable in it is set",
            )


class TaskFailed(Exit):
    """A task failed; the error was printed, and its exit status ends the program.

    Attributes:
        error: what failed.
    """

    def __init__(self, error: PipflowError, folder: str = ".") -> None:
        super().__init__(code=error.exit_status)  # Invoke fails to print a message where it can't
        self.error = error
        is_placed = error.path is not None or folder == "."
        say(f"error: {error}" if is_placed else f"error: {folder}: {error}")

    def __str__(self) -> str:
        return str(self.error)


class MountError(UsageError, Exit):  # type: ignore[misc]  # both have a message
    """An argument of ``namespace_for`` is not valid; Invoke ends with the message, status 1."""

    def __init__(self, error: UsageError) -> None:
        UsageError.__init__(self, error.message, hint=error.hint)
        self.message = f"error: {error}"  # what Invoke prints
        self.hint = ""
        self._code = 1


def no_package(namespace: Namespace, task: str) -> UsageError:
    """Return the error of a task that is given no package."""
    hint = f"{task} needs at least one: `{next(examples(namespace, task))}`"
    if task == "upgrade":
        hint += f"; `{call(namespace, 'upgrade-all')}` moves every pin"
    return UsageError("no package is named", hint=hint)


def examples(namespace: Namespace, task: str) -> Iterator[str]:
    """Yield some calls of a task, as a user types them."""
    for options, packages in EXAMPLES.get(task, ()):
        yield call(namespace, task, *packages.split(), options=options.split())


def call(namespace: Namespace, task: str, *packages: str, options: Sequence[str] = ()) -> str:
    """Return how a user calls a task, quoted for a shell.

    To Invoke, packages are one word, or the value of an option where the task has no such argument.
    """
    if namespace.program:
        isolated = ["--isolated"] if is_isolated() else []
        return shlex.join([namespace.program, *isolated, task, *options, *packages])
    words = [", ".join(packages)] if packages else []
    named = [f"--{name}" for name in LISTS if words and name in _signature(namespace, task)]
    command = find_mount(namespace).command(task)
    return shlex.join(["invoke", command, *options, *named, *words])


def _signature(namespace: Namespace, task: str) -> Iterable[str]:
    """Return the names of the arguments of a task."""
    made: Task[Any] = namespace[task]
    names: Iterable[str] = made.argspec(made.body).parameters
    return names


def namespace_for(folder: str = "", **settings: Any) -> Namespace:
    """Make a namespace for one folder of a repository, with its own settings.

    Its name is that of the folder; without a folder it is ``deps``. The task ``outdated`` is its
    default.

    Args:
        folder: the project's folder, relative to that of ``tasks.py``.
        settings: as ``Collection.configure`` would set them under ``pipflow``; see ``Settings``.

    Raises:
        UsageError: a setting is unknown, or its value is not valid. It is an ``Exit``, too.
    """
    try:
        Settings.from_mapping(settings)
    except UsageError as error:
        raise MountError(error) from error
    name = PurePath(folder).name.strip(".") or "deps"
    return _filled(Namespace(name, folder=folder), settings, default=outdated)


def program_namespace() -> Namespace:
    """Make the namespace of the program ``pipflow``."""
    return _filled(Namespace("pipflow", program="pipflow"), {}, default=None)


def _filled(
    namespace: Namespace, settings: Mapping[str, Any], default: Callable[..., Plan] | None
) -> Namespace:
    for body, shared in _TASKS:
        namespace.add_task(DepsTask(body, shared, namespace), default=body is default)
    namespace.add_task(Task(cache, help={"clear": _HELP["clear"]}, auto_shortflags=False))
    if settings:
        namespace.configure({"pipflow": dict(settings)})
    return namespace


@contextmanager
def _collecting_rarely() -> Iterator[None]:
    """Look for cycles of garbage rarely: what a command makes has few, and is needed to its end."""
    before = gc.get_threshold()
    gc.set_threshold(_MANY_OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


@once
def _end_quickly() -> None:
    """Let the process end without a last search for cycles of garbage, a tenth of a short command.

    Python frees what is in no cycle, as always; and files are written whose owners are in one.
    """
    atexit.register(_leave_garbage)


def _leave_garbage() -> None:
    for each in gc.get_objects():
        if type(each) in {TextIOWrapper, BufferedWriter, BufferedRandom}:
            with suppress(OSError, ValueError):  # Python reports it when it closes the stream
                each.flush()
    gc.freeze()


def _plan(project: Project, body: Callable[..., Plan], own: Mapping[str, Any]) -> Plan:
    """Make a plan; what fails with pages of the cache is tried again with what the index has now.

    A release that came out a minute ago can be asked for.
    """
    try:
        return body(project, **own)
    except PipflowError:
        if not project.ask_anew():
            raise
    return body(project, **own)


def _report(text: str, words: Mapping[str, str] = MappingProxyType({}), *, is_done: bool) -> None:
    """Print a report.

    Args:
        text: the report.
        words: how its lines may begin, each with the colour.
        is_done: files or images have changed, so that an unwritten report is no failure.

    Raises:
        Exit: it can't be written, and nothing else was done.
    """
    try:
        write_out(text, words)
    except OSError as error:
        reason = error.strerror or str(error)
        done = "what it was to report was done" if is_done else "nothing was changed"
        if not isinstance(error, BrokenPipeError):
            say(f"error: the report can't be written: {reason}; {done}")
        if not is_done:
            raise Exit(code=1) from error


def _level(word: str) -> Level:
    from .project import LEVELS

    for level in LEVELS:
        if word == level:
            return level
    raise UsageError(f'there is no level "{word}"', hint=f"use one of {', '.join(LEVELS)}")


namespace = namespace_for()
