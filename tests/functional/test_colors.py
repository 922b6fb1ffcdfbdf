"""Colours: on a terminal alone, unless the environment or `--color` says otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from functional.terminal import on_terminal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from functional.temporary_project import TemporaryProject
    from loopback_index import LoopbackIndex

CODE = "\x1b["


@pytest.fixture(autouse=True)
def _fill(project: TemporaryProject, index: LoopbackIndex) -> None:
    index.add("lib", "1.0")
    index.add("lib", "2.0")
    project.requirements = "lib==1.0\n"


def printed_by(
    project: TemporaryProject, *words: str, environment: Mapping[str, str] | None = None
) -> str:
    """Return what `pipflow` prints on a terminal."""
    with on_terminal(project, *words, environment=environment) as terminal:
        terminal.finish()
    return terminal.printed


def test_terminal_has_colours(project: TemporaryProject) -> None:
    """On a terminal the word that a line begins with has a colour, and nothing else."""
    printed = printed_by(project, "outdated")
    assert f"{CODE}32mcan move{CODE}0m  lib 1.0 to 2.0" in printed
    refused = printed_by(project, "add", "--no-build", "lib")
    assert refused.startswith(f"{CODE}1;31merror:{CODE}0m `add` has no option")
    assert f"\n{CODE}1;36mhint:{CODE}0m did you mean" in refused
    assert f"{CODE}1mUsage:{CODE}0m pipflow COMMAND" in printed_by(project)


@pytest.mark.parametrize(
    ("environment", "words", "is_colored"),
    [
        ({"NO_COLOR": "1"}, (), False),
        ({"NO_COLOR": ""}, (), True),
        ({"TERM": "dumb"}, (), False),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, (), False),
        ({"NO_COLOR": "1"}, ("--color", "always"), True),
        ({}, ("--color=never",), False),
        ({"NO_COLOR": "1"}, ("--color=auto",), False),
    ],
    ids=str,
)
def test_colours_on_a_terminal(
    project: TemporaryProject,
    environment: dict[str, str],
    words: tuple[str, ...],
    is_colored: bool,
) -> None:
    """`--color` counts before the environment, and `NO_COLOR` before `FORCE_COLOR`."""
    printed = printed_by(project, "outdated", *words, environment=environment)
    assert (CODE in printed) is is_colored


@pytest.mark.parametrize(
    ("environment", "words", "is_colored"),
    [
        ({}, (), False),
        ({"FORCE_COLOR": "1"}, (), True),
        ({"FORCE_COLOR": "0"}, (), False),
        ({"FORCE_COLOR": "1"}, ("--color=never",), False),
        ({}, ("--color=always",), True),
        ({}, ("--color", "always", "--format", "json"), False),
        ({}, ("--color", "always", "--format", "markdown"), False),
    ],
    ids=str,
)
def test_colours_of_a_pipe(
    project: TemporaryProject,
    environment: dict[str, str],
    words: tuple[str, ...],
    is_colored: bool,
) -> None:
    """A pipe or a file has none, unless they are asked for; other formats have none at all."""
    for done in (
        project.pipflow("outdated", *words, environment=environment),
        project.pipflow(*words[:2], "outdated", *words[2:], environment=environment)
        if words[:1] == ("--color",)
        else project.invoke("deps.outdated", *words, environment=environment),
    ):
        assert done.status == 0
        assert (CODE in done.stdout) is is_colored


def test_text_from_outside_has_none(project: TemporaryProject) -> None:
    """What a file or an index says gets no colour of its own to the terminal."""
    project.requirements = "lib==1.0\nbad \x1b[31mline\n"
    done = project.pipflow("outdated", "--color=always")
    assert f"{CODE}1;33mwarning:{CODE}0m requirements.txt:2: not a valid line" in done.stderr
    assert f"{CODE}31mline" not in done.output


@pytest.mark.parametrize("words", [("--color", "sometimes"), ("--color=",), ("--color=ja",)])
def test_unknown_choice(project: TemporaryProject, words: tuple[str, ...]) -> None:
    """Another value is an error, in Invoke as well."""
    for done in (
        project.pipflow("outdated", *words),
        project.pipflow(*words, "outdated"),
        project.invoke("deps.outdated", *words) if words != ("--color=",) else None,
    ):
        if done is not None:
            assert (done.status, done.stdout) == (1, "")
            assert "hint: use one of auto, always, never" in done.stderr


@pytest.mark.parametrize("words", [("add", "nonsuch"), ("add", "lib==9"), ("lock", "--format=x")])
def test_errors_begin_with_their_word(project: TemporaryProject, words: tuple[str, ...]) -> None:
    """Each error is a line that begins with `error:`, and each hint one with `hint:`."""
    done = project.pipflow(*words)
    assert done.status == 1
    starts = [line.partition(":")[0] for line in done.stderr.splitlines() if line[0] != " "]
    assert starts == ["error", "hint"]


def test_hints_of_a_report(project: TemporaryProject) -> None:
    """A hint is a line of the report like others."""
    done = project.pipflow("add", "lib")
    assert "\nhint      lib is already listed, at 1.0 (requirements.txt:1)" in done.stdout
