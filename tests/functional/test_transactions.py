"""Carrying a plan out, and finishing what a killed command has left: with builds that only count.

`test_interruptions` kills real commands; here their journals are written as they would be.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from pipflow_tasks.errors import BuildError, FileError, Interrupted, UsageError
from pipflow_tasks.files import write_edit
from pipflow_tasks.plan import Builder, Edit, Plan
from pipflow_tasks.processes import RunSettings
from pipflow_tasks.state import Journal, begin, find_journals, lock_files, state_folder
from pipflow_tasks.transaction import (
    carry_out,
    changing,
    find_unfinished,
    preview,
    require_whole,
)


class Builds:
    """Stands in for what runs commands: each ends with the next status, then with 0."""

    def __init__(self, *statuses: int) -> None:
        self._statuses = [*statuses]
        self.commands: list[str] = []

    def __call__(self, command: str) -> int:
        """Count a command, and return its status."""
        self.commands.append(command)
        return self._statuses.pop(0) if self._statuses else 0

    @property
    def settings(self) -> RunSettings:
        """The settings that hand commands to this."""
        return RunSettings(stand_in=self)


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def edits(tmp_path: Path) -> tuple[Edit, ...]:
    """Two files that say ``old``, to say ``new``."""
    made: list[Edit] = []
    for name in ("one.txt", "two.txt"):
        path = tmp_path / name
        path.write_bytes(b"old\n")
        made.append(Edit(path=path, shown=name, before=b"old\n", after=b"new\n"))
    return tuple(made)


@pytest.fixture
def plan(tmp_path: Path, edits: tuple[Edit, ...]) -> Plan:
    builder = Builder(
        name="docker",
        command=("docker", "build", "."),
        options_at=2,
        folder=tmp_path,
        images=("shop",),
    )
    return Plan(command="add", edits=edits, builder=builder)


def contents(plan: Plan) -> list[bytes]:
    return [edit.path.read_bytes() for edit in plan.edits]


def killed(plan: Plan, *, written: int) -> Journal:
    """Leave what a command leaves that is killed after it has written so many files."""
    journal = begin(plan.edits, plan.command, plan.builder)
    for staged in journal.edits[:written]:
        write_edit(staged.edit, Path(staged.staged))
    return journal


def recover(plan: Plan, builds: Builds, *, forgets: bool = False, rebuild: str = "auto") -> None:
    with changing(
        [plan.edits[0].path], "add", forgets=forgets, rebuild=rebuild, run=builds.settings
    ):
        pass


def left(plan: Plan) -> list[str]:
    return [each.sentence for each in find_unfinished([plan.edits[1].path])]


# carrying out


def test_files_and_image_change(plan: Plan) -> None:
    """Both files are written, the image is built, and no journal stays."""
    builds = Builds()
    outcome = carry_out(plan, rebuild="auto", run=builds.settings)
    assert (outcome.status, outcome.written) == ("built", ("one.txt", "two.txt"))
    assert contents(plan) == [b"new\n", b"new\n"]
    assert builds.commands == ["docker build ."]
    assert find_journals([plan.edits[0].path]) == ()


@pytest.mark.parametrize("keep", [False, True])
def test_failed_build(plan: Plan, keep: bool) -> None:
    """A failed build puts the files back, unless they are to be kept."""
    with pytest.raises(BuildError) as caught:
        carry_out(plan, rebuild="auto", keep=keep, run=Builds(1).settings)
    outcome = caught.value.outcome
    assert outcome is not None
    assert (outcome.kept, bool(outcome.undone)) == (keep, not keep)
    assert contents(plan) == [b"new\n" if keep else b"old\n"] * 2
    assert find_journals([plan.edits[0].path]) == ()


def test_several_images_are_built_again(plan: Plan) -> None:
    """Where some images may be ahead, they are built from the old files, each by itself at last."""
    assert plan.builder is not None
    builder = replace(
        plan.builder,
        images=("api", "worker"),
        services=("api", "worker"),
        may_build_several=True,
    )
    builds = Builds(1, 1, 0, 1)
    with pytest.raises(BuildError) as caught:
        carry_out(replace(plan, builder=builder), rebuild="auto", run=builds.settings)
    outcome = caught.value.outcome
    assert outcome is not None
    assert (outcome.rebuilt, outcome.ahead) == (("api",), ("worker",))
    assert builds.commands[2:] == ["docker build api", "docker build worker"]


def test_interruption_puts_back(plan: Plan) -> None:
    """A signal during the build is an error like a failed build."""

    def interrupt(_: str) -> int:
        raise Interrupted("interrupted by SIGINT")

    with pytest.raises(Interrupted):
        carry_out(plan, rebuild="auto", run=RunSettings(stand_in=interrupt))
    assert contents(plan) == [b"old\n", b"old\n"]


def test_file_that_somebody_has_changed(plan: Plan) -> None:
    """None is written if one has changed; what is edited during the build stays, and is said."""
    plan.edits[1].path.write_bytes(b"theirs\n")
    with pytest.raises(FileError, match="another program has changed it"):
        carry_out(plan, rebuild="auto", run=Builds().settings)
    assert contents(plan) == [b"old\n", b"theirs\n"]
    plan.edits[1].path.write_bytes(b"old\n")

    def edit_and_fail(_: str) -> int:
        plan.edits[0].path.write_bytes(b"theirs\n")
        return 1

    with pytest.raises(BuildError) as caught:
        carry_out(plan, rebuild="auto", run=RunSettings(stand_in=edit_and_fail))
    assert caught.value.outcome is not None
    (left,) = caught.value.outcome.left
    assert "one.txt: another program has changed it during the build, on the same lines" in left
    assert "it has `theirs`; it had `old`, and this command wrote `new`" in left
    assert contents(plan) == [b"theirs\n", b"old\n"]


def test_edit_of_other_lines_during_a_failing_build(plan: Plan) -> None:
    """What somebody writes in other lines stays; ours are taken back, and the report says so."""

    def edit_and_fail(_: str) -> int:
        plan.edits[0].path.write_bytes(b"# theirs\n\nnew\n")
        return 1

    edits = (replace(plan.edits[0], before=b"\nold\n", after=b"\nnew\n"), plan.edits[1])
    edits[0].path.write_bytes(b"\nold\n")
    with pytest.raises(BuildError) as caught:
        carry_out(
            replace(plan, edits=edits), rebuild="auto", run=RunSettings(stand_in=edit_and_fail)
        )
    assert contents(plan) == [b"# theirs\n\nold\n", b"old\n"]
    outcome = caught.value.outcome
    assert outcome is not None
    assert (outcome.undone, outcome.left) == (("one.txt", "two.txt"), ())
    assert outcome.remarks == (
        "one.txt keeps what another program has changed; the rest is as it was",
    )


@pytest.mark.parametrize("rebuild", ["auto", "always", "never"])
def test_engine_that_does_not_answer(plan: Plan, rebuild: str) -> None:
    """Without an engine the files alone change, but where a build is insisted on."""
    assert plan.builder is not None
    plan = replace(plan, builder=replace(plan.builder, command=("no-such-program", "build")))
    if rebuild == "always":
        with pytest.raises(UsageError, match="nothing was changed"):
            carry_out(plan, rebuild=rebuild, run=RunSettings())
        assert contents(plan) == [b"old\n", b"old\n"]
        return
    outcome = carry_out(plan, rebuild=rebuild, run=RunSettings())
    assert outcome.status == ("skipped" if rebuild == "never" else "no-engine")
    assert contents(plan) == [b"new\n", b"new\n"]


def test_preview_does_nothing(plan: Plan) -> None:
    """A preview says what would become of the image."""
    run = Builds().settings
    assert preview(plan, rebuild="auto", run=run).status == "planned"
    assert preview(plan, rebuild="never", run=run).status == "skipped"
    assert preview(replace(plan, builder=None), rebuild="auto", run=run).status == "unchanged"
    assert contents(plan) == [b"old\n", b"old\n"]


# finishing


def test_half_written_files_are_put_back(plan: Plan, capsys: pytest.CaptureFixture[str]) -> None:
    """Of two files one was written: both are old again, and nothing is built."""
    killed(plan, written=1)
    assert "was ended while it wrote" in left(plan)[0]
    with pytest.raises(FileError, match="was ended while it wrote"):
        require_whole([plan.edits[0].path])
    builds = Builds()
    recover(plan, builds)
    assert (contents(plan), builds.commands, left(plan)) == ([b"old\n", b"old\n"], [], [])
    assert "one.txt and" in capsys.readouterr().err


def test_written_files_are_built_first(plan: Plan) -> None:
    """The image that is owed is built, and the files stay."""
    killed(plan, written=2)
    assert "the image may be older" in left(plan)[0]
    require_whole([plan.edits[0].path])
    builds = Builds()
    recover(plan, builds)
    assert contents(plan) == [b"new\n", b"new\n"]
    assert (builds.commands, left(plan)) == (["docker build ."], [])


def test_build_that_fails_is_undone(plan: Plan) -> None:
    """If what is owed can't be built, the files are put back and the image is built from them."""
    killed(plan, written=2).advanced("building")
    builds = Builds(1)
    with pytest.raises(BuildError, match="for an earlier `add` that was ended") as caught:
        recover(plan, builds)
    assert caught.value.outcome is not None
    assert len(caught.value.outcome.undone) == 2
    assert (contents(plan), len(builds.commands)) == ([b"old\n", b"old\n"], 2)
    assert left(plan) == []


