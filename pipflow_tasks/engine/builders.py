"""Building the image: the command that does it, running it, and trying what came out.

Builders are the user's own programs: ``docker compose``, ``docker-compose``, ``podman-compose``,
``docker build``, ``podman build``, or any that the setting ``build_command`` names. They run as
argument lists, without a shell; what they print goes to standard error, so that standard output
holds the report alone.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import signal
import string
import subprocess
import sys
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..errors import BuildError, Interrupted, UsageError, redact
from .containers import new_name, remove_container
from .programs import answers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from types import FrameType

    from ..compose import Service
    from .programs import ComposeProgram

_held_back: list[Interrupted] | None = None
"""Where an interruption goes that has to wait for a moment."""

_STANDARD_ERROR = 2
_ENDING_SECONDS = 10
_BUILD_WORDS = ("build", "bake", "bud")
_FAILURES = {"podman-compose": re.compile(rb"exit code: [1-9]")}
"""Lines that tell of a failure which a program's exit status conceals (podman-compose 1.0)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """A command that tries a new image, in a container of its own.

    Attributes:
        start: the words that start a container.
        words: what follows the options that name it.
        engine: the program that removes it.
    """

    start: tuple[str, ...]
    words: tuple[str, ...]
    engine: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Builder:
    """A command that builds the image, or the images.

    Attributes:
        name: ``compose``, ``docker``, ``podman`` or ``command``.
        command: the arguments.
        options_at: where in them an option of the build goes; None: nobody knows.
        folder: where it runs.
        images: what it builds: the names of compose services, else the image's tag.
        services: the compose services that it builds, where it was told.
        probe: a command that succeeds where the engine answers; empty: it is enough that the
            program is there.
        next_step: the command that puts a new image to use, or an empty string.
        tries: what tries the new images, by the setting ``verify``.
        may_build_several: whether one image may be built although the command fails.
    """

    name: str
    command: tuple[str, ...]
    options_at: int | None
    folder: Path
    images: tuple[str, ...]
    services: tuple[str, ...] = ()
    probe: tuple[str, ...] = ()
    next_step: str = ""
    tries: tuple[Try, ...] = ()
    may_build_several: bool = False

    @property
    def shown(self) -> str:
        """The command as one would type it, without the credentials in it."""
        return redact(shlex.join(self.command))

    @property
    def absence(self) -> str:
        """What to say where it does not answer."""
        if not self.probe:
            return f"there is no program `{self.command[0]}`"
        program = [word for word in self.command[:2] if word in {self.command[0], "compose"}]
        return f"no engine answers `{shlex.join(program)}`"

    def answers(self) -> bool:
        """Tell whether the builder is installed and its engine answers."""
        program = self.command[0]
        if os.sep in program:
            program = str(self.folder / program)
        if shutil.which(program) is None:
            return False
        return not self.probe or answers(self.probe, self.folder)

    def only(self, service: str) -> Builder:
        """Return the builder of one of the services alone."""
        words = self.command[: self.options_at]
        return replace(self, command=(*words, service), images=(service,), services=(service,))

    def without_cache(self) -> Builder:
        """Return the builder that builds every layer anew.

        Raises:
            UsageError: nobody knows how to tell the command of the user's not to use its cache.
        """
        if self.options_at is None:
            raise UsageError(
                "the setting build_command has no word `build` to put --no-cache behind",
                hint="build it with the options that your program has for that",
            )
        words = (*self.command[: self.options_at], "--no-cache", *self.command[self.options_at :])
        return replace(self, command=words, options_at=self.options_at + 1)

    def build(self, *, echo: bool = False) -> None:
        """Build the image, streaming what the builder prints.

        Args:
            echo: print the command first.

        Raises:
            BuildError: it failed, could not be started, or was interrupted.
        """
        status, ended_well = self._run(self.command, echo=echo)
        if not ended_well:
            how = f"ended with status {status}" if status else "told of a step that failed"
            raise BuildError(
                f"the image was not built: `{shlex.join(self.command)}` {how}",
                hint="what the builder printed above says why",
                image_moved=self.may_build_several,
            )

    def verify(self, *, echo: bool = False) -> None:
        """Run the user's command in each new image.

        Raises:
            BuildError: it failed, could not be started, or was interrupted.
        """
        for each in self.tries:
            name = new_name()
            command = (*each.start, "--name", name, *each.words)
            status, ended_well = self._run(command, echo=echo, container=(each.engine, name))
            if not ended_well:
                shown = shlex.join([*each.start, *each.words])
                raise BuildError(
                    "the new image was built, and fails the setting verify: "
                    f"`{shown}` ended with status {status}",
                    hint="what it printed above says why",
                    image_moved=True,
                )

    def _run(
        self, command: Sequence[str], *, echo: bool, container: tuple[str, str] | None = None
    ) -> tuple[int, bool]:
        """Run a command; return its status, and whether it has done what it should.

        Where it is interrupted, the container of an engine and a name does not outlive it.
        """
        if echo:
            print(redact(shlex.join(command)), file=sys.stderr, flush=True)
        failure = _FAILURES.get(command[0])
        failed = False
        process: subprocess.Popen[bytes] | None = None
        try:
            with _uninterrupted():
                process = subprocess.Popen(
                    command,
                    cwd=self.folder,
                    stdin=subprocess.DEVNULL,
                    stdout=_STANDARD_ERROR if failure is None else subprocess.PIPE,
                    stderr=None if failure is None else subprocess.STDOUT,
                    start_new_session=True,
                )
            if failure is not None and process.stdout is not None:
                with process.stdout as lines:
                    for line in lines:
                        failed |= bool(failure.match(line))
                        os.write(_STANDARD_ERROR, line)
            status = process.wait()
        except BaseException as error:
            if process is None:
                if isinstance(error, OSError):
                    what = f"{command[0]} can't be started: {error.strerror}"
                    raise BuildError(what) from error
                raise
            if container is not None:
                remove_container(*container)  # or the program would wait for it
            _end(process)
            is_gone = container is None or remove_container(*container)  # it may have come late
            if isinstance(error, BuildError):
                if container is not None and not is_gone:
                    error.hint = f"a container is left: `{container[0]} rm --force {container[1]}`"
                error.image_moved = self.may_build_several or process.returncode == 0
            raise
        return status, status == 0 and not failed


def compose_builder(
    program: ComposeProgram,
    *,
    folder: Path,
    services: Sequence[Service],
    starts: Sequence[Service],
    verify: str,
) -> Builder:
    """Return the builder of a compose project.

    Args:
        program: the compose that the user has.
        folder: where its commands run.
        services: what to build.
        starts: the services to start anew when it is built.
        verify: a command to run in each new image, or an empty string.
    """

    def words_for(named: Sequence[Service]) -> tuple[str, ...]:
        hidden = dict.fromkeys(service.profiles[0] for service in named if service.profiles)
        return program.with_profiles(list(hidden), folder)

    words = words_for(services)
    names = [service.name for service in services]
    tried = split_command("verify", verify)
    return Builder(
        name="compose",
        command=(*words, "build", *names),
        options_at=len(words) + 1,
        folder=folder,
        images=tuple(names),
        services=tuple(names),
        probe=program.probe,
        next_step=shlex.join([*words_for(starts), "up", "-d", *(s.name for s in starts)]),
        tries=tuple(
            Try(
                start=(*words, "run"),
                words=("--rm", "--no-deps", "-T", "--entrypoint", tried[0], name, *tried[1:]),
                engine=program.engine,
            )
            for name in names
            if tried
        ),
        may_build_several=len(names) > 1,
    )


def plain_builder(
    engine: str, *, dockerfile: Path, folder: Path, image: str, platform: str = "", verify: str = ""
) -> Builder:
    """Return the builder of one Dockerfile; the build's context is the Dockerfile's folder.

    Args:
        engine: ``docker`` or ``podman``.
        dockerfile: the Dockerfile.
        folder: where the command runs; paths in it are relative to here.
        image: the tag to give.
        platform: build for this platform rather than the engine's own.
        verify: a command to run in the new image, or an empty string.
    """
    chosen = ("--platform", platform) if platform else ()
    named = ("--file", os.path.relpath(dockerfile, folder))
    context = os.path.relpath(dockerfile.parent, folder)
    return Builder(
        name=engine,
        command=(engine, "build", "--tag", image, *chosen, *named, context),
        options_at=2,
        folder=folder,
        images=(image,),
        probe=(engine, "version") if engine == "docker" else (engine, "info"),
        next_step=shlex.join([engine, "run", "--rm", image]),
        tries=_tries(engine, image, verify, "--pull=never", platform),
    )


def command_builder(
    text: str,
    values: Mapping[str, str],
    *,
    folder: Path,
    engine: str,
    image: str,
    next_step: str,
    verify: str,
) -> Builder:
    """Return the builder that the setting ``build_command`` describes.

    Args:
        text: the command line; it is split as a shell would, and ``{name}`` stands for a value.
        values: by their names; an empty one is not known.
        folder: where the command runs.
        engine: ``docker`` or ``podman``: where the image will be, and is tried.
        image: its tag.
        next_step: the command that puts it to use, where that is not a plain run.
        verify: a command to run in the new image, or an empty string.

    Raises:
        UsageError: it can't be split, or names a value that there is not.
    """
    words = split_command("build_command", text)
    if not any(words[:1]):
        raise UsageError("the setting build_command names no program")
    pull = "--pull=always" if "--push" in words else "--pull=never"
    if not next_step and "{image}" in text:
        next_step = shlex.join([engine, "run", "--rm", image])
    return Builder(
        name="command",
        command=tuple(_filled_in(word, values) for word in words),
        options_at=next((at for at, word in enumerate(words, 1) if word in _BUILD_WORDS), None),
        folder=folder,
        images=(image,),
        next_step=next_step,
        tries=_tries(engine, image, verify, pull, ""),
        may_build_several=True,
    )


def split_command(setting: str, text: str) -> tuple[str, ...]:
    """Split a setting's command line into arguments, as a shell would; nothing is expanded.

    Raises:
        UsageError: a quotation mark is not closed.
    """
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise UsageError(
            f"the setting {setting} can't be split into arguments: {error}",
            hint="quote it as for a shell",
        ) from error


def image_name(folder: Path) -> str:
    """Return a tag for the image of a project in a folder: its name, as image names must be."""
    return re.sub(r"[^a-z0-9]+", "-", folder.name.lower()).strip("-") or "app"


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Turn the first SIGINT, SIGTERM or SIGHUP into an Interrupted; later ones find us tidying up.

    Signals can only be handled in the main thread; elsewhere this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    interrupted = False

    def interrupt(number: int, _: FrameType | None) -> None:
        nonlocal interrupted
        if interrupted:
            return
        interrupted = True
        error = Interrupted(f"interrupted by {signal.Signals(number).name}")
        if _held_back is None:
            raise error
        _held_back.append(error)

    names = ("SIGINT", "SIGTERM", "SIGHUP")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    heeded = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
    former = {number: signal.signal(number, interrupt) for number in heeded}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let a signal that comes in between interrupt at the end, when it is known what to end."""
    global _held_back
    came: list[Interrupted] = []
    _held_back = came
    try:
        yield
    finally:
        _held_back = None
    if came:
        raise came[0]


