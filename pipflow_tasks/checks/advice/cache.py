"""pip's cache: in a mount that no command uses, or left in a layer."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from ...dockerfile import mounts_of
from ...files import is_file
from ...plan import Alike
from .written import is_bare, is_official

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ...dockerfile import InstallCommand, Instruction, Stage
    from ...dockerfile.script import Script
    from ...dockerfile.shell import Command, Word
    from ...plan import Finding, Replacement
    from .written import Writing

_OFF = {"pip": "PIP_NO_CACHE_DIR", "uv": "UV_NO_CACHE"}
_FLAG = {"pip": "--no-cache-dir", "uv": "--no-cache"}
_ELSEWHERE = {"pip": ("PIP_CACHE_DIR", "XDG_CACHE_HOME"), "uv": ("UV_CACHE_DIR", "XDG_CACHE_HOME")}
_NO = frozenset({"", "0", "false", "no", "off"})


def check_cache(writing: Writing) -> Iterator[Finding]:
    """Find steps that fill a cache which the image keeps, or that do not use their cache mount."""
    context = writing.build.recipe.context
    shipped = {stage.index for stage in writing.shipped}
    for stage in writing.built:
        for instruction in stage.instructions:
            steps = [s for s in writing.steps_at(stage, instruction) if _downloads(s)]
            if not steps:
                continue
            step = steps[0]
            if _cache_mounts(instruction, step):
                yield from _check_mount(writing, instruction, step)
            elif stage.index in shipped and not any(_is_off(each, context) for each in steps):
                yield from _check_layer(writing, stage, instruction, step)


def _downloads(step: InstallCommand) -> bool:
    return step.command in {"install", "sync"} and not (
        step.helper or step.conda_files or step.options.no_index
    )


def _cache_mounts(instruction: Instruction, step: InstallCommand) -> list[str]:
    """Return where a step mounts caches of its installer."""
    targets = [each.target for each in mounts_of(instruction) if each.kind == "cache"]
    return [
        each
        for each in targets
        if posixpath.basename(each.rstrip("/")) in {step.installer, ".cache"}
    ]


def _variable(step: InstallCommand) -> str:
    """Return the variable that switches the cache off, where it does; pip takes any value."""
    name = _OFF[step.installer]
    value = dict(step.environment).get(name, "")
    is_off = bool(value) if step.installer == "pip" else value.lower() not in _NO
    return name if is_off else ""


def _is_off(step: InstallCommand, context: Path) -> bool:
    """Return whether the cache is off, or elsewhere, by what is not on the command."""
    elsewhere = {name for name in _ELSEWHERE[step.installer] if dict(step.environment).get(name)}
    return bool(_variable(step) or elsewhere or _may_be_configured(step, context))


def _may_be_configured(step: InstallCommand, context: Path) -> bool:
    """Return whether a configuration file of a step's installer may say something of a cache."""
    for each in step.configuration:
        is_there = not each.sources or any(is_file(context / source) for source in each.sources)
        if is_there if each.text is None else "cache" in each.text:
            return True
    return False


def _installs(script: Script, installer: str) -> list[Command]:
    """Return the commands of a script that install with an installer."""
    found: list[Command] = []
    for command in script.commands:
        started = command.installer
        if started is not None and started[0] == installer:
            words = [word for word in started[1] if not word.startswith("-")]
            place = 1 if installer == "uv" else 0
            names = {word.text for word in command.own[1:]}  # pip-sync has no word for it
            if words[place : place + 1] in (["install"], ["sync"]) and names & {"install", "sync"}:
                found.append(command)
    return found


def _flags(command: Command) -> list[Word]:
    return [word for word in command.own if word.text.startswith("--no-cache")]


def _check_mount(
    writing: Writing, instruction: Instruction, step: InstallCommand
) -> Iterator[Finding]:
    script = writing.script_of(instruction)
    installs = [] if script is None else _installs(script, step.installer)
    flags = [word for command in installs for word in _flags(command)]
    variable = _variable(step)
    if script is None or not installs or not (flags or variable):
        return
    edits = [script.removal(word) for word in flags]
    if variable:
        off = "" if step.installer == "pip" else "0"
        edits += [(each.start, each.start, f"{variable}={off} ") for each in installs]
    cause = variable or flags[0].text
    yield writing.advise(
        "unused-cache-mount",
        instruction.line,
        f"{cause} switches {step.installer}'s cache off, so its cache mount is of no use",
        f"set {variable} to nothing there" if variable else f"remove {cause}",
        replacement=writing.rewriting(instruction, script.edited(*edits)),
        severity="warning",
    )


def _check_layer(
    writing: Writing, stage: Stage, instruction: Instruction, step: InstallCommand
) -> Iterator[Finding]:
    image, script = writing.image_of(stage), writing.script_of(instruction)
    text = writing.text_of(instruction)
    is_known = is_official(image) or is_bare(image)
    is_elsewhere = any(word in text for word in (".cache", "cache purge", "--cache-dir"))
    if not is_known or is_elsewhere or not _is_root(writing, stage, instruction):
        return
    flag = _FLAG[step.installer]
    if script is None:
        if "--no-cache" in text:
            return
        fix, replacement = f"write `{flag}` behind `install`", None
    else:
        installs = [each for each in _installs(script, step.installer) if not _flags(each)]
        if not installs:
            return
        fix, replacement = _without_cache(writing, instruction, script, installs, step)
    yield writing.advise(
        "cache-in-layer",
        instruction.line,
        f"{step.installer} leaves its cache in the image",
        fix,
        replacement=replacement,
        alike=Alike(
            message=f"steps leave {step.installer}'s cache in the image",
            subject=f"line {instruction.line}",
        ),
    )


def _without_cache(
    writing: Writing,
    instruction: Instruction,
    script: Script,
    installs: Sequence[Command],
    step: InstallCommand,
) -> tuple[str, Replacement | None]:
    """Return how to keep a cache out of the layer: in a mount, where others have one."""
    flag, folder = _FLAG[step.installer], f"/root/.cache/{step.installer}"
    if writing.uses_mounts:
        new = f"--mount=type=cache,target={folder} "
        text = script.edited((script.start, script.start, new))
        return "mount a cache there", writing.rewriting(instruction, text)
    edits = []
    for command in installs:
        word = next(each for each in command.own if each.text in {"install", "sync"})
        edits.append((word.end, word.end, f" {flag}"))
    fix = (
        f"write `{flag}`; or, if BuildKit builds, `RUN --mount=type=cache,target={folder}`, which "
        "keeps downloads for the next build"
    )
    return fix, writing.rewriting(instruction, script.edited(*edits))


def _is_root(writing: Writing, stage: Stage, instruction: Instruction) -> bool:
    """Return whether a RUN runs as root: others may have no home for a cache."""
    user = ""
    for each in writing.build.dockerfile.chain_of(stage.index):
        for before in each.instructions:
            if each.index == stage.index and before.line >= instruction.line:
                break
            if before.keyword == "USER":
                user = before.arguments.strip().partition(":")[0]
    return user in {"", "0", "root"}
