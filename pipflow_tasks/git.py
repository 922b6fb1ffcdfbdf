"""What git has of files: asked of the program, where there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .processes import ProgramError, run_program

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_QUICK_SECONDS = 10.0


def can_restore(files: Sequence[Path]) -> bool:
    """Return whether ``git checkout`` would give each file the bytes that it has now."""
    if not files:
        return False
    status = ("status", "--porcelain", "--ignored", "--untracked-files=all")
    listed = ("ls-files", "--error-unmatch")
    names = [str(file) for file in files]
    try:
        for command in (listed, status):
            done = run_program(
                ["git", "--no-optional-locks", *command, "-z", "--", *names],
                timeout_seconds=_QUICK_SECONDS,
                folder=files[0].parent,
            )
            if done.status:
                return False
    except ProgramError:
        return False
    # "XY name": X is what is staged, which a checkout brings back; Y is what is not
    return all(entry[1:2] == " " for entry in done.text.split("\0") if entry)
