"""Building the image: which command does it, whether an engine answers, running it.

Builders are the user's own programs: ``docker compose``, ``docker-compose``, ``docker build`` or
``podman build``. They run as argument lists, without a shell; what they print goes to standard
error, so that standard output holds the report alone.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from types import FrameType

_STANDARD_ERROR = 2
_ANSWER_SECONDS = 15
_ENDING_SECONDS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Builder:
    """A command that builds the image.

    Attributes:
        name: ``compose``, ``docker`` or ``podman``.
        command: the arguments.
        folder: where it runs.
        services: the compose services that it builds, where it was told.
        probe: a command that succeeds where the engine answers.
        next_step: the command that puts a new image to use.
    """

    name: str
    command: tuple[str, ...]
    folder: Path
    services: tuple[str, ...] = ()
    probe: tuple[str, ...]
    next_step: str

    @property
    def shown(self) -> str:
        """The command as one would type it."""
        return shlex.join(self.command)

    @property
    def program(self) -> str:
        """The program alone, without what it is to build."""
        return shlex.join(self.command[: self.command.index("build")])

    def answers(self) -> bool:
        """Tell whether the builder is installed and its engine answers."""
        if shutil.which(self.command[0]) is None:
            return False
        try:
            done = subprocess.run(
                self.probe,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_ANSWER_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return False
        return done.returncode == 0

    def build(self, *, no_cache: bool = False, echo: bool = False) -> None:
        """Build the image, streaming what the builder prints.

        Args:
            no_cache: build every layer anew.
            echo: print the command first.

        Raises:
            BuildError: it failed, or could not be started.
        """
        command = [*self.command]
        if no_cache:
            command.insert(command.index("build") + 1, "--no-cache")
        if echo:
            print(shlex.join(command), file=sys.stderr, flush=True)
        try:
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=_STANDARD_ERROR,
                start_new_session=True,
            )
        except OSError as error:
            raise BuildError(f"{command[0]} can't be started: {error.strerror}") from error
        try:
            status = process.wait()
        except BaseException:
            _end(process)
            raise
        if status != 0:
            raise BuildError(
                f"the image was not built: `{shlex.join(command)}` ended with status {status}",
                hint="what the builder printed above says why",
            )


def compose_builder(folder: Path, services: Sequence[str]) -> Builder:
    """Return the builder of a compose project: version 2 where docker has it, else version 1.

    Args:
        folder: where the compose file is.
        services: what to build; all that have a build, where it is empty.
    """
    program = _compose_program()
    return Builder(
        name="compose",
        command=(*program, "build", *services),
        folder=folder,
        services=tuple(services),
        probe=("docker", "version") if shutil.which("docker") else (*program, "ps", "-q"),
        next_step=shlex.join([*program, "up", "-d", *services]),
    )


def plain_builder(
    program: str, *, dockerfile: Path, folder: Path, image: str, platform: str = ""
) -> Builder:
    """Return the builder of one Dockerfile; the build's context is the Dockerfile's folder.

    Args:
        program: ``docker`` or ``podman``; ``auto`` takes podman where there is no docker.
        dockerfile: the Dockerfile.
        folder: where the command runs; paths in it are relative to here.
        image: the tag to give.
        platform: build for this platform rather than the engine's own.
    """
    if program == "auto":
        is_podman = shutil.which("docker") is None and shutil.which("podman") is not None
        program = "podman" if is_podman and "DOCKER_HOST" not in os.environ else "docker"
    context = os.path.relpath(dockerfile.parent, folder)
    chosen = ("--platform", platform) if platform else ()
    named = ("--file", os.path.relpath(dockerfile, folder))
    return Builder(
        name=program,
        command=(program, "build", "--tag", image, *chosen, *named, context),
        folder=folder,
        probe=(program, "version") if program == "docker" else (program, "info"),
        next_step=shlex.join([program, "run", "--rm", image]),
    )


def image_name(folder: Path) -> str:
    """Return a tag for the image of a project in a folder: its name, as image names must be."""
    return re.sub(r"[^a-z0-9]+", "-", folder.name.lower()).strip("-") or "app"


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Turn the first SIGINT, SIGTERM or SIGHUP into a BuildError; later ones find us tidying up.

    Signals can only be handled in the main thread; elsewhere this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    interrupted = False

    def interrupt(number: int, _: FrameType | None) -> None:
        nonlocal interrupted
        if not interrupted:
            interrupted = True
            raise BuildError(f"interrupted by {signal.Signals(number).name}")

    names = ("SIGINT", "SIGTERM", "SIGHUP")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    heeded = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
    former = {number: signal.signal(number, interrupt) for number in heeded}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def _compose_program() -> tuple[str, ...]:
    """Find compose: version 2, else version 1; else the name of what would have to be there."""
    if shutil.which("docker") is not None:
        found = subprocess.run(
            ["docker", "compose", "version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        if found.returncode == 0:
            return ("docker", "compose")
    if shutil.which("docker-compose") is not None:
        return ("docker-compose",)
    return ("docker", "compose")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a build and all that it started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        try:
            process.wait(_ENDING_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        return
