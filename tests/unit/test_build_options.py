"""The command line of the setting `build_command`, as far as it is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipflow_tasks.compose import Secret
from pipflow_tasks.environments.build_command import (
    named_places,
    read_build_options,
    with_options,
)
from pipflow_tasks.environments.recipe import Recipe


def test_reads_the_options_that_count() -> None:
    """Options are read in both their forms, whatever stands around them; the last stage counts."""
    options = read_build_options(
        [
            *("docker", "buildx", "build", "--progress", "plain", "--target", "one"),
            *("--build-arg", "A=1=2", "--build-arg=B", "--target=two", "-t", "name", "--load"),
            *("--secret", "id=token,src=token.txt", "--secret=id=key,env=KEY", "--secret", "x"),
            *("--platform", "linux/amd64,linux/arm64", "-fDockerfile.dev", "."),
        ]
    )

    assert options.build_args == (("A", "1=2"), ("B", None))
    assert options.secrets == (
        Secret(name="token", file="token.txt"),
        Secret(name="key", variable="KEY"),
    )
    assert options.stage == "two"
    assert options.platforms == ("linux/amd64", "linux/arm64")
    assert options.dockerfiles == ("Dockerfile.dev",)


def test_an_option_without_value_says_nothing() -> None:
    """What the program will refuse is not ours to refuse, and no option is guessed."""
    options = read_build_options(["make", "--target", "--secret", "--plat", "arm", "--platform"])

    assert (options.stage, options.secrets, options.platforms) == (None, (), ())


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("docker build -f a/Dockerfile a", ("a/Dockerfile", "a")),
        ("docker build --file=x --file y .", ("y", ".")),
        ("docker build --file {file} {context}", (None, "{context}")),
        ("buildah bud --layers", (None, None)),
        ("docker compose build -f x web", (None, None)),
        ("make image", (None, None)),
    ],
)
def test_places_that_a_command_names(words: str, named: tuple[str | None, str | None]) -> None:
    """The Dockerfile and the context are those behind the word `build`; compose has its own."""
    assert named_places(words.split()) == named


def test_arguments_of_the_command_line_count_before_those_of_a_service() -> None:
    """An argument is without value where neither has one, or the environment lacks the last."""
    recipe = Recipe(
        path="Dockerfile",
        text="",
        file=None,
        context=Path(),
        variables={},
        build_args=(("A", None), ("B", None), ("C", "old"), ("D", "kept")),
    )
    options = read_build_options(
        ["--build-arg", "A=given", "--build-arg", "C", "--build-arg", "E", "--build-arg", "F"]
    )

    found = with_options(recipe, options, Path(), {"C": "new", "F": "set"})

    assert found.build_args == (
        *(("A", "given"), ("B", None), ("C", "new"), ("D", "kept")),
        *(("E", None), ("F", "set")),
    )
