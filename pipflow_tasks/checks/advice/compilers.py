"""Compilers that were needed to install, and are left in the image."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ...values import join_words
from ..paths import lines_of
from .written import is_plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ...dockerfile import Instruction, Stage
    from ...dockerfile.script import Script
    from ...dockerfile.shell import Command
    from ...manifest.library import Library
    from ...plan import Finding, Replacement
    from .written import Writing

_COMPILERS = re.compile(
    r"(?:build-essential|build-base|gcc|g\+\+|gcc-c\+\+|gfortran|clang|rustc|cargo|musl-dev)(?:-[0-9.]+)?"
)
_MANAGERS = frozenset({"apt", "apt-get", "apk", "dnf", "microdnf", "yum"})
_INSTALLS = frozenset({"install", "add"})
_REMOVES = frozenset({"purge", "remove", "autoremove", "del", "erase"})
_OWN_USE = re.compile(r"(?<![\w-])(?:gcc|g\+\+|cc|make|cmake|cargo|clang|npm|node-gyp)(?![\w-])")
_FOR_WORK = re.compile(
    r"(?:^|[-_./])(?:dev|develop|development|devel|debug|test|tests|ci|build|builder)(?:$|[-_./])"
)
# fmt: off
_COMPILES_LATER = frozenset({
    "cmdstanpy", "cython", "deepspeed", "pymc", "pymc3", "pystan", "pytensor", "pythran", "theano",
    "torch", "triton", "vllm",
})
# fmt: on
"""Projects that start a compiler when they are used."""
_LISTS = "rm -rf /var/lib/apt/lists/*"


def check_compilers(writing: Writing, library: Library) -> Iterator[Finding]:
    """Find compilers that a stage keeps after it has installed the requirements."""
    shipped = writing.shipped
    if _is_for_work(writing) or not shipped or not is_plain(writing.image_of(shipped[0])):
        return
    build = writing.build
    lines = (line for step in build.steps for line in lines_of(build, step, library))
    if any(line.name in _COMPILES_LATER for line in lines):
        return
    runs = [(stage, each, script) for stage in shipped for each, script in writing.runs_of(stage)]
    for stage, instruction, script in runs:
        for command in script.commands:
            names = _compilers_of(command)
            if names and not any(map(_removes, script.commands)):
                yield from _check_install(writing, stage, instruction, script, command)
                return


def _is_for_work(writing: Writing) -> bool:
    """Return whether an image looks like one to work in, or to test in."""
    names = [writing.build.recipe.path, writing.build.last.name or ""]
    return any(_FOR_WORK.search(name.lower()) or "devcontainer" in name for name in names)


def _compilers_of(command: Command) -> list[str]:
    """Return the compilers that a command installs."""
    texts = command.texts
    if len(texts) < 2 or texts[0] not in _MANAGERS or _INSTALLS.isdisjoint(texts[1:]):
        return []
    if "--virtual" in texts or "-t" in texts:
        return []
    names = [each for each in texts[1:] if _COMPILERS.fullmatch(each)]
    return [] if names == ["musl-dev"] else names


def _removes(command: Command) -> bool:
    texts = command.texts
    return bool(texts) and texts[0] in _MANAGERS and not _REMOVES.isdisjoint(texts[1:])


def _check_install(
    writing: Writing,
    stage: Stage,
    instruction: Instruction,
    script: Script,
    command: Command,
) -> Iterator[Finding]:
    names = _compilers_of(command)
    later = [
        (each, after)
        for each in writing.shipped
        for after in each.instructions
        if each.index > stage.index
        or (each.index == stage.index and after.line >= instruction.line)
    ]
    steps = [after for each, after in later if writing.steps_at(each, after)]
    if not steps or any(_uses(writing, each, after) for each, after in later):
        return
    shown = join_words(names)
    yield writing.advise(
        "compiler-in-image",
        instruction.line,
        f"the image keeps {shown} after line {steps[-1].line} has installed the requirements",
        f"remove {shown} in the RUN that installs, and test the image: what was compiled may "
        "need a library of the compiler",
        replacement=_joined(writing, stage, instruction, script, command),
    )


def _commands_of(writing: Writing, instructions: Iterable[Instruction]) -> Iterator[Command]:
    for each in instructions:
        script = writing.script_of(each) if each.keyword == "RUN" else None
        yield from () if script is None else script.commands


def _uses(writing: Writing, stage: Stage, instruction: Instruction) -> bool:
    """Return whether an instruction seems to need a compiler, and installs no requirements."""
    if instruction.keyword not in {"RUN", "CMD", "ENTRYPOINT"}:
        return False
    if writing.steps_at(stage, instruction):
        return False
    script = writing.script_of(instruction)
    if script is None:
        return _OWN_USE.search(instruction.arguments) is not None
    return any(
        _OWN_USE.search(" ".join(each.texts)) is not None
        for each in script.commands
        if each.texts and each.texts[0] not in {*_MANAGERS, "rm"} and each.installer is None
    )


def _joined(
    writing: Writing,
    stage: Stage,
    instruction: Instruction,
    script: Script,
    command: Command,
) -> Replacement | None:
    """Return the lines from the RUN of the compilers to that of the step, as one RUN at its place.

    None where others run between them, or where they are not commands that follow each other.
    """
    at = stage.instructions.index(instruction)
    after = stage.instructions[at:]
    with_steps = [each for each in after if writing.steps_at(stage, each)]
    if len(with_steps) != 1 or not script.is_plain:
        return None
    last = with_steps[0]
    between, rest = after[1 : after.index(last)], after[after.index(last) + 1 :]
    if any(map(_removes, _commands_of(writing, rest))):
        return None  # which fails where there is nothing left to remove
    if any(each.keyword not in {"COPY", "WORKDIR", "ENV", "ARG", "LABEL"} for each in between):
        return None
    install, removal = _manage(script, command)
    end = f" {script.escape}\n    && "
    if last.line == instruction.line:
        text = f"{script.head}{install}{end}{removal}"
        return writing.rewriting(instruction, text)
    other = writing.script_of(last)
    if other is None or not other.is_plain or instruction.flags:
        return None
    kept = writing.text_between(instruction.last_line + 1, last.line - 1).strip("\n")
    text = f"{other.head}{install}{end}{other.body.rstrip()}{end}{removal}"
    lines = "\n".join(filter(None, [kept, text]))
    return writing.replacing(instruction.line, last.last_line, lines)


def _manage(script: Script, command: Command) -> tuple[str, str]:
    """Return the commands that install packages, as written, and those that remove compilers."""
    program, names = command.texts[0], " ".join(_compilers_of(command))
    commands, end = [*script.commands], f" {script.escape}\n    && "
    removal = f"{program} remove -y {names}"
    while commands[-1] is not command and _cleans(commands[-1]):
        commands.pop()
    cut = commands[-1].end
    if program == "apk":
        new = f" libgcc libstdc++{end}apk add --no-cache --virtual .compilers {names}"
        edits = [script.removal(word) for word in command.own if word.text in names.split()]
        edited = script.edited(*edits, (command.end, command.end, new))
        return edited[script.start : len(edited) - len(script.text) + cut], "apk del .compilers"
    if program in {"apt", "apt-get"}:
        lists = f"{end}{_LISTS}" if len(commands) < len(script.commands) else ""
        removal = f"apt-get purge -y --auto-remove {names}{lists}"
    return script.text[script.start : cut], removal


def _cleans(command: Command) -> bool:
    """Return whether a command only removes what a package manager has downloaded."""
    texts = command.texts
    return texts[:2] in (["apt-get", "clean"], ["apt", "clean"]) or (
        texts[:1] == ["rm"] and all("/var/lib/apt" in each or each[:1] == "-" for each in texts[1:])
    )
