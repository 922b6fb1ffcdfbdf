"""Compose files: a folder of files with their expected readings, and what holds for any text."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from pipflow_tasks.compose import BuildSection, ComposeFile, Service, read_dotenv
from pipflow_tasks.errors import ComposeError

CASES = Path(__file__).parents[1] / "data" / "compose"
FRAGMENTS = [
    "services:\n", "  web:\n", "    build: .\n", "    build:\n", "      args:\n", "        - A=1\n",
    "        B: $B\n", "    <<: *a\n", "    extends: web\n", "x: &a\n", "*a", "!reset ",
    "!override ", "${B", ":-", "}", "$", "$$", "[", "]", "{", "}", ": ", "- ", "\n", "    ",
    "!!int x", "!!bool x", "!!timestamp y\n", "|\n", "'", "\"", "? ", "---\n", "%", "\t", "\u0000",
    "name: a\n", "null",
]  # fmt: skip


def changed(value: Any) -> Any:
    """Give the public fields of a value that differ from their defaults, as JSON has them."""
    if isinstance(value, tuple):
        return [changed(item) for item in value]
    if not isinstance(value, Struct):
        return value
    # the last ones have the defaults
    names = reversed(value.__struct_fields__)
    defaults = dict(zip(names, reversed(value.__struct_defaults__), strict=False))
    return {
        name: changed(getattr(value, name))
        for name in value.__struct_fields__
        if not name.startswith("_")
        and (name not in defaults or getattr(value, name) != defaults[name])
    }


def reading_of(texts: dict[str, str], environment: dict[str, str]) -> Any:
    """Give what a case file holds under ``expected``."""
    try:
        compose = ComposeFile.from_texts(texts.items(), environment=environment)
    except ComposeError as error:
        return {"error": changed_error(error)}
    return changed(compose)


def changed_error(error: ComposeError) -> dict[str, Any]:
    """Give the parts of an error."""
    return {
        "path": error.path,
        "line": error.line,
        "message": error.message,
        "hint": error.hint,
    }


def refusal(text: str) -> ComposeError | None:
    """Give the error that a text is refused with, or None."""
    try:
        ComposeFile.from_texts([("compose.yaml", text)] * 2, environment={"B": "b"})
    except ComposeError as error:
        return error
    return None


@pytest.mark.parametrize("ending", ["\n", "\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("name", sorted(path.stem for path in CASES.glob("*.json")))
def test_reads_as_expected(name: str, ending: str) -> None:
    """Every compose file of the folder reads as its JSON file says, with either line ending."""
    case = json.loads((CASES / f"{name}.json").read_text("utf-8"))
    texts = {
        path.name: path.read_bytes().decode("utf-8").replace("\n", ending)
        for path in sorted(CASES.glob(f"{name}.*"), key=lambda path: (len(path.name), path.name))
        if path.suffix == ".yaml"
    }

    actual = reading_of(texts, case.get("environment", {}))

    assert case["expected"] == actual


COMPOSE = """\
services:
  web:
    build: ./web
  worker:
    build: ./worker
    profiles: [batch]
  db:
    image: postgres:16
"""


def test_buildable_gives_what_has_a_build() -> None:
    """Services that are built are given, behind profiles too, or the one that is named."""
    compose = ComposeFile.from_texts([("compose.yaml", COMPOSE)], environment={})

    web = Service(name="web", line=2, build=BuildSection(context="./web"))
    worker = Service(
        name="worker", line=4, build=BuildSection(context="./worker"), profiles=("batch",)
    )
    assert (web, worker) == compose.buildable()
    assert (worker,) == compose.buildable(["worker"])


@pytest.mark.parametrize(
    ("service", "said"),
    [
        ("api", "compose.yaml: there is no service `api`"),
        ("db", "compose.yaml:7: the service `db` has no `build`"),
    ],
)
def test_what_is_not_built_is_refused(service: str, said: str) -> None:
    """A service that does not exist or has no build is an error that lists the others."""
    compose = ComposeFile.from_texts([("compose.yaml", COMPOSE)], environment={})

    with pytest.raises(ComposeError) as caught:
        compose.buildable([service])

    assert f"{said}\nhint: set `service` to one that is built: web, worker" == str(caught.value)


def test_aliases_cost_what_is_written() -> None:
    """Aliases of aliases are read once each, however many values they stand for."""
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60)]

    compose = ComposeFile.from_texts([("compose.yaml", "\n".join(lines))], environment={})

    assert compose.services == ()


@pytest.mark.no_cover
@pytest.mark.parametrize(
    "text",
    ["a: &a [*a]", "a: &a\n  <<: *a", "[" * 5000, "a: {" * 5000],
    ids=["itself", "merged with itself", "lists", "maps"],
)
def test_endless_nesting_is_refused(text: str) -> None:
    """A value that holds itself, or nests without measure, is an error."""
    with pytest.raises(ComposeError):
        ComposeFile.from_texts([("compose.yaml", text)], environment={})


@given(st.one_of(st.text(), st.lists(st.sampled_from(FRAGMENTS)).map("".join)))
def test_any_text_is_read_or_refused(text: str) -> None:
    """The reader raises nothing but ComposeError, whatever it is given."""
    error = refusal(text)

    assert error is None or error.path == "compose.yaml"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A=1\r\n\n# B=2\nexport C = 3\n", {"A": "1", "C": "3"}),
        ("A=it's #no\nB=a#b\nC=#\nD=", {"A": "it's", "B": "a#b", "C": "", "D": ""}),
        ('A="x \\"y\\" # z"  # c\nB=\'$A \\n\'', {"A": 'x "y" # z', "B": "$A \\n"}),
        ('A="one\ntwo\\nthree"\nB=4', {"A": "one\ntwo\nthree", "B": "4"}),
        ("A=1\nB=${A}2$A\nC=${NOT:-${B}}$NOT$5$", {"A": "1", "B": "121", "C": "121$5$"}),
        ("A=$GIVEN\nGIVEN=file", {"A": "process", "GIVEN": "file"}),
        ("nonsense\n=1\n1A=2\n\ufeff", {}),
        ("\ufeffA=1", {"A": "1"}),
        ('A="open\nB=1', {"A": '"open', "B": "1"}),
    ],
)
def test_dotenv(text: str, expected: dict[str, str]) -> None:
    """Assignments of an `.env` file are read as compose reads them, the rest is passed over."""
    assert read_dotenv(text, {"GIVEN": "process"}) == expected


@given(st.text(st.sampled_from("AB=\"'$#{}:-\\\n\r x"), max_size=40))
def test_dotenv_of_any_text(text: str) -> None:
    """No text is refused, and a value of single quotes is kept as it is."""
    read_dotenv(text, {})
    plain = text.replace("'", "")
    assert read_dotenv(f"A='{plain}'", {})["A"] == plain
