"""The ``pipflow`` program: the same tasks without a tasks file, one task in each call.

``pipflow add requests flask`` does the same as ``invoke deps.add "requests, flask"``. The words of
a call are checked and put in order by ``command_line`` before Invoke's parser reads them. The
project is found by ``roots``. A tasks file that imports ``pipflow_tasks`` is loaded for the
settings that it makes; with ``--isolated`` no Python of the project is run.
"""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext, redirect_stdout, suppress
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from traceback import extract_tb
from typing import TYPE_CHECKING

from invoke.config import Config
from invoke.context import Context
from invoke.exceptions import Exit
from invoke.loader import FilesystemLoader
from invoke.parser.argument import Argument
from invoke.program import Program

from .command_line.arguments import Surface, arrange, find_report, take_color
from .console import choose_color, paint_headings, say, silence_output, write_out
from .errors import PipflowError, UsageError
from .files import read_text, repository_of, show_path
from .isolation import isolate
from .mount import Place, find_mounts_for, read_values, variable_prefix
from .roots import (
    PYTHON_FILE,
    find_configuration,
    find_project,
    find_table,
    find_tasks_file,
    folders_upward,
)
from .settings import split_values
from .tasks import TaskFailed, program_namespace, report_error, unreadable

if TYPE_CHECKING:
    from types import ModuleType

    from invoke.collection import Collection

    from .mount import Namespace
    from .roots import TasksFile


class _Config(Config):
    """Invoke's configuration, which leaves the variables of our settings to ``mount``.

    Invoke refuses a variable for a setting that a file has as a list.
    """

    def load_shell_env(self) -> None:
        """Load Invoke's own settings from the environment."""
        prefix = variable_prefix(self)
        ours = {name: value for name, value in os.environ.items() if name.startswith(prefix)}
        try:
            for name in ours:
                del os.environ[name]
            super().load_shell_env()
        finally:
            os.environ.update(ours)


