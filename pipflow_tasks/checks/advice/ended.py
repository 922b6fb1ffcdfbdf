"""Base images whose Python, or whose release of a distribution, gets no more security fixes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ...target import lifetimes
from .written import is_official, minor_python

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from ...dockerfile import Stage
    from ...plan import Finding, Replacement
    from ...target import ImageName
    from .written import Writing

_TAG = re.compile(r"(?P<python>3\.[0-9]{1,2})(?:\.[0-9]{1,3})?(?P<rest>(?:-[a-z0-9.]+)*)")
_OWN = re.compile(r"(?:library/)?(?P<name>debian|ubuntu|alpine)")
_WITH_ARGUMENT = re.compile(
    r"(?P<before>[^$]*:[^$]*)\$(?:\{(?P<braced>\w+)\}|(?P<plain>\w+))(?P<after>[^$]*)"
)
_FIX = "take a newer one; then run `check`, which names the pins that have to move"


def check_ended(writing: Writing, today: date) -> Iterator[Finding]:
    """Find base images of the stages that install, and of the one that is run, that have ended."""
    build = writing.build
    indexes = {*(step.stage for step in build.steps if not step.path), build.last.index}
    bases = {index: build.dockerfile.base_of(index) for index in sorted(indexes)}
    for stage in dict.fromkeys(bases.values()):
        if not stage.path and stage.base != "scratch":
            yield from _check_base(writing, stage, today)


def _check_base(writing: Writing, stage: Stage, today: date) -> Iterator[Finding]:
    image = writing.image_of(stage)
    replacement = _newer(writing, stage, image, today)
    release = lifetimes.find_release(f"{image.path}:{image.tag}")
    python = minor_python(image)
    parts = [("ended-python", f"Python {python}", lifetimes.PYTHONS.get(python, "9999"))]
    parts = parts if is_official(image) else []
    parts += [] if release is None else [("ended-release", release.name, release.ends)]
    for code, name, ends in parts:
        if lifetimes.is_ended(ends, today):
            yield writing.advise(
                code,
                stage.line,
                f"{name} reached its end of life on {ends}: it gets no more security fixes",
                _FIX,
                replacement=replacement,
                severity="warning",
            )


def _newer(writing: Writing, stage: Stage, image: ImageName, today: date) -> Replacement | None:
    """Return the FROM with a tag that goes on; None where it is not known what there is."""
    own = [step for step in writing.build.steps if step.stage == stage.index]
    tag = "" if image.is_pinned or not image.tag else _newer_tag(image, today)
    if not tag or (_OWN.fullmatch(image.path) and not all(step.location for step in own)):
        return None  # pip of a newer distribution installs into a venv alone (PEP 668)
    line = writing.text_between(stage.line, stage.line)
    word = next((word for word in line.split()[1:] if not word.startswith("--")), "")
    if "$" in word:
        return _newer_argument(writing, word, image, tag)
    if line.count(f":{image.tag}") != 1:
        return None
    return writing.replacing(stage.line, stage.line, line.replace(f":{image.tag}", f":{tag}"))


def _newer_argument(writing: Writing, word: str, image: ImageName, tag: str) -> Replacement | None:
    """Return the ARG before the first FROM with a value that makes a word of FROM name a tag."""
    match = _WITH_ARGUMENT.fullmatch(word)
    first = writing.build.dockerfile.stages[0].line
    given = {name for name, _ in writing.build.recipe.build_args}
    name = "" if match is None else match["braced"] or match["plain"]
    if match is None or name in given:
        return None
    before, after = match["before"], match["after"]
    shown = before[: len(before) - len(before.rpartition(":")[2])] or f"{image.path}:"
    for number in range(writing.build.recipe.first_line, first):
        line = writing.text_between(number, number)
        argument = re.fullmatch(rf"(\s*ARG\s+{name}=)([\w.-]+)(\s*)", line, re.IGNORECASE)
        new = f"{shown}{tag}"
        if argument is not None and new.startswith(before) and new.endswith(after):
            value = new[len(before) : len(new) - len(after)]
            return writing.replacing(number, number, f"{argument[1]}{value}{argument[3]}")
    return None


def _newer_tag(image: ImageName, today: date) -> str:
    own = _OWN.fullmatch(image.path)
    release = lifetimes.find_release(f"{image.path}:{image.tag}")
    if own is not None and release is not None:
        rows = {"debian": lifetimes.DEBIANS, "alpine": lifetimes.ALPINES}.get(own["name"])
        rows = rows or {tag: ends for tag, (_, ends) in lifetimes.UBUNTUS.items()}
        is_slim = image.tag.endswith("-slim")
        return lifetimes.next_supported(rows, release.tag, today) + "-slim" * is_slim
    match = _TAG.fullmatch(image.tag)
    if match is None or not image.path.endswith("python") or not is_official(image):
        return ""
    python, words = match["python"], match["rest"].split("-")[1:]
    if lifetimes.is_ended(lifetimes.PYTHONS.get(python, "9999"), today):
        python = lifetimes.next_supported(lifetimes.PYTHONS, python, today)
    kept = [
        "alpine" if word.startswith("alpine") else word
        for word in words
        if word == "slim" or word.startswith("alpine") or _goes_on(word, today)
    ]
    known = {"slim", "alpine", *lifetimes.DEBIANS}
    return "-".join([python, *kept]) if set(kept) <= known else ""


def _goes_on(word: str, today: date) -> bool:
    ends = lifetimes.DEBIANS.get(word)
    return ends is None or not lifetimes.is_ended(ends, today)
