"""The Pythons of this machine, for the tests that ask one what it is."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def find_python(series: str) -> str:
    """Find an interpreter that carries pip: this one, or pyenv's newest of a series."""
    if series == "here":
        return sys.executable
    if shutil.which("pyenv") is None:
        pytest.skip("no pyenv")
    root = Path(subprocess.run(["pyenv", "root"], capture_output=True, text=True).stdout.strip())
    found = sorted(root.glob(f"versions/{series}.*/bin/python"))
    if not found:
        pytest.skip(f"pyenv has no Python {series}")
    return str(found[-1])
