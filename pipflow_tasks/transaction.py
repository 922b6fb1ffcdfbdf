"""Carry a plan out: write the files, build the image, verify it, or roll back.

Either the files and the image both change, or neither does. Only what this run has written is
put back.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from .console import say
from .engine import answers, build, interruptible, verify
from .errors import BuildError, FileError, Interrupted, UsageError
from .files import lock, require_unchanged, revert_edit, write_edit
from .plan import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from .plan import Builder, Edit, ImageStatus, Plan
    from .processes import RunSettings


def preview(plan: Plan, *, rebuild: str, run: RunSettings) -> Outcome:
    """Return the outcome that ``carry_out`` would have, and do nothing.

    Args:
        plan: what would be done.
        rebuild: ``auto``, ``always`` or ``never``.
        run: how the commands would be run.

    Raises:
        DockerfileError: the build lacks what installing takes, and an engine answers.
    """
    builder = plan.builder
    status: ImageStatus = "planned"
    if not _has_work(plan) or builder is None:
        status = "unchanged"
    elif _when(plan, rebuild) == "never":
        status = "skipped"
    elif plan.lack is not None and answers(builder, run):  # else nothing would be built
        raise plan.lack
    return Outcome(status=status, changes=plan.changes, dry_run=True)


def carry_out(
    plan: Plan,
    *,
    root: Path,
    rebuild: str,
    keep: bool = False,
    run: RunSettings,
) -> Outcome:
    """Write the files and build the image; a failed build puts the files back.

    Args:
        plan: what is to be done.
        root: the project's folder, which is locked against a second run.
        rebuild: ``auto``, ``always`` or ``never``.
        keep: leave the files changed when the build fails.
        run: how the commands are run.

    Raises:
        UsageError: a build is insisted on, and no engine answers.
        DockerfileError: the build lacks what installing takes; nothing was written.
        FileError: a file can't be written or put back, or somebody else has changed it.
        BuildError: the image was not built; its outcome has the state of files and images.
    """
    builder = plan.builder
    when = _when(plan, rebuild)
    status: ImageStatus = "built"
    if not _has_work(plan):
        return Outcome(status="unchanged", changes=plan.changes)
    if builder is None or when == "never":
        status = "unchanged" if builder is None else "skipped"
        _write_alone(plan.edits, root)
    elif not answers(builder, run):
        if when == "always":
            raise UsageError(
                f"{builder.absence}; nothing was changed",
                hint="start the engine, or leave the image out with --no-rebuild",
            )
        status = "no-engine"
        _write_alone(plan.edits, root)
    elif plan.lack is not None:
        raise plan.lack
    else:
        with lock(root), interruptible():
            _write_and_build(plan, builder, keep=keep, run=run)
    return Outcome(status=status, changes=plan.changes, written=_shown(plan.edits))


def _has_work(plan: Plan) -> bool:
    return bool(plan.edits) or plan.command == "rebuild"


def _when(plan: Plan, rebuild: str) -> str:
    """Return when to build: a plan of ``rebuild`` always does, whatever the setting says."""
    return "always" if plan.command == "rebuild" else rebuild


def _write_alone(edits: Sequence[Edit], root: Path) -> None:
    written: list[Edit] = []
    with lock(root), interruptible():
        try:
            _write(edits, written)
        except BaseException:
            _revert(written)
            raise


def _shown(edits: Iterable[Edit]) -> tuple[str, ...]:
    return tuple(edit.shown for edit in edits)


def _write_and_build(plan: Plan, builder: Builder, *, keep: bool, run: RunSettings) -> None:
    written: list[Edit] = []
    is_built = False
    try:
        _write(plan.edits, written)
        build(builder, run)
        is_built = True
        verify(builder, run)
    except BuildError as error:
        is_ahead = bool(written) and (is_built or error.image_moved)
        if keep:
            error.outcome = Outcome(
                status="failed",
                changes=plan.changes,
                written=_shown(written),
                kept=True,
                failure=error.message,
            )
        else:
            error.outcome = _roll_back(builder, written, error, is_ahead=is_ahead, run=run)
        raise
    except BaseException:
        _revert(written)
        raise


def _write(edits: Sequence[Edit], written: list[Edit]) -> None:
    """Write the files; ``written`` gets each that this run may put back.

    Raises:
        FileError: somebody else has changed a file, or it can't be written.
    """
    for edit in edits[1:]:  # none is written if one has changed
        require_unchanged(edit)
    for edit in edits:
        require_unchanged(edit)
        written.append(edit)  # before it is written: a signal may come right after
        write_edit(edit)


def _roll_back(
    builder: Builder,
    written: Sequence[Edit],
    error: BuildError,
    *,
    is_ahead: bool,
    run: RunSettings,
) -> Outcome:
    """Put back what was written for a failed build, and build the image from it again.

    Raises:
        FileError: a file can't be put back.
    """
    _revert(written)
    ahead = _build_again(builder, run=run) if is_ahead else ()
    rebuilt = tuple(name for name in builder.images if name not in ahead) if is_ahead else ()
    return Outcome(
        status="failed",
        undone=_shown(written),
        rebuilt=rebuilt,
        ahead=ahead,
        failure=error.message,
    )


def _build_again(builder: Builder, *, run: RunSettings) -> tuple[str, ...]:
    """Build from files that were put back; a second signal ends this, too.

    Returns:
        the images that may still be newer than the files.
    """
    say("the files are as they were; building the image from them again")
    ahead = list(builder.images)
    with contextlib.suppress(Interrupted), interruptible():
        if _builds(builder, run=run):
            return ()
        for service in builder.services if len(builder.services) > 1 else ():
            if _builds(builder.only(service), run=run):
                ahead.remove(service)
    return tuple(ahead)


def _builds(builder: Builder, *, run: RunSettings) -> bool:
    try:
        build(builder, run)
    except Interrupted:
        raise
    except BuildError:
        return False
    return True


def _revert(written: Iterable[Edit]) -> None:
    """Put back every file that can be, also after a signal: only one signal raises.

    Raises:
        FileError: one of them can't be put back; the others are.
    """
    failure: FileError | None = None
    for edit in written:
        for _ in range(2):
            try:
                revert_edit(edit)
            except BuildError:
                continue
            except FileError as error:
                failure = error
            break
    if failure is not None:
        raise failure
