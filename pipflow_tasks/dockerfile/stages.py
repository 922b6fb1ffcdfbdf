"""Evaluate the instructions of a Dockerfile: its stages, variables and copied files."""

from __future__ import annotations

import posixpath
import re
from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from ..errors import DockerfileError
from .commands import Shell
from .grammar import HEREDOC, DockerfileText, Instruction
from .image import CONTEXT, Placed, StageImage, context_path, is_folder, join, origin_path
from .mounts import mounts_of
from .pythons import Python
from .words import (
    NAME,
    OversizedWord,
    Variables,
    expand,
    expand_known,
    keep,
    partition,
    split_words,
)
from .work import TooMuchWork, Work

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from .install import InstallCommand, OtherInstall
    from .mounts import Mount


class Stage(Struct, frozen=True, kw_only=True):
    """One build stage.

    Attributes:
        index: 0-based position.
        name: what follows AS, as written, or None.
        line: 1-based line of its FROM.
        base: what it is built FROM, expanded: an image, or the name of an earlier stage.
        parent: index of that earlier stage, or None for an image.
        platform: ``--platform``, expanded; None: not given, or the build's own.
        instructions: those after its FROM.
        path: the Dockerfile that it is in, where that is one of a base image; else empty.
        file: what the stages of one Dockerfile have in common: nothing for that which is built.
    """

    index: int
    name: str | None
    line: int
    base: str
    parent: int | None
    platform: str | None
    instructions: tuple[Instruction, ...] = ()
    path: str = ""
    file: tuple[int, ...] = ()


class Source(Struct, frozen=True, kw_only=True):
    """A Dockerfile's text, and what its build is given.

    Attributes:
        text: what it says.
        path: the file as the user would type it.
        first_line: the number of the text's first line.
        build_args: by their names.
        wanted: the arguments that the build is to be given, and whose value is unknown here.
        stage: the stage that is built; the last, where it is None.
        folder: its build context, relative to that of the Dockerfile that is read first.
        find_base: returns, for the image of a FROM, its Dockerfile where the project builds it,
            else the name of the image that is meant; None: that which is written.
    """

    text: str
    path: str
    first_line: int = 1
    build_args: Mapping[str, str] = MappingProxyType({})
    wanted: Collection[str] = ()
    stage: str | None = None
    folder: str = "."
    find_base: Callable[[str], Source | str | None] = lambda _: None


def same_file(stages: Iterable[Stage], file: tuple[int, ...] = ()) -> list[Stage]:
    """Return the stages of one of the Dockerfiles; names and numbers are of one file."""
    return [stage for stage in stages if stage.file == file]


def stage_index(stages: Sequence[Stage], name_or_index: str) -> int | None:
    """Return the index of the stage of that name, else of that index, or None."""
    for stage in reversed(stages):
        if stage.name is not None and stage.name.lower() == name_or_index.lower():
            return stage.index
    if re.fullmatch(r"[0-9]{1,4}", name_or_index) and int(name_or_index) < len(stages):
        return stages[int(name_or_index)].index
    return None


_INSTRUCTION, _LOOK = 500, 10
"""The work to take an instruction, and to compare the name of a stage."""
_PLATFORM_ARGS = frozenset(
    side + part for side in ("TARGET", "BUILD") for part in ("PLATFORM", "OS", "ARCH", "VARIANT")
)
_PREDEFINED = _PLATFORM_ARGS | {
    name
    for each in ("HTTP", "HTTPS", "FTP", "NO", "ALL")
    for name in (f"{each}_PROXY", f"{each.lower()}_proxy")
}
"""Arguments that have a value without being given one."""
_VALUE_HINT = (
    "write `ARG {}=<value>` before the first FROM, pass it as a build argument in the compose "
    "file, or set `python`"
)
_UNKNOWN = "$(secret)"
"""The value of a secret: unknown, like what a command prints."""
_REFERENCE = re.compile(r"[A-Za-z0-9](?:[\w.:@/-]*[\w])?", re.ASCII)


