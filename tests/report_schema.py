"""The check of what ``--format json`` prints: the schema that the package ships."""

from __future__ import annotations

import json
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator

from pipflow_tasks import report_schema

if TYPE_CHECKING:
    from collections.abc import Sequence


@cache
def _validator() -> Draft202012Validator:
    schema = report_schema()
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def require_valid(report: Any) -> None:
    """Check that a report is one that the schema describes."""
    _validator().validate(report)


def check_printed(words: Sequence[str], stdout: str) -> None:
    """Check each JSON object at the start of what a program printed, if its words ask for JSON."""
    asked = "--format=json" in words or ("--format", "json") in pairwise(words)
    rest = stdout.lstrip()
    while asked and rest.startswith("{"):
        report, end = json.JSONDecoder().raw_decode(rest)
        require_valid(report)
        rest = rest[end:].lstrip()
