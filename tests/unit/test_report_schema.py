"""The schema of JSON reports that the package ships."""

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import ValidationError
from packaging.version import Version
from report_schema import check_printed, require_valid

from pipflow_tasks import report_schema
from pipflow_tasks.plan import FINDING_CODES, Change, Outcome, Plan
from pipflow_tasks.report import write_report


def test_schema_knows_every_code() -> None:
    """The codes of findings are those that the code has."""
    assert report_schema()["$defs"]["finding"]["properties"]["code"]["enum"] == [*FINDING_CODES]


def objects(schema: Any) -> Iterator[dict[str, Any]]:
    values = schema.values() if isinstance(schema, dict) else schema
    for value in values if isinstance(schema, (dict, list)) else ():
        yield from objects(value)
    if isinstance(schema, dict) and "properties" in schema and "type" in schema:
        yield schema


def test_schema_is_strict() -> None:
    """Each object has all of its keys, and no others."""
    for each in objects(report_schema()):
        assert each["additionalProperties"] is False
        assert each["required"] == [*each["properties"]]


def test_check_sees_what_is_wrong() -> None:
    """The check of the tests refuses a report with a key that the schema does not have."""
    report = write_report(Plan(command="add"), Outcome(status="unchanged"), form="json")
    check_printed(["--format", "json"], f"{report}\nthe next task")
    wrong = report.replace('"hints"', '"hint"')
    with pytest.raises(ValidationError):
        check_printed(["--format=json"], wrong)
    with pytest.raises(ValidationError):
        require_valid({})


@pytest.mark.parametrize(
    ("before", "after", "level"),
    [
        ("1.0", "2.0", "major"),
        ("1.0", "1!1.0", "major"),
        ("2.0", "1.9", "major"),
        ("1.0", "1.1", "minor"),
        ("1", "1.0.1", "patch"),
        ("1.0", "1.0.post1", "patch"),
        ("1.0", "1.0+cpu", "patch"),
        ("1.0rc1", "1.0", "patch"),
        ("1.0", "1.0", None),
        (None, "1.0", None),
        ("1.0", None, None),
    ],
)
def test_level_of_a_change(before: str | None, after: str | None, level: str | None) -> None:
    """The level is the first number that differs; a project that does not move has none."""
    versions = [None if text is None else Version(text) for text in (before, after)]
    one, two = versions
    assert Change(project="a", before=one, after=two, file="f", line=1).level == level
