"""Invoke tasks that keep a pinned requirements.txt for software installed in a Docker image.

Mount ``namespace`` in a project's own tasks::

    namespace = Collection(test, deps=pipflow_tasks.namespace)

or use the library below the tasks: ``Project``, ``Plan``, ``Outcome``, ``RequirementsFile``,
``Target`` and the errors.
A name is imported when it is first used (PEP 562), so that listing the tasks stays fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from . import errors
from .errors import *  # noqa: F403

if TYPE_CHECKING:
    from .plan import Change, Outcome, Plan
    from .project import Project
    from .report.json import report_schema
    from .requirements import RequirementsFile
    from .settings import Settings
    from .target import Target
    from .tasks import namespace, namespace_for

_HOMES = {
    "Change": "plan",
    "Outcome": "plan",
    "Plan": "plan",
    "Project": "project",
    "RequirementsFile": "requirements",
    "Settings": "settings",
    "Target": "target",
    "namespace": "tasks",
    "namespace_for": "tasks",
    "report_schema": "report.json",
}

__all__ = [
    "Change",
    "Outcome",
    "Plan",
    "Project",
    "RequirementsFile",
    "Settings",
    "Target",
    "namespace",
    "namespace_for",
    "report_schema",
]
__all__ += errors.__all__


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
