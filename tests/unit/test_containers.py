"""Containers: removed until they are gone, within a time."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from pipflow_tasks.engine.containers import new_name, remove_container

ENGINE = """\
import pathlib, sys, time
left = pathlib.Path({left!r})
refusals = int(left.read_text() or -1)
if sys.argv[1:] == ["container", "inspect", "it"]:
    sys.exit(refusals < 0)
assert sys.argv[1:] == ["rm", "--force", "it"]
{act}
"""
REFUSE = "left.write_text(str(refusals - 1)); sys.exit(1)"
HANG = "time.sleep(60)"


@pytest.fixture
def left(tmp_path: Path) -> Path:
    """Where an engine keeps how often it is still to refuse; below 0 the container is gone."""
    return tmp_path / "left"


def use(left: Path, monkeypatch: pytest.MonkeyPatch, act: str, refusals: int) -> None:
    """Let there be an engine that is asked to remove something."""
    left.write_text(str(refusals))
    script = left.with_name("script.py")
    script.write_text(ENGINE.format(left=str(left), act=act))
    program = left.with_name("docker")
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S {script} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")


def test_names_differ() -> None:
    """No two containers have one name."""
    assert new_name() != new_name()


@pytest.mark.parametrize("refusals", [-1, 0, 3])
def test_removed_until_it_is_gone(
    left: Path, monkeypatch: pytest.MonkeyPatch, refusals: int
) -> None:
    """An engine that refuses is asked again; what is not there is gone."""
    use(left, monkeypatch, REFUSE, refusals)

    assert remove_container("docker", "it", {})
    assert int(left.read_text()) < 0


@pytest.mark.parametrize(("act", "refusals"), [(REFUSE, 10**6), (HANG, 0)])
def test_given_up_in_time(
    left: Path, monkeypatch: pytest.MonkeyPatch, act: str, refusals: int
) -> None:
    """An engine that does not remove it, or hangs, is given up, and that is told."""
    use(left, monkeypatch, act, refusals)
    begun = time.monotonic()

    assert not remove_container("docker", "it", {}, timeout_seconds=1.5)
    assert time.monotonic() - begun < 30


def test_without_an_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the program is gone, so is the container, as far as anybody can tell."""
    monkeypatch.setenv("PATH", str(tmp_path))

    assert remove_container("docker", "it", {})
