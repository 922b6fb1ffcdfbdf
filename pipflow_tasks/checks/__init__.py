"""What breaks the workflow, as findings: in Dockerfiles, in the files, in the pins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..plan import Finding

if TYPE_CHECKING:
    from ..errors import PipflowError
    from ..plan import Severity
    from ..requirements import Line


def find_in(error: PipflowError) -> Finding:
    """Return an error that stops the tasks as a finding."""
    return Finding(
        file=error.path,
        line=error.line,
        severity="error",
        message=error.message,
        fix=error.hint,
    )


def finding_at(line: Line, severity: Severity, message: str, fix: str) -> Finding:
    """Return a finding about a line."""
    return Finding(file=line.path, line=line.number, severity=severity, message=message, fix=fix)
