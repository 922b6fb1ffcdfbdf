"""What breaks the workflow, as findings: in Dockerfiles, in the files, in the pins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from ..plan import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..errors import PipflowError
    from ..manifest.documents import Manifest
    from ..plan import Alike, Severity
    from ..requirements import Line


def find_in(error: PipflowError, code: str = "") -> Finding:
    """Return an error that stops the tasks as a finding; its own code, unless one is given."""
    return Finding(
        code=code or error.code,
        file=error.path,
        line=error.line,
        severity="error",
        message=error.message,
        fix=error.hint,
    )


def finding_in(
    file: str | None, line: int | None, code: str, severity: Severity, message: str, fix: str
) -> Finding:
    """Return a finding about a file, or about a line of it."""
    return Finding(code=code, file=file, line=line, severity=severity, message=message, fix=fix)


def finding_at(
    line: Line,
    code: str,
    severity: Severity,
    message: str,
    fix: str,
    alike: Alike | None = None,
) -> Finding:
    """Return a finding about a line of the requirements."""
    found = finding_in(line.path, line.number, code, severity, message, fix)
    return found if alike is None else replace(found, alike=alike)


def fix_at_the_source(manifest: Manifest, findings: Iterable[Finding]) -> Iterator[Finding]:
    """Yield findings, those in generated files with the change of their source as the fix."""
    for finding in findings:
        file = manifest.requirements.get(finding.file or "")
        generator = None if file is None else file.generator
        if generator is None or not finding.fix:
            yield finding
        else:
            yield replace(finding, fix=generator.way)
