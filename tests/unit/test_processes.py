"""Programs that are asked something: what they print, and what keeps them from answering."""

import sys
import time
from pathlib import Path

import pytest

from pipflow_tasks.processes import ProgramError, run_program


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_status_and_both_streams_come_back() -> None:
    """A program that fails is no error here: its status says so, beside what it printed."""
    code = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"

    ended = run_program(python(code), timeout_seconds=60)

    assert (ended.status, ended.stdout, ended.stderr) == (3, b"out\n", b"err\n")


def test_text_is_read_whatever_its_bytes() -> None:
    """Bytes that are no UTF-8 are replaced in the text, and kept beside it."""
    ended = run_program(
        python("import sys; sys.stdout.buffer.write(b'\\xffa')"), timeout_seconds=60
    )

    assert (ended.stdout, ended.text) == (b"\xffa", "\ufffda")


def test_folder_and_environment_are_the_given_ones(tmp_path: Path) -> None:
    """The program sees the folder, the variables that it is given, and no others."""
    code = "import os; print(os.getcwd(), os.environ.get('ONE'), 'HOME' in os.environ)"

    ended = run_program(python(code), timeout_seconds=60, folder=tmp_path, environment={"ONE": "1"})

    assert ended.text == f"{tmp_path.resolve()} 1 False\n"


def test_program_has_no_input() -> None:
    """A program that reads gets nothing, rather than what the user types."""
    ended = run_program(python("import sys; print(repr(sys.stdin.read()))"), timeout_seconds=60)

    assert ended.text == "''\n"


def test_errors_may_be_for_the_user(capfd: pytest.CaptureFixture[str]) -> None:
    """What a program says to its user is passed on where that is asked for."""
    code = "import sys; print('your password?', file=sys.stderr)"

    ended = run_program(python(code), timeout_seconds=60, shows_errors=True)

    assert ended.stderr == b""
    assert capfd.readouterr().err == "your password?\n"


def test_missing_program_is_an_error() -> None:
    """A program that is not there is named with the reason."""
    with pytest.raises(ProgramError) as caught:
        run_program(["no-such-program"], timeout_seconds=60)

    assert str(caught.value) == "no-such-program can't be started: No such file or directory"


def test_program_that_hangs_is_ended() -> None:
    """After its time a program is killed, and the error says how long it was given."""
    start = time.monotonic()

    with pytest.raises(ProgramError) as caught:
        run_program(python("import time; time.sleep(60)"), timeout_seconds=0.5)

    assert str(caught.value) == "it took longer than 0.5 s"
    assert time.monotonic() - start < 30
