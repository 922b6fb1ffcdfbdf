"""Carry a plan out: write the files, build the image, verify it, or roll back.

Either the files and the image both change, or neither does. Only what this run has written is
put back. What is begun is written down first, so that the next command can finish what one left
that was killed.
"""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from .console import say
from .engine import KnownImage, answers, ask_images, build, verify
from .errors import BuildError, FileError, Interrupted, UsageError
from .files import (
    backup_of,
    is_torn,
    read,
    require_unchanged,
    revert_edit,
    show_path,
    take_edit_back,
    write_edit,
)
from .git import can_restore
from .isolation import is_isolated
from .plan import BuiltSize, Outcome
from .signals import interruptible
from .state import are_locked, begin, find_journals, lock_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from .plan import Builder, Edit, ImageStatus, Plan, PlannedBuild
    from .processes import RunSettings
    from .state import Journal, StagedEdit

Leftover: TypeAlias = Literal["half", "unbuilt", ""]
"""What a command that was killed has left: some files of several, an image to build, nothing."""


_Taking: TypeAlias = "Callable[[Edit, Path], str | None]"
"""Puts the old bytes of a file back, and may return what is to be said of it."""


class _Reverted(Struct, frozen=True, kw_only=True):
    """Why files are not as they were, by their names, and what is to be said of the others."""

    left: Mapping[str, str]
    remarks: tuple[str, ...]


class Unfinished(Struct, frozen=True, kw_only=True):
    """What a command that was killed has left unfinished, in a sentence."""

    leftover: Leftover
    sentence: str


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
    rebuild: str,
    keep: bool = False,
    run: RunSettings,
    before_build: Callable[[], None] | None = None,
) -> Outcome:
    """Write the files and build the image; a failed build puts the files back.

    It is called within ``changing``.

    Args:
        plan: what is to be done.
        rebuild: ``auto``, ``always`` or ``never``.
        keep: leave the files changed when the build fails.
        run: how the commands are run.
        before_build: is called once the files are written, right before a build begins.

    Raises:
        UsageError: a build is insisted on, and no engine answers.
        DockerfileError: the build lacks what installing takes; nothing was written.
        FileError: a file can't be written or put back, or somebody else has changed it.
        BuildError: the image was not built; its outcome has the state of files and images.
    """
    if not _has_work(plan):
        return Outcome(status="unchanged", changes=plan.changes)
    in_git = can_restore([edit.path for edit in plan.edits])
    try:
        outcome = _carry_out(plan, rebuild, keep, run, before_build)
    except BuildError as error:
        if error.outcome is not None:
            error.outcome = replace(error.outcome, in_git=in_git)
        raise
    return replace(outcome, in_git=in_git)


def _carry_out(
    plan: Plan, rebuild: str, keep: bool, run: RunSettings, before_build: Callable[[], None] | None
) -> Outcome:
    builder = plan.builder
    when = _when(plan, rebuild)
    status: ImageStatus = "built"
    sizes: tuple[tuple[BuiltSize, ...], ...] = ()
    if builder is None or when == "never":
        status = "unchanged" if builder is None else "skipped"
        remarks = _write_alone(plan)
    elif not answers(builder, run):
        if when == "always":
            way = "" if plan.command == "rebuild" else ", or leave the image out with --no-rebuild"
            raise UsageError(
                f"{builder.absence}; nothing was changed", hint=f"start the engine{way}"
            )
        status = "no-engine"
        remarks = _write_alone(plan)
    elif plan.lack is not None:
        raise plan.lack
    else:
        with interruptible(is_last=True):
            before = _ask_images(plan, run)
            remarks = _write_and_build(plan, builder, keep, run, before, before_build)
            with contextlib.suppress(Interrupted):  # all is done
                sizes = tuple(map(_built_sizes, plan.builds, before, _ask_images(plan, run)))
    return Outcome(
        status=status,
        changes=plan.changes,
        written=_shown(plan.edits),
        remarks=remarks,
        sizes=sizes,
    )


def _ask_images(plan: Plan, run: RunSettings) -> tuple[tuple[KnownImage, ...], ...]:
    """Return what the engine knows of the images of each build."""
    if run.stand_in is not None:
        return tuple((KnownImage(),) * len(each.images) for each in plan.builds)
    return tuple(ask_images(each, run.added) for each in plan.builds)


