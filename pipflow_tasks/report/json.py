"""A report as one JSON object, which has the same keys for every task."""

from __future__ import annotations

import json
from datetime import datetime
from importlib import resources
from typing import TYPE_CHECKING, Any

from packaging.version import Version

from ..errors import PipflowError, redact
from .wording import is_verified, list_notes, pair_sizes

if TYPE_CHECKING:
    from ..plan import Change, Cost, Finding, Outcome, Plan, PlannedFor


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
        "explanations": [
            _keys(each, "requirement is_possible:possible reasons fix")
            for each in plan.explanations
        ],
        "findings": [_finding(finding) for finding in plan.findings],
        "origins": [_keys(origin, "part value source") for origin in plan.origins],
        "warnings": [*list_notes(plan), *plan.warnings],
        "hints": [*([plan.suggestion] if plan.suggestion else []), *plan.hints],
        "image": _image(plan, outcome),
        "undo": outcome.undo,
        "error": None
        if error is None
        else _keys(error, "code message reasons path:file line hint exit_status"),
    }


def _keys(value: object, names: str) -> dict[str, Any]:
    """Return attributes of a value under their own names, or as ``attribute:key``."""
    pairs = (name.partition(":") for name in names.split())
    return {key or name: _value(getattr(value, name)) for name, _, key in pairs}


def _value(value: object) -> object:
    if isinstance(value, tuple):
        return [*value]
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Version) else value


def _finding(finding: Finding) -> dict[str, Any]:
    lines = finding.replacement
    return {
        **_keys(finding, "code severity file line message fix environments"),
        "replacement": None if lines is None else _keys(lines, "first last lines"),
    }


def _environment(planned: PlannedFor) -> dict[str, Any]:
    return {
        "name": planned.name,
        **_keys(planned.target, "python platforms libc installer pip source:origin"),
        "platforms": [platform.name for platform in planned.target.platforms],
    }


def _change(change: Change) -> dict[str, Any]:
    names = (
        "project before:from after:to level file line is_direct:direct extras taken_from "
        "environments size_bytes uploaded urls newest reason note"
    )
    return {**_keys(change, names), "urls": dict(change.urls)}


def _cost(cost: Cost) -> dict[str, Any]:
    largest = cost.downloads[:MOST_LARGEST]
    return {
        "environment": cost.environment,
        "packages": len(cost.downloads),
        **_keys(cost, "size_bytes unknown"),
        "largest": [_keys(each, "project version size_bytes") for each in largest],
        "growth_bytes": cost.growth_bytes,
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