def _tries(engine: str, image: str, verify: str, pull: str, platform: str) -> tuple[Try, ...]:
    """Return the command that runs another in an image, whatever that is made to start."""
    words = split_command("verify", verify)
    if not words:
        return ()
    chosen = (f"--platform={platform}",) if platform and "," not in platform else ()
    options = ("--rm", pull, *chosen, "--entrypoint", words[0])
    return (Try(start=(engine, "run"), words=(*options, image, *words[1:]), engine=engine),)


def _filled_in(word: str, values: Mapping[str, str]) -> str:
    """Replace each ``{name}`` in an argument of ``build_command``; ``{{`` stands for a brace."""
    known = ", ".join(f"{{{name}}}" for name in values)
    done: list[str] = []
    try:
        for text, name, form, conversion in string.Formatter().parse(word):
            done.append(text)
            if name is None:
                continue
            if form or conversion or name not in values:
                raise ValueError(f"{{{name}}} is none of {known}")
            if not values[name]:
                raise UsageError(
                    f"the setting build_command has {{{name}}}, and no {name} is known",
                    hint=f"make the setting `{'platform' if name == 'platform' else 'dockerfile'}`",
                )
            done.append(values[name])
    except ValueError as error:
        raise UsageError(
            f"the setting build_command has `{word}`: {error}",
            hint=f"{known} are filled in; double a brace that is meant as one, and write the "
            "value of a variable itself: there is no shell",
        ) from error
    return "".join(done)


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