def _built_sizes(
    planned: PlannedBuild, before: Sequence[KnownImage], after: Sequence[KnownImage]
) -> tuple[BuiltSize, ...]:
    return tuple(
        BuiltSize(
            image=new.name or names[0], before_bytes=old.size_bytes, after_bytes=new.size_bytes
        )
        for names, old, new in zip(planned.images, before, after, strict=True)
    )


def _has_work(plan: Plan) -> bool:
    return bool(plan.edits) or plan.command == "rebuild"


def _when(plan: Plan, rebuild: str) -> str:
    """Return when to build: a plan of ``rebuild`` always does, whatever the setting says."""
    return "always" if plan.command == "rebuild" else rebuild


def _shown(edits: Iterable[Edit | StagedEdit]) -> tuple[str, ...]:
    return tuple(edit.shown for edit in edits)


# --- writing and building -------------------------------------------------------------------------


def _write_alone(plan: Plan) -> tuple[str, ...]:
    written: list[StagedEdit] = []
    with interruptible(is_last=True):
        journal = begin(plan.edits, plan.command, None)
        try:
            remarks = _write(journal, written)
        except BaseException:
            _revert(written)
            journal.end()
            raise
        journal.end()
        return remarks


def _write_and_build(
    plan: Plan,
    builder: Builder,
    keep: bool,
    run: RunSettings,
    before: tuple[tuple[KnownImage, ...], ...],
    before_build: Callable[[], None] | None,
) -> tuple[str, ...]:
    written: list[StagedEdit] = []
    is_built = False
    journal = begin(plan.edits, plan.command, builder)
    try:
        remarks = _write(journal, written)
        journal = journal.advanced("building")
        if before_build is not None:
            before_build()
        build(builder, run)
        is_built = True
        verify(builder, run)
    except BuildError as error:
        if not is_built and not isinstance(error, Interrupted):
            error.reasons = tuple(_tell_sources(plan))
        is_ahead = bool(written) and (
            is_built
            or error.image_moved
            or before != _ask_images(plan, run)  # what was ended may have been at its end
        )
        if keep:
            error.outcome = Outcome(
                status="failed",
                changes=plan.changes,
                written=_shown(written),
                kept=True,
                moved=builder.images if is_ahead else (),
                failure=error.message,
            )
        else:
            journal = journal.advanced("undoing")
            error.outcome = _roll_back(
                builder, written, error, is_ahead=is_ahead, run=run, take=take_edit_back
            )
        if not error.outcome.interrupted:
            journal.end()
        raise
    except BaseException:
        _revert(written)
        journal.end()
        raise
    journal.end()
    return remarks


def _tell_sources(plan: Plan) -> Iterator[str]:
    """Yield what a build that failed has to build from source, transitive dependencies too."""
    yield from (f"{release} {why}: it is built from source" for release, why in plan.from_source)
    told = {release.lower() for release, _ in plan.from_source}
    for each in (each for cost in plan.costs for each in cost.downloads):
        if each.file and not each.file.endswith(".whl") and each.shown not in told:
            yield f"{each.shown} is built from source: {each.file}"


def _write(journal: Journal, written: list[StagedEdit]) -> tuple[str, ...]:
    """Write the files; ``written`` gets each that this run may put back.

    Returns:
        what the report should say of how they were written.

    Raises:
        FileError: somebody else has changed a file, or it can't be written.
    """
    for staged in journal.edits:  # none is written if one has changed
        require_unchanged(staged.edit)
    remarks: list[str] = []
    for staged in journal.edits:
        written.append(staged)  # before it is written: a signal may come right after
        if reason := write_edit(staged.edit, Path(staged.staged)):
            remarks.append(f"{staged.shown} was written in place: {reason}")
    return tuple(remarks)


