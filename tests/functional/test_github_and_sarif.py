"""Reports for programs that show files: annotations of GitHub Actions, and SARIF."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest
from functional.temporary_project import ENGINE, NO_ADVICE, TemporaryProject
from jsonschema import Draft202012Validator
from loopback_index import LoopbackIndex

from pipflow_tasks.plan import FINDING_CODES

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND = re.compile(r"::(error|warning|notice) ((?:[a-z]+=[^,:]*,?)*)::(.*)")
"""A workflow command, as the runner of GitHub Actions reads it."""


@pytest.fixture(autouse=True)
def _without_advice(project: TemporaryProject) -> None:
    project.environment |= NO_ADVICE


def commands(text: str) -> Iterator[tuple[str, dict[str, str], str]]:
    """Yield the kind, the properties and the message of each line."""
    for line in text.splitlines():
        found = COMMAND.fullmatch(line)
        assert found is not None, line
        pairs = (pair.partition("=") for pair in found[2].split(","))
        properties = {key: _unescaped(value) for key, _, value in pairs}
        yield found[1], properties, _unescaped(found[3])


def _unescaped(value: str) -> str:
    return re.sub("%(0D|0A|25|3A|2C)", lambda found: chr(int(found[1], 16)), value)


def annotated(project: TemporaryProject, *words: str) -> list[tuple[str, dict[str, str], str]]:
    done = project.pipflow(*words, "--format", "github")
    return [*commands(done.stdout)]


def test_findings_are_at_their_lines(project: TemporaryProject, index: LoopbackIndex) -> None:
    """Each finding of `check` is an annotation at its file and line; errors come first."""
    index.add("flask", "1.0", yanked="")
    index.add("redis", "4.0")
    project.requirements = "flask==1.0\nredis\ngit+\n"
    done = project.pipflow("check", "--format", "github")
    assert done.status == 1
    found = [*commands(done.stdout)]
    assert [(kind, values.get("line"), values["title"]) for kind, values, _ in found[:3]] == [
        ("error", "3", "invalid-line"),
        ("warning", "1", "yanked"),
        ("warning", "2", "unpinned"),
    ]
    assert all(values["file"] == "requirements.txt" for _, values, _ in found[:3])
    assert found[2][2].endswith("\nfix: `pin redis` pins it")
    assert found[-1] == ("notice", {"title": "check"}, "1 error and 2 warnings")


def test_changes_are_at_their_lines(project: TemporaryProject, index: LoopbackIndex) -> None:
    """What moves is a notice at its line, what is held a notice; the last says what was done."""
    project.stand_in("docker", ENGINE)
    project.write("invoke.yaml", "pipflow:\n  platform: linux/amd64\n")
    index.add("flask", "1.0")
    index.add("flask", "1.1")
    index.add("redis", "4.0")
    index.add("redis", "5.0", requires_python=">=3.12")
    project.requirements = "# web\nflask==1.0\nredis==4.0\n"
    assert annotated(project, "upgrade-all") == [
        (
            "notice",
            {"file": "requirements.txt", "line": "2", "title": "flask 1.1"},
            "moved flask 1.0 to 1.1 (minor)",
        ),
        (
            "notice",
            {"title": "held"},
            "redis at 4.0: 5.0 needs Python >=3.12, the image has 3.9 (Dockerfile:1)",
        ),
        ("notice", {"title": "upgrade-all"}, "1 package moved. The image was built"),
    ]
    last = annotated(project, "remove", "flask", "--dry-run")[-2:]
    assert [values.get("line") for _, values, _ in last] == [None, None]
    assert last[1][2] == "1 package to remove. The image would be built"


def test_what_can_move_has_not_moved(project: TemporaryProject, index: LoopbackIndex) -> None:
    """``outdated`` says what can move, and a dry run what is to move."""
    index.add("lib", "1.0")
    index.add("lib", "2.0")
    project.requirements = "lib==1.0\n"
    done = project.invoke("deps.outdated", "--format", "github")
    assert "::can move lib 1.0 to 2.0 (major)" in done.stdout
    done = project.invoke("deps.upgrade-all", "--dry-run", "--format", "github")
    assert "::to move lib 1.0 to 2.0 (major)" in done.stdout


def test_error_is_an_annotation(project: TemporaryProject, index: LoopbackIndex) -> None:
    """What ended a command is an error at its line, with reasons and a hint."""
    project.requirements = "-r none.txt\n"
    ((kind, values, text),) = annotated(project, "upgrade-all")
    assert (kind, values["file"], values["line"]) == ("error", "requirements.txt", "1")
    assert values["title"].startswith("upgrade-all: ")
    index.add("flask", "1.0", requires_dist=["redis<4"])
    index.add("redis", "4.0")
    project.requirements = "redis==4.0\n"
    ((kind, values, text),) = annotated(project, "add", "flask")
    assert (kind, values) == ("error", {"title": "add: conflict"})
    assert "\nflask 1.0 needs redis<4" in text
    assert "\nhint: " in text


def test_nothing_escapes(project: TemporaryProject, index: LoopbackIndex) -> None:
    """Text of an index, of a file, or of a name is in the message, and is no command of its own."""
    evil = "100%\n::error::x\r%0A##[add-path]y\x1b"
    index.add("flask", "1.0", yanked=evil)
    name = "a:b%0A.txt"
    project.write(name, "flask==1.0\n# ::error::x\n")
    project.write("invoke.yaml", 'pipflow:\n  python: "3.9"\n')
    found = annotated(project, "check", "--file", name)
    (yanked,) = [text for _, values, text in found if values["title"] == "yanked"]
    assert "was yanked: 100%\\n::error::x" in yanked
    assert any(values.get("file") == name for _, values, _ in found)


def test_files_are_named_from_the_repository(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """Below the repository's folder, files are named as the repository has them."""
    index.add("flask", "1.0")
    (project.folder / ".git").mkdir()
    (project.folder / "api" / "src").mkdir(parents=True)
    project.write("api/requirements.txt", "flask\n")
    project.write("api/Dockerfile", "FROM python:3.9\nRUN pip install -r requirements.txt\n")
    for within in ("api", "api/src"):
        done = project.pipflow("check", "--offline", "--format=github", within=within)
        files = {values["file"] for _, values, _ in commands(done.stdout) if "file" in values}
        assert "api/requirements.txt" in files
        assert {file.partition("/")[0] for file in files} == {"api"}
        sarif = read_sarif(project.pipflow("check", "--format=sarif", within=within).stdout)
        assert "api/requirements.txt" in {place["uri"] for place in places_of(sarif)}


