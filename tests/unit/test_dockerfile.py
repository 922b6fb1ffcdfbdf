"""Dockerfiles: a folder of files with their expected readings, and what holds for any text."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import asdict

from pipflow_tasks.dockerfile import Dockerfile, InstallCommand, InstallOptions
from pipflow_tasks.errors import DockerfileError

CASES = Path(__file__).parents[1] / "data" / "dockerfiles"
FRAGMENTS = [
    "FROM python:3.9 AS a\n", "FROM $B\n", "ARG B=x\n", "ARG B\n", "RUN ", "COPY ", "ADD ", "ENV ",
    "ONBUILD ", "WORKDIR ", "--mount=", "--from=a ", "type=bind,", "pip install ", "-r ",
    "python -m ", "uv pip sync ", "bash -c ", "cd ", "<<EOF", "<<-'EOF'", "EOF\n", "\\\n", "\n",
    "# escape=`\n", "#", "$B", "${B:-", "${B%", "${B/", "}", "$(", "`", ")", "(", "'", "\"", "[",
    "[\"a\"]", "*", ">", "/", ".", "..", " ", "&&", ";", "requirements.txt", "\r", "\t", "\ufeff",
    "\\",
]  # fmt: skip


def changed(value: Any) -> dict[str, Any]:
    """Give the fields of a value that differ from their defaults, as JSON has them."""
    # the last ones have the defaults
    names = reversed(value.__struct_fields__)
    defaults = dict(zip(names, reversed(value.__struct_defaults__), strict=False))
    given = {
        name: each
        for name, each in asdict(value).items()
        if name not in defaults or each != defaults[name]
    }
    if isinstance(value, InstallCommand) and "options" in given:
        given["options"] = changed(value.options)
    if isinstance(value, InstallCommand) and "python" in given:
        given["python"] = changed(value.python)
    if isinstance(value, InstallCommand):
        given.pop("content", None)  # shown by the paths that `check` finds
        for name in {"configuration", "misplaced"} & given.keys():
            given[name] = [changed(file) for file in given[name]]
    return given


def reading_of(text: str, given: dict[str, Any]) -> Any:
    """Give what a case file holds under ``expected``."""
    try:
        dockerfile = Dockerfile.from_text(text, **given)
        dockerfile.require_known()
    except DockerfileError as error:
        return {"error": {"message": error.message, "line": error.line, "hint": error.hint}}
    stages = [
        {
            **{
                key: value
                for key, value in asdict(stage).items()
                if key not in {"index", "path", "file"}
            },
            "instructions": [f"{found.line} {found.keyword}" for found in stage.instructions],
        }
        for stage in dockerfile.stages
    ]
    steps = [changed(step) for step in dockerfile.steps]
    return json.loads(json.dumps({"stages": stages, "steps": steps}))


def refusal(text: str) -> DockerfileError | None:
    """Give the error that a text is refused with, or None."""
    try:
        hash(Dockerfile.from_text(text, platform="linux/amd64"))
    except DockerfileError as error:
        return error
    return None


@pytest.mark.parametrize("ending", ["\n", "\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("name", sorted(path.stem for path in CASES.glob("*.json")))
def test_reads_as_expected(name: str, ending: str) -> None:
    """Every Dockerfile of the folder reads as its JSON file says, with either line ending."""
    case = json.loads((CASES / f"{name}.json").read_text("utf-8"))
    text = (CASES / f"{name}.Dockerfile").read_bytes().decode("utf-8")

    actual = reading_of(text.replace("\n", ending), case.get("given", {}))

    assert case["expected"] == actual


def test_instruction_holds_all_parts() -> None:
    """An instruction has its flags, arguments, exec form and heredocs apart."""
    text = (
        "FROM scratch\n"
        'COPY --from=a --link ["x y", "/z"]\n'
        'RUN --mount="type=cache,target=/c d" <<A <<-"B C" \\\n'
        "  sh\n"
        "one $X\nA\n"
        "\ttwo\n\tB C\n"
        "ONBUILD ADD x y\n"
    )

    copy, run, onbuild = Dockerfile.from_text(text).stages[0].instructions

    assert copy.flags == (("from", "a"), ("link", ""))
    assert copy.json == ("x y", "/z")
    assert run.flags == (("mount", "type=cache,target=/c d"),)
    assert run.arguments == '<<A <<-"B C"   sh'
    assert None is run.json
    assert [(found.name, found.body) for found in run.heredocs] == [
        ("A", "one $X\n"),
        ("B C", "two\n"),
    ]
    assert onbuild.trigger is not None
    assert (
        onbuild.trigger.keyword,
        onbuild.trigger.arguments,
        onbuild.trigger.line,
    ) == ("ADD", "x y", 9)


def test_possible_source_counts() -> None:
    """A file that a copied folder may hold is found under both names."""
    dockerfile = Dockerfile.from_text(
        "FROM python:3.9\nCOPY docker/requirements.txt /\nCOPY . /\n"
        "RUN pip install -r /requirements.txt\n"
    )

    (step,) = dockerfile.steps
    assert {*step.sources, *step.possible} == {"requirements.txt", "docker/requirements.txt"}


def test_stages_are_found_by_name_and_index() -> None:
    """A stage is found by its name in any case or by its index, and its root by its parents."""
    dockerfile = Dockerfile.from_text("FROM alpine AS One\nFROM one AS two\nFROM two\n")

    assert dockerfile.stages[0] == dockerfile.stage_named("ONE")
    assert dockerfile.stages[2] == dockerfile.stage_named("2")
    assert None is dockerfile.stage_named("3")
    assert None is dockerfile.stage_named("three")
    assert dockerfile.stages[0] == dockerfile.base_of(2)


def test_unknown_base_is_kept() -> None:
    """A variable without value is kept in the base, the steps are read, and there is an error."""
    dockerfile = Dockerfile.from_text("FROM python:$TAG\nCOPY r.txt /\nRUN pip install -r /r.txt\n")

    with pytest.raises(DockerfileError, match="FROM needs the variable `TAG`"):
        dockerfile.require_known()
    assert dockerfile.stages[0].base == "python:${TAG}"
    assert [step.sources for step in dockerfile.steps] == [("r.txt",)]


def test_default_options_are_no_options() -> None:
    """A step without options has the default ones."""
    dockerfile = Dockerfile.from_text("FROM python:3.9\nRUN pip install -r /r.txt\n")

    assert [InstallOptions()] == [step.options for step in dockerfile.steps]


@pytest.mark.parametrize(
    "text",
    [
        "FROM ${A:-" * 2000,
        "FROM a\nRUN " + "$(" * 5000,
        'FROM a\nENV X=\'bash -c "$X"\'\nRUN bash -c "$X"\n',
        "FROM a\nCOPY " + "[" * 20000,
        "FROM a\nRUN " + "sh -c '" * 500,
        "FROM a AS b\n" + "FROM b AS b\n" * 1500 + "COPY --from=b a b\n",
    ],
)
def test_deep_nesting_is_no_crash(text: str) -> None:
    """Text that nests or repeats without measure is read, or refused with an error."""
    error = refusal(text)

    assert error is None or error.path == "Dockerfile"


@given(st.one_of(st.text(), st.lists(st.sampled_from(FRAGMENTS)).map("".join)))
def test_any_text_is_read_or_refused(text: str) -> None:
    """The reader raises nothing but DockerfileError, whatever it is given."""
    for prefix in ("", "FROM python:3.9\n", "FROM python:3.9\nCOPY . .\nRUN "):
        error = refusal(prefix + text)

        assert error is None or error.path == "Dockerfile"


@pytest.mark.parametrize(
    ("stage", "needed"), [(0, {0}), (1, {1}), (2, {0, 2}), (3, {0, 1, 2, 3}), (4, {0, 4}), (5, {5})]
)
def test_stages_that_a_stage_needs(stage: int, needed: set[int]) -> None:
    """A stage needs its base, what it copies from or mounts, and what those need."""
    dockerfile = Dockerfile.from_text(
        "FROM python:3.9 AS one\n"
        "FROM node:20 AS two\n"
        "FROM one AS three\n"
        "FROM python:3.10\nCOPY --from=three /a /a\nCOPY --from=1 /b /b\n"
        "FROM python:3.11\nRUN --mount=type=bind,from=one,target=/a true\nCOPY --from=later / /\n"
        "FROM python:3.12 AS later\nCOPY --from=example/image:1 /c /c\n"
    )

    assert dockerfile.needed_by(stage) == needed
