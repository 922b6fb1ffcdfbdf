"""Dockerfiles: stages, base images, and the steps that install requirements.

Follows BuildKit's Dockerfile frontend (the "Dockerfile reference"): ``grammar`` splits the text
into instructions, ``stages`` evaluates them, ``shell`` splits what a RUN says into commands,
``commands`` follows these, ``install`` reads what they install, ``image`` finds where files come
from, ``ignore`` which of them are hidden.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec import Struct

from ..errors import DockerfileError
from ..values import equal_without, hash_without
from .configuration import Configuration
from .grammar import Instruction
from .ignore import hidden_by
from .image import CONTEXT
from .install import InstallCommand, InstallOptions, OtherInstall
from .mounts import mounts_of, read_fields
from .pythons import Python, read_named_version
from .stages import Reading, Source, Stage, same_file, stage_index

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

__all__ = [
    "CONTEXT",
    "Configuration",
    "Dockerfile",
    "InstallCommand",
    "InstallOptions",
    "Instruction",
    "Python",
    "Source",
    "Stage",
    "hidden_by",
    "mounts_of",
    "read_fields",
    "read_named_version",
]


class Dockerfile(Struct, frozen=True, kw_only=True):
    """A Dockerfile that has been read.

    Attributes:
        path: the file as the user would type it.
        stages: in the order of the file, at least one.
        steps: the install steps of every stage.
        others: the commands of other tools that install what a list says.
        inherited: the install steps of the base images that have a Dockerfile in the project.
        defaulted: the arguments that an ARG gives a default.
        unknown: the error about the first base image that is unknown.
    """

    path: str
    stages: tuple[Stage, ...]
    steps: tuple[InstallCommand, ...] = ()
    others: tuple[OtherInstall, ...] = ()
    inherited: tuple[InstallCommand, ...] = ()
    defaulted: frozenset[str] = frozenset()
    unknown: DockerfileError | None = None

    __eq__ = equal_without("unknown")
    __hash__ = hash_without("unknown")

    @classmethod
    def from_text(
        cls,
        text: str,
        *,
        build_args: Mapping[str, str] = MappingProxyType({}),
        wanted: Collection[str] = (),
        platform: str | None = None,
    ) -> Dockerfile:
        """Read a text alone, as ``from_source`` does."""
        source = Source(text=text, path="Dockerfile", build_args=build_args, wanted=wanted)
        return cls.from_source(source, platform=platform)

    @classmethod
    def from_source(
        cls,
        source: Source,
        *,
        platform: str | None = None,
        inherited: Callable[[str], Mapping[str, str]] = lambda _: {},
    ) -> Dockerfile:
        """Read a Dockerfile, with those of the images that it is made on.

        The predefined arguments (TARGETARCH, BUILDPLATFORM, ...) come from ``platform``
        (``linux/arm64``), and ``inherited`` says the variables that a base image is known to set.
        A base image keeps ``${NAME}`` for a variable without value, and so does
        every text for an argument that is ``wanted``: the build is to be given it. Any other ARG
        without a value is empty, as docker builds it.

        Raises:
            DockerfileError: one of them has no stage, or an instruction can't be read.
        """
        try:
            reading = Reading.of(source, platform=platform, inherited=inherited)
        except RecursionError:
            raise DockerfileError(
                "the file is nested too deeply to be read", path=source.path
            ) from None
        return cls(
            path=source.path,
            stages=tuple(reading.stages),
            steps=tuple(reading.steps),
            others=tuple(reading.others),
            inherited=tuple(reading.inherited_steps),
            defaulted=frozenset(reading.defaulted),
            unknown=reading.unknown,
        )

    def require_known(self) -> None:
        """Check that every base image is known.

        Raises:
            DockerfileError: a variable that FROM needs has no value.
        """
        if self.unknown is not None:
            raise self.unknown

    def base_of(self, stage: int) -> Stage:
        """Return the stage that a stage is built on in the end: its base is an image."""
        return self.chain_of(stage)[0]

    def chain_of(self, stage: int) -> tuple[Stage, ...]:
        """Return the stages that a stage is built on, the base first, and the stage itself."""
        found = [self.stages[stage]]
        while (parent := found[-1].parent) is not None:
            found.append(self.stages[parent])
        return tuple(reversed(found))

    def needed_by(self, stage: int) -> frozenset[int]:
        """Return the stages that a stage needs: itself, its base, those it copies from."""
        needed = {stage}
        waiting = [self.stages[stage]]
        while waiting:
            here = waiting.pop()
            earlier = same_file(self.stages[: here.index], here.file)
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
        index = stage_index(same_file(self.stages), name_or_index)
        return None if index is None else self.stages[index]
