"""Drawn indexes, projects and commands: no traceback, valid reports, nothing changed by a failure.

A dozen of them; with PIPFLOW_NIGHTLY=1, six hundred.
"""

from __future__ import annotations

import os
from random import Random
from typing import TYPE_CHECKING

import pytest
from functional.temporary_project import ENGINE, dockerfile

if TYPE_CHECKING:
    from functional.temporary_project import TemporaryProject
    from loopback_index import LoopbackIndex

COUNT = 600 if os.environ.get("PIPFLOW_NIGHTLY") == "1" else 12
COMMANDS = 6
LETTERS = "abcdef"
VERSIONS = ("0.9", "1.0", "1.1", "2.0", "2.1rc1", "3.0", "3.0.post1")
SPECIFIERS = ("", ">=2", "<3", "<2", "==2.0", "~=1.0", "!=1.0")
MARKERS = (
    *("", "", "; python_version < '3.10'", "; python_full_version >= '3.11.5'"),
    *("; extra == 'x'", "; sys_platform == 'win32'"),
)
PYTHONS = (None, None, None, ">=3.9", ">=3.12", "<3.11", ">=3.6.*", "bogus")
IMAGES = ("3.8", "3.9", "3.11", "3.12", "3.13", "3.13.0")
TAGS = (
    *[("py3-none-any",)] * 4,
    ("cp311-cp311-manylinux2014_x86_64",),
    ("cp38-cp38-manylinux2014_x86_64", "cp313-cp313-musllinux_1_2_x86_64"),
)
PINS = ("==1.0", "==1.0", "==2.0", "==0.9", "", ">=1", "[x]==1.0", "[x]", "===1.0", "==1.*", "==9")
BEHIND = (
    *("", "", " ; python_version < '3.10'", " ; sys_platform == 'linux'"),
    *("  # pipflow: <2", "  # pipflow: hold", "  # a note", "  # via b"),
)
OTHER_LINES = ("--pre", "--no-binary a", "--only-binary :all:", "-e .", "./x", "junk junk")
SETTINGS = ("cooldown_days: 7", "platform: 'linux/amd64,linux/arm64'", "codes: 'yanked=ignore'")
READING = ("outdated", "outdated --pre", "check", "check --explain", "why a", "why-not b==2.0")
CHANGING = (
    *(
        "upgrade-all",
        "upgrade-all --level minor",
        "upgrade-all --pin --pre",
        "upgrade-all --only a",
    ),
    *("upgrade-all --max-growth 1kB", "upgrade a", "upgrade a==2.0", "upgrade b<2 c", "pin"),
    *("lock", "lock", "unlock", "adopt", "add a", "add b[x] c", "add c<2", "add d --with-upgrades"),
    *("add e --pre", "add f;python_version<'3.10'", "add a --no-resolve", "remove b"),
)
FORMATS: tuple[tuple[str, ...], ...] = ((), ("--format", "json"), ("--format", "markdown"))
WAYS: tuple[tuple[str, ...], ...] = ((), ("--dry-run",), ("--no-rebuild",))


@pytest.mark.parametrize("seed", range(COUNT))
def test_drawn_commands(project: TemporaryProject, index: LoopbackIndex, seed: int) -> None:
    """Six commands in turn, each as text or JSON, with or without a build."""
    drawn = Random(seed)
    fill(index, drawn)
    write(project, drawn)
    project.stand_in("docker", {**ENGINE, "compose": 0, "image": 1})
    for _ in range(COMMANDS):
        command = drawn.choice((*READING, *CHANGING))
        options = drawn.choice(FORMATS)
        if command in CHANGING:
            options += drawn.choice(WAYS)
        before = project.contents()
        done = project.pipflow(*command.split(), *options)
        told = f"{command} {' '.join(options)}: {done.output}"
        assert "Traceback" not in done.output, told
        assert done.status in {0, 1}, told
        assert done.status == 0 or "error" in done.output, told
        if command in READING or "--dry-run" in options or done.status:
            assert project.contents() == before, told


def fill(index: LoopbackIndex, drawn: Random) -> None:
    """Add releases of all kinds."""
    for letter in LETTERS:
        for version in drawn.sample(VERSIONS, drawn.randint(1, 6)):
            has_wheel = drawn.random() < 0.85
            invalid = [drawn.choice(("a (>=1.5.*)", "b ===", "???"))] * (drawn.random() < 0.12)
            index.add(
                letter,
                version,
                requires_dist=[*needs_of(letter, drawn), *invalid],
                requires_python=drawn.choice(PYTHONS),
                wheel=has_wheel,
                metadata=drawn.random() < 0.9,
                sdist=drawn.choice((has_wheel is False, True, "dynamic", "noted")),
                yanked=drawn.choice((*[None] * 6, "broken")),
                upload_time=drawn.choice((*["2021-05-21T00:00:00Z"] * 5, None)),
                tags=drawn.choice(TAGS),
            )


def needs_of(letter: str, drawn: Random) -> list[str]:
    """Return what a release needs of the others."""
    others = [each for each in LETTERS if each != letter]
    return [
        f"{other}{drawn.choice(('', '[x]'))}{drawn.choice(SPECIFIERS)}{drawn.choice(MARKERS)}"
        for other in drawn.sample(others, drawn.choice((0, 0, 1, 1, 2)))
    ]


def write(project: TemporaryProject, drawn: Random) -> None:
    """Write a project of up to three images that install one file, which may read another."""
    lines = [drawn.choice(LETTERS) + drawn.choice(PINS) + drawn.choice(BEHIND) for _ in range(8)]
    first, more = lines[: drawn.randint(0, 6)], lines[6:]
    if drawn.random() < 0.5:
        project.write("more.txt", "\n".join([*more, ""]))
        first.insert(0, drawn.choice(("-r more.txt", "-c more.txt")))
    if drawn.random() < 0.1:
        first.append(drawn.choice(OTHER_LINES))
    project.requirements = "\n".join([*first, ""])
    if drawn.random() < 0.2:
        project.write("invoke.yaml", f"pipflow: {{{drawn.choice(SETTINGS)}}}\n")
    images = drawn.sample(IMAGES, drawn.choice((1, 1, 2, 3)))
    project.write("Dockerfile", dockerfile(images[0]))
    services = ["services:\n"]
    for image in images:
        project.write(f"{image}.Dockerfile", dockerfile(image))
        build = f"{{context: ., dockerfile: {image}.Dockerfile}}"
        services.append(f"  python-{image.replace('.', '-')}: {{build: {build}}}\n")
    if len(images) > 1:
        project.write("compose.yaml", "".join(services))