REGION = {
    "type": "object",
    "properties": {"startLine": {"type": "integer", "minimum": 1}},
    "required": ["startLine"],
    "additionalProperties": False,
}
MESSAGE = {
    "type": "object",
    "properties": {"text": {"type": "string", "minLength": 1}},
    "required": ["text"],
    "additionalProperties": False,
}
LOCATION = {
    "type": "object",
    "properties": {
        "physicalLocation": {
            "type": "object",
            "properties": {
                "artifactLocation": {
                    "type": "object",
                    "properties": {
                        "uri": {"type": "string", "pattern": "^[^/\\\\: ][^\\\\: ]*$"},
                        "uriBaseId": {"const": "%SRCROOT%"},
                    },
                    "required": ["uri", "uriBaseId"],
                },
                "region": REGION,
            },
            "required": ["artifactLocation", "region"],
        }
    },
    "required": ["physicalLocation"],
}
RESULT = {
    "type": "object",
    "properties": {
        "ruleId": {"enum": [*FINDING_CODES]},
        "ruleIndex": {"type": "integer", "minimum": 0},
        "level": {"enum": ["none", "note", "warning", "error"]},
        "message": MESSAGE,
        "locations": {"type": "array", "items": LOCATION, "minItems": 1},
    },
    "required": ["ruleId", "ruleIndex", "level", "message", "locations"],
    "additionalProperties": False,
}
RULE = {
    "type": "object",
    "properties": {"id": {"enum": [*FINDING_CODES]}, "shortDescription": MESSAGE},
    "required": ["id", "shortDescription"],
}
SARIF = {
    "type": "object",
    "properties": {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "minItems": 1,
            "maxItems": 1,
            "items": {
                "type": "object",
                "properties": {
                    "tool": {
                        "type": "object",
                        "properties": {
                            "driver": {
                                "type": "object",
                                "properties": {
                                    "name": {"const": "pipflow"},
                                    "version": {"type": "string"},
                                    "rules": {
                                        "type": "array",
                                        "items": RULE,
                                        "uniqueItems": True,
                                    },
                                },
                                "required": ["name", "version", "rules"],
                            }
                        },
                        "required": ["driver"],
                    },
                    "results": {"type": "array", "items": RESULT},
                },
                "required": ["tool", "results", "invocations"],
            },
        },
    },
    "required": ["version", "runs"],
}
"""What of SARIF 2.1.0, and of what code scanning asks for, a report has."""