def test_undoing_is_finished(plan: Plan) -> None:
    """A command that was killed while it put files back: they are put back, and then built."""
    killed(plan, written=1).advanced("undoing")
    builds = Builds()
    recover(plan, builds)
    assert (contents(plan), builds.commands) == ([b"old\n", b"old\n"], ["docker build ."])


def test_nothing_was_written(plan: Plan) -> None:
    """A command that was killed before it wrote anything leaves nothing to do."""
    killed(plan, written=0)
    builds = Builds()
    assert left(plan) == []
    recover(plan, builds)
    assert (builds.commands, find_journals([plan.edits[0].path])) == ([], ())


def test_edit_since_is_not_touched(plan: Plan, capsys: pytest.CaptureFixture[str]) -> None:
    """Half written, and edited since: an error that names both, until it is to be forgotten."""
    killed(plan, written=1)
    plan.edits[1].path.write_bytes(b"theirs\n")
    with pytest.raises(FileError, match="has been changed since"):
        recover(plan, Builds())
    assert contents(plan) == [b"new\n", b"theirs\n"]
    recover(plan, Builds(), forgets=True)
    assert "that is forgotten" in capsys.readouterr().err
    assert left(plan) == []


def test_image_stays_owed(plan: Plan) -> None:
    """Where nothing is to be built, the journal stays."""
    killed(plan, written=2)
    recover(plan, Builds(), rebuild="never")
    assert len(left(plan)) == 1


