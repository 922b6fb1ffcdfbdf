"""One edit of a requirements file at a time, as most tests make them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipflow_tasks.requirements import Addition, Pin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from packaging.requirements import Requirement
    from packaging.version import Version

    from pipflow_tasks.requirements import Line, RequirementsFile, Sort

__all__ = ["with_pin", "with_requirement"]


def with_pin(
    document: RequirementsFile, line: Line, version: Version, *, digests: Sequence[str] = ()
) -> RequirementsFile:
    """Pin one requirement of a document to a version."""
    return document.with_pins([Pin(line=line, version=version, digests=digests)])


def with_requirement(
    document: RequirementsFile,
    requirement: Requirement,
    *,
    group: str | None = None,
    sort: Sort = "block",
    digests: Sequence[str] = (),
    policy: str = "",
) -> RequirementsFile:
    """Add one requirement to a document."""
    comment = f"pipflow: {policy}" if policy else ""
    addition = Addition(
        requirement=requirement, group=group, sort=sort, digests=digests, comment=comment
    )
    return document.with_requirements([addition])
