"""A report as one JSON object, which has the same keys for every task."""

from __future__ import annotations

import json
from importlib import resources
from typing import TYPE_CHECKING, Any

from packaging.version import Version

from ..errors import PipflowError, redact
from .wording import is_verified, list_notes, pair_sizes

if TYPE_CHECKING:
    from ..plan import Change, Cost, Explanation, Finding, Outcome, Plan, PlannedFor


MOST_LARGEST = 5
"""How many of the packages that an environment gets are named with their sizes."""


def write(plan: Plan, outcome: Outcome, error: PipflowError | None) -> str:
    """Return a report as JSON."""
    return json.dumps(_redacted(as_object(plan, outcome, error)), indent=2)


def report_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of what ``--format json`` prints."""
    text = resources.files(__package__).joinpath("report.schema.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def _redacted(value: Any) -> Any:
    """Return a value of JSON with the secrets in its texts hidden."""
    if isinstance(value, dict):
        return {key: _redacted(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_redacted(each) for each in value]
    return redact(value) if isinstance(value, str) else value


def as_object(plan: Plan, outcome: Outcome, error: PipflowError | None) -> dict[str, Any]:
    """Return a report as the object that ``--format json`` prints."""
    return {
        "schema": 1,
        "command": plan.command,
        "dry_run": outcome.dry_run,
        "environments": [_environment(each) for each in plan.environments],
        "changes": [_change(change) for change in plan.changes],
        "costs": [_cost(cost) for cost in plan.costs],
        "held": [_keys(held, "project version newest reason environments") for held in plan.held],
        "left_alone": [_keys(left, "requirement file line reason") for left in plan.left_alone],
        "paths": [
            [_keys(step, "project version requirement file line environments") for step in path]
            for path in plan.paths
        ],
        "explanations": [_explanation(each) for each in plan.explanations],
        "findings": [
            _keys(finding, "code severity file line message fix environments")
            | {"replacement": _replacement(finding)}
            for finding in plan.findings
        ],
        "origins": [_keys(origin, "part value source") for origin in plan.origins],
        "warnings": [*list_notes(plan), *plan.warnings],
        "hints": [*([plan.suggestion] if plan.suggestion else []), *plan.hints],
        "image": _image(plan, outcome),
        "undo": outcome.undo,
        "error": None if error is None else _error(error),
    }


def _keys(value: object, names: str) -> dict[str, Any]:
    """Return attributes of a value under their own names."""
    found = {name: getattr(value, name) for name in names.split()}
    return {name: _value(v) for name, v in found.items()}


def _value(value: object) -> object:
    if isinstance(value, tuple):
        return [*value]
    return str(value) if isinstance(value, Version) else value


def _replacement(finding: Finding) -> dict[str, Any] | None:
    if finding.replacement is None:
        return None
    return _keys(finding.replacement, "first last lines")


def _environment(planned: PlannedFor) -> dict[str, Any]:
    target = planned.target
    return {
        "name": planned.name,
        "python": target.python,
        "platforms": [platform.name for platform in target.platforms],
        "libc": target.libc,
        "installer": target.installer,
        "pip": _text_or_none(target.pip),
        "origin": target.source,
    }


def _change(change: Change) -> dict[str, Any]:
    return {
        "project": change.project,
        "from": _text_or_none(change.before),
        "to": _text_or_none(change.after),
        "level": change.level,
        "file": change.file,
        "line": change.line,
        "direct": change.is_direct,
        "extras": list(change.extras),
        "taken_from": change.taken_from,
        "environments": list(change.environments),
        "size_bytes": change.size_bytes,
        "uploaded": None if change.uploaded is None else change.uploaded.isoformat(),
        "urls": dict(change.urls),
        "newest": _text_or_none(change.newest),
        "reason": change.reason,
        "note": change.note,
    }


def _cost(cost: Cost) -> dict[str, Any]:
    return {
        "environment": cost.environment,
        "packages": len(cost.downloads),
        "size_bytes": cost.size_bytes,
        "unknown": list(cost.unknown),
        "largest": [
            _keys(each, "project version size_bytes") for each in cost.downloads[:MOST_LARGEST]
        ],
        "growth_bytes": cost.growth_bytes,
    }


def _explanation(explanation: Explanation) -> dict[str, Any]:
    return {
        "requirement": explanation.requirement,
        "possible": explanation.is_possible,
        "reasons": list(explanation.reasons),
        "fix": explanation.fix,
    }


def _image(plan: Plan, outcome: Outcome) -> dict[str, Any]:
    builder = plan.builder
    return {
        "builder": None if builder is None else builder.name,
        "status": outcome.status,
        "services": [] if builder is None else list(builder.services),
        "builds": [
            _keys(each, "environments command")
            | {
                "status": outcome.status,
                "images": [
                    {
                        "name": size.image,
                        "size_before_bytes": size.before_bytes,
                        "size_after_bytes": size.after_bytes,
                    }
                    for size in sizes
                ],
            }
            for each, sizes in pair_sizes(plan, outcome)
        ],
        "moved": list(outcome.moved),
        "verified": is_verified(plan, outcome),
        "undone": list(outcome.undone),
        "remarks": [*outcome.left, *outcome.remarks],
        "rebuilt": list(outcome.rebuilt),
        "ahead": list(outcome.ahead),
    }


def _error(error: PipflowError) -> dict[str, Any]:
    return {
        "code": error.code,
        "message": error.message,
        "reasons": list(getattr(error, "reasons", ())),
        "file": error.path,
        "line": error.line,
        "hint": error.hint,
        "exit_status": error.exit_status,
    }


def _text_or_none(version: Version | None) -> str | None:
    return None if version is None else str(version)
