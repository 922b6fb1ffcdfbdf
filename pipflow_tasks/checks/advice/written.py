"""A build's Dockerfile as it is written, for advice that says which lines to change."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ...dockerfile.grammar import DockerfileText
from ...dockerfile.install import parse_options
from ...dockerfile.script import read_script
from ...dockerfile.shell import WRITING
from ...errors import redact
from ...plan import Replacement
from ...target import ImageName
from .. import finding_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ...dockerfile import InstallCommand, Instruction, Stage
    from ...dockerfile.script import Script
    from ...dockerfile.shell import Command
    from ...environments.build import Build
    from ...plan import Alike, Finding, Severity

_BARE = re.compile(r"(?:.*/)?(?:debian|ubuntu|alpine):.*")
_MINOR = re.compile(r"3\.[0-9]+")


class Writing(Struct, frozen=True, kw_only=True):
    """A build's Dockerfile as it is written.

    Attributes:
        build: the build.
        lines: of its text.
        scripts: the commands of each RUN that can be read, by its line.
        steps: what each instruction installs, by its stage and its line.
    """

    build: Build
    lines: tuple[str, ...]
    scripts: Mapping[int, Script]
    steps: Mapping[tuple[int, int], tuple[InstallCommand, ...]]

    @classmethod
    def of(cls, build: Build) -> Writing:
        """Return the Dockerfile of a build, which can be read."""
        recipe = build.recipe
        text = DockerfileText.from_text(recipe.text, recipe.path, recipe.first_line)
        steps: dict[tuple[int, int], list[InstallCommand]] = {}
        for step in build.dockerfile.steps:
            steps.setdefault((step.stage, step.line), []).append(step)
        scripts: dict[int, Script] = {}
        for stage in build.dockerfile.stages:
            for each in stage.instructions if not stage.path else ():
                first, last = each.line - recipe.first_line, each.last_line - recipe.first_line
                lines = text.lines[first : last + 1]
                is_run = each.keyword == "RUN"
                script = read_script(each, lines, text.escape) if is_run else None
                if script is not None:
                    scripts[each.line] = script
        return cls(
            build=build,
            lines=tuple(text.lines),
            scripts=MappingProxyType(scripts),
            steps=MappingProxyType({place: tuple(found) for place, found in steps.items()}),
        )

    @property
    def shipped(self) -> tuple[Stage, ...]:
        """The stages whose layers the image has, but for those of other Dockerfiles."""
        chain = self.build.dockerfile.chain_of(self.build.last.index)
        return tuple(stage for stage in chain if not stage.path)

    @property
    def built(self) -> tuple[Stage, ...]:
        """The stages that are built, but for those of other Dockerfiles."""
        dockerfile = self.build.dockerfile
        needed = dockerfile.needed_by(self.build.last.index)
        return tuple(each for each in dockerfile.stages if each.index in needed and not each.path)

    @property
    def uses_mounts(self) -> bool:
        """Whether its steps have mounts, so that BuildKit builds it, or a builder like it."""
        instructions = (
            each for stage in self.build.dockerfile.stages for each in stage.instructions
        )
        return any("mount" in dict(each.flags) for each in instructions)

    def text_of(self, instruction: Instruction) -> str:
        """Return an instruction as it is written."""
        return self.text_between(instruction.line, instruction.last_line)

    def text_between(self, first: int, last: int) -> str:
        """Return lines by their numbers in the file."""
        before = self.build.recipe.first_line
        return "\n".join(self.lines[first - before : last - before + 1])

    def script_of(self, instruction: Instruction) -> Script | None:
        """Return the commands of a RUN as they are written; None where they are not read."""
        return self.scripts.get(instruction.line) if instruction.keyword == "RUN" else None

    def steps_at(self, stage: Stage, instruction: Instruction) -> tuple[InstallCommand, ...]:
        """Return what an instruction installs."""
        return self.steps.get((stage.index, instruction.line), ())

    def runs_of(self, stage: Stage) -> Iterator[tuple[Instruction, Script]]:
        """Yield each RUN of a stage whose commands can be read."""
        for instruction in stage.instructions:
            script = self.script_of(instruction)
            if script is not None:
                yield instruction, script

    def image_of(self, stage: Stage) -> ImageName:
        """Return the name of the image that a stage is made on in the end."""
        base = self.build.dockerfile.base_of(stage.index).base
        return ImageName.parse(base, source=self.build.recipe.path)

    def rewriting(self, instruction: Instruction, text: str) -> Replacement | None:
        """Return what replaces an instruction; see ``replacing``."""
        return self.replacing(instruction.line, instruction.last_line, text)

    def replacing(self, first: int, last: int, text: str) -> Replacement | None:
        """Return what replaces lines, an empty text removing them.

        None for a Dockerfile in a compose file, whose lines are indented there, and for a text with
        a secret, which reports hide.
        """
        if self.build.recipe.file is None or redact(text) != text:
            return None
        return Replacement(first=first, last=last, lines=tuple(text.split("\n") if text else ()))

    def advise(
        self,
        code: str,
        line: int,
        message: str,
        fix: str,
        *,
        replacement: Replacement | None = None,
        severity: Severity = "advice",
        alike: Alike | None = None,
    ) -> Finding:
        """Return a finding about a line."""
        found = finding_in(self.build.recipe.path, line, code, severity, message, fix)
        return replace(found, replacement=replacement, alike=alike)


def is_official(image: ImageName) -> bool:
    """Return whether an image is known to be the Docker Official Image of Python, or a copy."""
    return image.has_official_pip and image.family is not None and not image.family.note


def is_bare(image: ImageName) -> bool:
    """Return whether an image is a distribution's own."""
    return _BARE.fullmatch(f"{image.path.removeprefix('library/')}:{image.tag}") is not None


def is_plain(image: ImageName) -> bool:
    """Return whether an image is known to set no variable for pip, and to have no compiler."""
    if is_official(image):
        return bool({"slim", "alpine"} & set(re.split(r"[-.0-9]+", image.tag)))
    return is_bare(image)


def minor_python(image: ImageName) -> str:
    """Return the Python of an image's name, ``3.12``; an empty string: it does not say."""
    match = _MINOR.match(image.python or "")
    return match[0] if match else ""


# fmt: off
_HARMLESS = frozenset({
    "addgroup", "adduser", "apk", "apt", "apt-get", "dnf", "echo", "export", "groupadd", "microdnf",
    "set", "true", "useradd", "yum",
})
# fmt: on
_ELSEWHERE = ("/dev/", "/var/", "/tmp/", "/root/.cache", "/etc/")  # noqa: S108 - in the image


def is_harmless(command: Command) -> bool:
    """Return whether a command reads and changes no file that the project has copied."""
    texts, started = command.texts, command.installer
    written = (each.text for each in command.redirections if each.operator in WRITING)
    if not all(each.startswith(_ELSEWHERE) for each in written):
        return False
    if started is not None:
        options, operands = parse_options(started[1])
        paths = (each for each in operands if "://" not in each)
        return "editable" not in options and not any(
            each.startswith(".") or "/" in each for each in paths
        )
    if not texts:
        return True
    if texts[0] in {"rm", "mkdir"}:
        return all(each.startswith(("-", *_ELSEWHERE)) for each in texts[1:])
    return texts[0] in _HARMLESS or texts[1:3] == ["-m", "venv"]