def read_sarif(text: str) -> dict[str, Any]:
    report = json.loads(text)
    Draft202012Validator(SARIF).validate(report)
    assert isinstance(report, dict)
    (run,) = report["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
    return run  # type: ignore[no-any-return]


def places_of(run: dict[str, Any]) -> Iterator[dict[str, str]]:
    for result in run["results"]:
        (location,) = result["locations"]
        yield location["physicalLocation"]["artifactLocation"]


def test_sarif(project: TemporaryProject, index: LoopbackIndex) -> None:
    """Each finding is a result with its rule, level, message, file and line."""
    index.add("flask", "1.0", yanked="see [a](https://evil.example)")
    index.add("redis", "4.0")
    project.requirements = "flask==1.0\nredis\ngit+\nredis\n"
    done = project.pipflow("check", "--format", "sarif")
    assert done.status == 1
    run = read_sarif(done.stdout)
    found = [
        (result["ruleId"], result["level"], line_of(result), result["message"]["text"])
        for result in run["results"]
    ]
    assert [each[:3] for each in found] == [
        ("invalid-line", "error", 3),
        ("yanked", "warning", 1),
        ("unpinned", "warning", 2),
        ("repeated", "warning", 4),
    ]
    assert "](" not in found[1][3]
    assert found[2][3].endswith("\nfix: `pin redis` pins it")
    assert run["invocations"][0]["executionSuccessful"] is True


def line_of(result: dict[str, Any]) -> int:
    line = result["locations"][0]["physicalLocation"]["region"]["startLine"]
    assert isinstance(line, int)
    return line


def test_sarif_of_names_and_places(project: TemporaryProject) -> None:
    """An address of a file is escaped; a finding without a line is at the first one."""
    project.write("invoke.yaml", 'pipflow:\n  python: "3.9"\n  file: "a b#c.txt"\n')
    run = read_sarif(project.pipflow("check", "--offline", "--format", "sarif").stdout)
    assert "a b#c.txt" in {unquote(place["uri"]) for place in places_of(run)}
    (missing,) = [each for each in run["results"] if each["ruleId"] == "missing-file"]
    assert line_of(missing) == 1


def test_sarif_of_a_failure(project: TemporaryProject) -> None:
    """What ended the command is a notification; there are no results."""
    project.write("invoke.yaml", "pipflow:\n  timeout_seconds: never\n")
    done = project.pipflow("check", "--format", "sarif")
    run = read_sarif(done.stdout)
    (invocation,) = run["invocations"]
    assert (done.status, invocation["executionSuccessful"], run["results"]) == (1, False, [])
    assert invocation["toolExecutionNotifications"][0]["level"] == "error"


@pytest.mark.parametrize("task", ["add", "outdated", "rebuild"])
def test_only_check_has_sarif(project: TemporaryProject, task: str) -> None:
    """Another command refuses that format before it does anything, and names those that it has."""
    words = ["flask"] if task == "add" else []
    done = project.pipflow(task, *words, "--format", "sarif")
    assert (done.status, done.stdout) == (1, "")
    assert "only `check` has reports as sarif" in done.stderr
    assert "use one of text, json, markdown, github\n" in done.stderr
