"""The findings of ``check`` as SARIF 2.1.0, which code scanning services and editors read.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html; each result has a location with a
line, as GitHub's code scanning needs it.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ..plan import FINDING_CODES
from .wording import explain_finding, in_repository, list_notes, show

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..errors import PipflowError
    from ..plan import Finding, Outcome, Plan


def write(plan: Plan, outcome: Outcome, error: PipflowError | None) -> str:
    """Return a report as SARIF; what ended the command is a notification of its invocation."""
    notices = [_notification("note", text) for text in (*list_notes(plan), *plan.warnings)]
    if error is not None:
        notices.insert(0, _notification("error", str(error)))
    codes = [*dict.fromkeys(finding.code for finding in plan.findings)]
    name = in_repository(plan)
    run = {
        "tool": {
            "driver": {
                "name": "pipflow",
                "version": version("pipflow-tasks"),
                "rules": [
                    {"id": code, "shortDescription": {"text": FINDING_CODES[code]}}
                    for code in codes
                ],
            }
        },
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {"executionSuccessful": error is None, "toolExecutionNotifications": notices}
        ],
        "results": [_result(finding, plan, codes, name) for finding in plan.findings],
    }
    sarif = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [run],
    }
    return json.dumps(sarif, indent=2)


def _result(
    finding: Finding, plan: Plan, codes: list[str], name: Callable[[str], str]
) -> dict[str, Any]:
    file = finding.file or next(iter((*plan.files, *plan.dockerfiles)), ".")
    location = {
        "artifactLocation": {"uri": quote(name(file)), "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": finding.line or 1},
    }
    return {
        "ruleId": finding.code,
        "ruleIndex": codes.index(finding.code),
        "level": "note" if finding.severity == "advice" else finding.severity,
        "message": _message(explain_finding(finding, plan)),
        "locations": [{"physicalLocation": location}],
    }


def _notification(level: str, text: str) -> dict[str, Any]:
    return {"level": level, "message": _message(text)}


def _message(text: str) -> dict[str, str]:
    """Return a text as a message, in which ``[text](address)`` would be a link."""
    return {"text": "\n".join(map(show, text.split("\n"))).replace("](", "] (")}