def _roll_back(
    builder: Builder,
    written: Sequence[StagedEdit],
    error: BuildError,
    *,
    is_ahead: bool,
    run: RunSettings,
    take: _Taking = revert_edit,
) -> Outcome:
    """Put back what was written for a failed build, and build the image from it again.

    After a signal nothing is built: who interrupts a build does not want to wait for another.
    """
    reverted = _revert(written, take)
    left = reverted.left
    ahead: tuple[str, ...] = ()
    interrupted = is_ahead and isinstance(error, Interrupted)
    if interrupted:
        ahead = builder.images
    elif is_ahead:
        ahead, interrupted = _build_again(builder, run=run)
    rebuilt = tuple(name for name in builder.images if name not in ahead) if is_ahead else ()
    return Outcome(
        status="failed",
        undone=_shown(edit for edit in written if edit.shown not in left),
        left=tuple(left.values()),
        rebuilt=rebuilt,
        ahead=ahead,
        interrupted=interrupted,
        failure=error.message,
        remarks=reverted.remarks,
    )


def _build_again(builder: Builder, *, run: RunSettings) -> tuple[tuple[str, ...], bool]:
    """Build from files that were put back; a signal ends this, too.

    Returns:
        the images that may still be newer than the files, and whether a signal came.
    """
    say("the files are as they were; building the image from them again")
    ahead = list(builder.images)
    try:
        with interruptible():
            if _builds(builder, run=run):
                return (), False
            for each in builder.apart():
                if _builds(each, run=run):
                    ahead.remove(each.images[0])
    except Interrupted:
        return tuple(ahead), True
    return tuple(ahead), False


def _builds(builder: Builder, *, run: RunSettings) -> bool:
    try:
        build(builder, run)
    except Interrupted:
        raise
    except BuildError:
        return False
    return True


def _revert(written: Iterable[StagedEdit], take: _Taking = revert_edit) -> _Reverted:
    """Put back every file that can be, also after a signal: only one signal raises."""
    left: dict[str, str] = {}
    remarks: list[str] = []
    for staged in written:
        for _ in range(2):
            try:
                remarks.append(take(staged.edit, Path(staged.staged)) or "")
            except BuildError:
                continue
            except FileError as error:
                left[staged.shown] = str(error)
            break
    return _Reverted(left=left, remarks=tuple(filter(None, remarks)))


# --- what a killed command has left ---------------------------------------------------------------


@contextlib.contextmanager
def changing(
    files: Iterable[Path], command: str, *, forgets: bool, rebuild: str, run: RunSettings
) -> Iterator[None]:
    """Hold files for a command that changes them, and finish first what another has left.

    Files that stand half written get their old bytes. Where the image was not built, it is built;
    if that fails, the files get their old bytes, too.

    Args:
        files: the files that the command may write.
        command: the task's name.
        forgets: what another command has left is dropped.
        rebuild: ``auto``, ``always`` or ``never``, which leaves an image for later.
        run: how commands are run.

    Raises:
        FileError: another command did not end in time, or files can't be put right.
        BuildError: the image of the other command can't be built; the files are as before it.
    """
    held = {*files}
    while True:
        with lock_files(held, command, is_watched=sys.stderr.isatty()):
            journals = () if is_isolated() else find_journals(held)
            more = {Path(edit.path) for journal in journals for edit in journal.edits} - held
            if more:  # theirs have to be locked with ours, in one order
                held |= more
                continue
            for journal in journals:
                _recover(journal, forgets=forgets, rebuild=rebuild, run=run)
            yield
            return


def find_unfinished(files: Iterable[Path]) -> tuple[Unfinished, ...]:
    """Return what commands that were killed have left of files; of those that run, nothing."""
    found: list[Unfinished] = []
    for journal in find_journals(files):
        leftover = _leftover(journal)
        if not leftover or are_locked(Path(edit.path) for edit in journal.edits):
            continue
        shown = " and ".join(edit.shown for edit in _from_here(journal))
        if leftover == "half":
            sentence = f"`{journal.command}` was ended while it wrote {shown}"
        elif journal.phase == "undoing":
            sentence = (
                f"`{journal.command}` was ended, and {shown} put back: the image may be newer"
            )
        else:
            sentence = (
                f"`{journal.command}` was ended after it wrote {shown}: the image may be older"
            )
        found.append(Unfinished(leftover=leftover, sentence=sentence))
    return tuple(found)


def _from_here(journal: Journal) -> Iterator[Edit]:
    """Yield the edits of a journal, named from where this command runs."""
    for staged in journal.edits:
        yield replace(staged.edit, shown=show_path(Path(staged.path), Path.cwd()))


