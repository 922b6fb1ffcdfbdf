"""Run pip-compile or uv on a copy of the project, in which some files have other bytes.

The copy has links to everything else. So a command finds what it needs, the names in its comments
are as ever, and nothing of the project is changed before a plan is carried out.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import PipflowError, UsageError
from ..isolation import is_isolated
from ..processes import ProgramError, run_program

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..requirements import CompileCommand

_TIMEOUT_SECONDS = 1800.0


class CompileError(PipflowError):
    """A compiled file could not be made; nothing was changed."""

    code = "compile"


def compile_in_copy(
    top: Path,
    commands: Iterable[tuple[Path, CompileCommand, Path]],
    files: Mapping[Path, bytes],
    environment: Mapping[str, str],
) -> dict[Path, bytes]:
    """Return the bytes of compiled files, as commands write them.

    Args:
        top: the folder that is copied: the repository.
        commands: where each is run, the command, and the file that it writes.
        files: the new bytes of files that are edited.
        environment: the variables of the commands.

    Raises:
        CompileError: a command can't be started, fails, or writes no file.
        UsageError: with ``--isolated``, no command is run.
    """
    if is_isolated():
        raise UsageError("`--isolated` does not compile", hint="leave out --compile")
    commands = [*commands]
    outputs = [output for _, _, output in commands]
    top = Path(os.path.commonpath([top, *files, *outputs]))
    with tempfile.TemporaryDirectory(prefix="pipflow-") as made:
        copy = Path(made).resolve() / top.name
        _mirror(top, copy, {*files, *outputs})
        for path, data in files.items():
            (copy / path.relative_to(top)).write_bytes(data)
        for folder, command, output in commands:
            _run(command, copy / folder.relative_to(top), environment)
            if not (copy / output.relative_to(top)).is_file():
                raise CompileError(f"`{command.shown}` did not write {output.name}")
        return {output: (copy / output.relative_to(top)).read_bytes() for output in outputs}


def _run(command: CompileCommand, folder: Path, environment: Mapping[str, str]) -> None:
    hint = "nothing was changed; leave out --compile to run it yourself"
    try:
        done = run_program(
            command.words,
            timeout_seconds=_TIMEOUT_SECONDS,
            folder=folder,
            environment=environment,
            added={"UV_PYTHON_DOWNLOADS": "never"},  # nothing is installed on the host
            shows_errors=True,
        )
    except ProgramError as error:
        raise CompileError(f"`{command.shown}` was not run: {error}", hint=hint) from error
    if done.status:
        raise CompileError(f"`{command.shown}` failed with status {done.status}", hint=hint)


def _mirror(folder: Path, copy: Path, own: set[Path]) -> None:
    """Make a folder that links to all that another has, but has files of its own."""
    copy.mkdir()
    above = {parent for path in own for parent in path.parents}
    for entry in folder.iterdir():
        there = copy / entry.name
        if entry in above:
            _mirror(entry, there, own)
        elif entry in own:
            there.write_bytes(entry.read_bytes())
        else:
            there.symlink_to(entry)
