"""Stages that make wheels or packages for another one, which does not use them or can't."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from ...dockerfile.image import join
from ...dockerfile.install import parse_options
from .written import is_official, minor_python

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ...dockerfile import InstallCommand, Instruction, Stage
    from ...plan import Finding, Replacement
    from .written import Writing

_PACKAGES = re.compile(r"/lib/python(?P<python>3\.[0-9]{1,2})(?:/(?:site|dist)-packages)?(?:/|$)")


def check_wheels(writing: Writing) -> Iterator[Finding]:
    """Find steps that ask the index for what a stage has made wheels of."""
    dockerfile = writing.build.dockerfile
    making = [step for step in dockerfile.steps if step.command == "wheel" and not step.path]
    for stage in writing.built:
        for instruction in stage.instructions:
            found = (
                finding
                for step in writing.steps_at(stage, instruction)
                for wheels in making
                for finding in _check_step(writing, instruction, step, wheels)
            )
            yield from [*found][:1]


def _check_step(
    writing: Writing, instruction: Instruction, step: InstallCommand, wheels: InstallCommand
) -> Iterator[Finding]:
    asks = step.command == "install" and step.sources and not step.options.no_index
    is_whole = set(step.sources) <= set(wheels.sources) and not step.packages
    if not asks or not is_whole or wheels.options.no_deps or wheels.stage == step.stage:
        return
    folder = _folder_of(writing, wheels)
    places = [
        placed
        for placed in step.content.files
        if placed.origin == wheels.stage and folder and placed.source == folder
    ]
    script = writing.script_of(instruction)
    if not places or script is None:
        return
    place = places[-1].target
    command = next((each for each in script.commands if _installs(each.texts)), None)
    if command is None:
        return
    word = next(each for each in command.own if each.text == "install")
    links = any(posixpath.normpath(each) == place for each in step.options.find_links)
    new = " --no-index" if links else f" --no-index --find-links={place}"
    text = script.edited((word.end, word.end, new))
    said = "asks the index, too" if links else "does not use them, and asks the index"
    yield writing.advise(
        "unused-wheels",
        instruction.line,
        f"line {wheels.line} makes wheels of the requirements, and this step {said}",
        f"write `{new.strip()}` behind `install`",
        replacement=writing.rewriting(instruction, text),
    )


def _installs(texts: list[str]) -> bool:
    return "install" in texts and ("-r" in texts or any(each.startswith("-r") for each in texts))


def _folder_of(writing: Writing, wheels: InstallCommand) -> str:
    """Return the folder that a step puts wheels into; empty: unknown."""
    stage = writing.build.dockerfile.stages[wheels.stage]
    for instruction, script in writing.runs_of(stage):
        for command in script.commands if instruction.line == wheels.line else ():
            started = command.installer
            if started is not None and "wheel" in started[1]:
                options, _ = parse_options(started[1])
                name = [".", *options.get("wheel-dir", ())][-1]
                return "" if "$" in name else join(wheels.content.directory, name)
    return ""


def check_copied(writing: Writing) -> Iterator[Finding]:
    """Find packages that are copied from a stage into one with another Python."""
    venvs = {stage.index: _venvs_of(writing, stage) for stage in writing.built}
    for stage in writing.built:
        image = writing.image_of(stage)
        for instruction in stage.instructions:
            other = _copied_python(writing, stage, instruction, venvs)
            own = minor_python(image) if is_official(image) else ""
            if other and own and other != own:
                yield writing.advise(
                    "copied-for-other-python",
                    instruction.line,
                    f"it copies packages of Python {other}, and the image has {own}: {own} does "
                    "not find them",
                    f"use Python {other} in both stages",
                    replacement=_with_python(writing, stage, own, other),
                    severity="warning",
                )
                break


def _copied_python(
    writing: Writing,
    stage: Stage,
    instruction: Instruction,
    venvs: Mapping[int, frozenset[str]],
) -> str:
    """Return the Python whose packages an instruction copies from a stage, if it does."""
    name = dict(instruction.flags).get("from")
    if instruction.keyword != "COPY" or name is None or instruction.json is not None:
        return ""
    *sources, target = instruction.arguments.split() or [""]
    origin = writing.build.dockerfile.stage_named(name)
    match = _PACKAGES.search(target)
    if match is not None and origin is not None:
        return match["python"]
    if origin is None or origin.index >= stage.index:
        return ""
    image = writing.image_of(origin)
    is_venv = not venvs.get(origin.index, frozenset()).isdisjoint(map(posixpath.normpath, sources))
    return minor_python(image) if is_venv and is_official(image) else ""


def _venvs_of(writing: Writing, stage: Stage) -> frozenset[str]:
    """Return the folders where a stage makes venvs with the Python of its base image."""
    made = (
        command.texts
        for each in writing.build.dockerfile.chain_of(stage.index)
        for _, script in writing.runs_of(each)
        for command in script.commands
    )
    makers = (["python", "-m", "venv"], ["python3", "-m", "venv"])
    return frozenset(posixpath.normpath(texts[-1]) for texts in made if texts[:3] in makers)


def _with_python(writing: Writing, stage: Stage, own: str, other: str) -> Replacement | None:
    """Return the FROM of a stage with another Python; None where the tag says more than that."""
    base = writing.build.dockerfile.base_of(stage.index)
    line = writing.text_between(base.line, base.line)
    tag = re.compile(rf":{re.escape(own)}(?=[\s-]|$)")
    if base.path or base.index != stage.index or len(tag.findall(line)) != 1:
        return None
    return writing.replacing(base.line, base.line, tag.sub(f":{other}", line))