def _leftover(journal: Journal) -> Leftover:
    if journal.phase == "building":
        return "unbuilt"
    now = [read(edit.path, shown=edit.shown) for edit in _from_here(journal)]
    if now == [edit.before for edit in journal.edits]:
        return "unbuilt" if journal.phase == "undoing" else ""
    if journal.phase == "writing" and now == [edit.after for edit in journal.edits]:
        return "unbuilt" if journal.builder is not None else ""
    return "half"


def _recover(journal: Journal, *, forgets: bool, rebuild: str, run: RunSettings) -> None:
    leftover = _leftover(journal)
    if leftover == "half" and not forgets:
        _put_back(journal)
        leftover = "unbuilt" if journal.phase == "undoing" else ""
    else:
        _clear(journal)
        _clear_backups(journal)
    if leftover and forgets:
        say(f"warning: an earlier `{journal.command}` was not finished; that is forgotten")
    elif leftover and journal.builder is not None:
        if rebuild == "never" or not answers(journal.builder, run):
            return  # the journal stays
        with interruptible():
            _finish(journal, journal.builder, run)
    journal.end()


def _finish(journal: Journal, builder: Builder, run: RunSettings) -> None:
    """Build what a killed command did not; if that fails or is interrupted, put its files back.

    What is built from files that were put back is not tried: so it was before.
    """
    say(f"`{journal.command}` was ended before the image was built; building it first")
    try:
        build(builder, run)
        if journal.phase != "undoing":
            verify(builder, run)
    except BuildError as error:
        journal = journal.advanced("undoing")
        error.outcome = _roll_back(builder, journal.edits, error, is_ahead=True, run=run)
        of = "while finishing" if isinstance(error, Interrupted) else "for"
        error.message = f"{error.message}, {of} an earlier `{journal.command}` that was ended"
        if not error.outcome.interrupted:
            journal.end()
        raise


def _put_back(journal: Journal) -> None:
    """Give files that stand half written their old bytes.

    Raises:
        FileError: one of them has other bytes than the old or the new ones; none is changed.
    """
    edits = [*_from_here(journal)]
    found: list[Edit] = []
    for staged, edit in zip(journal.edits, edits, strict=True):
        now = read(edit.path, shown=edit.shown)
        if now is not None and is_torn(edit, Path(staged.staged)):
            found.append(replace(edit, after=now))
        elif now in {edit.before, edit.after}:
            found.append(edit)
        else:
            both = " and ".join(each.shown for each in edits)
            raise FileError(
                f"`{journal.command}` was ended while it wrote {both}, and this one has been "
                "changed since; nothing was changed",
                path=edit.shown,
                hint="bring them to what they should be, and run a command that changes them with "
                "--no-rebuild",
            )
    _clear(journal)
    say(f"`{journal.command}` was ended while it wrote; {_names(edits)} as before it")
    for staged, edit in zip(journal.edits, found, strict=True):
        revert_edit(edit, Path(staged.staged))
    _clear_backups(journal)


def _names(edits: Sequence[Edit]) -> str:
    names = " and ".join(edit.shown for edit in edits)
    return f"{names} {'are' if len(edits) > 1 else 'is'}"


def _clear(journal: Journal) -> None:
    """Remove the staged files that a killed command has left, but for what others have saved."""
    for staged in journal.edits:
        path = Path(staged.staged)
        with contextlib.suppress(FileError, OSError):
            data = read(path, shown=staged.staged)
            if data is None:
                continue
            if any(ours.startswith(data) for ours in (staged.before or b"", staged.after)):
                path.unlink()
            else:
                say(
                    f"warning: {path} has what another program saved as {staged.shown} while "
                    f"`{journal.command}` was ended"
                )


def _clear_backups(journal: Journal) -> None:
    """Remove the backups of files that were being written in place; the files are whole now."""
    for staged in journal.edits:
        backup_of(Path(staged.staged)).unlink(missing_ok=True)


def require_whole(files: Iterable[Path]) -> None:
    """Check that no command was ended while it wrote one of the files.

    Raises:
        FileError: one was, so that some are old and some new.
    """
    for unfinished in find_unfinished(files):
        if unfinished.leftover == "half":
            raise FileError(
                unfinished.sentence, hint="`rebuild` puts them back, and builds the image"
            )
