"""Dockerfiles: stages, base images, and the steps that install requirements.

The reader goes by BuildKit's Dockerfile frontend (the "Dockerfile reference"): ``grammar`` splits
the text into instructions, ``stages`` evaluates them, ``commands`` and ``install`` follow what
RUN starts, ``image`` knows where its files come from, ``ignore`` which of them are hidden.
Text in, frozen values out.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec import Struct

from ..errors import DockerfileError
from ..values import equal_without, hash_without
from .configuration import Configuration
from .grammar import DockerfileText, Heredoc, Instruction
from .ignore import hidden_by
from .install import InstallCommand, InstallOptions
from .mounts import Mount, mounts_of, read_fields
from .stages import Reading, Stage, stage_index

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "Configuration",
    "Dockerfile",
    "Heredoc",
    "InstallCommand",
    "InstallOptions",
    "Instruction",
    "Mount",
    "Stage",
    "hidden_by",
    "mounts_of",
    "read_fields",
]


class Dockerfile(Struct, frozen=True, kw_only=True):
    """A Dockerfile that has been read.

    Attributes:
        path: the file as the user would type it.
        stages: in the order of the file, at least one.
        steps: the install steps of every stage.
        defaulted: the arguments that an ARG gives a default.
        unknown: what is to be told of the base images that are not known, in the file's order.
    """

    path: str
    stages: tuple[Stage, ...]
    steps: tuple[InstallCommand, ...] = ()
    defaulted: frozenset[str] = frozenset()
    unknown: tuple[DockerfileError, ...] = ()

    __eq__ = equal_without("unknown")
    __hash__ = hash_without("unknown")

    @classmethod
    def from_text(
        cls,
        text: str,
        *,
        path: str = "Dockerfile",
        build_args: Mapping[str, str] = MappingProxyType({}),
        platform: str | None = None,
        keep_unknown: bool = False,
    ) -> Dockerfile:
        """Read the text of a Dockerfile.

        ``build_args`` count for the ARGs that are declared; ``platform`` (``linux/arm64``) is
        where the predefined arguments (TARGETARCH, BUILDPLATFORM, ...) come from. With
        ``keep_unknown`` a base image keeps ``${NAME}`` for a variable without value, and
        ``require_known`` tells of it.

        Raises:
            DockerfileError: when the file has no stage, an instruction can't be read, or a
                variable that FROM needs has no value.
        """
        try:
            source = DockerfileText.from_text(text, path)
            reading = Reading(
                path=path,
                escape=source.escape,
                build_args=build_args,
                platform=platform,
                keep_unknown=keep_unknown,
            )
            for instruction in source.instructions():
                reading.take(instruction)
        except RecursionError:
            raise DockerfileError("the file is nested too deeply to be read", path=path) from None
        if not reading.stages:
            raise DockerfileError(
                "the file has no FROM", path=path, hint="begin it with `FROM python:<version>`"
            )
        return cls(
            path=path,
            stages=tuple(reading.stages),
            steps=tuple(reading.steps),
            defaulted=frozenset(reading.defaulted),
            unknown=tuple(reading.unknown),
        )

    def require_known(self) -> None:
        """Check that every base image is known.

        Raises:
            DockerfileError: a variable that FROM needs has no value.
        """
        for error in self.unknown[:1]:
            raise error

    def base_of(self, stage: int) -> Stage:
        """Return the stage at the root of a chain of FROMs: the one whose base is an image."""
        return self.chain_of(stage)[0]

    def chain_of(self, stage: int) -> tuple[Stage, ...]:
        """Return a stage after all that it is built on, the one whose base is an image first."""
        found = self.stages[stage]
        return (*(() if found.parent is None else self.chain_of(found.parent)), found)

    def needed_by(self, stage: int) -> frozenset[int]:
        """Return the stages that are built for one: itself, its base, those it copies from."""
        needed = {stage}
        waiting = [self.stages[stage]]
        while waiting:
            here = waiting.pop()
            earlier = self.stages[: here.index]
            copied = [dict(instruction.flags).get("from") for instruction in here.instructions]
            mounted = [mount.origin for each in here.instructions for mount in mounts_of(each)]
            named = [name for name in (*copied, *mounted) if name is not None]
            for index in (here.parent, *(stage_index(earlier, name) for name in named)):
                if index is not None and index not in needed:
                    needed.add(index)
                    waiting.append(self.stages[index])
        return frozenset(needed)

    def stage_named(self, name_or_index: str) -> Stage | None:
        """Return the stage of that name, else that index, as ``--target`` looks it up."""
        index = stage_index(self.stages, name_or_index)
        return None if index is None else self.stages[index]