class Reading(Struct, kw_only=True):
    """What the instructions of a file have made so far."""

    source: Source
    escape: str
    platform: str | None
    inherited: Callable[[str], Mapping[str, str]]
    """The variables that a base image is known to set."""
    file: tuple[int, ...] = ()
    """As in ``Stage``."""
    stages: list[Stage] = field(default_factory=list)
    images: list[StageImage] = field(default_factory=list)
    steps: list[InstallCommand] = field(default_factory=list)
    others: list[OtherInstall] = field(default_factory=list)
    global_args: dict[str, str] = field(default_factory=dict)
    unset_by: dict[str, str] = field(default_factory=dict)
    """For a global ARG without value, the variable in its default that has none."""
    unknown: DockerfileError | None = None
    """The error about the first base that is unknown."""
    defaulted: set[str] = field(default_factory=set)
    """The arguments that an ARG gives a default."""
    work: Work = field(default_factory=Work)
    taken: list[Instruction] = field(default_factory=list)
    """The instructions of the last stage."""
    inherited_steps: list[InstallCommand] = field(default_factory=list)
    """The steps of the Dockerfiles of base images."""

    @classmethod
    def of(
        cls,
        source: Source,
        *,
        platform: str | None,
        inherited: Callable[[str], Mapping[str, str]],
        outer: Reading | None = None,
    ) -> Reading:
        """Read a whole file; with ``outer``, that of a base image, whose stages come first there.

        Raises:
            DockerfileError: it has no stage, or an instruction can't be read.
        """
        text = DockerfileText.from_text(source.text, source.path, source.first_line)
        reading = cls(source=source, escape=text.escape, platform=platform, inherited=inherited)
        if outer is not None:
            file = (*outer.file, len(outer.images))
            reading = replace(
                reading, file=file, stages=outer.stages, images=outer.images, work=outer.work
            )
        for instruction in text.instructions():
            reading.take(instruction)
        reading.close_stage()
        if not reading.own_stages():
            raise DockerfileError(
                "the file has no FROM",
                path=source.path,
                hint="begin it with `FROM python:<version>`",
            )
        return reading

    def own_stages(self) -> list[Stage]:
        """Return the stages of this file."""
        return same_file(self.stages, self.file)

    def __post_init__(self) -> None:
        if self.platform is not None:
            system, architecture, variant = [*self.platform.split("/"), "", ""][:3]
            for side in ("TARGET", "BUILD"):
                self.global_args[f"{side}PLATFORM"] = self.platform
                self.global_args[f"{side}OS"] = system
                self.global_args[f"{side}ARCH"] = architecture
                self.global_args[f"{side}VARIANT"] = variant

    def take(self, instruction: Instruction) -> None:
        """Evaluate the next instruction.

        Raises:
            DockerfileError: a FROM can't be read, an instruction comes before the first, a word is
                too long, or the file takes too much to be followed.
        """
        try:
            self.work.spend(_INSTRUCTION + len(instruction.arguments))
            self._take(instruction)
        except (OversizedWord, TooMuchWork) as error:
            raise DockerfileError(
                str(error), path=self.source.path, line=instruction.line
            ) from error

    def close_stage(self) -> None:
        """Give the last stage its instructions."""
        if self.taken:
            self.stages[-1] = replace(self.stages[-1], instructions=tuple(self.taken))
        self.taken.clear()

    def _take(self, instruction: Instruction) -> None:
        if instruction.keyword == "ARG":
            pairs = self._pairs(instruction)
            self.defaulted.update(name for name, default in pairs if default is not None)
        if instruction.keyword == "FROM":
            self._begin_stage(instruction)
        elif self.stages and self.stages[-1].file == self.file:
            self.taken.append(instruction)
            self._apply(instruction)
        elif instruction.keyword == "ARG":
            self._declare_global(instruction)
        else:
            raise DockerfileError(
                f"{instruction.keyword} stands before the first FROM",
                path=self.source.path,
                line=instruction.line,
            )

    def _declare_global(self, instruction: Instruction) -> None:
        for name, default in self._pairs(instruction):
            if name in self.source.build_args:
                self.global_args[name] = self.source.build_args[name]
            elif default is not None:
                value, lacking = expand_known(default, self.global_args, self.escape)
                self.work.spend(len(value))
                if lacking:
                    self.unset_by[name] = self.unset_by.get(lacking[0], lacking[0])
                    self.global_args.pop(name, None)
                else:
                    self.global_args[name] = value

    def _begin_stage(self, instruction: Instruction) -> None:
        self.close_stage()
        self.work.spend(_LOOK * len(self.stages))
        line, words = instruction.line, instruction.arguments.split()
        if len(words) not in (1, 3) or (len(words) == 3 and words[1].upper() != "AS"):
            raise DockerfileError(
                "FROM takes an image, or an image and `AS name`", path=self.source.path, line=line
            )
        base = self._from_word(words[0], line)
        parent = None if base.isdigit() else stage_index(self.own_stages(), base)
        made = self.source.find_base(base) if parent is None else None
        if isinstance(made, Source):
            parent = self._read_base(made)
        elif made is not None:
            base = made
        self._require_image(words[0], base, line)
        self.stages.append(
            Stage(
                index=len(self.stages),
                name=words[2] if len(words) == 3 else None,
                line=line,
                base=base,
                parent=parent,
                platform=self._platform_of(instruction),
                path=self.source.path if self.file else "",
                file=self.file,
            )
        )
        if parent is None:
            self.images.append(StageImage(environment={**self.inherited(base)}))
            return
        self.images.append(self.images[parent].child())
        for trigger in self.images[parent].triggers:
            self._apply(trigger)

    def _require_image(self, written: str, base: str, line: int) -> None:
        """Check that FROM gives the name of an image; one with an unknown variable may be.

        Raises:
            DockerfileError: it does not.
        """
        if _REFERENCE.fullmatch(base):
            return
        error = DockerfileError(
            f"`FROM {written}` gives `{base}`, which is no image",
            path=self.source.path,
            line=line,
            hint=_VALUE_HINT.format("<name>") if "$" in written else "",
        )
        if "$" not in base:
            raise error
        self.unknown = self.unknown or error

    def _platform_of(self, instruction: Instruction) -> str | None:
        """Return the platform that FROM names; None for that of the build."""
        written = dict(instruction.flags).get("platform", "")
        if self.platform is None and not _PLATFORM_ARGS.isdisjoint(NAME.findall(written)):
            return None
        return self._from_word(written, instruction.line) or None

    def _read_base(self, source: Source) -> int:
        """Read the Dockerfile of a base image, and return the index of the stage that it is.

        Raises:
            DockerfileError: the Dockerfile can't be read, or has no such stage.
        """
        reading = Reading.of(source, platform=self.platform, inherited=self.inherited, outer=self)
        own = reading.own_stages()
        index = own[-1].index if source.stage is None else stage_index(own, source.stage)
        if index is None:
            raise DockerfileError(f'there is no stage "{source.stage}"', path=source.path)
        for stage in own:
            self.images[stage.index].belong_to(source.path)
        steps = (replace(step, path=source.path) for step in reading.steps)
        self.inherited_steps += [*reading.inherited_steps, *steps]
        self.unknown = self.unknown or reading.unknown
        return index

    def _from_word(self, word: str, line: int) -> str:
        def missing(name: str, message: str | None) -> str:
            cause = self.unset_by.get(name, name)
            is_platform = cause in _PLATFORM_ARGS
            self.unknown = self.unknown or DockerfileError(
                f"FROM needs the variable `{cause}`, which {message or 'has no value'}",
                path=self.source.path,
                line=line,
                hint="set `platform`" if is_platform else _VALUE_HINT.format(cause),
            )
            return keep(name, None)

        return expand(word, Variables(values=self.global_args, missing=missing), self.escape)

    def _pairs(self, instruction: Instruction) -> list[tuple[str, str | None]]:
        words = split_words(instruction.arguments, self.escape)
        if instruction.keyword == "ENV" and words and "=" not in words[0]:
            name, _, value = partition(instruction.arguments)
            return [(name, value)]
        pairs = [word.partition("=") for word in words]
        return [(name, value if equals else None) for name, equals, value in pairs]

    def _apply(self, instruction: Instruction) -> None:
        image = self.images[-1]
        self.work.spend(len(image.environment) + len(image.arguments))
        variables = Variables(values=image.variables(), missing=keep)

        def expanded(text: str) -> str:
            value = expand(text, variables, self.escape)
            self.work.spend(len(value))
            return value

        if instruction.keyword == "ENV":
            for name, value in self._pairs(instruction):
                image.environment[name] = expanded(value or "")
        elif instruction.keyword == "ARG":
            self._declare(instruction, expanded)
        elif instruction.keyword == "WORKDIR":
            directory = expanded(instruction.arguments.strip())
            self.work.spend(len(image.directory))
            image.directory_known |= directory.startswith(("/", "$"))
            image.directory = join(image.directory, directory)
        elif instruction.keyword == "USER":
            image.user = expanded(instruction.arguments.strip()).partition(":")[0]
        elif instruction.keyword in ("COPY", "ADD"):
            placed = list(self._copied(instruction, expanded))
            image.files.extend(placed)
            self._copy_pythons(instruction, placed)
        elif instruction.keyword == "SHELL":
            image.shell = instruction.json or ()
        elif instruction.keyword == "RUN":
            self._run(instruction, list(mounts_of(instruction, expanded)))
        elif instruction.trigger is not None:
            image.triggers.append(instruction.trigger)

    def _declare(self, instruction: Instruction, expanded: Callable[[str], str]) -> None:
        arguments = self.images[-1].arguments
        for name, default in self._pairs(instruction):
            if name in self.source.build_args:
                arguments[name] = self.source.build_args[name]
            elif default is not None:
                arguments[name] = expanded(default)
            elif name in self.global_args:
                arguments[name] = self.global_args[name]
            elif name not in {*self.unset_by, *_PREDEFINED} and name not in self.source.wanted:
                arguments.setdefault(name, "")  # as docker builds it

    def _copied(self, instruction: Instruction, expanded: Callable[[str], str]) -> Iterator[Placed]:
        words = instruction.json or instruction.arguments.split()
        *sources, target = map(expanded, words or [""])
        flags = dict(instruction.flags)
        origin = self._origin(expanded(flags["from"]) if "from" in flags else None)
        for source in sources:
            placed = Placed(
                origin=origin,
                source=self._path_in(origin, source),
                target=join(self.images[-1].directory, target),
                folder=len(sources) > 1 or target.endswith("/") or target in (".", ""),
                line=instruction.line,
            )
            if heredoc := HEREDOC.match(source):
                name = heredoc[2]
                bodies = (each.body for each in instruction.heredocs if each.name == name)
                yield replace(placed, origin=None, source=name, text=next(bodies, None))
            elif "://" in source or source.startswith("git@"):
                yield replace(placed, origin=None, source=posixpath.basename(source))
            elif "parents" in flags:
                kept = context_path(source.rpartition("/./")[2])
                folder = kept if is_folder(kept) else posixpath.dirname(kept)
                yield replace(placed, target=join(placed.target, folder))
            else:
                yield placed

    def _copy_pythons(self, instruction: Instruction, copied: Iterable[Placed]) -> None:
        """Take over the Pythons in folders that are copied from a stage or another image."""
        name = dict(instruction.flags).get("from")
        for placed in copied if name is not None else ():
            pythons = self.images[-1].pythons
            for prefix, python in self._pythons_in(placed, name or ""):
                pythons = pythons.with_prefix(prefix, python)
            self.images[-1].pythons = pythons

    def _pythons_in(self, placed: Placed, name: str) -> Iterator[tuple[str, Python]]:
        """Yield the folders with a Python that were copied from a stage or image of that name."""
        stage, target = placed.origin, placed.target
        is_system = target in {"/usr/local", "/usr"}
        made = []
        if stage is not None:
            made = [*self.images[stage].pythons.copied(placed.source, target, stage)]
            yield from made
        if made or not (is_system or (stage is None and target == placed.source)):
            return
        own = self.images[-1].pythons.find("python3", "${PATH}").python
        yield (
            target,
            Python(
                origin="copied",
                word=f"COPY --from={name}",
                line=placed.line,
                stage=stage,
                image="" if stage is not None else name,
                otherwise=own if is_system else None,
            ),
        )

    def _origin(self, name: str | None) -> int | None:
        """Return the stage that ``from`` names; without it ``CONTEXT``, for an image None."""
        return CONTEXT if name is None else stage_index(self.own_stages()[:-1], name)

    def _mounted(self, mounts: Iterable[Mount]) -> Iterator[Placed]:
        for mount in mounts:
            target, source, origin = mount.target, mount.source, self._origin(mount.origin)
            if mount.kind == "secret":
                origin, source = None, mount.identity
                target = target or f"/run/secrets/{source}"
            elif mount.kind != "bind":
                continue
            yield Placed(
                origin=origin,
                source=self._path_in(origin, source),
                target=join(self.images[-1].directory, target),
                folder=False,
            )

    def _path_in(self, origin: int | None, path: str) -> str:
        """Return the normal form of a path in an origin; the context is that of the first file."""
        found = origin_path(path, origin)
        if origin != CONTEXT or self.source.folder == ".":
            return found
        return posixpath.normpath(posixpath.join(self.source.folder, found))

    def _run(self, instruction: Instruction, mounts: Sequence[Mount]) -> None:
        image = self.images[-1]
        secrets = {
            mount.variable: _UNKNOWN
            for mount in mounts
            if mount.kind == "secret" and mount.variable.startswith(("PIP_", "UV_"))
        }
        shell = Shell(
            images=self.images,
            mounts=tuple(self._mounted(mounts)),
            directory=image.directory,
            directory_known=image.directory_known,
            variables={**image.variables(), **secrets},
            line=instruction.line,
            work=self.work,
        )
        if instruction.json:
            shell.start(list(instruction.json), shell.variables)
        elif instruction.json is None and image.shell:
            shell.start([*image.shell, instruction.script], shell.variables)
        elif instruction.json is None:
            shell.run(instruction.script)
        self.steps.extend(shell.steps)
        self.others.extend(shell.others)
