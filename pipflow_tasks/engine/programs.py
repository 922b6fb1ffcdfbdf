"""Choose the program that builds: the one that is set, else docker or podman, if it answers.

Where the environment or docker's configuration names a docker engine (``DOCKER_HOST``, a docker
context), podman is not tried.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from ..processes import output_of
from ..values import equal_without, hash_without, repr_without

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ..compose import Service
    from ..plan import Builder

_ANSWER_SECONDS = 15
_PROBES = {"docker": ("docker", "version"), "podman": ("podman", "info")}
_COMPOSE = {
    "docker": (("docker", "compose"), ("docker-compose",)),
    "podman": (("podman", "compose"), ("podman-compose",)),
}


class ComposeProgram(Struct, frozen=True, kw_only=True):
    """A program for compose files.

    Attributes:
        words: the first words of its commands.
        engine: ``docker`` or ``podman``.
        environment: variables that its commands get besides those of this process.
    """

    words: tuple[str, ...]
    engine: str
    environment: Mapping[str, str]

    __repr__ = repr_without("environment")
    __eq__ = equal_without("environment")
    __hash__ = hash_without("environment")

    @property
    def probe(self) -> tuple[str, ...]:
        """A command that succeeds if its engine answers."""
        probe = _PROBES[self.engine]
        return probe if shutil.which(probe[0]) else (*self.words, "ps", "-q")

    def words_for(self, services: Iterable[Service], folder: Path) -> tuple[str, ...]:
        """Return the first words of a command that names services; they enable their profiles.

        Naming a service enables its profile in docker-compose 1 and in most versions of 2, not in
        all. podman-compose has profiles since 1.1; before, it did not hide services.
        """
        profiles = dict.fromkeys(each.profiles[0] for each in services if each.profiles)
        if profiles and self.words == ("podman-compose",):
            known = self._output("--help", folder=folder) or ""
            profiles = profiles if "--profile" in known else {}
        return (*self.words, *(word for name in profiles for word in ("--profile", name)))

    def config(self, folder: Path) -> str | None:
        """Return compose's own reading of the files in a folder, as JSON.

        None: it is not compose 2, or can't read them, which the build will report.
        """
        if self.words == ("podman-compose",):
            return None
        printed = self._output("--profile", "*", "config", "--format", "json", folder=folder)
        # version 1 has no --format, and exits with 0
        return printed if printed is not None and printed.startswith("{") else None

    def extended(self, folder: Path) -> str | None:
        """Return docker-compose 1's reading of the files in a folder, as YAML.

        It has no ``include``. None: it is another compose, or can't read them.
        """
        if self.words != ("docker-compose",):
            return None
        return self._output("config", folder=folder)

    def _output(self, *words: str, folder: Path) -> str | None:
        return _output([*self.words, *words], self.environment, folder)


def succeeds(
    command: Sequence[str], environment: Mapping[str, str], folder: Path | None = None
) -> bool:
    """Return whether a program exists and ends with status 0 within 15 seconds."""
    return _output(command, environment, folder) is not None


def choose_engine(setting: str, environment: Mapping[str, str]) -> str:
    """Return ``docker`` or ``podman``: the setting if it is one, else the first that answers."""
    if setting in _PROBES:
        return setting
    if _docker_is_chosen(environment) or shutil.which("podman") is None:
        return "docker"
    if shutil.which("docker") is None:
        return "podman"
    if succeeds(_PROBES["docker"], environment) or not succeeds(_PROBES["podman"], environment):
        return "docker"
    return "podman"


def engine_of(builder: Builder) -> str:
    """Return the engine that has what a builder has built."""
    return "podman" if builder.command[0].startswith(("podman", "buildah")) else "docker"


def choose_compose(setting: str, environment: Mapping[str, str]) -> ComposeProgram:
    """Return docker's compose if docker answers, else podman's if that does.

    With the setting ``podman-compose``, only podman's counts.
    """
    if setting == "podman-compose":
        only = ComposeProgram(words=("podman-compose",), engine="podman", environment=environment)
        return _find_compose("podman", environment) or only
    is_docker = _docker_is_chosen(environment)
    docker = _find_compose("docker", environment)
    if docker is not None and (
        is_docker or shutil.which("podman") is None or succeeds(docker.probe, environment)
    ):
        return docker
    podman = None if is_docker else _find_compose("podman", environment)
    if podman is not None and (docker is None or succeeds(podman.probe, environment)):
        return podman
    return docker or ComposeProgram(
        words=("docker", "compose"), engine="docker", environment=environment
    )


def print_bake(files: Iterable[str], environment: Mapping[str, str], folder: Path) -> str | None:
    """Return docker buildx's own reading of bake files, as JSON; None: it can't read them."""
    named = [word for file in files for word in ("--file", file)]
    return _output(["docker", "buildx", "bake", "--print", *named], environment, folder)


def _docker_is_chosen(environment: Mapping[str, str]) -> bool:
    """Return whether the environment or docker's configuration names a docker engine."""
    if environment.get("DOCKER_HOST"):
        return True
    context = environment.get("DOCKER_CONTEXT")
    if not context:
        try:
            folder = environment.get("DOCKER_CONFIG") or Path.home() / ".docker"
            context = json.loads((Path(folder) / "config.json").read_bytes())["currentContext"]
        except (OSError, ValueError, KeyError, TypeError, RuntimeError):  # RuntimeError: no home
            return False
    return context not in {"", "default"}


def _find_compose(engine: str, environment: Mapping[str, str]) -> ComposeProgram | None:
    for words in _COMPOSE[engine]:
        if len(words) == 1 and shutil.which(words[0]) is None:
            continue
        if len(words) == 1 or succeeds([*words, "version"], environment):
            return ComposeProgram(words=words, engine=engine, environment=environment)
    return None


def _output(
    command: Sequence[str], environment: Mapping[str, str], folder: Path | None
) -> str | None:
    """Return what a program prints, or None where it does not exist or fails."""
    if shutil.which(command[0]) is None:
        return None
    return output_of(command, timeout_seconds=_ANSWER_SECONDS, folder=folder, added=environment)
