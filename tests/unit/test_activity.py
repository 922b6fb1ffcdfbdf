"""Progress apart from commands: what it shows of phases, and who it stays out of the way of."""

from __future__ import annotations

import time

import pytest

from pipflow_tasks.console import draw, lending, say
from pipflow_tasks.progress import SILENT, Activity, Count, Log, Watched


class Shown:
    """A display that keeps what it is to show."""

    def __init__(self) -> None:
        self.activities: list[Activity] = []

    def show(self, activity: Activity) -> None:
        """Keep it."""
        self.activities.append(activity)

    @property
    def phases(self) -> list[str]:
        """The phases, each as often as it came anew."""
        phases = [each.phase for each in self.activities]
        return [each for at, each in enumerate(phases) if at == 0 or phases[at - 1] != each]


def test_search_follows_the_look_ups() -> None:
    """While look-ups are pending these are what goes on, and else the phase itself."""
    shown, began = Shown(), time.monotonic()

    def count() -> Count:
        is_done = time.monotonic() - began > 1
        return Count(begun=4, ended=4 if is_done else 1)

    with Watched(lambda: shown).during("resolving", count):
        time.sleep(1.6)
    assert shown.phases == ["looking up", "resolving"]
    assert shown.activities[0].count == Count(begun=4, ended=1)
    assert shown.activities[-1].count is None
    assert [each.seconds for each in shown.activities] == sorted(
        each.seconds for each in shown.activities
    )


def test_short_phase_makes_no_display() -> None:
    """What takes less than half a second does not even make what would show it."""

    def fail() -> Shown:
        raise AssertionError

    with Watched(fail).during("resolving"):
        pass
    with SILENT.during("resolving"):
        pass


def test_display_that_fails() -> None:
    """No command fails since its progress can't be shown."""

    def fail() -> Shown:
        raise RuntimeError

    with Watched(fail).during("resolving"):
        time.sleep(0.7)


def test_log_tells_each_phase_once(capsys: pytest.CaptureFixture[str]) -> None:
    """A phase is told when all that it took adds up to the limit, also with others in between."""
    log = Log(10)
    for second in range(40):
        is_looking_up = second % 4 == 0
        count = Count(begun=9, ended=second // 4) if is_looking_up else None
        phase = "looking up" if is_looking_up else "resolving"
        log.show(Activity(phase=phase, seconds=float(second), count=count))
    assert capsys.readouterr().err == "resolving takes more than 10 s\n"
    log.show(Activity(phase="looking up", seconds=41.0, count=Count(begun=9, ended=9)))
    assert capsys.readouterr().err == "looking up takes more than 10 s: 9 of 9 so far\n"


def test_line_is_away_while_others_print(capsys: pytest.CaptureFixture[str]) -> None:
    """A line is erased before anything else is printed, and is not drawn meanwhile."""
    seen: list[str] = []

    def show() -> None:
        seen.append("line")

    def erase() -> None:
        seen.append("erased")

    draw(show, erase)
    say("hello")
    assert (seen, capsys.readouterr().err) == (["line", "erased"], "hello\n")
    with lending():
        with lending():
            draw(show, erase)
        draw(show, erase)
    assert seen == ["line", "erased"]
    draw(show, erase)
    with lending():
        assert seen == ["line", "erased", "line", "erased"]