def test_what_another_program_saved_stays(plan: Plan, capsys: pytest.CaptureFixture[str]) -> None:
    """A staged name that has neither old nor new bytes is what somebody saved: it is kept."""
    journal = killed(plan, written=2)
    staged = Path(journal.edits[0].staged)
    staged.write_bytes(b"theirs\n")
    Path(journal.edits[1].staged).write_bytes(b"ne")
    recover(plan, Builds())
    assert staged.read_bytes() == b"theirs\n"
    assert not Path(journal.edits[1].staged).exists()
    assert f"{staged} has what another program saved" in capsys.readouterr().err


def test_journals_that_can_not_be_read(plan: Plan, capsys: pytest.CaptureFixture[str]) -> None:
    """A damaged journal is named; one of another version, or another's file, is left alone."""
    journal = killed(plan, written=2)
    folder = state_folder() / "journals"
    (folder / "damaged.json").write_bytes(b"{")
    text = (folder / f"{journal.token}.json").read_text()
    (folder / "other.json").write_text(text.replace('"version":1', '"version":7'))
    assert len(find_journals([plan.edits[0].path])) == 1
    assert f"the journal {folder / 'damaged.json'} can't be read" in capsys.readouterr().err
    assert find_journals([plan.edits[0].path.with_name("another")]) == ()
    assert folder.stat().st_mode & 0o077 == 0


def test_state_folder_that_can_not_be_written(
    plan: Plan,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Without a place for it there is no journal and no lock: a warning, and on."""
    (tmp_path / "a file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "a file"))
    with changing(
        [plan.edits[0].path], "add", forgets=False, rebuild="auto", run=Builds().settings
    ):
        assert carry_out(plan, rebuild="auto", run=Builds().settings).status == "built"
    assert contents(plan) == [b"new\n", b"new\n"]
    assert "can't be written" in capsys.readouterr().err
    assert find_unfinished([plan.edits[0].path]) == ()


def test_command_that_runs_is_waited_for(plan: Plan, capsys: pytest.CaptureFixture[str]) -> None:
    """What a running command has written down is not unfinished; who changes a file, waits."""
    journal = killed(plan, written=2)
    held, ended = threading.Event(), threading.Event()

    def hold() -> None:
        with lock_files([edit.path for edit in plan.edits], "upgrade-all", is_watched=False):
            held.set()
            time.sleep(2)
            journal.end()
            ended.set()

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(10)
    assert left(plan) == []
    recover(plan, Builds())
    assert ended.is_set()
    thread.join()
    assert "waiting for `upgrade-all` (process " in capsys.readouterr().err
