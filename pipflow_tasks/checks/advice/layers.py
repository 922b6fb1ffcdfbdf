"""Installs that could share a layer, and upgrades of pip that are not needed."""

from __future__ import annotations

from itertools import groupby, pairwise
from typing import TYPE_CHECKING

from packaging.version import Version

from ...dockerfile.install import parse_options
from ...target.image_facts import MUSLLINUX_PIP, Release
from .written import is_official

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ...dockerfile import Instruction, Stage
    from ...dockerfile.script import Script
    from ...dockerfile.shell import Command
    from ...plan import Finding, Replacement
    from .written import Writing

_FIRST_GOOD_ENSUREPIP = 10
"""Every release of Python 3.10 puts a pip into venvs that takes all kinds of wheels."""


def check_upgrades(writing: Writing) -> Iterator[Finding]:
    """Find upgrades of a pip that takes all wheels as it is."""
    for stage in writing.built:
        if not _has_good_pip(writing, stage):
            continue
        for instruction, script in writing.runs_of(stage):
            for command in script.commands:
                if _upgrades_pip(command) is not None:
                    yield _needless(writing, stage, instruction, script, command)


def _has_good_pip(writing: Writing, stage: Stage) -> bool:
    """Return whether the base image's pip, and that of its venvs, takes all kinds of wheels.

    And whether no step needs an option that only a newer one has.
    """
    image = writing.image_of(stage)
    release = Release.find(image.python or "")
    steps = [step for step in writing.build.dockerfile.steps if step.stage == stage.index]
    asks_more = any(step.groups or step.options.exclude_newer for step in steps)
    if not is_official(image) or release is None or asks_more or release.pre:
        return False
    return release.minor >= _FIRST_GOOD_ENSUREPIP and (
        release.pip is None or release.pip >= Version(MUSLLINUX_PIP)
    )


def _upgrades_pip(command: Command) -> list[str] | None:
    """Return what else a command upgrades with pip; None where it does not upgrade pip to any."""
    started = command.installer
    if started is None or started[0] != "pip" or not command.own:
        return None
    if any("get-pip" in each for each in command.texts):
        return None
    options, operands = parse_options(started[1])
    if operands[:1] != ["install"] or "pip" not in operands or "upgrade" not in options:
        return None
    if "requirement" in options or "constraint" in options:
        return None
    return [each for each in operands[1:] if each != "pip"]


def _needless(
    writing: Writing,
    stage: Stage,
    instruction: Instruction,
    script: Script,
    command: Command,
) -> Finding:
    others = _upgrades_pip(command)
    image = writing.image_of(stage)
    if others:
        behind = next(each.end for each in command.own if each.text == "install")
        word = next(each for each in command.own if each.text == "pip" and each.start > behind)
        text, fix = script.edited(script.removal(word)), "leave out pip"
    else:
        text, fix = script.without(command), "leave it out"
    is_certain = bool(others) or script.is_flat
    return writing.advise(
        "needless-pip-upgrade",
        instruction.line,
        f"the pip of {image.shown} takes every wheel that suits the image; without a version, "
        "the upgrade makes builds differ",
        fix,
        replacement=writing.rewriting(instruction, text) if is_certain else None,
    )


def check_layers(writing: Writing) -> Iterator[Finding]:
    """Find installs in several RUNs, one behind the other, that read the same files."""
    for stage in writing.shipped:
        every = [(each, _pure_install(writing, stage, each)) for each in stage.instructions]
        for _, run in groupby(every, key=lambda each: None if each[1] is None else each[0].flags):
            group = [(instruction, script) for instruction, script in run if script is not None]
            if len(group) > 1:
                yield _several(writing, group)


def _pure_install(writing: Writing, stage: Stage, instruction: Instruction) -> Script | None:
    """Return the commands of a RUN that installs, and does nothing else; None for others."""
    steps = writing.steps_at(stage, instruction)
    script = writing.script_of(instruction)
    if not steps or script is None or not script.is_plain:
        return None
    if not any(line for _, line in steps[0].copied):
        return None  # each of them may come from the cache of layers alone
    for command in script.commands:
        started = command.installer
        is_install = started is not None and {"install", "sync"} & set(started[1])
        if not is_install or _upgrades_pip(command) is not None:
            return None
    return script


def _several(writing: Writing, group: Sequence[tuple[Instruction, Script]]) -> Finding:
    (first, _), (last, _) = group[0], group[-1]
    lines = [str(each.line) for each, _ in group]
    return writing.advise(
        "split-install",
        first.line,
        f"lines {', '.join(lines[:-1])} and {lines[-1]} install in separate layers: what one "
        "replaces stays in the image",
        "install in one RUN",
        replacement=_in_one(writing, group, first, last),
    )


def _in_one(
    writing: Writing,
    group: Sequence[tuple[Instruction, Script]],
    first: Instruction,
    last: Instruction,
) -> Replacement | None:
    parts = [writing.text_of(first).rstrip()]
    for (before, _), (each, script) in pairwise(group):
        kept = writing.text_between(before.last_line + 1, each.line - 1)
        comments = [line for line in kept.split("\n") if line.strip()]
        parts[-1] += f" {script.escape}"
        parts += [*comments, f"    && {script.body.rstrip()}"]
    return writing.replacing(first.line, last.last_line, "\n".join(parts))