class PipflowProgram(Program):
    """Invoke's program for our namespace, with the settings of the project."""

    def __init__(self, tasks: Namespace) -> None:
        super().__init__(
            name="pipflow",
            binary="pipflow",
            binary_names=["pipflow"],
            namespace=tasks,
            config_class=_Config,
            version=version("pipflow-tasks"),
        )
        self._tasks = tasks

    def core_args(self) -> list[Argument]:
        """Return Invoke's own options, and ours."""
        isolated = Argument(
            names=("isolated",),
            kind=bool,
            default=False,
            help="Run no Python and no program of the project, expand no variables, build nothing.",
        )
        theirs = {argument.names[0]: argument for argument in super().core_args()}
        theirs["help"].help = "Explain the program, or a command."
        theirs["version"].help = "Print the version."
        completion = Argument(
            names=("completion", "print-completion-script"),
            default="",
            help="Print the completion script for a shell: bash, zsh or fish.",
        )
        color = Argument(
            names=("color",),
            help="When to use colours: auto (on a terminal), always or never.",
        )
        del theirs["print-completion-script"]
        return [isolated, completion, color, *theirs.values()]

    def execute(self) -> None:
        """Find the project and its settings, and run the task."""
        is_isolated = bool(self.args.isolated.value)
        try:
            folders = folders_upward(_current_folder())
            project = find_project(folders, self._files())
            with isolate(repository_of(project)) if is_isolated else nullcontext():
                self._tasks.place = self._load(project, is_isolated=is_isolated)
                super().execute()
        except PipflowError as error:
            raise self._failed(error) from error
        except OSError as error:
            raise self._failed(unreadable(error)) from error

    def _failed(self, error: PipflowError) -> TaskFailed:
        """Return the failure of the program, with the report of its task printed."""
        for task in self.tasks:
            if "format" in task.args:
                report_error(error, str(task.name), str(task.args["format"].value))
        return TaskFailed(error)

    def _files(self) -> tuple[str, ...]:
        """Return the requirements files that the user names: the option, or a setting."""
        typed = [task.args["file"].value or "" for task in self.tasks if "file" in task.args]
        return next(filter(None, map(split_values, typed)), ()) or self._set_files()

    def _set_files(self) -> tuple[str, ...]:
        """Return the requirements files that the settings name which are known so far."""
        names = read_values(Context(self.config), None, os.environ).get("file")
        return split_values(str(names or ""))

    def _files_of(self, project: Path) -> tuple[str, ...]:
        """Return the requirements files that the settings of a project name, in data alone."""
        folders = folders_upward(project)
        configured = (folder for folder in folders if find_configuration(folder) is not None)
        with suppress(UsageError):  # Python is not run
            self._configure(next(configured, project), is_isolated=True)
        return self._set_files()

    def _load(self, project: Path, *, is_isolated: bool) -> Place:
        """Load the settings of a project: of its tasks file, and of Invoke's configuration.

        Raises:
            UsageError: the tasks file can't be loaded, or has several namespaces for the project;
                or it has settings, and may not be run.
        """
        folders = folders_upward(project)
        tasks_file = find_tasks_file(folders, self.config.tasks.collection_name, _show)
        collections: tuple[Collection, ...] = ()
        if tasks_file is None:
            configured = (folder for folder in folders if find_configuration(folder) is not None)
            folder = next(configured, project)
        elif is_isolated:
            folder = tasks_file.folder
            for path, line in tasks_file.settings(project):
                raise _hidden_settings(path, line)
        else:
            folder = tasks_file.folder
            mounts = find_mounts_for(self._import(tasks_file), folder, project)
            if len(mounts) > 1:
                raise UsageError(
                    f"{_show(tasks_file.path)} has several namespaces for the folder "
                    f"{_show(project)}: {', '.join(mount.command('add') for mount in mounts)}",
                    hint="use `invoke` and the name of the one that is meant",
                )
            collections = mounts[0].collections if mounts else ()
        self._configure(folder, is_isolated=is_isolated)
        return Place(folder=project, collections=collections)

    def _import(self, tasks_file: TasksFile) -> ModuleType:
        """Import a tasks file as Invoke does; what it prints goes to standard error."""
        loader = FilesystemLoader(config=self.config, start=str(tasks_file.folder))
        try:
            with redirect_stdout(sys.stderr):
                module, _ = loader.load()
        except (Exception, SystemExit) as error:
            frames = [each for each in extract_tb(error.__traceback__) if each.filename]
            own = [frame for frame in frames if frame.filename == str(tasks_file.path)]
            said = f"{type(error).__name__}: {error}".removesuffix(": ")
            raise UsageError(
                f"it can't be loaded: {said}",
                path=_show(tasks_file.path),
                line=own[-1].lineno if own else None,
                hint="install what it needs, or write the settings in invoke.yaml, "
                "and use `pipflow --isolated`, which does not load it",
            ) from error
        return module

    def _configure(self, folder: Path, *, is_isolated: bool) -> None:
        """Load Invoke's configuration of a project, as a file of data alone if it is isolated."""
        path = find_configuration(folder)
        if path is not None and is_isolated:
            read_text(path, shown=_show(path))  # it may be a link that leads elsewhere
            if path.name == PYTHON_FILE:
                line = find_table(path, _show(path))
                if line is not None:
                    raise _hidden_settings(path, line)
                return
        self.config.set_project_location(str(folder))
        try:
            self.config.load_project()
        except (Exception, SystemExit) as error:
            said = f"{type(error).__name__}: {error}".partition("\n")[0].removesuffix(": ")
            where = None if path is None else _show(path)
            raise UsageError(f"it can't be loaded: {said}", path=where) from error
        if is_isolated:
            self.config.tasks.executor_class = None  # a class that the file names is not loaded

    def normalize_argv(self, argv: list[str] | None) -> None:
        """Put the arguments in the order that Invoke reads."""
        super().normalize_argv(argv)
        program, *words = self.argv
        if words[:1] == ["--complete"]:
            self._complete(words[1:])
        color, others = take_color(words)
        try:
            choose_color(color)
            self.argv = [program, *arrange(others, self._surface)]
        except PipflowError as error:
            report_error(error, *find_report(others, self._surface))
            raise TaskFailed(error) from error

    def _complete(self, words: list[str]) -> None:
        """Print what a shell can complete; nothing, where that is unknown."""
        from .command_line.completion import write_candidates

        found = ""
        with suppress(PipflowError):
            found = write_candidates(words[0] if words else "", words[1:], self._surface)
        if found:
            write_out(found)
        raise Exit

    def parse_core_args(self) -> None:
        """Read the options of the program, and print the script for a shell if it is asked for."""
        super().parse_core_args()
        if shell := self.args.completion.value:
            from .command_line.completion import read_script

            try:
                write_out(read_script(shell))
            except PipflowError as error:
                raise TaskFailed(error) from error
            raise Exit

    @cached_property
    def _surface(self) -> Surface:
        tasks = {
            name: context
            for context in self._tasks.to_contexts()
            for name in (str(context.name), *context.aliases)
        }
        return Surface(
            namespace=self._tasks,
            read_files=self._files_of,
            tasks=tasks,
            core=self.initial_context,
        )

    def print_help(self) -> None:
        """Print the commands, and the options of the program."""
        from .command_line.help import describe_program

        print(paint_headings(describe_program(self._surface)))

    def print_task_help(self, name: str) -> None:
        """Print how a command is used."""
        from .command_line.help import describe_command

        print(paint_headings(describe_command(name, self._surface)))


def run() -> None:
    """Run the program on the arguments of this process."""
    try:
        try:
            PipflowProgram(program_namespace()).run(sys.argv)
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except OSError as error:  # what Invoke prints by itself: help, or a list
        silence_output()
        if not isinstance(error, BrokenPipeError):
            say(f"error: the output can't be written: {error.strerror or error}")
        sys.exit(1)


def _current_folder() -> Path:
    """Return the current folder.

    Raises:
        UsageError: it has been removed.
    """
    try:
        return Path.cwd()
    except FileNotFoundError as error:
        raise UsageError("the current folder has been removed", hint="change to another") from error


def _hidden_settings(path: Path, line: int) -> UsageError:
    return UsageError(
        "it makes settings of pipflow, and `--isolated` runs no Python of the project",
        path=_show(path),
        line=line,
        hint="write the settings in invoke.yaml, or run `pipflow` without `--isolated`",
    )


def _show(path: Path) -> str:
    return show_path(path, Path.cwd())
