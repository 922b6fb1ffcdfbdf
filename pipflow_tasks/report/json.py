"""A report as one JSON object, which has the same keys for every task."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from packaging.version import Version

    from ..plan import Builder, Change, Finding, Held, LeftAlone, Outcome, PathStep, Plan
    from ..target import Target


def write_json(plan: Plan, outcome: Outcome) -> str:
    """Return a report as JSON."""
    return json.dumps(as_object(plan, outcome), indent=2)


def as_object(plan: Plan, outcome: Outcome) -> dict[str, Any]:
    """Return a report as the object that ``--format json`` prints."""
    notes = () if plan.target is None else plan.target.notes
    return {
        "schema": 1,
        "command": plan.command,
        "dry_run": outcome.dry_run,
        "target": {} if plan.target is None else _target(plan.target),
        "changes": [_change(change) for change in plan.changes],
        "held": [_held(held) for held in plan.held],
        "left_alone": [_left_alone(left) for left in plan.left_alone],
        "paths": [[_step(step) for step in path] for path in plan.paths],
        "warnings": [*notes, *plan.warnings],
        "hints": list(plan.hints),
        "findings": [_finding(finding) for finding in plan.findings],
        "image": _image(plan.builder, outcome),
    }


def _target(target: Target) -> dict[str, Any]:
    return {
        "python": target.python,
        "platforms": [platform.name for platform in target.platforms],
        "libc": target.libc,
        "pip": _text_or_none(target.pip),
        "source": target.source,
    }


def _change(change: Change) -> dict[str, Any]:
    return {
        "project": change.project,
        "from": _text_or_none(change.before),
        "to": _text_or_none(change.after),
        "file": change.file,
        "line": change.line,
    }


def _held(held: Held) -> dict[str, Any]:
    return {
        "project": held.project,
        "version": str(held.version),
        "newest": str(held.newest),
        "reason": held.reason,
    }


def _left_alone(left: LeftAlone) -> dict[str, Any]:
    return {
        "requirement": left.requirement,
        "file": left.file,
        "line": left.line,
        "reason": left.reason,
    }


def _step(step: PathStep) -> dict[str, Any]:
    return {
        "project": step.project,
        "version": _text_or_none(step.version),
        "requirement": step.requirement,
        "file": step.file,
        "line": step.line,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "file": finding.file,
        "line": finding.line,
        "severity": finding.severity,
        "message": finding.message,
        "mend": finding.fix,
    }


def _image(builder: Builder | None, outcome: Outcome) -> dict[str, Any]:
    return {
        "builder": None if builder is None else builder.name,
        "status": outcome.status,
        "services": [] if builder is None else list(builder.services),
        "undone": list(outcome.undone),
        "rebuilt": list(outcome.rebuilt),
        "ahead": list(outcome.ahead),
    }


def _text_or_none(version: Version | None) -> str | None:
    return None if version is None else str(version)
