"""Commands of pip-compile and uv: which can be run, and what they become for an image."""

from __future__ import annotations

import pytest

from pipflow_tasks.requirements import is_later, read_command


@pytest.mark.parametrize(
    "text",
    [
        "./ci/compile.sh",
        "make requirements",
        "python -m compile requirements.in",
        "pip-compile requirements.in > requirements.txt",
        "pip-compile requirements.in && make image",
        "pip-compile requirements.in; true",
        "pip-compile $SOURCES",
        "pip-compile `ls *.in`",
        "pip-compile 'requirements.in",
        "pip-compile --index-url https://****@index.test/simple requirements.in",
        "PIP_INDEX_URL=x pip-compile requirements.in",
        "uv export",
        "uv pip install -r requirements.in",
        "",
    ],
)
def test_others_are_not_read(text: str) -> None:
    """What needs a shell, or is another program, or hides credentials, is no command to run."""
    assert read_command(text) is None


def test_quoted_words_are_words() -> None:
    """Quotes are read as a shell does, and written where they are needed."""
    text = "uv pip compile 'my file.in' --upgrade-package 'flask<3' -o requirements.txt"
    command = read_command(text)
    assert command is not None
    assert command.words[3:6] == ("my file.in", "--upgrade-package", "flask<3")
    assert command.shown == text
    assert command.output == "requirements.txt"


@pytest.mark.parametrize(
    ("options", "python"),
    [
        ("", ""),
        (" --python-version 3.8", "3.8"),
        (" --python-version=3.8.1", "3.8"),
        (" -p 3.12 --python-version 3.9", "3.9"),
        (" -p3.12", "3.12"),
        (" --python /opt/python/bin/python", ""),
    ],
)
def test_python_of_a_command(options: str, python: str) -> None:
    """It is the version that the command resolves for."""
    command = read_command(f"uv pip compile requirements.in{options}")
    assert command is not None
    assert command.python == python


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a.in -o a.txt", "a.in -o a.txt --python-version 3.8 --python-platform linux"),
        (
            "--python-version 3.12 a.in --python-platform=windows",
            "a.in --python-version 3.8 --python-platform linux",
        ),
        ("a.in --universal", "a.in --universal"),
        ("a.in --universal --python-version 3.7", "a.in --universal --python-version 3.7"),
        ("a.in --universal --python-version 3.12", "a.in --universal --python-version 3.8"),
        ("a.in -p 3.12", "a.in -p 3.12 --python-version 3.8 --python-platform linux"),
    ],
)
def test_command_for_an_image(before: str, after: str) -> None:
    """Another Python and platform are replaced; a universal file may be for an older Python."""
    command = read_command(f"uv pip compile {before}")
    assert command is not None
    found = command.for_image("3.8", "linux", is_universal=False)
    assert found.shown == f"uv pip compile {after}"


def test_image_with_several_platforms() -> None:
    """Then the file has to be universal."""
    command = read_command("uv pip compile a.in --python-platform linux")
    assert command is not None
    found = command.for_image("3.8", "", is_universal=True)
    assert found.shown == "uv pip compile a.in --universal --python-version 3.8"


def test_pip_compile_takes_no_python() -> None:
    """pip-compile compiles for the Python that it runs with."""
    command = read_command("pip-compile a.in")
    assert command is not None
    assert command.for_image("3.8", "linux", is_universal=False) == command
    assert command.writing("a.txt") == command
    assert command.upgrading(["flask<3", "rich"]).shown == (
        "pip-compile a.in --upgrade-package 'flask<3' --upgrade-package rich"
    )
    assert command.upgrading([]).shown == "pip-compile a.in --upgrade"


def test_uv_writes_a_file() -> None:
    """Without an output, uv would keep no version: it has not seen the file."""
    command = read_command("uv pip compile a.in")
    assert command is not None
    assert command.writing("a.txt").shown == "uv pip compile a.in -o a.txt"
    assert command.writing("a.txt").writing("b.txt").output == "a.txt"


def test_later_python() -> None:
    """Numbers are compared, not texts."""
    assert is_later("3.10", "3.9")
    assert not is_later("3.9", "3.9")
